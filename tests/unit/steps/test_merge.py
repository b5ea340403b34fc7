from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.planning import plan as planning
from scripts.planning.estimates import NO_SET_UP
from scripts.planning.plan import Plan, Shard
from scripts.proof import junit
from tests.unit.steps import projects

NAMES = ("a", "b", "c")
SUITE = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two shards have run, the first with two tests."""
    project = projects.make(tmp_path_factory.mktemp("merge") / "ran", SUITE, service=None)
    for index in ("0", "1"):
        assert 0 == projects.run(project, "shard", index, "2").returncode
    return project


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(str(ran), str(tmp_path / "project")))


def short(output: str) -> str:
    """The output, with commands as they are where nox is on the path."""
    return re.sub(r"\S*/nox -s", "nox -s", output)


def plan_of(*shards: str) -> Plan:
    """A plan whose shards have the tests that words name by their last letters."""
    planned = tuple(Shard(tuple(f"checks/test_it.py::test_{name}" for name in names), 0) for names in shards)
    return Plan(planning.identity(planned, planning.ALGORITHM), planned, "timings", NO_SET_UP, ())


def run_by(project: Path, index: int, plan: Plan) -> None:
    """Run a shard that was handed a plan, which is gone afterwards."""
    file = project / "reports" / planning.FILE_NAME
    planning.save(plan, file)
    assert 0 == projects.run(project, "shard", str(index), str(len(plan.shards))).returncode
    file.unlink()


def test_when_every_test_ran_once_the_merge_is_green_with_the_table_and_reports_of_one(project: Path) -> None:
    done = projects.run(project, "merge")

    assert (0, "ended: green (exit code 0)") == (done.returncode, done.stdout.splitlines()[-1])
    merged = junit.read(project / "reports" / "junit.xml") or []
    assert [f"checks/test_it.py::test_{name}" for name in NAMES] == sorted(each.nodeid for each in merged)
    assert "green" == json.loads((project / "reports/merge.json").read_text())["ended"]
    assert re.search(r"^shard +tests +about +took$", done.stdout, re.MULTILINE)
    assert 2 == len(re.findall(r"^ +[01] +[12] +- +(?:\d+ min )?[\d.]+ s$", done.stdout, re.MULTILINE))
    assert "reports: reports/junit.xml\n" in done.stdout
    assert "next: nox -s integration -- checks/test_it.py --settings " in short(done.stdout)


def test_a_shard_that_left_no_result_is_named_and_repaired(project: Path) -> None:
    shutil.rmtree(str(project / "reports" / "shard-1"))

    red = projects.run(project, "merge")
    repaired = projects.run(project, "merge", "--run-missing")

    assert (6, True) == (red.returncode, "shard index 1 of 2 left no result" in red.stdout)
    assert "nox -s merge -- --run-missing" in red.stdout
    assert (0, True) == (repaired.returncode, "ended: green" in repaired.stdout), repaired.stdout


def test_a_damaged_result_costs_what_it_holds_by_name_and_is_repaired(project: Path) -> None:
    file = project / "reports" / "shard-1" / "receipt.json"
    file.write_text(file.read_text()[:200])

    red = projects.run(project, "merge")
    repaired = projects.run(project, "merge", "--run-missing")

    assert (6, True) == (red.returncode, f"shard index 1: {file}: " in red.stdout)
    assert re.search(r"^3 tests.*: \d not-run, \d passed$", red.stdout, re.MULTILINE)
    assert (0, True) == (repaired.returncode, "repaired: shard index 1: " in repaired.stdout)


def test_a_test_that_came_after_the_shards_is_named(project: Path) -> None:
    (project / "checks" / "test_it.py").write_text(SUITE + "def test_late(): pass\n")

    done = projects.run(project, "merge")

    assert (6, True) == (done.returncode, "checks/test_it.py::test_late" in done.stdout)


def test_results_of_before_an_edit_do_not_count_with_those_of_after_it(project: Path) -> None:
    (project / "checks" / "test_it.py").write_text(SUITE.replace("pass", "assert 1"))
    assert 0 == projects.run(project, "shard", "1", "2").returncode

    red = projects.run(project, "merge")
    repaired = projects.run(project, "merge", "--run-missing")
    again = re.search(r"^next: nox -s shard -- (\d) 2 ", short(red.stdout), re.MULTILINE)
    assert again
    assert 0 == projects.run(project, "shard", again[1], "2").returncode
    green = projects.run(project, "merge")

    assert [6, 6, 0] == [each.returncode for each in (red, repaired, green)]
    assert "shard index 0 of 2 ran the tests as they were before, or after, an edit" in red.stdout
    assert "--run-missing" not in red.stdout  # it would run nothing
    assert "0" == again[1]


def test_a_failed_test_is_red_through_the_merge_and_not_run_again_as_missing(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): assert 0\n", service=None)
    projects.run(project, "shard", "0", "1", "--defer-verdict")

    done = projects.run(project, "merge")
    repair = projects.run(project, "merge", "--run-missing")

    assert (1, True) == (done.returncode, "checks/test_it.py::test_a  (failed in shard index 0 of 1" in done.stdout)
    assert "--run-missing" not in done.stdout
    assert (1, []) == (repair.returncode, list((project / "reports").glob("repair-*")))


def test_nothing_at_all_is_no_green_merge(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, SUITE, service=None), "merge")

    assert 6 == done.returncode, done.stdout


# Plans --------------------------------------------------------------------------------------------


def test_an_old_plan_for_another_number_of_shards_does_not_count(project: Path) -> None:
    planning.save(plan_of("a", "b", "c"), project / "reports" / planning.FILE_NAME)

    done = projects.run(project, "merge")

    assert (0, True) == (done.returncode, "ended: green" in done.stdout)


@pytest.mark.parametrize("text", ["{", '{"schema": 99}', "[" * 100_000], ids=["cut", "newer", "nested"])
def test_a_plan_that_cannot_be_read_costs_a_line(project: Path, text: str) -> None:
    (project / "reports" / planning.FILE_NAME).write_text(text)

    done = projects.run(project, "merge")

    assert 0 == done.returncode
    assert 1 == done.stdout.count("plan.json")
    assert "the merge goes on without it" in done.stdout


def test_a_shard_whose_plan_cannot_be_read_makes_the_same_plan_as_where_none_was_handed_out(project: Path) -> None:
    (project / "reports" / planning.FILE_NAME).write_text("{")

    shard, merged = projects.run(project, "shard", "1", "2"), projects.run(project, "merge")

    assert [0, 0] == [shard.returncode, merged.returncode]


def test_equal_shards_by_other_timings_prove_themselves(project: Path) -> None:
    plan = plan_of("ab", "c")
    run_by(project, 0, plan)
    run_by(project, 1, replace(plan, timings="others"))

    done = projects.run(project, "merge")
    repaired = projects.run(project, "merge", "--run-missing")

    assert (0, True) == (done.returncode, "had other timings, but the same plan" in done.stdout)
    assert (0, []) == (repaired.returncode, list((project / "reports").glob("repair-*")))  # nothing was missing


def test_shards_of_other_plans_are_settled_by_run_missing(project: Path) -> None:
    run_by(project, 0, plan_of("ab", "c"))
    run_by(project, 1, plan_of("a", "bc"))

    red = projects.run(project, "merge")
    settled = projects.run(project, "merge", "--run-missing")
    still = projects.run(project, "merge")

    assert [6, 0, 0] == [each.returncode for each in (red, settled, still)]
    assert "1 test in more than one shard" in red.stdout
    assert "merge -- --run-missing" in red.stdout
