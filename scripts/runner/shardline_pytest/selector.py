"""Asks which of the collected tests to run, and keeps those.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import pytest

from .channel import Gone, Unanswered
from .fail_fast import FailFast
from .failure_text import complaint
from .hook_style import Wrapper, outermost
from .orders import Order
from .params import params_of
from .pieces import SESSION, Pieces, choose, loop_of_its_own
from .wishes import groups_of, ranges

ANSWERED_IN_S = 600.0  # a plan of many tests takes its time; of a runner that has ended we hear at once
_TOLD = (
    "plan",
    "timings",
    "shared",
    "names",
    "by_piece",
    "fail_fast",
)  # what an answer to "which tests next?" may say beside the tests


class Selector:
    """Asks which of the collected tests to run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._pen = order.pen
        self._leave, self._handled = os._exit, sys.exc_info()[1]
        self._errors = 0

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Name the file whose import may end the process."""
        if isinstance(collector, pytest.File):
            self._pen.write("collect", id=collector.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Name the file that cannot be collected."""
        if report.failed:
            self._errors += 1
            self._pen.write("collection error", id=report.nodeid, **complaint(report))

    @outermost
    def pytest_collection_finish(self, session: pytest.Session) -> Wrapper:
        """Keep the chosen tests. This is the first hook after every pytest_collection_modifyitems."""
        if self._order.collects_only and sys.exc_info()[1] is not self._handled:
            return (yield)  # a path that is not there, or the error of a plugin: see below how that ends
        ids = [item.nodeid for item in session.items]
        self._pen.write("collected", count=len(ids), digest=_digest(ids), files=_digest_of_files(session))
        if not self._errors or session.config.getoption("continue_on_collection_errors"):
            self._select(session, ids)
        if self._order.collects_only:
            self._end(self._usage_error() or 0)
        return (yield)

    @outermost
    def pytest_sessionfinish(self, exitstatus: int) -> Wrapper:
        """End a collection that failed before anything is written for the end of a session."""
        if self._order.collects_only:
            self._usage_error()
            self._end(int(exitstatus))
        return (yield)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Say why a collection was stopped, which pytest does at the end of a session."""
        if self._order.collects_only:
            sys.stderr.write(f"{excinfo.typename}: {excinfo.value}\n")

    @staticmethod
    def _usage_error() -> int:
        """Say, as pytest would after these hooks, what arguments it could not use, such as the name of no test."""
        error = sys.exc_info()[1]
        if not isinstance(error, pytest.UsageError):
            return 0
        sys.stderr.write("".join(f"ERROR: {line}\n" for line in error.args))
        return int(pytest.ExitCode.USAGE_ERROR)

    def _end(self, status: int) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, or nobody listens
                stream.flush()
        self._leave(status)

    def _select(self, session: pytest.Session, ids: List[str]) -> None:
        told: Dict[str, object] = {}
        groups = groups_of(session.items, self._order.dist, self._order.marks, _order_scope(session))
        params = params_of(session.items)
        if self._order.channel is not None:
            try:
                early = {"early": True} if self._order.early and self._order.early.close() else {}
                loop = loop_of_its_own(session.config)
                more = {**({"loop": loop} if loop else {}), **({"params": params} if params else {})}
                question = {"ids": ids, "groups": groups, **early, **more}
                answer = self._order.channel.ask(question, ANSWERED_IN_S)
                select, ordered, told = understood(answer, ids)
            except (Gone, Unanswered, ValueError) as reason:
                self._pen.write("selection error", message=str(reason))
                raise pytest.UsageError(f"no answer to which tests to run: {reason}") from None
            _keep(session, choose(session.items, select, ordered))
            groups = groups_of(session.items, self._order.dist, self._order.marks, _order_scope(session))
            self._share_out(session, ordered, told)
        chosen = [item.nodeid for item in session.items]
        self._pen.write("selected", ids=chosen, **told)
        self._pen.number(chosen)
        for group in groups:
            self._pen.write("group", **group)
        for each in params if self._order.channel is None else ():
            self._pen.write("params", **each)
        for (scope, base, name), tests in needs_of(session.items).items():
            self._pen.write("needs", scope=scope, base=base, name=name, tests=tests)

    def _share_out(self, session: pytest.Session, ordered: bool, told: Mapping[str, object]) -> None:
        """Have the tests given piece by piece, or the run ended by the first that fails, where the answer says so."""
        channel, manager = self._order.channel, session.config.pluginmanager
        if channel and told.get("by_piece"):
            pieces = session.config.stash[SESSION] = Pieces(session, channel, self._pen, ordered)
            manager.register(pieces)
        if channel and told.get("fail_fast"):
            manager.register(FailFast(channel))


def _order_scope(session: pytest.Session) -> str:
    return str(getattr(session.config.option, "order_scope", ""))


def understood(said: Mapping[str, Any], ids: List[str]) -> Tuple[List[str], bool, Dict[str, object]]:
    """Read the answer: the chosen ids, whether they are in order, and what else the answer says.

    Raises:
        ValueError: it is a refusal, or no answer.
    """
    if said.get("error"):
        raise ValueError(" ".join(str(said["error"]).split()))
    if "select" not in said:
        raise ValueError(f'expected {{"select": [ids], "ordered": false}}, got {str(said)[:200]}')
    select, ordered = said["select"], said.get("ordered", False)
    if not isinstance(select, list) or not all(isinstance(nodeid, str) for nodeid in select):
        raise ValueError('"select" is no list of ids')
    if not isinstance(ordered, bool):
        raise ValueError(f'"ordered" is neither true nor false: {ordered!r}')
    unknown = sorted(set(select).difference(ids))
    if unknown:
        raise ValueError(f"{len(unknown)} of the chosen tests were not collected, such as {unknown[0]!a}")
    return (
        select,
        ordered,
        {name: said[name] for name in _TOLD if name in said},
    )


def _keep(session: pytest.Session, chosen: List[pytest.Item]) -> None:
    kept = set(map(id, chosen))
    others = [item for item in session.items if id(item) not in kept]
    session.items[:] = chosen
    if others:
        session.config.hook.pytest_deselected(items=others)


def _digest(ids: List[str]) -> str:
    """Compute the sha-256 of the sorted ids, each as JSON in ASCII and ended by a newline."""
    return hashlib.sha256("".join(f"{json.dumps(nodeid)}\n" for nodeid in sorted(ids)).encode("ascii")).hexdigest()


def _digest_of_files(session: pytest.Session) -> str:
    """Compute the sha-256 over the files of the collected tests and their conftest.py: the state of the tests."""
    plugins = session.config.pluginmanager.get_plugins()
    files = {str(path) for path in {item.path for item in session.items}}
    files.update(name for name in (str(getattr(plugin, "__file__", "")) for plugin in plugins) if _is_conftest(name))
    digest = hashlib.sha256()
    for name, file in sorted((os.path.relpath(file, str(session.config.rootpath)), file) for file in files):
        with suppress(OSError):  # an item of a plugin may have no file
            content = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            digest.update(f"{json.dumps(name)} {content}\n".encode("ascii"))
    return digest.hexdigest()


def _is_conftest(file: str) -> bool:
    return Path(file).name == "conftest.py"


Shared = Tuple[str, str, str]


def needs_of(items: List[pytest.Item]) -> Dict[Shared, List[List[int]]]:
    """Tell which tests need which fixture of wider scope: ranges [first, last] of places in the list."""
    places: Dict[Shared, List[int]] = {}
    known: Dict[int, List[Shared]] = {}  # parametrised tests have one such object in common
    for index, item in enumerate(items):
        info = getattr(item, "_fixtureinfo", None)
        if id(info) not in known:
            known[id(info)] = list(_shared_fixtures(info))
        for fixture in known[id(info)]:
            places.setdefault(fixture, []).append(index)
    return {fixture: ranges(found) for fixture, found in places.items()}


def _shared_fixtures(info: Any) -> Iterator[Shared]:
    for definitions in getattr(info, "name2fixturedefs", {}).values():
        for fixture in reversed(definitions):  # an overriding fixture comes last, and may ask for the one before
            if fixture.scope != "function":
                yield fixture.scope, fixture.baseid or "", fixture.argname
            if fixture.argname not in fixture.argnames:
                break
