"""Tests that come piece by piece: what happens in one session is what would happen if they had been one list."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import pytest

from scripts.proof.outcomes import STOPPED, Ended
from scripts.runner.shardline_pytest.pieces import Alarm, piece_in
from tests.unit.runner.answering import Answer, Question, Runner
from tests.unit.runner.test_shardline_pytest import Run, Suite, ran

WAIT: Answer = {"wait": True}


class Giving(Runner):
    """Gives pieces in turn, then says that this is the end; what is no list of ids is the answer itself.

    Args:
        pieces: each a list of names of tests, such as "test_a.py::test_1".
    """

    def __init__(self, *pieces: Any, **first: object) -> None:
        super().__init__(self._answer_to)
        self._pieces, self._first = list(pieces), first
        self._latest: Dict[str, Any] = {}

    def _answer_to(self, question: Question) -> Answer:
        if "ids" in question:
            return {"select": question["ids"], "by_piece": True, **self._first}
        if "ended" in question:
            return {"stop": ""}
        if self._latest.get("name", "") == question["next"]["after"]:  # else the answer was lost
            piece = self._pieces.pop(0) if self._pieces else {"end": ""}
            if not isinstance(piece, list):
                return piece
            self._latest = {"name": f"p{len(self._pieces)}", "ids": piece}
        return {"piece": self._latest}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path).write(conftest=LOGGING, test_a=FILE, test_b=FILE)


LOGGING = """
    import pytest

    def logged(scope):
        @pytest.fixture(scope=scope, name=scope[0])
        def fixture():
            log(f"+{scope}")
            yield
            log(f"-{scope}")
        return fixture

    def log(line):
        with open("log", "a") as file:
            print(line, file=file)

    s, m, c = logged("session"), logged("module"), logged("class")

    def pytest_runtest_logreport(report):
        if report.when == "call" or report.failed:
            log(f"{report.nodeid.split('_')[-1]} {report.outcome}")
"""
FILE = """
    def test_1(s, m): pass
    class Test:
        def test_2(self, c, m): pass
        def test_3(self, c): assert 0
    def test_4(m): pass
"""
IDS = [f"test_{file}.py::{name}" for file in "ab" for name in ("test_1", "Test::test_2", "Test::test_3", "test_4")]


def log(suite: Suite) -> List[str]:
    file = suite.folder / "log"
    lines = file.read_text().splitlines()
    file.unlink()
    return lines


def given(suite: Suite, *pieces: Any, words: Sequence[str] = (), **first: object) -> Tuple[Run, Giving]:
    with Giving(*pieces, **first) as runner:
        return suite.run_by(runner.path, *words), runner


def test_fixtures_live_from_piece_to_piece_as_in_one_list(suite: Suite) -> None:
    one = suite.run()
    expected = log(suite)

    run, _ = given(suite, IDS[:1], IDS[1:2], IDS[2:5], IDS[5:])

    assert expected == log(suite)
    assert (1, one.status, IDS) == (run.status, one.status, ran(run))
    assert "2 failed, 6 passed in" in run.out
    pieces = [event["ids"] for event in suite.events() if event["event"] == "piece"]
    assert [IDS[:1], IDS[1:2], IDS[2:5], IDS[5:]] == pieces


def test_what_other_shards_took_is_not_run_and_a_piece_runs_in_collection_order(suite: Suite) -> None:
    run, _ = given(suite, [IDS[7], IDS[4]], [IDS[1]], words=["-v"], select=IDS[1:])

    assert [IDS[4], IDS[7], IDS[1]] == ran(run)
    assert "3 passed, 1 deselected in" in run.out
    assert "these are shared out while they run: this shard gets some of them" in run.out
    assert tuple(IDS[1:]) == run.journal[-1].offered


def test_a_test_that_a_hook_listed_twice_is_set_up_twice_though_nothing_comes_between(suite: Suite) -> None:
    hook = "def pytest_collection_modifyitems(items): items.append(items[0])"
    suite.write(conftest=hook, test_a="def test_1(tmp_path): assert tmp_path.exists()", test_b="")

    run, _ = given(suite, ["test_a.py::test_1"], select=["test_a.py::test_1"])

    assert (0, ["test_a.py::test_1"] * 2) == (run.status, ran(run)), run.out


def test_the_next_piece_is_asked_for_when_the_last_test_of_one_has_run(suite: Suite) -> None:
    suite.write(
        conftest="""
            import os, time

            def pytest_runtest_call(item):
                open("called", "a").write(".")
        """,
        test_a="def test_1(): pass\ndef test_2(): pass",
    )
    called = suite.folder / "called"
    counts = []

    class Counting(Giving):
        def _answer_to(self, question: Question) -> Answer:
            counts.append(called.stat().st_size if called.exists() else 0)
            return super()._answer_to(question)

    with Counting(["test_a.py::test_1"], ["test_a.py::test_2"]) as runner:
        suite.run_by(runner.path, "test_a.py")

    assert [0, 0, 1, 2] == counts
    assert ["", "p1", "p0"] == [question["next"]["after"] for question in runner.asked[1:]]


def test_while_no_piece_is_free_session_fixtures_stay_and_those_of_modules_end(suite: Suite) -> None:
    run, _ = given(suite, WAIT, IDS[:1], WAIT, WAIT, IDS[3:4])

    assert [IDS[0], IDS[3]] == ran(run)
    assert ["+session", "+module", "1 passed", "-module", "+module", "4 passed", "-module", "-session"] == log(suite)


LOOKS_AT_NEXT = """
    def pytest_runtest_teardown(item, nextitem):
        if nextitem is None or nextitem.module.__name__ != item.module.__name__:
            open("log", "a").write(f"last before another file: {item.name}\\n")
        assert nextitem is None or (nextitem.function.__name__, list(nextitem.fixturenames))
