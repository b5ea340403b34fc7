"""Let pytest-cov measure into a file of this process's own, and write down what is to be made of all of them.

A shard measures: what the suite asks of the whole, its reports and --cov-fail-under, is due once, when all have run.
So pytest-cov (2.12 to 7) is told here to report and to judge nothing, and the journal says what it was asked for.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from .hook_style import Wrapper, outermost
from .journal_writer import JournalWriter
from .whole_run import without_workers

DATA_FILE = "COVERAGE_FILE"


@contextmanager
def own_data(config: pytest.Config, pen: JournalWriter, file: Path, is_part: bool) -> Iterator[None]:
    """Let pytest-cov, if it is to start while the block runs, measure into a file.

    The variable by which coverage is told of it stays only where processes that tests start find the file by it:
    suites that test coverage itself must not notice.

    Args:
        is_part: others run the rest, so that a source which is not imported here is nothing to warn of.
    """
    options = config.known_args_namespace
    if not getattr(options, "cov_source", None):
        yield
        return
    wishes = _wishes_before(options)
    options.cov_report, options.cov_fail_under = {"": None}, 0  # as `--cov-report= --cov-fail-under=0`
    without_workers(options)  # else it waits for what pytest-xdist's workers measure; see pytest_cmdline_main
    file.parent.mkdir(parents=True, exist_ok=True)
    before = os.environ.get(DATA_FILE)
    os.environ[DATA_FILE] = str(file)
    kept = False
    try:
        yield
        plugin = config.pluginmanager.getplugin("_cov")
        controller = getattr(plugin, "cov_controller", None)
        if controller is not None:
            plugin._should_report = lambda: False
            if is_part:  # as pytest-cov does in workers
                controller.cov._warn_no_data = controller.cov._warn_unimported_source = False
            settings = controller.cov.config
            kept = "multiprocessing" in (getattr(settings, "concurrency", None) or ())
            pen.write("coverage", wishes=_wishes(wishes, options, settings))
            config.pluginmanager.register(Saving(controller, pen, file))
    finally:
        if not kept:
            _set(before)


def write_wishes(config: pytest.Config, pen: JournalWriter) -> None:
    """Write down what pytest-cov is asked for where nothing is measured, since the tests are only collected."""
    options = config.known_args_namespace
    if getattr(options, "no_cov", False):
        return
    with suppress(Exception):  # a configuration that coverage cannot read is told where it measures
        settings = import_module("coverage").Coverage(config_file=options.cov_config or True).config
        pen.write("coverage", wishes=_wishes(_wishes_before(options), options, settings))


def _set(value: Any) -> None:
    os.environ.pop(DATA_FILE, None)
    if value is not None:
        os.environ[DATA_FILE] = value


def _wishes_before(options: Any) -> Dict[str, Any]:
    """Take what pytest-cov changes when it starts."""
    reports = dict(options.cov_report or {"term": None})
    return {
        "source": None if True in options.cov_source else [str(path) for path in options.cov_source],
        "reports": [] if list(reports) == [""] else [[kind, str(place or "")] for kind, place in reports.items()],
        "fail_under": getattr(options, "cov_fail_under", None),
    }


def _wishes(before: Dict[str, Any], options: Any, settings: Any) -> Dict[str, Any]:
    """Say what pytest-cov was asked for, by its options or else by coverage's own settings."""
    fail_under = before["fail_under"]
    if fail_under is None:
        fail_under = getattr(settings, "fail_under", None) or 0
    return {
        **before,
        "by": "pytest-cov",
        "config": str(options.cov_config or ""),
        "branch": bool(options.cov_branch),
        "append": bool(options.cov_append),
        "fail_under": fail_under,
        "precision": getattr(options, "cov_precision", None),
        "no_report_on_failure": bool(options.no_cov_on_fail),
        "data_file": "",
        "parallel": False,
    }


class Saving:
    """Sees to it that what was measured is saved, also where the tests end early, and says when it was."""

    def __init__(self, controller: Any, pen: JournalWriter, file: Path) -> None:
        self._finish: Callable[[], None] = controller.finish
        self._pen, self._file = pen, str(file)
        self._exists = os.path.exists
        self._begun: List[bool] = []
        controller.finish = self.finish

    def finish(self) -> None:
        """Stop measuring and save; where nothing was measured there is no file."""
        self._begun.append(True)
        self._finish()
        self._pen.write("coverage saved", file=Path(self._file).name if self._exists(self._file) else "")

    @outermost
    def pytest_sessionfinish(self) -> Wrapper:
        """Save what was measured before an interruption: pytest-cov does so after the last test only."""
        if not self._begun:
            with suppress(Exception):  # not saved: the journal does not say that it was
                self.finish()
        return (yield)
