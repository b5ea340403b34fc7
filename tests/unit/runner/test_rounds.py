"""Rounds of a shard: real pytest processes in suites that go wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Dict, List

import psutil
import pytest

from scripts.ci import Node
from scripts.distribution.folder import FolderStore
from scripts.errors import SuiteError
from scripts.proof import junit, outcomes, receipt
from scripts.proof.outcomes import Ended, Round
from scripts.proof.receipt import ExtraError
from scripts.runner import plugin_loader, pytest_process, rounds, selection
from scripts.runner.claims import Claims
from scripts.runner.decisions import Exit, FinishedRound, Outcome
from scripts.runner.service_session import ServiceSession
from scripts.settings import Settings, Suite
from scripts.system import records
from tests.unit.runner.shards import Shard

ROOT = Path(__file__).parents[3]
KILLED = -signal.SIGKILL


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return Shard(tmp_path)


def short(outcome: Outcome) -> Dict[str, str]:
    """Outcomes by the names of the tests."""
    return {test.nodeid.split("::", 1)[1]: test.outcome for test in outcome.tests}


def why(outcome: Outcome, name: str) -> str:
    return next(test.why for test in outcome.tests if test.nodeid.endswith(f"::{name}"))


DEADLY = """
    import ctypes, os, signal, time
    def test_before(): pass
    def test_deadly():
        {deed}
    def test_after(): pass