"""


def test_hooks_of_the_suite_may_look_into_the_next_test_also_where_it_is_not_known_or_none(suite: Suite) -> None:
    suite.write(conftest=LOOKS_AT_NEXT, test_a="def test_1(): pass\ndef test_2(): pass")

    run, _ = given(suite, ["test_a.py::test_1"], WAIT, ["test_a.py::test_2"], words=["test_a.py"])

    assert (0, ["last before another file: test_1", "last before another file: test_2"]) == (run.status, log(suite))


BAD_END = """
    import pytest

    @pytest.fixture(scope="session", autouse=True)
    def ends_badly():
        yield
        raise RuntimeError("after all")
    def test_1(): pass
    def test_2(): pass
"""


def test_an_error_after_the_last_test_is_that_tests_also_where_nobody_knew_that_it_was_the_last(suite: Suite) -> None:
    for pieces in (["test_a.py::test_1"],), (["test_a.py::test_1"], WAIT):
        run, _ = given(suite.write(test_a=BAD_END), *pieces, words=["test_a.py"])

        (attempt,) = run.journal[-1].attempts
        assert (1, "error", "RuntimeError: after all") == (run.status, attempt.outcome, attempt.message)
        assert "1 passed, 1 error in" in run.out


BAD: Dict[str, Tuple[Any, str]] = {
    "nothing": ({}, "expected a piece, the end or to wait, got {}"),
    "no piece": ({"piece": []}, "expected a piece, the end or to wait, got"),
    "no ids": ({"piece": {"name": "p", "ids": "a"}}, "expected a piece, the end or to wait, got"),
    "a refusal": ({"error": "no more for you"}, "no more for you"),
    "an unknown test": ({"piece": {"name": "p", "ids": ["a", "c"]}}, "piece p has 'c', which is not here"),
    "a test that was given": ({"piece": {"name": "p", "ids": ["a", "b"]}}, "piece p has 'b', which was given"),
}


@pytest.mark.parametrize("said, why", BAD.values(), ids=BAD)
def test_what_is_no_piece_is_refused(said: Mapping[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        piece_in(said, {"a", "b"}, {"b"})


def test_an_answer_that_is_none_stops_the_run_and_says_why(suite: Suite) -> None:
    run, _ = given(suite, IDS[:1], IDS[:2])

    ended = run.journal[-1].ended
    assert (2, IDS[:1], STOPPED) == (run.status, ran(run), ended.kind)
    assert f"no answer to which tests come next: piece p0 has '{IDS[0]}', which was given" == ended.reason


def test_a_runner_that_has_ended_has_no_more_tests_and_no_test_is_charged_for_asking(suite: Suite) -> None:
    class Ending(Giving):
        def _answer_to(self, question: Question) -> Answer:
            if question.get("next", {}).get("after"):
                time.sleep(0.2)
                raise EOFError
            return super()._answer_to(question)

    with Ending(IDS[:1]) as runner:
        run = suite.run_by(runner.path)

    (attempt,) = run.journal[-1].attempts
    assert (0, IDS[0]) == (run.status, attempt.nodeid) and attempt.teardown_s < 0.15
    notes = [event["text"] for event in suite.events() if event["event"] == "note"]
    assert ["no more tests were asked for: the runner ended before it answered"] == notes


def test_a_test_whose_time_is_up_while_the_next_is_asked_for_says_so_and_its_fixtures_end(suite: Suite) -> None:
    class Slow(Giving):
        def _answer_to(self, question: Question) -> Answer:
            if question.get("next", {}).get("after") == "p1" and len(self.asked) == 3:
                os.kill(suite.events()[0]["pid"], signal.SIGALRM)
                time.sleep(0.3)
            return super()._answer_to(question)

    test = """
        import pytest, signal

        def test_1(m):
            signal.signal(signal.SIGALRM, lambda *_: pytest.fail("time is up"))
        def test_2(m): pass
    """
    with Slow(["test_a.py::test_1"], ["test_a.py::test_2"]) as runner:
        run = suite.write(test_a=test).run_by(runner.path, "test_a.py")

    first, second = run.journal[-1].attempts
    assert ("error", "Failed: time is up", "passed") == (first.outcome, first.message, second.outcome)
    assert ["+module", "1 passed", "-module", "1 failed", "+module", "2 passed", "-module"] == log(suite)


def test_asking_takes_nothing_of_the_time_that_a_test_has() -> None:
    signal.setitimer(signal.ITIMER_REAL, 60.0)
    try:
        with Alarm().held_back():
            meanwhile = signal.getitimer(signal.ITIMER_REAL)
    finally:
        afterwards = signal.setitimer(signal.ITIMER_REAL, 0.0)

    assert (0.0, True) == (meanwhile[0], 0.0 < afterwards[0] <= 60.0)


def test_no_piece_at_all_is_no_test(suite: Suite) -> None:
    assert 5 == given(suite)[0].status


def test_an_end_with_a_reason_stops_the_run(suite: Suite) -> None:
    run, _ = given(suite, {"end": "a test failed in shard 2"})

    assert Ended(STOPPED, "a test failed in shard 2") == run.journal[-1].ended


def test_who_has_to_stop_asks_for_no_more(suite: Suite) -> None:
    run, runner = given(suite, IDS[2:3], IDS[3:], words=["-x"])

    assert (1, IDS[2:3]) == (run.status, ran(run))
    assert Ended(STOPPED, "stopping after 1 failures") == run.journal[-1].ended
    assert 2 + (pytest.version_tuple < (8,)) >= len(runner.asked)


def test_a_loop_of_the_suites_own_runs_no_test_that_others_run(suite: Suite) -> None:
    loop = """
        def pytest_runtestloop(session):
            for item in session.items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            return True
    """

    run, runner = given(suite.write(conftest=loop), IDS)

    assert [] == ran(run)
    assert "say `distribution: {store: none}`" in run.journal[-1].ended.reason
    assert "conftest" == runner.asked[0]["loop"]


def test_a_hook_that_only_looks_before_the_tests_run_is_no_loop(suite: Suite) -> None:
    look = """
        def pytest_runtestloop(session):
            if not session.items:
                raise ValueError
    """

    run, runner = given(suite.write(conftest=look), IDS)

    assert (IDS, False) == (ran(run), "loop" in runner.asked[0])


HOSTILE = """
    import importlib, json, os, signal, shutil, socket, time

    def test_1():
        os.closerange(3, 256)
    def test_2(tmp_path):
        folder = tmp_path / "gone"
        folder.mkdir()
        os.chdir(str(folder))
        shutil.rmtree(str(folder))
    def test_3():
        os.environ.clear()
        os.environ["PYTEST_CURRENT_TEST"] = ""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    def test_4():
        socket.setdefaulttimeout(0.0001)
        socket.socket = time.monotonic = time.sleep = json.loads = json.dumps = None
    def test_5():
        os.fork()  # the child returns, too
    def test_6(): pass
