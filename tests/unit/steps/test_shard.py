from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from scripts.proof import receipt
from scripts.proof.outcomes import NOT_RUN, PASSED, Attempt
from scripts.proof.receipt import GAVE_UP, Selected
from tests.unit.proof.results import shard
from tests.unit.steps import projects

SUITE = """
import os, pytest

@pytest.fixture(scope="module")
def costly():
    return 1

@pytest.mark.parametrize("number", range(4))
def test_number(number, costly): pass

def test_of_the_service(): assert os.environ["SERVICE_URL"]
"""


def result(project: Path, index: int) -> Dict[str, Any]:
    return json.loads((project / f"reports/shard-{index}/receipt.json").read_text())


def names(project: Path, index: int) -> List[str]:
    return [test["nodeid"] for test in result(project, index)["tests"]]


def test_the_shards_have_each_test_once(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE)

    done = [projects.run(project, "shard", str(index), "2") for index in (0, 1)]

    assert [0, 0] == [each.returncode for each in done], done[0].stdout
    assert 5 == len({*names(project, 0), *names(project, 1)}) == len([*names(project, 0), *names(project, 1)])
    assert "shard index 1 of 2 (indices 0-1)" in done[1].stdout
    assert result(project, 0)["plan_id"] == result(project, 1)["plan_id"] != ""


def test_the_ci_says_which_shard_this_is(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    (project / "checks" / "test_it.py").write_text("def test_a(): pass\ndef test_b(): pass\n")

    of_ci = {"CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2", "CIRCLE_WORKFLOW_ID": "w"}
    done = projects.run(project, "shard", SHARDLINE_REPORT="", **of_ci)

    assert 0 == done.returncode, done.stdout
    assert (1, 2, "w") == tuple(result(project, 1)[key] for key in ("index", "total", "run_id"))
    assert ["report: reports/shard-1/index.html", "ended: green (exit code 0)"] == done.stdout.splitlines()[-2:]
    assert (project / "reports/shard-1/index.html").exists()


def test_what_is_not_ours_goes_to_pytest(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE)

    done = projects.run(project, "shard", "0", "1", "-k", "service", "-v")

    assert "1 test: 1 passed" in done.stdout


@pytest.mark.parametrize("words", [["4", "4"], ["2/4"]])
def test_a_shard_that_cannot_be_is_refused_with_an_example(tmp_path: Path, words: List[str]) -> None:
    done = projects.run(projects.make(tmp_path, SUITE), "shard", *words)

    assert (2, True) == (done.returncode, "nox -s shard -- 2 4" in done.stdout)


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "not planned"])
def test_an_empty_shard_is_a_success_with_a_result_and_starts_no_service(tmp_path: Path, planned: bool) -> None:
    project = projects.make(tmp_path, "import os\ndef test_it(): assert os.environ['SERVICE_URL']\n")
    if planned:
        assert 0 == projects.run(project, "plan", "--nodes", "2").returncode

    done = [projects.run(project, "shard", str(index), "2") for index in (0, 1)]

    tests = [len(names(project, index)) for index in (0, 1)]
    assert [0, 0] == [each.returncode for each in done]
    assert [0, 1] == sorted(tests)
    assert tests == [each.stdout.count("service: started") for each in done]


def test_a_test_that_came_after_a_plan_has_its_service_in_a_shard_planned_empty(tmp_path: Path) -> None:
    suite = "import os\ndef test_0(): assert os.environ['SERVICE_URL']\n"
    project = projects.make(tmp_path, suite)
    projects.run(project, "plan", "--nodes", "2")
    late = [suite.splitlines()[1].replace("test_0", f"test_late_{number}") for number in range(6)]
    (project / "checks" / "test_it.py").write_text("\n".join([suite, *late]))

    done = [projects.run(project, "shard", str(index), "2") for index in (0, 1)]

    assert [0, 0] == [each.returncode for each in done]
    assert 7 == len({*names(project, 0), *names(project, 1)})
    assert names(project, 0) and names(project, 1)


def test_a_test_that_kills_the_process_fails_by_name_and_the_rest_runs(tmp_path: Path) -> None:
    suite = "import os\ndef test_a(): pass\ndef test_dies(): os._exit(0)\ndef test_z(): pass\n"
    project = projects.make(tmp_path, suite, service=None)

    done = projects.run(project, "shard", "0", "1")

    assert 1 == done.returncode
    assert "3 tests: 1 failed, 2 passed" in done.stdout
    assert re.search(r"^  failed  checks/test_it.py::test_dies: ", done.stdout, re.MULTILINE)
    assert "ended: tests failed (exit code 1)" == done.stdout.splitlines()[-1]