"""


@pytest.mark.parametrize(
    "deed, message",
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended the process with signal SIGKILL (9) in its call"),
        ("os._exit(0)", "ended the process with exit code 0 in its call"),
        ("ctypes.string_at(0)", "ended the process with signal SIGSEGV (11) in its call"),
    ],
)
def test_a_test_that_ends_the_process_fails_by_name_and_the_others_run(shard: Shard, deed: str, message: str) -> None:
    outcome = shard.write(test_it=DEADLY.format(deed=deed)).run()

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "passed"} == short(outcome)
    assert ("finished", message, (), 2) == (
        outcome.ended,
        why(outcome, "test_deadly"),
        outcome.errors,
        len(outcome.rounds),
    )
    results = junit.read(shard.folder / "junit.xml") or []
    assert {"failed": 1, "passed": 2} == Counter(result.outcome for result in results)
    assert f"round 0: tests/test_it.py::test_deadly: {message}\nround 1: 1 test to run" in "".join(shard.said)


def test_a_hang_is_a_failed_test_and_its_stacks_are_shown(shard: Shard, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = shard.write(test_it=DEADLY.format(deed="time.sleep(60)")).run(timeout_s=2)

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "passed"} == short(outcome)
    assert re.fullmatch(r"hung for .+ in its call", why(outcome, "test_deadly"))
    assert "in test_deadly" in capfd.readouterr().err


def test_a_hang_that_ignores_sigabrt_is_killed(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_process, "STACKS_IN_S", 0.2)
    monkeypatch.setattr(pytest_process, "LEFTOVERS_END_IN_S", 0.2)
    deaf = "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGABRT, signal.SIGTERM)]; time.sleep(60)"

    outcome = shard.write(test_it=DEADLY.format(deed=deaf)).run(timeout_s=1)

    assert (KILLED, "failed") == (outcome.history[0].exit.returncode, short(outcome)["test_deadly"])


def test_pytest_exit_in_a_test_fails_it_and_the_rest_runs(shard: Shard) -> None:
    outcome = shard.write(test_it=DEADLY.format(deed="import pytest; pytest.exit('enough', 0)")).run()

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "passed"} == short(outcome)
    assert ("finished", "called pytest.exit (enough) in its call") == (outcome.ended, why(outcome, "test_deadly"))


def test_a_fixture_that_kills_twice_makes_errors_of_the_tests_that_need_it(shard: Shard) -> None:
    suite = """
        import os, pytest
        @pytest.fixture(scope="session")
        def db(): os._exit(7)
        def test_a(db): pass
        def test_free(): pass
        def test_b(db): pass
        def test_c(db): pass
    """
    outcome = shard.write(test_it=suite).run()

    assert {"test_a": "error", "test_free": "passed", "test_b": "error", "test_c": "error"} == short(outcome)
    assert "the session fixture db (tests/test_it.py) ended the process with exit code 7" == why(outcome, "test_c")
    assert ("finished", 2) == (outcome.ended, len(outcome.rounds))


def test_a_fixture_that_hangs_in_its_setup_is_named(shard: Shard) -> None:
    suite = """
        import pytest, time
        @pytest.fixture(scope="module")
        def db(): time.sleep(60)
        def test_a(db): pass
    """
    outcome = shard.write(test_it=suite).run(timeout_s=1)

    assert {"test_a": "error"} == short(outcome)
    assert why(outcome, "test_a").startswith("the module fixture db (tests/test_it.py) hung for ")


def test_a_fixture_that_kills_in_its_teardown_is_an_error_of_the_last_test(shard: Shard) -> None:
    suite = """
        import os, pytest
        @pytest.fixture(scope="session")
        def db():
            yield
            os._exit(0)
        def test_a(db): pass
        def test_b(db): pass
    """
    outcome = shard.write(test_it=suite).run()

    assert ("finished", {"test_a": "passed", "test_b": "error"}) == (outcome.ended, short(outcome))


def test_what_can_be_collected_runs_where_a_person_wants_it_so(shard: Shard) -> None:
    suite = shard.write(test_it=DEADLY.format(deed="os._exit(0)"), test_bad="import nowhere")

    outcome = suite.run("--continue-on-collection-errors")

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "passed"} == short(outcome)
    assert ["tests/test_bad.py"] == [error.name for error in outcome.errors]


def test_x_stops_at_the_first_failure_with_the_rest_not_run(shard: Shard) -> None:
    outcome = shard.write(test_it=DEADLY.format(deed="assert False")).run("-x")

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "not-run"} == short(outcome)
    assert ("stopped", 1) == (outcome.ended, len(outcome.rounds))


@pytest.mark.parametrize("words, ini", [(["-x"], ""), ([], "addopts = --maxfail=1")], ids=["said", "in the ini file"])
def test_x_stops_at_a_death_too(shard: Shard, words: List[str], ini: str) -> None:
    (shard.project / "pytest.ini").write_text(f"[pytest]\n{ini}\n")

    outcome = shard.write(test_it=DEADLY.format(deed="os._exit(0)")).run(*words)

    assert ("stopped", "not-run") == (outcome.ended, short(outcome)["test_after"])


def test_a_file_that_cannot_be_collected_is_named_once(shard: Shard) -> None:
    outcome = shard.write(test_it="def test_a(): pass", test_bad="import nowhere").run()

    message = "ModuleNotFoundError: No module named 'nowhere'"
    assert (("finished", (), 1)) == (outcome.ended, outcome.tests, len(outcome.rounds))
    assert (ExtraError("tests/test_bad.py", message),) == outcome.errors


def test_a_death_in_collection_is_named_once(shard: Shard) -> None:
    outcome = shard.write(test_bad="import os; os._exit(3)").run()

    message = "something ended the process with exit code 3: the last file begun was tests/test_bad.py"
    assert (ExtraError("collection", message),) == outcome.errors
    assert 1 == len(outcome.rounds)


def test_a_death_after_the_last_report_belongs_to_no_test(shard: Shard) -> None:
    conftest = "import os\ndef pytest_sessionfinish(): os._exit(0)"

    outcome = shard.write(test_it="def test_a(): pass", conftest=conftest).run()

    assert ("finished", {"test_a": "passed"}) == (outcome.ended, short(outcome))
    assert (ExtraError("after the last test", "something ended the process with exit code 0"),) == outcome.errors


def test_five_deaths_in_a_row_are_enough(shard: Shard) -> None:
    suite = """
        import os, pytest
        @pytest.mark.parametrize("n", range(7))
        def test_it(n): os._exit(1)
    """
    outcome = shard.write(test_it=suite).run()

    assert ("gave up", 5) == (outcome.ended, len(outcome.rounds))
    assert ["failed"] * 5 + ["not-run"] * 2 == list(short(outcome).values())


def test_tests_that_skip_without_a_service_are_not_green_where_it_does_not_answer_at_their_end(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceSession, "closing", lambda session: "the service answers no more: refused\nlog")

    outcome = shard.write(test_it="import pytest\ndef test_a(): pytest.skip('no service')\n").run()

    error = ExtraError(receipt.SERVICE, "the service answers no more: refused: after the last test")
    assert ("finished", (error,)) == (outcome.ended, outcome.errors)


def test_who_does_not_wait_for_that_answer_has_no_green_shard(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(session: ServiceSession) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceSession, "closing", interrupted)
    outcome = shard.write(test_it="def test_a(): pass\n").run()

    assert ("interrupted", [receipt.SERVICE]) == (outcome.ended, [error.name for error in outcome.errors])


def test_no_selected_test_is_a_success(shard: Shard) -> None:
    outcome = shard.write(test_it="def test_a(): pass").run("-k", "nothing")

    assert ("finished", (), (), 5) == (outcome.ended, outcome.tests, outcome.errors, outcome.rounds[0].status)


def test_a_shard_runs_what_was_selected_and_says_what_all_collected(shard: Shard) -> None:
    suite = shard.write(test_it="def test_a(): pass\ndef test_b(): pass")

    outcome = suite.run(ids=["tests/test_it.py::test_b"])

    ids = [f"tests/test_it.py::test_{letter}" for letter in "ab"]
    assert {"test_b": "passed"} == short(outcome)
    assert (2, receipt.digest(ids)) == (outcome.collected_count, outcome.collected_digest)
    assert {"count": 2, "digest": receipt.digest(ids)} == {
        name: outcome.answer["shared"][name] for name in ("count", "digest")
    }


def test_a_selection_that_fails_is_an_error(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(selection, "answer")

    outcome = shard.write(test_it="def test_a(): pass").run()

    assert [("selection", True)] == [(error.name, "AttributeError: " in error.message) for error in outcome.errors]


def test_an_argument_that_pytest_refuses_is_an_error(shard: Shard) -> None:
    outcome = shard.write(test_it="def test_a(): pass").run("--no-such-option")

    words = (
        "ended with exit code 4 before it collected a test, see its own lines: unrecognized arguments: --no-such-option"
    )
    assert [words] == [error.message for error in outcome.errors]


@pytest.mark.parametrize("line", ['exec env -i "{python}" -m pytest "$@"', 'exec "{python}" -m pytest'])
def test_a_command_that_does_not_pass_on_what_it_got_is_named(shard: Shard, tmp_path: Path, line: str) -> None:
    wrapper = tmp_path / "wrapper.sh"
    wrapper.write_text(f"#!/bin/sh\n{line.format(python=sys.executable)}\n")
    wrapper.chmod(0o755)

    outcome = shard.write(test_it="def test_a(): pass").run(command=(str(wrapper),))

    assert [True] == [error.message.endswith(plugin_loader.UNHEARD) for error in outcome.errors]


def test_a_crash_of_the_interpreter_at_its_end_is_an_error(shard: Shard) -> None:
    suite = "import atexit, os\ndef test_a(): atexit.register(os._exit, 9)"

    outcome = shard.write(test_it=suite).run()

    assert (ExtraError("after the last test", "something ended the process with exit code 9"),) == outcome.errors


def test_equal_ids_run_together_and_are_counted(shard: Shard) -> None:
    conftest = """
        import os, pytest
        class Twin(pytest.Item):
            def runtest(self):
                if self.name == "deadly":
                    os._exit(1)
        class Twins(pytest.File):
            def collect(self):
                return [Twin.from_parent(self, name=name) for name in ("deadly", "twin", "twin")]
        def pytest_collect_file(file_path, parent):
            return Twins.from_parent(parent, path=file_path) if file_path.suffix == ".twin" else None
    """
    (shard.project / "tests" / "a.twin").touch()

    outcome = shard.write(conftest=conftest).run()

    assert [("deadly", "failed", 1), ("twin", "passed", 2)] == [
        (test.nodeid.split("::")[1], test.proven, test.count) for test in outcome.tests
    ]


def test_ids_that_are_not_collected_again_are_not_run(shard: Shard) -> None:
    suite = """
        import os, pytest
        @pytest.mark.parametrize("n", ["a", f"pid-{os.getpid()}"])
        def test_it(n):
            os._exit(1)
    """
    outcome = shard.write(test_it=suite).run()

    assert ("gave up", ["failed", "not-run"]) == (outcome.ended, list(short(outcome).values()))
    assert "without running 1 test of this shard" in outcome.errors[-1].message


def test_what_the_tests_leave_running_is_ended(shard: Shard) -> None:
    suite = """
        import os, pathlib, subprocess, sys
        def test_leaves():
            child = subprocess.Popen(["sleep", "60"])
            pathlib.Path("pid").write_text(str(child.pid))
            os._exit(0)
    """
    shard.write(test_it=suite).run()

    pid = int((shard.project / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert f"we end: {pid} (pid)" in "".join(shard.said)


def test_what_starts_up_after_a_death_has_the_time_of_a_start_not_of_a_test(shard: Shard) -> None:
    slow = "import pathlib, time\npathlib.Path('dead').exists() and time.sleep(2)\n"
    suite = "import os, pathlib\ndef test_a():\n    pathlib.Path('dead').touch()\n    os._exit(0)\ndef test_b(): pass\n"
    outcome = shard.write(conftest=slow, test_it=suite).run(timeout_s=1)

    assert ({"test_a": "failed", "test_b": "passed"}, 2) == (short(outcome), len(outcome.history))


def test_daemons_of_tests_end_with_a_round_that_we_end_and_outlive_one_that_ended_by_itself(shard: Shard) -> None:
    suite = """
        import os, pathlib, time
        def daemon(name):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    pathlib.Path(name).write_text(str(os.getpid()))
                    os.execlp("sleep", "sleep", "60")
                os._exit(0)
            os.wait()
        def test_ends():
            daemon("of_itself")
            os._exit(0)
        def test_hangs():
            daemon("by_us")
            time.sleep(60)
    """
    shard.write(test_it=suite).run(timeout_s=2)
    of_itself, by_us = (int((shard.project / name).read_text()) for name in ("of_itself", "by_us"))

    ended = not psutil.pid_exists(by_us) or psutil.Process(by_us).status() == psutil.STATUS_ZOMBIE
    assert (True, True) == (ended, psutil.Process(of_itself).status() != psutil.STATUS_ZOMBIE)
    os.kill(of_itself, signal.SIGKILL)


def test_what_another_pytest_writes_into_the_journal_does_not_count_and_is_said(shard: Shard) -> None:
    """As that of a runner that was killed, which knows the journal by its path."""
    suite = """
        import pathlib, re
        def test_a():
            journal = pathlib.Path("../shard/journal.jsonl")
            lines = journal.read_text().splitlines()
            theirs = [re.sub('"[^"]*[.]0"', '"other.0"', line, count=1) for line in lines]
            journal.write_text("\\n".join([*lines, *theirs]) + "\\n")
            assert 0
    """
    outcome = shard.write(test_it=suite).run()

    assert {"test_a": "failed"} == short(outcome)
    assert () == outcome.errors
    assert re.search(r"\d+ lines in .*journal\.jsonl are of another pytest, and do not count", "".join(shard.said))


def test_a_journal_that_a_test_empties_is_not_green(shard: Shard) -> None:
    suite = """
        import pathlib
        def test_a(): assert 0
        def test_b(): pathlib.Path("../shard/journal.jsonl").write_text("")
    """
    with pytest.raises(SuiteError, match="round 0 is not as the pytest plugin writes it"):
        shard.write(test_it=suite).run()


def test_a_journal_that_a_test_removes_is_not_green(shard: Shard) -> None:
    suite = """
        import pathlib
        def test_a(): assert 0
        def test_b(): pathlib.Path("../shard/journal.jsonl").unlink()
    """
    with pytest.raises(SuiteError, match="round 0 is not as the pytest plugin writes it"):
        shard.write(test_it=suite).run()


@pytest.mark.parametrize("shift_s", [3600, -3600])
def test_a_clock_that_is_set_while_tests_run_decides_nothing(
    shard: Shard, monkeypatch: pytest.MonkeyPatch, shift_s: float
) -> None:
    began, real = shard.project / "began", time.time
    monkeypatch.setattr(time, "time", lambda: real() + (shift_s if began.exists() else 0))
    suite = """
        import os, pathlib, time
        def test_before(): pass
        def test_killer():
            pathlib.Path("began").touch()
            time.sleep(2.5)
            os._exit(3)
        def test_after(): pass
    """
    outcome = shard.write(test_it=suite).run(timeout_s=30)

    assert {"test_before": "passed", "test_killer": "failed", "test_after": "passed"} == short(outcome)
    (killer,) = (test for test in outcome.tests if test.nodeid.endswith("test_killer"))
    assert 2.0 < killer.seconds < 60.0


def test_nothing_of_a_round_is_left_in_the_project_s_records(shard: Shard) -> None:
    shard.write(test_it=DEADLY.format(deed="os._exit(0)")).run()

    assert [] == records.read_all(shard.project / ".pipeline")


def test_a_program_that_is_not_there_is_said(shard: Shard, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="pytest cannot be started"):
        shard.run(command=(str(tmp_path / "nowhere"), "-m", "pytest"))


@pytest.mark.parametrize(
    "root, git, folder",
    [
        ("", "", ""),
        ("backend/api", "", "backend/api"),
        (".ci/tests", "", ".ci/tests"),
        ("..", "", ""),
        ("backend/api", "..", "project/backend/api"),
        ("..", "..", ""),
    ],
    ids=["the project's", "below it", "a hidden one", "outside", "of a repository above", "the repository's own"],
)
def test_reports_name_files_from_the_repository_s_folder(tmp_path: Path, root: str, git: str, folder: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / git / ".git").mkdir()
    settings = Settings(Suite("tests"), file=project / "pipeline.yml")
    told = Round(0, 1, 0.0, "9", "3", Ended(outcomes.FINISHED), rootdir=str(project / root))

    assert folder == rounds.repository_folder(Outcome((FinishedRound(Exit(0), told),)), settings)


def test_a_repository_is_found_from_the_project_up(tmp_path: Path) -> None:
    project = tmp_path / "a" / "b"
    project.mkdir(parents=True)
    without = rounds.repository_of(project)
    (tmp_path / ".git").mkdir()

    assert (project.resolve(), tmp_path.resolve()) == (without, rounds.repository_of(project))


# Piece by piece -------------------------------------------------------------------------------------


def claims(folder: Path, **how: bool) -> Claims:
    """What a shard of two claims while the other has not come."""
    return Claims(FolderStore(folder / "store"), Node(0, 2), **how)


def test_a_process_that_dies_in_a_piece_is_followed_by_one_that_goes_on(shard: Shard, tmp_path: Path) -> None:
    mine = claims(tmp_path)
    deadly = DEADLY.format(deed="os._exit(0)")

    outcome = shard.write(test_it=deadly, test_more="def test_more(): pass").run(claims=mine)

    assert {"test_before": "passed", "test_deadly": "failed", "test_after": "passed", "test_more": "passed"} == short(
        outcome
    )
    assert ("finished", (), 2, 4) == (outcome.ended, outcome.errors, len(outcome.rounds), len(mine.nodeids))
    assert {"own", "stolen"} == {piece.how for piece in mine.pieces}
    assert [test.nodeid for test in outcome.tests] == mine.nodeids
    given = [nodeid for told in outcome.rounds for nodeid in told.selected or ()]
    assert {*mine.nodeids} == {*given}
    mine.close(())


def test_a_stop_at_the_first_failure_names_what_was_claimed_and_did_not_run(shard: Shard, tmp_path: Path) -> None:
    red = """
        import pytest
        @pytest.mark.parametrize("each", range(9))
        def test_red(each): assert 0
    """
    mine = claims(tmp_path, fail_fast=True)

    outcome = shard.write(test_it=red).run("-x", claims=mine)

    assert ("stopped", ()) == (outcome.ended, outcome.errors)
    assert {"failed": 1, "not-run": len(mine.nodeids) - 1} == {"not-run": 0, **Counter(short(outcome).values())}
    mine.close(())


# Signals, to a runner in a process of its own -------------------------------------------------------

RUNNER = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from scripts.ci import Node
from scripts.environments.environments import Environment
from scripts.runner import rounds
from scripts.runner.preparation import Environments
from scripts.runner.pytest_process import Supervision
from scripts.runner.rounds import ShardRun
from scripts.runner.selection import Selection
from scripts.runner.service_session import ServiceSession
from scripts.runner.shard import fresh
from scripts.runner.watchdog import watchdog
from scripts.runner.service_session import ServiceSession
from scripts.settings import Settings, Suite
from scripts.system.signals import held_back, raise_on_signals

settings = Settings(Suite("tests"), file=Path({project!r}) / "pipeline.yml")
folder = fresh(Path({folder!r}))
run = ShardRun(settings, Node(0, 1), folder, Selection("5f3a", 0, 1, "nowhere", "nowhere", "m"), ("-q",))
environments = Environments(Environment(Path(sys.prefix)))
with raise_on_signals(), held_back() as signalled, watchdog() as dog:
    with ServiceSession(settings, environments, folder, dog) as session:
        outcome = rounds.run(run, session, Supervision(settings.state, dog), signalled)
    tests = {{test.nodeid.split("::")[1]: test.outcome for test in outcome.tests}}
    (folder / "outcome.json").write_text(json.dumps([outcome.ended, tests]))
"""

SLOW = """
import os, pathlib, time
def test_quick(): pass
def test_slow():
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
def test_last(): pass
"""


@pytest.mark.parametrize(
    "number, to_group, returncode",
    [(signal.SIGINT, True, -signal.SIGINT), (signal.SIGTERM, False, 143)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_signal_lets_pytest_say_where_it_was_and_leaves_nothing(
    shard: Shard, number: signal.Signals, to_group: bool, returncode: int
) -> None:
    shard.write(test_it=SLOW)
    code = RUNNER.format(root=str(ROOT), project=str(shard.project), folder=str(shard.folder))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    runner = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    pid = wait_for_pid(shard.project / "pid")
    os.killpg(runner.pid, number) if to_group else runner.send_signal(number)
    output = runner.communicate(timeout=60)[0].decode()

    expected = ["interrupted", {"test_quick": "passed", "test_slow": "not-run", "test_last": "not-run"}]
    assert expected == json.loads((shard.folder / "outcome.json").read_text()), output
    assert returncode == runner.returncode
    assert "tests/test_it.py:6: KeyboardInterrupt" in output
    assert not psutil.pid_exists(pid)


def wait_for_pid(file: Path) -> int:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if file.exists() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError("the test did not begin")