"""


def test_tests_that_do_what_tests_do_are_asked_for_all_the_same(suite: Suite) -> None:
    ids = [f"test_a.py::test_{number}" for number in range(1, 7)]

    run, runner = given(suite.write(conftest="", test_a=HOSTILE), *([each] for each in ids), words=["-s", "test_a.py"])

    assert ids == ran(run)
    assert 8 == len(runner.asked)


RETRIED = """
    import pytest

    def pytest_runtest_protocol(item, nextitem):
        from _pytest.runner import runtestprotocol
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for last in (False, True):
            for report in runtestprotocol(item, nextitem=nextitem, log=False):
                report.outcome = "rerun" if report.failed and not last else report.outcome
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
"""
FLAKY = """
    import pytest

    tries = []
    def test_flaky():
        tries.append(1)
        assert len(tries) == 2
    @pytest.mark.xfail
    def test_xfail(): assert 0
    def test_skipped(): pytest.skip()
    def test_red(): assert 0
    def test_more(): pass
"""


def test_each_test_that_ended_is_told_and_the_run_stopped_by_the_answer(suite: Suite) -> None:
    class Stopping(Giving):
        def _answer_to(self, question: Question) -> Answer:
            return {"stop": "red in shard 1"} if question.get("red") else super()._answer_to(question)

    suite.write(conftest=RETRIED, test_a=FLAKY)
    names = ["test_flaky", "test_xfail", "test_skipped", "test_red", "test_more"]
    with Stopping([f"test_a.py::{name}" for name in names], by_piece=False, fail_fast=True) as runner:
        run = suite.run_by(runner.path, "test_a.py")

    told = {q["ended"].split("::")[1]: q["red"] for q in runner.asked if "ended" in q}
    assert dict(zip(names, [False, False, False, True])) == told
    assert Ended(STOPPED, "red in shard 1") == run.journal[-1].ended


MODELS = """
    import pytest

    @pytest.fixture(scope="session", params=["base", "large"])
    def model(request): pass
    @pytest.fixture(scope="module", params=[{}, {}])
    def server(request): pass
    @pytest.fixture(params=[1, 2])
    def own(request): pass
    def test_plain(): pass
    @pytest.mark.parametrize("x", [1])
    def test_own(own, x): pass
    def test_both(server, model): pass
    def test_wide(model): pass
"""


def test_the_runner_hears_which_parameters_of_shared_fixtures_tests_have(suite: Suite) -> None:
    _, runner = given(suite.write(test_a=MODELS), words=["test_a.py"])

    ids = [nodeid.partition("::")[2] for nodeid in runner.asked[0]["ids"]]
    told = {
        ids[place]: (*params["wide"], "/", *params["narrow"])
        for params in runner.asked[0]["params"]
        for first, last in params["tests"]
        for place in range(first, last + 1)
    }
    both = {
        f"test_both[{m}-server{n}]": (f"model[{m}]", "/", f"server[{n}]") for m in ("base", "large") for n in (0, 1)
    }
    assert {**both, "test_wide[base]": ("model[base]", "/"), "test_wide[large]": ("model[large]", "/")} == told
