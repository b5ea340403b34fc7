"""Tests that come piece by piece: what happens in one session is what would happen if they had been one list."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from scripts.proof.outcomes import STOPPED, Ended
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

    def _answer_to(self, question: Question) -> Answer:
        if "ids" in question:
            return {"select": question["ids"], "by_piece": True, **self._first}
        if "ended" in question:
            return {"stop": ""}
        piece = self._pieces.pop(0) if self._pieces else {"end": ""}
        return {"piece": {"name": f"p{len(self._pieces)}", "ids": piece}} if isinstance(piece, list) else piece


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
    run, _ = given(suite, [IDS[7], IDS[4]], [IDS[1]], select=IDS[1:])

    assert [IDS[4], IDS[7], IDS[1]] == ran(run)
    assert "3 passed, 1 deselected in" in run.out
    assert tuple(IDS[1:]) == run.journal[-1].offered


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


def test_a_test_that_has_its_time_is_not_charged_for_the_question(suite: Suite) -> None:
    class Slow(Giving):
        def _answer_to(self, question: Question) -> Answer:
            time.sleep(0.2 if question.get("next", {}).get("after") else 0)
            return super()._answer_to(question)

    with Slow(IDS[:1]) as runner:
        run = suite.run_by(runner.path)

    assert run.journal[-1].attempts[0].teardown_s < 0.1


BAD: Dict[str, Tuple[Any, str]] = {
    "no piece": ({"piece": []}, "expected a piece, the end or to wait, got"),
    "bytes": (b"{", "expected a JSON object"),
    "a refusal": ({"error": "no more for you"}, "no more for you"),
    "an unknown test": (["test_a.py::test_9"], "piece p0 has 'test_a.py::test_9', which cannot run here"),
    "a test that was given": (IDS[:2], "piece p0 has tests of another piece"),
}


@pytest.mark.parametrize("bad, why", BAD.values(), ids=BAD)
def test_an_answer_that_is_none_stops_the_run_and_says_why(suite: Suite, bad: Any, why: str) -> None:
    run, _ = given(suite, IDS[:1], bad)

    (attempt,) = run.journal[-1].attempts
    ended = run.journal[-1].ended
    assert (2, IDS[0], STOPPED) == (run.status, attempt.nodeid, ended.kind)
    assert ended.reason.startswith(f"no answer to which tests come next: {why}")


def test_a_runner_that_has_ended_has_no_more_tests(suite: Suite) -> None:
    class Ending(Giving):
        def _answer_to(self, question: Question) -> Answer:
            if question.get("next", {}).get("after"):
                raise EOFError
            return super()._answer_to(question)

    with Ending(IDS[:1]) as runner:
        run = suite.run_by(runner.path)

    assert (0, IDS[:1]) == (run.status, ran(run))
    notes = [event["text"] for event in suite.events() if event["event"] == "note"]
    assert ["no more tests were asked for: the runner ended before it answered"] == notes


def test_no_piece_at_all_is_no_test(suite: Suite) -> None:
    assert 5 == given(suite)[0].status


def test_an_end_with_a_reason_stops_the_run(suite: Suite) -> None:
    run, _ = given(suite, IDS[:1], {"end": "a test failed in shard 2"})

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

    run, _ = given(suite.write(conftest=loop), IDS)

    assert [] == ran(run)
    assert "say `distribution: {store: none}`" in run.journal[-1].ended.reason


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


@pytest.mark.parametrize("by_piece", [True, False])
def test_each_test_that_ended_is_told_and_the_run_stopped_by_the_answer(suite: Suite, by_piece: bool) -> None:
    class Stopping(Giving):
        def _answer_to(self, question: Question) -> Answer:
            return {"stop": "red in shard 1"} if question.get("red") else super()._answer_to(question)

    suite.write(conftest=RETRIED, test_a=FLAKY)
    names = ["test_flaky", "test_xfail", "test_skipped", "test_red", "test_more"]
    with Stopping([f"test_a.py::{name}" for name in names], by_piece=by_piece, fail_fast=True) as runner:
        run = suite.run_by(runner.path, "test_a.py")

    told = {q["ended"].split("::")[1]: q["red"] for q in runner.asked if "ended" in q}
    assert dict(zip(names, [False, False, False, True])) == told
    assert Ended(STOPPED, "red in shard 1") == run.journal[-1].ended
