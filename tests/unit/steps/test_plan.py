from __future__ import annotations

import re
import subprocess
from pathlib import Path

from scripts import settings
from scripts.planning import history
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.planning.plan import make
from scripts.planning.timings import Sample, Source, learned
from scripts.planning.together import Group
from scripts.proof import outcome_history
from scripts.runner.collection import Collected
from scripts.steps import plan
from tests.unit.steps import projects


def test_the_plan_is_shown_before_anything_runs(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\n", service=None)

    done = projects.run(project, "plan", "--nodes", "2", "--advise")

    assert 0 == done.returncode, done.stdout
    assert "2 tests in 2 shards, 0 with timings" in done.stdout
    assert "shared out by number: how long the tests take is known after they have run once" in done.stdout
    assert "How many nodes pay cannot be said before the tests have run once." in done.stdout
    assert "about" not in done.stdout
    assert re.search(r"^next: \S*nox -s shard -- 0 2 ", done.stdout, re.MULTILINE)
    assert not (project / "reports" / "shard-0").exists()


def test_where_tests_were_timed_it_is_said_how_many_nodes_pay(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\n", service=None)
    loaded = settings.load(str(project / "pipeline.yml"), {}, project)
    samples = [Sample(f"checks/test_it.py::test_{name}", 60_000) for name in "ab"]
    history.learn(loaded, learned(Source(1, "run", 0), samples))

    done = projects.run(project, "plan", "--nodes", "8", "--advise")

    assert "slowest shard: about 1 min 00 s" in done.stdout, done.stdout
    assert "Take 2: " in done.stdout
    assert re.search(r"^next: \S*nox -s plan -- --nodes 2 .*\(a plan for 2, as advised\)$", done.stdout, re.MULTILINE)
    assert re.search(r"^or, since you asked for 8: \S*nox -s shard -- 0 8 ", done.stdout, re.MULTILINE)


def test_tests_that_share_an_id_are_counted_with_their_timing() -> None:
    made = make(["a.py::x", "a.py::x", "b.py::y"], Estimates({"a.py::x": 1000}), 1)

    assert "3 tests in 1 shard, 2 with timings" == plan.lines(made, 3)[0]


def test_an_empty_plan_is_shown() -> None:
    assert ["shard  tests", "-----  -----", "    0      0", ""] == plan.lines(make([], Estimates(), 1), 0)[2:]


def test_what_was_red_lately_is_the_first_piece(tmp_path: Path) -> None:
    loaded = settings.load(str(projects.make(tmp_path, "", service=None) / "pipeline.yml"), {}, tmp_path)
    nodeids = [f"{name}.py::x" for name in "abcdef"]
    ended = {**dict.fromkeys(nodeids, "passed"), "e.py::x": "failed"}
    outcome_history.learn(loaded, outcome_history.Run("1", 0), ended)

    made = plan.make(loaded, 1, [], Collected(nodeids, ""), distributed=True)

    assert ("e.py::x",) == made.shards[0].pieces[0].nodeids


def test_a_suite_that_cannot_be_collected_is_red_with_pytest_s_words(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, "import nothing_of_this_name\n", service=None), "plan")

    assert 5 == done.returncode
    assert "No module named 'nothing_of_this_name'" in done.stdout


def test_a_suite_that_cannot_be_collected_is_told_with_a_command_that_shows_why_in_any_shell(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "import nowhere\n", service=None)

    done = projects.run(project, "plan")
    command = done.stdout.partition("hint: See: ")[2].splitlines()[0]
    by_hand = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, encoding="utf-8", check=False)

    assert 5 == done.returncode
    assert "No module named 'nowhere'" in by_hand.stdout, command


def test_a_command_that_is_no_program_is_said(tmp_path: Path) -> None:
    settings = "suite: {path: checks, command: [./no-such-program]}\n"

    done = projects.run(projects.make(tmp_path, "", service=None, settings=settings), "plan")

    assert (5, True) == (done.returncode, "error: pytest cannot be started: " in done.stdout), done.stdout


def test_a_damaged_history_is_said_once_and_the_plan_is_made_without(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)
    (project / ".pipeline").mkdir()
    (project / ".pipeline" / "timings.json").write_text("{")

    done = projects.run(project, "plan", "--nodes", "2", "--advise")

    assert (0, 1) == (done.returncode, done.stdout.count("planned without timings")), done.stdout
    assert "1 test in 2 shards, 0 with timings" in done.stdout


def test_what_is_kept_whole_is_said_with_its_price() -> None:
    times = {f"a.py::{name}": 30_000 for name in "xyz"}
    made = make(times, Estimates(times), 2, groups=[Group("a.py", "suite.together", tuple(times))])

    assert ["kept whole: a.py (3 tests, 1 min 30 s): suite.together; without that 33 % faster"] == plan.together_lines(
        made, 333
    )
    assert ["kept whole: 1 group of tests, at no cost"] == plan.together_lines(made, 0)


def test_a_class_that_was_divided_is_named() -> None:
    times = {f"a.py::T::{name}": 30_000 for name in "xyz"}

    assert ["divided: a.py::T (3 tests, 1 min 30 s): longer than a fair share"] == plan.together_lines(
        make(times, Estimates(times), 2), 0
    )


def test_a_plan_keeps_together_what_the_suite_and_its_settings_say(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.xdist_group('g')\nclass TestA:\n    def test_a(self): pass\n"
    text += "@pytest.mark.xdist_group('g')\ndef test_b(): pass\ndef test_c(): pass\ndef test_d(): pass\n"
    together = "[[checks/test_it.py::test_d, checks/test_it.py::test_c], nowhere]"
    project = projects.make(tmp_path, text, settings=f"suite: {{path: checks, together: {together}}}")

    done = projects.run(project, "plan", "--nodes", "4")

    assert "suite.together: nowhere names no test" in done.stdout, done.stdout
    made = planning.load(project / "reports" / "plan.json")
    assert ["xdist_group g", "checks/test_it.py::test_d + checks/test_it.py::test_c"] == [
        each.name for each in made.kept
    ]
    assert [2, 2] == sorted(len(shard.nodeids) for shard in made.shards if shard.nodeids)
