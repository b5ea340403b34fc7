"""A pytest plugin that asks which tests to run and writes down, as it happens, what became of them.

It is one file that needs Python 3.8 and pytest 7, and nothing of ours: `plugin_loader.py` puts it alone into a folder
on PYTHONPATH and names it with `-p`, so that a foreign suite sees no other new name. It is told by variables,
which it removes from the environment at once, so that pytest runs inside tests neither select nor record:

- SHARDLINE_JOURNAL, a file: one JSON object a line is appended for each event; `journal.py` reads them.
- SHARDLINE_START and SHARDLINE_ROUND: the start of a shard that this process belongs to, and the number of its round.
  Each line says both ("of") and its own number ("n"), so that lines of any other process never count for this one's.
- SHARDLINE_PATHS, a JSON list: what to collect where nothing is named. pytest heeds `testpaths` only in its rootdir.
- SHARDLINE_APART, a folder: several shards run this suite, so what it writes for a whole run is not theirs. Reports
  that a person's options name go there, and pytest's own cache is read and not written.
- SHARDLINE_COLLECT: end as soon as the tests are collected, so that nothing which a person's options or plugins do at
  the end of a session happens, and of what they do at its start, nothing that an option known here asks for: no report
  is written, no snapshot removed, no cache or coverage file replaced. A conftest's own pytest_sessionstart does run.
- SHARDLINE_SELECT, a JSON list of words: the command that answers "which tests next?". Without it, all run.
  On its standard input it gets the collected ids, a JSON list in collection order (after -k, -m and foreign
  plugins; an id that several tests share is there several times). On its standard output it says
  {"select": [ids], "ordered": false}: those tests run in collection order; "ordered": true means in the order
  of the answer. Tests of one id stay together. What else the answer says ("plan": the plan's id ...) goes into the
  journal as it is. An id that was not collected, a failure or any other answer stops the run with exit status 4: a
  shard that does not know its tests must not run them all.

Tests close descriptors and use their numbers again, change directory, patch time, open and json, fork, and kill the
process. So before each event the journal's descriptor is proven to be that file's, and all is done by references that
this file took when it was loaded, in the process that loaded it. The references are attributes of objects: freezegun
and pyfakefs search modules.

PYTEST_DONT_REWRITE: there is no assertion here.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from inspect import signature
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Generator,
    Iterator,
    List,
    MutableMapping,
    NamedTuple,
    Optional,
    Tuple,
)

import pytest

JOURNAL, START, ROUND = "SHARDLINE_JOURNAL", "SHARDLINE_START", "SHARDLINE_ROUND"
PATHS, SELECT = "SHARDLINE_PATHS", "SHARDLINE_SELECT"
APART, COLLECT = "SHARDLINE_APART", "SHARDLINE_COLLECT"
VARIABLES = (JOURNAL, START, ROUND, PATHS, SELECT, APART, COLLECT)
SCHEMA = 2
MESSAGE_CHARACTERS = 500
TEXT_CHARACTERS = 20000

# Options that name a report of the whole run: of pytest, pytest-html, -json-report, -reportlog, -csv, allure, more.
_REPORTS = (
    "xmlpath",
    "htmlpath",
    "json_report_file",
    "report_log",
    "csv_path",
    "allure_report_dir",
    "md_report_output",
    "mdpath",
    "excelpath",
    "nunit_xmlpath",
    "ctrf",
    "report_path",
    "resultlog",
)
# What a session does at its very start, and a collection must not: the option and the value that prevents it.
_AT_START: Dict[str, object] = {
    **dict.fromkeys(_REPORTS),
    "cacheclear": False,
    "clean_alluredir": False,
    "log_file": os.devnull,
    "basetemp": None,  # is emptied for the first temporary folder
}
_BY_CACHE = ("lf", "failedfirst", "newfirst", "stepwise")  # what finds nothing to go by in a cache that was cleared
_TOLD = ("plan", "timings", "shared", "names")  # what an answer to "which tests next?" may say beside the tests

# pytest 7.0 allows a pluggy that has only hook wrappers of the old style, and a younger one runs those at twice the
# cost. A generator of the form `try: return (yield)`, `finally: ...` is a wrapper of both styles: to the old one,
# `yield` raises nothing and what is returned is nothing.
_IS_YOUNG = "wrapper" in signature(pytest.hookimpl.__call__).parameters
if _IS_YOUNG:
    _outermost = pytest.hookimpl(wrapper=True, tryfirst=True)
else:
    _outermost = pytest.hookimpl(hookwrapper=True, tryfirst=True)
Wrapper = Generator[None, Any, Any]


class JournalWriter:
    """Appends events to the journal, whatever the tests do to this process."""

    def __init__(self, file: str, of: str) -> None:
        self._file, self._number = str(Path(file).absolute()), 0
        self._flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._unwritten = b"\n" if _ends_within_a_line(file) else b""
        self._open, self._write, self._fstat = os.open, os.write, os.fstat
        self._descriptor, self._is = -1, (0, 0)
        self._encode = json.JSONEncoder().encode
        self._of = self._encode(of)
        self._getpid, self._process = os.getpid, os.getpid()
        self.clock = time.perf_counter
        self._start = self.clock()
        self._latest = ("", '""')

    def write(self, event: str, **facts: object) -> None:
        """Append an event. A child of this process writes nothing: its parent knows how the test ended."""
        self.put(event, self.facts(**facts), at_once=True)

    def facts(self, **facts: object) -> str:
        """Encode what an event says, for `put`."""
        return f", {self._encode(facts)[1:-1]}" if facts else ""

    def quoted(self, nodeid: str) -> str:
        """Encode an id; the same one comes six times in a row."""
        if self._latest[0] != nodeid:
            self._latest = (nodeid, self._encode(nodeid))
        return self._latest[1]

    def put(self, event: str, facts: str, at_once: bool) -> None:
        """Append an event, or let it wait for the next one where that follows at once: fewer system calls a test.

        Args:
            facts: encoded, each with a comma before it.
        """
        if self._getpid() != self._process:
            return
        line = f'{{"of": {self._of}, "n": {self._number}, "event": "{event}", "at": {self.clock() - self._start:.6f}'
        self._number += 1
        self._unwritten += f"{line}{facts}}}\n".encode("ascii")
        if at_once:
            with suppress(OSError):  # no descriptor or no space left at this moment: the next event brings it
                self._flush()

    def _flush(self) -> None:
        descriptor = self._descriptor
        try:
            status = self._fstat(descriptor)
            is_ours = (status.st_ino, status.st_dev) == self._is
            if is_ours and not status.st_nlink:  # a test removed the file: what is lost with it must show
                os.close(descriptor)
                is_ours = False
        except OSError:  # a test closed it
            is_ours = False
        if not is_ours:  # what has its number now is not ours to close
            descriptor = self._descriptor = self._open(self._file, self._flags, 0o644)
            status = self._fstat(descriptor)
            self._is = (status.st_ino, status.st_dev)
        while self._unwritten:
            self._unwritten = self._unwritten[self._write(descriptor, self._unwritten) :]


def _ends_within_a_line(file: str) -> bool:
    """Tell whether an earlier round was killed while it wrote."""
    try:
        with Path(file).open("rb") as journal:
            journal.seek(-1, os.SEEK_END)
            return journal.read(1) != b"\n"
    except OSError:  # none yet, or empty
        return False


class Order(NamedTuple):
    """What this process was told to do."""

    pen: JournalWriter
    command: Optional[List[str]]
    environ: Dict[str, str]
    directory: str
    paths: List[str]
    apart: Optional[Path]
    collects_only: bool


def _take_order(environ: MutableMapping[str, str]) -> Iterator[Order]:
    """Take the order that the variables give, if they do; they and this file's folder leave no trace."""
    told = {name: environ.pop(name) for name in VARIABLES if name in environ}
    if not told:
        return
    _forget_folder(environ, str(Path(__file__).absolute().parent))
    number = int(told.get(ROUND, 0))
    pen = JournalWriter(told.get(JOURNAL, os.devnull), f"{told.get(START, '')}.{number}")
    versions = {"pytest": pytest.__version__, "python": platform.python_version()}
    pen.write("load", schema=SCHEMA, time=time.time(), pid=os.getpid(), round=number, **versions)
    command = json.loads(told[SELECT]) if SELECT in told else None
    paths = json.loads(told.get(PATHS, "[]"))
    apart = Path(told[APART]) if APART in told else None
    yield Order(pen, command, dict(environ), str(Path.cwd()), paths, apart, COLLECT in told)


