from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

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

    done = projects.run(project, "shard", CIRCLE_NODE_INDEX="1", CIRCLE_NODE_TOTAL="2", CIRCLE_WORKFLOW_ID="w")

    assert 0 == done.returncode, done.stdout
    assert (1, 2, "w") == tuple(result(project, 1)[key] for key in ("index", "total", "run_id"))


def test_what_is_not_ours_goes_to_pytest(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE)

    done = projects.run(project, "shard", "0", "1", "-k", "service", "-v")

    assert "1 test: 1 passed" in done.stdout


@pytest.mark.parametrize("words", [["4", "4"], ["2/4"]])
def test_a_shard_that_cannot_be_is_refused_with_an_example(tmp_path: Path, words: List[str]) -> None:
    done = projects.run(projects.make(tmp_path, SUITE), "shard", *words)

    assert (2, True) == (done.returncode, "nox -s shard -- 2 4" in done.stdout)


def test_an_empty_shard_is_a_success_with_a_result(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_it(): pass\n", service=None)

    done = [projects.run(project, "shard", str(index), "2") for index in (0, 1)]

    assert [0, 0] == [each.returncode for each in done], done[1].stdout
    assert [0, 1] == sorted(len(names(project, index)) for index in (0, 1))


def test_a_test_that_kills_the_process_fails_by_name_and_the_rest_runs(tmp_path: Path) -> None:
    suite = "import os\ndef test_a(): pass\ndef test_dies(): os._exit(0)\ndef test_z(): pass\n"
    project = projects.make(tmp_path, suite, service=None)

    done = projects.run(project, "shard", "0", "1")

    assert 1 == done.returncode
    assert "3 tests: 1 failed, 2 passed" in done.stdout
    assert re.search(r"^  failed  checks/test_it.py::test_dies: ", done.stdout, re.MULTILINE)


def test_a_deferred_verdict_fails_afterwards(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_it(): assert 0\n", service=None)

    shard = projects.run(project, "shard", "0", "1", "--defer-verdict")
    verdict = projects.run(project, "verdict", "0", "1")

    assert [0, 1] == [shard.returncode, verdict.returncode]
    assert "failed  checks/test_it.py::test_it" in verdict.stdout


def test_a_verdict_without_a_result_is_red(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, SUITE), "verdict", "0", "1")

    assert (5, True) == (done.returncode, "no result of a shard" in done.stdout)


def test_the_next_plan_knows_what_this_run_measured(tmp_path: Path) -> None:
    suite = "import time\ndef test_long(): time.sleep(1)\ndef test_short(): pass\n"
    project = projects.make(tmp_path, suite, service=None)
    projects.run(project, "shard", "0", "1")

    done = projects.run(project, "plan", "--nodes", "2")

    assert "2 tests in 2 shards, 2 with timings" in done.stdout
    assert re.search(r"slowest shard: about 1\.\d s", done.stdout)


def test_the_plan_that_was_handed_out_is_gone_by(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    projects.run(project, "plan", "--nodes", "2")
    plan = json.loads((project / "reports/plan.json").read_text())

    projects.run(project, "shard", "1", "2")

    assert plan["id"] == result(project, 1)["plan_id"]
    assert plan["shards"][1]["nodeids"] == sorted(names(project, 1))
