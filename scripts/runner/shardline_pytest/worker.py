"""Who this shard is for suites that were written for pytest-xdist: a worker of that number, with a run of its own.

Such suites choose ports, databases and log files by PYTEST_XDIST_WORKER, the fixture `worker_id`, or, while tests run,
`config.workerinput`, which plugins look for at the start and end of a session only. What they share
between workers they keep by `testrun_uid`, or beside the folder of temporary files: that stays the shard's own, since
the other shards may run on other machines, or may have ended and taken down what they had set up.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import inspect
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, MutableMapping

import pytest

from .hook_style import Wrapper, innermost
from .journal_writer import JournalWriter

WORKER, COUNT, RUN = "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"
# At the start and end of a session, some plugins leave work to a controller where they see a worker: syrupy keeps
# unused snapshots, pytest-benchmark measures nothing, inline-snapshot changes nothing. Here is no controller.
_HOOKS = frozenset(
    f"pytest_{name}" for name in ("configure", "sessionstart", "sessionfinish", "terminal_summary", "unconfigure")
)
_ASKS = (WORKER.encode(), b"worker_id", b"xdist_worker", b"workerinput")  # how a suite asks whether it is one
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Worker:
    """Tells a suite which worker it is, as pytest-xdist does, and other plugins that it is none."""

    def __init__(self, environ: MutableMapping[str, str], pen: JournalWriter) -> None:
        self.name, self.run = environ.get(WORKER, ""), environ.get(RUN, "")
        self._environ, self._pen = environ, pen
        self._conftests: List[Path] = []
        self._root = Path()
        self._skipping: Dict[Path, bool] = {}

    def hide(self, config: pytest.Config) -> None:
        """Let installed plugins that are there already not see a worker at the start and end of the session.

        A conftest.py that is imported after this gets the name of the worker from pytest-xdist's own function.
        """
        self._name_worker()
        for plugin in config.pluginmanager.get_plugins():
            if _is_installed(plugin):
                for hook in config.pluginmanager.get_hookcallers(plugin) or ():
                    self._hide_from(plugin, hook)

    def _name_worker(self) -> None:
        for module in filter(None, map(sys.modules.get, ("xdist", "xdist.plugin"))):
            vars(module)["get_xdist_worker_id"] = self._worker_id

    def _worker_id(self, request_or_session: object) -> str:
        """Give the name of this worker; to plugins from which it is hidden, what pytest-xdist calls no worker."""
        return self._environ.get(WORKER, "master")

    def _hide_from(self, plugin: object, hook: Any) -> None:
        for implementation in hook.get_hookimpls() if hook.name in _HOOKS else ():
            function = implementation.function
            is_wrapper = inspect.isgeneratorfunction(function)
            if implementation.plugin is plugin and not is_wrapper and function.__module__ != __name__:
                implementation.function = without_variables(function, self._environ)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Do the same for plugins that were added since, and give what pytest-xdist gives, where it is installed."""
        config = session.config
        self._root = config.rootpath
        self.hide(config)
        if not config.pluginmanager.hasplugin("xdist"):
            return
        factory: Any = getattr(config, "_tmp_path_factory", None)
        if factory and hasattr(factory, "_basetemp"):
            factory.getbasetemp = lambda base=factory.getbasetemp: _deeper(factory, base, f"popen-{self.name}")
        config.pluginmanager.register(Fixtures(self.name, self.run))

    @innermost
    def pytest_runtestloop(self, session: pytest.Session) -> Wrapper:
        """Give what a worker has as its input while tests run, unless the suite has its controller add to that."""
        config: Any = session.config
        if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput") or _has_controller(config):
            return (yield)
        count = int(self._environ.get(COUNT, 1))
        config.workerinput = {"workerid": self.name, "workercount": count, "testrunuid": self.run, "mainargv": sys.argv}
        try:
            return (yield)
        finally:
            vars(config).pop("workerinput", None)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which conftest.py files there are."""
        files = [str(getattr(plugin, "__file__", "")) for plugin in session.config.pluginmanager.get_plugins()]
        self._conftests = [Path(file) for file in files if Path(file).name == "conftest.py"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that may be skipped since it sees a worker: in plain pytest it would run, so it runs again."""
        is_skipped = report.outcome == "skipped" and not hasattr(report, "wasxfail")
        files = [self._root / report.nodeid.split("::")[0], *self._conftests]
        if is_skipped and any(map(self._may_skip, files)):
            self._pen.write("skipped as worker", id=report.nodeid)

    def _may_skip(self, file: Path) -> bool:
        """Tell whether a file asks for the worker, and skips something."""
        if file not in self._skipping:
            self._skipping[file] = False
            with suppress(OSError, ValueError):  # an item of a plugin may have no file
                text = file.read_bytes()
                self._skipping[file] = b"skip" in text and any(word in text for word in _ASKS)
        return self._skipping[file]


class Fixtures:
    """The fixtures of pytest-xdist."""

    def __init__(self, worker: str, run: str) -> None:
        self._worker, self._run = worker, run

    @pytest.fixture(scope="session")
    def worker_id(self) -> str:
        """Give the name of this worker, such as gw0: the shard's index."""
        return self._worker

    @pytest.fixture(scope="session")
    def testrun_uid(self) -> str:
        """Give a name that no other run of tests has, those of the other shards included."""
        return self._run


def without_variables(function: Callable[..., Any], environ: MutableMapping[str, str]) -> Callable[..., Any]:
    """Wrap a function: while it runs, the variables of pytest-xdist are not there."""

    def wrapped(*arguments: Any) -> Any:
        held = {name: environ.pop(name) for name in (WORKER, COUNT, RUN) if name in environ}
        try:
            return function(*arguments)
        finally:
            environ.update({name: value for name, value in held.items() if name not in environ})

    return wrapped


def _has_controller(config: pytest.Config) -> bool:
    """Tell whether the suite itself gives workers something, which here nobody does."""
    hook = getattr(config.hook, "pytest_configure_node", None)
    return hook is not None and any(not _is_installed(one.plugin) for one in hook.get_hookimpls())


def _is_installed(plugin: object) -> bool:
    module = plugin if inspect.ismodule(plugin) else sys.modules.get(type(plugin).__module__)
    file, name = str(getattr(module, "__file__", "")), str(getattr(module, "__name__", ""))
    return name.split(".")[0] not in ("_pytest", "pytest") and any(part in file for part in _INSTALLED)


def _deeper(factory: Any, base: Callable[[], Path], name: str) -> Path:
    """Make the folder of temporary files one level further down, so that what lies above it is this shard's too."""
    if factory._basetemp is None:
        own = base() / name
        own.mkdir(mode=0o700, exist_ok=True)
        factory._basetemp = own
    return Path(factory._basetemp)