def _forget_folder(environ: MutableMapping[str, str], folder: str) -> None:
    sys.path[:] = [path for path in sys.path if path != folder]
    paths = environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder in paths:
        paths.remove(folder)
        environ["PYTHONPATH"] = os.pathsep.join(paths)
    if not environ.get("PYTHONPATH"):
        environ.pop("PYTHONPATH", None)


_orders = list(_take_order(os.environ))


@_outermost
def pytest_load_initial_conftests(early_config: pytest.Config) -> Wrapper:
    """See to it, before any plugin is configured, that nothing of a whole run is written where it is not one."""
    if _orders and (_orders[0].collects_only or _orders[0].apart):
        early_config.pluginmanager.register(_Reports(_orders[0].apart, _orders[0].collects_only))
    if _orders and _orders[0].collects_only and getattr(early_config.known_args_namespace, "cov_source", None):
        early_config.known_args_namespace.cov_source = None  # pytest-cov would erase what was measured
    return (yield)


class _Reports:
    """Turns off, or moves, the reports that a person's options name."""

    def __init__(self, apart: Optional[Path], collects_only: bool) -> None:
        self._apart, self._collects_only = apart, collects_only

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the options before the plugins that heed them look."""
        options = config.option
        values = _AT_START
        if self._collects_only and getattr(options, "cacheclear", False):
            values = {**values, **dict.fromkeys(_BY_CACHE, False)}
        if self._apart and not self._collects_only:
            values = self._moved(config, self._apart)
        for name, value in values.items():
            if hasattr(options, name):
                setattr(options, name, value)

    def _moved(self, config: pytest.Config, folder: Path) -> Dict[str, object]:
        """Give each report that is named a place in the folder."""
        named = {name: getattr(config.option, name, None) for name in _REPORTS}
        named["log_file"] = getattr(config.option, "log_file", None) or _ini(config, "log_file")
        places: Dict[str, object] = {}
        for name, file in named.items():
            if isinstance(file, (str, Path)) and str(file) not in ("", os.devnull):
                place = folder / Path(file).name
                places[name] = str(folder / name / place.name if str(place) in places.values() else place)
        if places:
            folder.mkdir(parents=True, exist_ok=True)
        return places


def _ini(config: pytest.Config, name: str) -> object:
    try:
        return config.getini(name)
    except (ValueError, KeyError):  # its plugin is switched off
        return None


@_outermost
def pytest_cmdline_main(config: pytest.Config) -> Wrapper:
    """Keep the tests in this process: pytest-xdist's workers would neither select nor record."""
    words = _without_workers(config.option) if _orders else ""
    if _orders and _orders[0].paths and not config.option.file_or_dir:
        config.args[:] = _orders[0].paths
    if words:
        _orders[0].pen.write("note", text=words)
        config.pluginmanager.register(_Header(words))
    return (yield)


