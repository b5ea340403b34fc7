from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.unit.steps import projects


def test_the_plan_is_shown_before_anything_runs(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\n", service=None)

    done = projects.run(project, "plan", "--nodes", "2", "--advise")

    assert 0 == done.returncode, done.stdout
    assert "2 tests in 2 shards, 0 with timings" in done.stdout
    assert re.search(r"^Take \d", done.stdout, re.MULTILINE)
    assert re.search(r"^next: \S*nox -s shard -- 0 2 ", done.stdout, re.MULTILINE)
    assert not (project / "reports" / "shard-0").exists()


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