def test_a_deferred_verdict_fails_afterwards(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_it(): assert 0\n", service=None)

    shard = projects.run(project, "shard", "0", "1", "--defer-verdict")
    verdict = projects.run(project, "verdict", "0", "1")

    assert [0, 1] == [shard.returncode, verdict.returncode]
    assert (
        "RED: shard index 0 of 1: 1 of 1 test\n  checks/test_it.py::test_it\n"
        "tracebacks: above; also in reports/shard-0/junit.xml\n"
    ) in shard.stdout
    assert "failed  checks/test_it.py::test_it" in verdict.stdout
    assert "tracebacks: where the shard ran, mostly the step before this one" in verdict.stdout


def test_a_verdict_without_a_result_is_red(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, SUITE), "verdict", "0", "1")

    assert (5, True) == (done.returncode, "no result of a shard" in done.stdout)


def test_the_next_plan_knows_what_this_run_measured(tmp_path: Path) -> None:
    suite = "import time\ndef test_long(): time.sleep(1)\ndef test_short(): pass\n"
    project = projects.make(tmp_path, suite, service=None)
    projects.run(project, "shard", "0", "1")
    untaught = projects.run(project, "plan", "--nodes", "2")  # other shards of this run must find what this one found
    (project / "reports/plan.json").unlink()
    projects.run(project, "merge")

    done = projects.run(project, "plan", "--nodes", "2")

    assert "2 tests in 2 shards, 0 with timings" in untaught.stdout
    assert "2 tests in 2 shards, 2 with timings" in done.stdout
    assert re.search(r"slowest shard: about 1\.\d s", done.stdout)