def _without_workers(option: Any) -> str:
    """Switch pytest-xdist's distribution off, and say so; nothing where it is not on or not there."""
    workers, how = getattr(option, "numprocesses", None), getattr(option, "dist", "no")
    if not (workers or how != "no" or getattr(option, "distload", False) or getattr(option, "tx", None)):
        return ""
    option.numprocesses, option.dist, option.distload, option.tx = 0, "no", False, []
    return f"pytest-xdist is switched off (-n {workers or 0} --dist {how}): these tests are one shard of several"


def pytest_configure(config: pytest.Config) -> None:
    """Register what does the work: late, so that it wraps foreign plugins, and for one session only."""
    if _orders:
        order = _orders.pop()
        config.pluginmanager.register(Selector(order))
        config.pluginmanager.register(Recorder(order.pen, reads_cache_only=bool(order.apart or order.collects_only)))


class _Header:
    def __init__(self, line: str) -> None:
        self._line = line

    def pytest_report_header(self) -> str:
        return self._line


class Selector:
    """Asks which of the collected tests to run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._pen = order.pen
        self._run, self._leave, self._handled = subprocess.run, os._exit, sys.exc_info()[1]
        self._errors = 0

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Name the file whose import may end the process."""
        if isinstance(collector, pytest.File):
            self._pen.write("collect", id=collector.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Name the file that cannot be collected."""
        if report.failed:
            self._errors += 1
            self._pen.write("collection error", id=report.nodeid, **_complaint(report))

    @_outermost
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

    @_outermost
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
        if self._order.command is not None:
            try:
                select, ordered, told = _understood(self._ask(ids), ids)
            except ValueError as reason:
                self._pen.write("selection error", message=str(reason))
                raise pytest.UsageError(f"no answer to which tests to run: {reason}") from None
            _keep(session, _choose(session.items, select, ordered))
        self._pen.write("selected", ids=[item.nodeid for item in session.items], **told)
        for (scope, base, name), ranges in _needs(session.items).items():
            self._pen.write("needs", scope=scope, base=base, name=name, tests=ranges)

    def _ask(self, ids: List[str]) -> bytes:
        """Run the command; return what it prints.

        Raises:
            ValueError: it cannot be started, or it failed.
        """
        command, environ, directory = self._order.command or [], self._order.environ, self._order.directory
        try:
            done = self._run(command, input=json.dumps(ids).encode(), env=environ, cwd=directory, capture_output=True)
        except OSError as error:
            raise ValueError(f"cannot start {command[0]}: {error}") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ValueError(f"{''.join(said[-1:]) or command[0]} (exit code {done.returncode})")
        return done.stdout


def _understood(answer: bytes, ids: List[str]) -> Tuple[List[str], bool, Dict[str, object]]:
    """Parse the answer: the chosen ids, whether they are in order, and what else the answer says.

    Raises:
        ValueError: the answer is none.
    """
    try:
        said = json.loads(answer)
        select, ordered = said["select"], said.get("ordered", False)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f'expected {{"select": [ids], "ordered": false}}, got {answer[:200]!r}') from None
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


def _choose(items: List[pytest.Item], select: List[str], ordered: bool) -> List[pytest.Item]:
    wanted = dict.fromkeys(select)
    if not ordered:
        return [item for item in items if item.nodeid in wanted]
    same: Dict[str, List[pytest.Item]] = {nodeid: [] for nodeid in wanted}
    for item in items:
        same.get(item.nodeid, []).append(item)
    return [item for nodeid in wanted for item in same[nodeid]]


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


def _needs(items: List[pytest.Item]) -> Dict[Shared, List[List[int]]]:
    """Tell which tests need which fixture of wider scope: ranges [first, last] of places in the list."""
    ranges: Dict[Shared, List[List[int]]] = {}
    known: Dict[int, List[Shared]] = {}  # parametrised tests have one such object in common
    for index, item in enumerate(items):
        info = getattr(item, "_fixtureinfo", None)
        if id(info) not in known:
            known[id(info)] = list(_shared_fixtures(info))
        for fixture in known[id(info)]:
            found = ranges.setdefault(fixture, [])
            if found and found[-1][1] == index - 1:
                found[-1][1] = index
            else:
                found.append([index, index])
    return ranges


def _shared_fixtures(info: Any) -> Iterator[Shared]:
    for definitions in getattr(info, "name2fixturedefs", {}).values():
        for fixture in reversed(definitions):  # an overriding fixture comes last, and may ask for the one before
            if fixture.scope != "function":
                yield fixture.scope, fixture.baseid or "", fixture.argname
            if fixture.argname not in fixture.argnames:
                break


class Recorder:
    """Writes down what happens, when it happens."""

    def __init__(self, pen: JournalWriter, reads_cache_only: bool = False) -> None:
        self._pen, self._reads_cache_only = pen, reads_cache_only
        self._of = ""
        self._seconds: Dict[str, float] = {}  # of the phases of that test

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say where the ids come from."""
        config = session.config
        cache = getattr(config, "cache", None)
        folder = str(getattr(cache, "_cachedir", ""))
        if self._reads_cache_only and cache:
            cache.set = lambda key, value: None
        maxfail = 1 if getattr(config.option, "stepwise", False) else config.getoption("maxfail") or 0
        self._pen.write("session", rootdir=str(config.rootpath), maxfail=maxfail, cache=folder)

    @_outermost
    def pytest_runtest_setup(self, item: pytest.Item) -> Wrapper:
        """Name the test that may end the process in its set-up."""
        self._seconds.clear()
        started = self._started(item.nodeid, "setup")
        try:
            return (yield)
        finally:
            self._seconds["setup"] = self._pen.clock() - started

    @_outermost
    def pytest_runtest_call(self, item: pytest.Item) -> Wrapper:
        """Name the test that may end the process."""
        started = self._started(item.nodeid, "call")
        try:
            return (yield)
        finally:
            self._seconds["call"] = self._pen.clock() - started

    @_outermost
    def pytest_runtest_teardown(self, item: pytest.Item) -> Wrapper:
        """Name the test that may end the process in its teardown."""
        started = self._started(item.nodeid, "teardown")
        try:
            return (yield)
        finally:
            self._seconds["teardown"] = self._pen.clock() - started

    def _started(self, nodeid: str, phase: str) -> float:
        self._pen.put("start", f', "id": {self._pen.quoted(nodeid)}, "phase": "{phase}"', at_once=True)
        self._of = nodeid
        return self._pen.clock()

    @_outermost
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Wrapper:
        """Write that a phase ended, or a subtest in it. Afterwards, since plugins change a report's outcome here."""
        try:
            return (yield)
        finally:
            self._write_end(report)

    def _write_end(self, report: pytest.TestReport) -> None:
        facts = f', "id": {self._pen.quoted(report.nodeid)}, "phase": "{report.when}"'
        outcome, subtest = _outcome(report), _subtest(report)
        if outcome == "passed":
            facts += ', "outcome": "passed"'
        else:
            facts += self._pen.facts(outcome=outcome, **_complaint(report))
        if subtest is not None:
            facts += self._pen.facts(subtest=subtest)
        else:  # where a plugin runs tests in forked children, only pytest's own measure comes back
            own = self._seconds if report.nodeid == self._of else {}
            facts += f', "seconds": {own.pop(str(report.when), report.duration):.6f}'
        # The next phase begins at once; after a teardown, and in a test, nothing need.
        self._pen.put("end", facts, at_once=report.when == "teardown" or subtest is not None)

    @_outermost
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Wrapper:
        """Measure what tests share. Finalizers run last in, first out: the two here enclose the fixture's own."""
        if fixturedef.scope == "function":
            return (yield)
        fixture = {"scope": fixturedef.scope, "base": fixturedef.baseid or "", "name": fixturedef.argname}
        fixture["node"] = request.node.nodeid
        end_teardown: List[Callable[[], None]] = []
        fixturedef.addfinalizer(lambda: end_teardown.pop()() if end_teardown else None)
        end_setup = self._fixture("setup", fixture)
        failed = True
        try:
            outcome = yield
            failed = not _IS_YOUNG and outcome.excinfo is not None
            return outcome
        finally:
            end_setup(failed=failed)
            fixturedef.addfinalizer(lambda: end_teardown.append(self._fixture("teardown", fixture)))

    def _fixture(self, step: str, fixture: Dict[str, str]) -> Callable[..., None]:
        """Write that a step of a fixture begins; returns the function that writes that it ended."""
        self._pen.write("fixture start", step=step, **fixture)
        return partial(self._fixture_end, self._pen.clock(), step, fixture)

    def _fixture_end(self, started: float, step: str, fixture: Dict[str, str], failed: bool = False) -> None:
        seconds = round(self._pen.clock() - started, 6)
        self._pen.write("fixture end", step=step, **fixture, seconds=seconds, failed=failed)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Say who stopped the run: a person, a test by pytest.exit, or pytest itself, as for --maxfail."""
        kinds = ((pytest.exit.Exception, "exit"), (pytest.Session.Interrupted, "stopped"))
        kind = next((kind for type_, kind in kinds if isinstance(excinfo.value, type_)), "keyboard")
        self._pen.write("interrupted", kind=kind, reason=_capped(str(excinfo.value), MESSAGE_CHARACTERS))

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Keep what went wrong in pytest or a plugin."""
        text = _capped(str(excrepr), TEXT_CHARACTERS)
        self._pen.write("internal error", message=_last_line(text), text=text)

    @_outermost
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Wrapper:
        """Say that the tests are over; what comes now may still end the process."""
        reason = str(session.shouldfail or session.shouldstop or "")
        self._pen.write("finishing", status=int(exitstatus), reason=reason)
        try:
            return (yield)
        finally:
            self._pen.write("finish", status=int(session.exitstatus))


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, report.outcome)
    return str(report.outcome)


