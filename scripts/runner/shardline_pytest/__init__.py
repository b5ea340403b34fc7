"""A pytest plugin that asks which tests to run and writes down, as it happens, what became of them.

It is one package that needs Python 3.8 and pytest 7, and nothing else of ours: `plugin_loader.py` puts it alone into a
folder on PYTHONPATH and names it with `-p`, so that a foreign suite sees no other new name. It is told by variables,
which it removes from the environment at once, so that pytest runs inside tests neither select nor record:

- SHARDLINE_JOURNAL, a file: a line of JSON is appended for each event; `journal.py` reads them.
- SHARDLINE_START and SHARDLINE_ROUND: the start of a shard that this process belongs to, and the number of its round.
  Each line says both ("of") and its own number ("n"), so that lines of any other process never count for this one's.
- SHARDLINE_PATHS, a JSON list: what to collect where nothing is named. pytest heeds `testpaths` only in its rootdir.
- SHARDLINE_NAMED, a JSON list: the words of a person's that may be paths. If some are, only those are collected: which
  words are an option's value, only pytest knows.
- SHARDLINE_APART, a folder: several shards run this suite, so what it writes for a whole run is not theirs. Reports
  that a person's options name go there, and what pytest itself keeps in its cache is read and not written.
- SHARDLINE_PLACE, a name such as shard-0: others run at once, so folders for temporary files are this shard's own, and
  suites written for pytest-xdist hear which worker this is.
- SHARDLINE_COLLECT: end as soon as the tests are collected, so that nothing which a person's options or plugins do at
  the end of a session happens, and of what they do at its start, nothing that an option known here asks for: no report
  is written, no snapshot removed, no cache or coverage file replaced. A conftest's own pytest_sessionstart does run.
- SHARDLINE_MARKS, a JSON list: the names of marks whose tests stay together.
- SHARDLINE_COVERAGE, a file: pytest-cov measures into it, and reports and judges nothing; see `coverage_wishes.py`.
- SHARDLINE_ASK, a local socket, on which the runner answers "which tests next?"; see `channel.py`. Without it, all run.
  It is asked {"ids": [...], "groups": [...]}: the collected ids in collection order (after -k, -m and foreign plugins;
  an id that several tests share is there several times), and which of them the suite wants together, each group with a
  "name", a "why" and "tests", ranges [first, last] of places. "params", where there are some, lists the parameters of
  shared fixtures, see `params.py`. "loop", where it is there, names a plugin that may run
  the tests in a way of its own. It says {"select": [ids], "ordered": false}: those tests run in collection order;
  "ordered": true means in the order of the answer. Tests of one id stay together. What else the answer says ("plan":
  the plan's id ...) goes into the journal as it is. {"error": "why"}, an id that was not collected, no answer or any
  other stops the run with exit status 4: a shard that does not know its tests must not run them all.
  "by_piece": true says that only some of the selected tests are for this process, which asks for them: {"next":
  {"patience_s": 0.3, "after": ""}}, with the name of the piece that came last. {"piece": {"name", "ids"}} has more,
  {"wait": true} means not yet, {"end": ""} that no more will come, or why; see `pieces.py`.
  "fail_fast": true says that {"ended": id, "red": false} is to be told after each test; {"stop": "why"} stops the run.
- SHARDLINE_TOUCHES: note what each test touches that others may feel; see `touches.py`.
- SHARDLINE_RISES, a port: the service there comes up while the suite is collected, which is not to ask it then. If it
  does, the question has "early": true; see `early.py`.
- SHARDLINE_MEET, a JSON object: run tests at the same time as another process does; see `meeting.py`.

It brings the fixtures `service`, `service_url` and `service_requests`; see `service_fixtures.py`. They find the service
by SERVICE_URL, SERVICE_PID, SERVICE_LOG and SERVICE_NAME_URL, which stay in the environment. With a failed test, what
the service wrote meanwhile is shown; see `service_words.py`.

Tests close descriptors and use their numbers again, change directory, patch time, open and json, fork, and kill the
process. So before each event the journal's descriptor is proven to be that file's, and all is done by references that
these modules took when they were loaded, in the process that loaded them. The references are attributes of objects:
freezegun and pyfakefs search modules.

PYTEST_DONT_REWRITE: there is no assertion here.
"""

from __future__ import annotations

import copy
import os
from typing import List, Optional

import pytest

from .coverage_wishes import own_data, write_wishes
from .failure_text import reason_of
from .hook_style import Wrapper, outermost
from .meeting import Meeting
from .orders import take_order
from .pieces import SESSION
from .places import Places
from .recorder import PYTESTS_OWN, Recorder
from .selector import Selector
from .service_fixtures import ORDER, service, service_requests, service_url, yield_to_others  # noqa: F401
from .service_words import ServiceWords
from .testmon_data import OwnTestmonData
from .touches import Touches
from .whole_run import Header, NoReports, choose_paths, without_workers
from .worker import WORKER, Worker