def test_the_plan_that_was_handed_out_is_gone_by(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    projects.run(project, "plan", "--nodes", "2")
    plan = json.loads((project / "reports/plan.json").read_text())

    projects.run(project, "shard", "1", "2")

    assert plan["id"] == result(project, 1)["plan_id"]
    assert plan["shards"][1]["nodeids"] == sorted(names(project, 1))


# The suite is not at home in the project's folder -------------------------------------------------


ELSEWHERE = """
suite:
  directory: backend
  path: more tests
  command: [python, -W, default, -m, pytest]
"""


@pytest.mark.parametrize("ini", ["backend/pytest.ini", "pytest.ini"], ids=["rootdir here", "rootdir above"])
def test_a_suite_runs_in_its_own_folder_and_reports_name_files_from_the_project(tmp_path: Path, ini: str) -> None:
    project = projects.make(tmp_path, "def test_of_the_project(): assert 0\n", service=None, settings=ELSEWHERE)
    (project / "pytest.ini").unlink()
    tests = project / "backend" / "more tests"
    tests.mkdir(parents=True)
    (project / ini).write_text("[pytest]\n")
    (project / "backend" / "test_beside.py").write_text("def test_beside(): assert 0\n")
    (tests / "test_own.py").write_text(
        "import pathlib\ndef test_where(): assert pathlib.Path.cwd().name == 'backend'\n"
    )

    done = projects.run(project, "integration", "--nodes", "2")

    assert 0 == done.returncode, done.stdout
    assert 'file="backend/more tests/test_own.py"' in (project / "reports/junit.xml").read_text()
    assert "1 test in 2 shards (indices 0-1): 1 passed" in done.stdout


def test_a_command_of_its_own_is_found_on_the_path(tmp_path: Path) -> None:
    settings = "suite:\n  path: checks\n  command: [env, MINE=1, python3, -m, pytest]\n"
    suite = "import os\ndef test_it(): assert os.environ['MINE'] == '1'\n"

    done = projects.run(projects.make(tmp_path, suite, service=None, settings=settings), "shard", "0", "1")

    assert 0 == done.returncode, done.stdout


# The service dies ---------------------------------------------------------------------------------

FRAGILE = """
import os, time, urllib.request

def ask(path=""):
    return urllib.request.urlopen(os.environ["SERVICE_URL"] + "/" + path, timeout=5).status

def test_a(): assert 200 == ask()
def test_kills_it():
    try:
        ask("die")
    except OSError:
        time.sleep(60)  # whatever comes of it: the service is gone, and the test need not come to its end
def test_y(): assert 200 == ask()
def test_z(): os.kill(int(os.environ["SERVICE_PID"]), 0)
"""
MORTAL = projects.SERVICE.replace("do_GET(self):", "do_GET(self):\n        if self.path == '/die': os.abort()")


def test_a_test_that_kills_the_service_fails_by_name_and_the_rest_has_a_new_one(tmp_path: Path) -> None:
    project = projects.make(tmp_path, FRAGILE, MORTAL)

    done = projects.run(project, "shard", "0", "1")

    outcomes = {test["nodeid"].split("::")[1]: test["outcome"] for test in result(project, 0)["tests"]}
    assert {"test_a": "passed", "test_kills_it": "failed", "test_y": "passed", "test_z": "passed"} == outcomes
    assert 10 == done.returncode, done.stdout
    assert re.search(r"service ended with signal SIGABRT \(6\) after [\d.]+ s, while it was in use", done.stdout)
    assert "checks/test_it.py::test_kills_it was running" in done.stdout
    assert "ended: service died (exit code 10)" == done.stdout.splitlines()[-1]


DEAF = """
import os, time, urllib.request

def ask(path=""):
    return urllib.request.urlopen(os.environ["SERVICE_URL"] + "/" + path, timeout=5).status

def test_kills_it():
    try: ask("die")
    except OSError: pass
    try: time.sleep(60)
    except BaseException: pass
def test_innocent(): assert 200 == ask()
"""


def test_what_the_dead_service_failed_runs_again_and_both_attempts_are_kept(tmp_path: Path) -> None:
    project = projects.make(tmp_path, DEAF, MORTAL)

    done = projects.run(project, "shard", "0", "1")

    attempts = [[each["outcome"] for each in test["attempts"]] for test in result(project, 0)["tests"]]
    assert [["passed"], ["rerun", "passed"]] == attempts, done.stdout
    assert (10, True) == (done.returncode, "checks/test_it.py::test_kills_it was running" in done.stdout)


def test_the_last_words_of_a_service_that_dies_in_the_last_test_are_shown(tmp_path: Path) -> None:
    suite = FRAGILE[: FRAGILE.index("def test_y")]
    service = MORTAL.replace("os.abort()", "(print('out of memory', flush=True), os.abort())")

    done = projects.run(projects.make(tmp_path, suite, service), "integration")

    assert (10, True) == (done.returncode, "  | out of memory" in done.stdout), done.stdout


KILLS_AND_PASSES = """
import os, signal, time, urllib.request

def ask(): return urllib.request.urlopen(os.environ["SERVICE_URL"], timeout=5).status
def test_before(): assert 200 == ask()
def test_kills_it(): os.kill(int(os.environ["SERVICE_PID"]), signal.SIGKILL)
def test_innocent():
    time.sleep(0.3)
    assert 200 == ask()
"""


def test_a_test_that_kills_the_service_and_passes_at_once_is_blamed_and_not_its_successor(tmp_path: Path) -> None:
    project = projects.make(tmp_path, KILLS_AND_PASSES)

    done = projects.run(project, "shard", "0", "1")

    attempts = [[each["outcome"] for each in test["attempts"]] for test in result(project, 0)["tests"]]
    assert [["passed"], ["passed"], ["rerun", "passed"]] == attempts, done.stdout
    assert re.search("while it was in use: checks/test_it.py::test_kills_it (was running|had ended)", done.stdout)
    assert 10 == done.returncode


HANGS = """
import os, time, urllib.request

def test_a():
    try: urllib.request.urlopen(os.environ["SERVICE_URL"] + "/hang", timeout=1)
    except OSError: pass
    time.sleep(60)
def test_b(): assert 200 == urllib.request.urlopen(os.environ["SERVICE_URL"], timeout=5).status
"""


def test_a_service_that_hangs_with_a_test_is_started_anew(tmp_path: Path) -> None:
    hanging = "import signal\n" + projects.SERVICE.replace(
        "do_GET(self):", "do_GET(self):\n        if self.path == '/hang': os.kill(os.getpid(), signal.SIGSTOP)"
    )
    settings = projects.SETTINGS.format(python=sys.executable).replace(
        "{path: checks}", "{path: checks, test_timeout: 2s}"
    )
    settings = settings.replace("  ready:", "  stop_timeout: 500 ms\n  ready:")
    project = projects.make(tmp_path, HANGS, hanging, settings)

    done = projects.run(project, "shard", "0", "1")

    outcomes = {test["nodeid"].split("::")[1]: test["outcome"] for test in result(project, 0)["tests"]}
    assert {"test_a": "failed", "test_b": "passed"} == outcomes, done.stdout
    assert (10, True) == (done.returncode, "the service hung: http://127.0.0.1:" in done.stdout)


def test_nobody_waits_for_a_service_that_starts_again_once_they_want_an_end(tmp_path: Path) -> None:
    slow = "import os, time\nif os.path.exists('started'): time.sleep(60)\nopen('started', 'w')\n"
    settings = projects.SETTINGS.format(python=sys.executable).replace("20s", "60s")
    project = projects.make(tmp_path, FRAGILE, slow + MORTAL, settings)
    environ = dict(projects.variables({"PYTHONUNBUFFERED": "1"}))
    words = projects.words(project, "shard", "0", "1")
    shard = subprocess.Popen(words, cwd=str(projects.ROOT), env=environ, stdout=subprocess.PIPE, encoding="utf-8")
    assert shard.stdout
    starts = (line for line in shard.stdout if line.startswith("service: started"))
    next(starts), next(starts)

    began = time.monotonic()
    shard.send_signal(signal.SIGTERM)
    output = shard.communicate(timeout=60)[0]

    assert (143, True) == (shard.returncode, time.monotonic() - began < 30), output
    assert "interrupted" == result(project, 0)["ended"]
    assert "service: stopped" in output


def test_a_service_that_does_not_start_again_ends_the_shard_which_leaves_its_result(tmp_path: Path) -> None:
    once = "import os, sys\nif os.path.exists('started'): sys.exit('not again')\nopen('started', 'w')\n"
    project = projects.make(tmp_path, FRAGILE, once + MORTAL)

    done = projects.run(project, "integration")

    outcomes = {test["nodeid"].split("::")[1]: test["outcome"] for test in result(project, 0)["tests"]}
    assert {"test_a": "passed", "test_kills_it": "failed", "test_y": "not-run", "test_z": "not-run"} == outcomes
    assert (10, True) == (done.returncode, "not again" in done.stdout), done.stdout


LEAKS = """
import os, pathlib, urllib.request

def test_small(): pass

def test_large():
    urllib.request.urlopen(os.environ["SERVICE_URL"] + "/large")
    pathlib.Path("reports/shard-0/monitor.jsonl").write_text("")
"""
BUDGETS = """
service:
  command: [{python}, service.py, "{{port}}"]
  budgets: {{memory: 60 MB, ready: 1 min, open_files: 50}}
suite: {{path: checks}}
"""


def test_a_service_that_takes_more_than_its_budget_turns_the_shard_red_whatever_a_test_does(tmp_path: Path) -> None:
    large = "\n    def do_GET(self):\n        kept.append(bytes(range(256)) * 400_000 if 'large' in self.path else b'')"
    service = projects.SERVICE.replace("\n    def do_GET(self):", large).replace("class", "kept = []\nclass", 1)
    project = projects.make(tmp_path, LEAKS, service, BUDGETS.format(python=sys.executable))

    done = projects.run(project, "integration")

    over = r"memory 1\d\d\.\d MB at \d\d:\d\d:\d\d .*, service\.budgets\.memory is 60 MB"
    assert (1, "ended: over budget (exit code 1)") == (done.returncode, done.stdout.splitlines()[-1])
    assert re.search(over, done.stdout) and re.search(r"^service: peak 1\d\d\.\d MB, ", done.stdout, re.MULTILINE)
    verdict = projects.run(project, "verdict", "0", "1")
    assert (1, True) == (verdict.returncode, "ended: over budget" in verdict.stdout)
    assert result(project, 0)["services"]["service"]["budgets"] == {"memory": 6e7, "ready": 60.0, "open_files": 50.0}


def test_a_test_that_skips_in_a_worker_of_xdist_runs_all_the_same(tmp_path: Path) -> None:
    suite = "import os, pytest\ndef test_a(): pass\n"
    suite += "@pytest.mark.skipif('PYTEST_XDIST_WORKER' in os.environ, reason='a worker')\ndef test_b(): assert 0\n"
    suite += "def test_c(): pytest.skip('always')\n"
    project = projects.make(tmp_path, suite, service=None)

    done = projects.run(project, "integration", "--nodes", "2", "--at-once", "1")

    assert 1 == done.returncode, done.stdout
    assert "3 tests in 2 shards (indices 0-1): 1 failed, 1 skipped, 1 passed" in done.stdout


def test_the_tests_of_a_result_run_again_in_its_order_and_processes(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n", service=None)
    c, a, b = (f"checks/test_it.py::test_{name}" for name in "cab")
    ran = [Selected(nodeid, PASSED, (Attempt(nodeid, number, PASSED, 1.0),)) for number, nodeid in enumerate([c, a])]
    left = Selected(b, NOT_RUN)
    receipt.write(tmp_path / "r.json", shard(1, *ran, left, collected=[a, b, c], ended=GAVE_UP))

    done = projects.run(project, "shard", "1", "2", "--replay", str(tmp_path / "r.json"))

    attempts = [test["attempts"] for test in result(project, 1)["tests"]]
    assert (0, [c, a, b]) == (done.returncode, names(project, 1))
    assert [[0], [1], [1]] == [[each["round"] for each in tried] for tried in attempts]