def _subtest(report: Any) -> Optional[str]:
    """Describe a subtest (pytest 9, or pytest-subtests), None for a whole test."""
    context: Any = getattr(report, "context", None)
    if not hasattr(context, "kwargs"):
        return None
    words = [str(context.msg)] if context.msg else []
    return " ".join([*words, *(f"{name}={value}" for name, value in context.kwargs.items())])


def _complaint(report: Any) -> Dict[str, str]:
    """Say in a line why, and give pytest's own text for what failed."""
    try:
        facts = {"message": _capped(_message(report), MESSAGE_CHARACTERS)}
        if report.outcome not in ("passed", "skipped"):
            facts["text"] = _capped(str(report.longreprtext), TEXT_CHARACTERS)
        return facts
    except Exception as error:  # what a test raised, or patched, may refuse to be shown
        return {"message": f"the reason cannot be shown: {type(error).__name__}"}


def _message(report: Any) -> str:
    longrepr = report.longrepr
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if isinstance(longrepr, tuple):  # skipped: file, line, reason
        reason = str(longrepr[2])
        return reason[len("Skipped: ") :] if reason.startswith("Skipped: ") else reason
    crash = getattr(longrepr, "reprcrash", None)
    return str(crash.message) if crash else _last_line(str(longrepr or ""))


def _last_line(text: str) -> str:
    """Find the last line that says something; of a traceback's, the last that is marked as the error."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    marked = [line[1:] for line in lines if line.startswith("E ")]
    return (marked or lines)[-1].strip()


def _capped(text: str, characters: int) -> str:
    """Cut a long text to its start and end."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