_orders = list(take_order(os.environ))


@outermost
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: List[str]) -> Wrapper:
    """See to it, before any plugin is configured, that nothing of a whole run is written where it is not one."""
    # No conftest.py was loaded yet: an option of the suite's own may have the same name, and be what tests read.
    installed = frozenset(vars(early_config.known_args_namespace))
    if _orders and _orders[0].collects_only:
        early_config.pluginmanager.register(NoReports(installed))
        early_config.pluginmanager.register(OwnTestmonData(_orders[0].pen.folder, os.environ))
    elif _orders and _orders[0].apart:
        early_config.pluginmanager.register(Places(_orders[0].apart, _orders[0].place, installed))
        early_config.pluginmanager.register(OwnTestmonData(_orders[0].apart, os.environ))
    if _orders and _orders[0].place and WORKER in os.environ:
        worker = Worker(os.environ, _orders[0].pen)
        worker.hide(early_config)
        early_config.pluginmanager.register(worker)
    if _orders and _orders[0].collects_only and getattr(early_config.known_args_namespace, "cov_source", None):
        write_wishes(early_config, _orders[0].pen)
        early_config.known_args_namespace.cov_source = None  # pytest-cov would erase what was measured
    try:
        if _orders and _orders[0].coverage:
            with own_data(early_config, _orders[0].pen, _orders[0].coverage, is_part=bool(_orders[0].apart)):
                outcome = yield
        else:
            outcome = yield
    except Exception as error:
        _note_conftest(error)
        raise
    if getattr(outcome, "excinfo", None):  # in the old style of wrappers
        _note_conftest(outcome.excinfo[1])
    elif _orders:
        _note_usage(early_config, parser, args)
    return outcome


def _note_usage(config: pytest.Config, parser: pytest.Parser, args: List[str]) -> None:
    """Write down which argument pytest is about to refuse: as a word of addopts whose plugin is not installed."""
    try:
        parser.parse(args, namespace=copy.copy(config.option))
    except pytest.UsageError as error:
        said = [line.partition("error: ")[2] for line in str(error).splitlines()]
        _orders[0].pen.write("usage error", message="".join(said[:2]) or str(error))
    except Exception:  # of a plugin's own argument: pytest meets it, too, and says so
        return


def _note_conftest(error: BaseException) -> None:
    """Write down which conftest.py cannot be imported, and why: else only pytest's own lines would say it."""
    cause = getattr(error, "cause", None) or (getattr(error, "excinfo", None) or (None, None))[1]
    if _orders and cause is not None and getattr(error, "path", None):
        _orders[0].pen.write("conftest error", file=str(error.path), message=reason_of(cause))  # type: ignore[attr-defined]


@outermost
def pytest_cmdline_main(config: pytest.Config) -> Wrapper:
    """Keep the tests in this process: pytest-xdist's workers would neither select nor record."""
    dist = getattr(config.option, "dist", "")
    words = without_workers(config.option) if _orders else ""
    if _orders:
        choose_paths(config, _orders[0])
        _orders[0] = _orders[0]._replace(dist="load" if words and dist == "no" else str(dist))
    if words:
        _orders[0].pen.write("note", text=words)
        config.pluginmanager.register(Header(words))
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Register what does the work: late, so that it wraps foreign plugins, and for one session only."""
    if _orders:
        order = config.stash[ORDER] = _orders.pop()
        config.pluginmanager.register(Selector(order))
        spared = "" if order.collects_only else PYTESTS_OWN if order.apart else None
        config.pluginmanager.register(Recorder(order.pen, spared, order.environ.get("SERVICE_PID", "")))
        if order.environ.get("SERVICE_LOG") and not order.collects_only:
            config.pluginmanager.register(ServiceWords(order.environ["SERVICE_LOG"]))
        if order.notes_touches:
            config.pluginmanager.register(Touches(order.pen))
        if order.meeting:
            config.pluginmanager.register(Meeting(order.meeting))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Let fixtures of the suite's plugins come before ours of the same name."""
    yield_to_others(session)


def pytest_runtestloop(session: pytest.Session) -> Optional[bool]:
    """Run the tests as they are shared out, where they are; neither first, since loops of the suite's come before."""
    pieces = session.config.stash.get(SESSION, None)
    if pieces is None or session.config.option.collectonly:
        return None
    return None if session.testsfailed and not session.config.option.continue_on_collection_errors else pieces.run()
