from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Tuple

from scripts.isolation.leftovers import Leftovers, made
from scripts.isolation.trials import Ran, Result, Run
from scripts.proof.outcomes import Touch


def touched(*touches: Tuple[str, Path]) -> Result:
    all_of_a = tuple(Touch(kind, str(path)) for kind, path in touches)
    return Result((Run(0, (Ran("a", "passed"),), {"a": all_of_a}, {}),), 1.0, 1.0)


def leftovers(tmp_path: Path) -> Leftovers:
    return Leftovers(tmp_path / "project", tmp_path / "project", tmp_path / "aside")


def test_what_tests_made_is_gone_before_the_next_trial(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "out"
    folder.mkdir(parents=True)
    (folder / "x").write_text("made")
    (folder.parent / "kept").write_text("not made")
    left = leftovers(tmp_path)

    left.learn(touched(("made", folder), ("made", folder / "x"), ("read", folder.parent / "kept")))
    left.clear()

    assert ["kept"] == [path.name for path in folder.parent.iterdir()]


def test_what_was_there_before_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "project" / "x"
    file.parent.mkdir()
    file.write_text("from an earlier run")
    left = leftovers(tmp_path)
    left.learn(touched(("over", file)))

    left.clear()
    assert not file.exists()
    left.restore()
    assert "from an earlier run" == file.read_text()


def test_what_a_killed_study_left_aside_is_put_back_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "project" / "x"
    file.parent.mkdir()
    file.write_text("from an earlier run")
    killed = leftovers(tmp_path)
    killed.learn(touched(("over", file)))
    killed.clear()

    leftovers(tmp_path)

    assert "from an earlier run" == file.read_text()


def test_a_file_of_the_repository_stays(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "golden").write_text("1")
    subprocess.check_call(["git", "init", "-q", str(project)])
    subprocess.check_call(["git", "-C", str(project), "add", "golden"])
    left = leftovers(tmp_path)

    left.learn(touched(("over", project / "golden")))
    left.clear()

    assert (project / "golden").exists()


def test_what_is_read_before_it_is_written_is_no_leftover(tmp_path: Path) -> None:
    assert [] == made(touched(("read", tmp_path / "x"), ("over", tmp_path / "x")))
