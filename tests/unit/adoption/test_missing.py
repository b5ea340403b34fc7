from __future__ import annotations

import sys
from pathlib import Path
from typing import List

import pytest

from scripts import settings
from scripts.adoption import looks, missing

COMPLETE = "{command: [python, app.py, '{port}'], requirements: requirements.txt, warm_up: {path: /tts}}"


def lacks(folder: Path, service: str, source: str = "x = 1", suite: str = "tests") -> List[str]:
    """The status and subject of each lack of a project with a script, packages and a test."""
    (folder / "tests").mkdir()
    (folder / "tests/test_it.py").write_text("")
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "app.py").write_text(source)
    (folder / "pipeline.yml").write_text(f"service: {service}\nsuite: {{path: {suite}}}\n")
    facts = looks.facts("x", {"app.py": source})
    return [f"{lack.status} {lack.about}" for lack in missing.look(settings.load(None, {}, folder), facts)]


def test_a_complete_project_lacks_nothing(tmp_path: Path) -> None:
    assert [] == lacks(tmp_path, COMPLETE)


@pytest.mark.parametrize(
    "old, new, lack",
    [
        (", warm_up: {path: /tts}", "", "note warm-up"),
        ("app.py", "gone.py", "wrong service"),
        ("python, app.py", "./serve.bin", "wrong service"),
        ("{command", "{directory: gone, command", "wrong service"),
        ("app.py", "EDIT_ME", "wrong edit"),
        ("python, app.py", "gunicorn, app", "note packages"),
        ("python, app.py", "python, -m, uvicorn, app", "note packages"),
    ],
)
def test_each_lack_is_named(tmp_path: Path, old: str, new: str, lack: str) -> None:
    assert [lack] == lacks(tmp_path, COMPLETE.replace(old, new))


def test_a_program_that_is_not_there_is_wrong_where_no_packages_bring_it(tmp_path: Path) -> None:
    assert ["wrong service"] == lacks(tmp_path, "{command: [no-such-program], warm_up: {path: /}}")


def test_a_suite_without_tests_is_told(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    assert ["note suite"] == lacks(tmp_path, COMPLETE, suite="more")


def test_a_suite_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    assert ["wrong suite"] == lacks(tmp_path, COMPLETE, suite="gone")


def test_weights_that_the_service_fetches_by_itself_are_told(tmp_path: Path) -> None:
    assert ["note weights"] == lacks(tmp_path, COMPLETE, "m = snapshot_download('org/name')")


def test_what_lies_beside_a_person_s_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "noxfile.py.shardline").touch()
    assert ["note files"] == lacks(tmp_path, COMPLETE)


def test_a_file_that_gitlab_does_not_read_is_told_until_theirs_names_it(tmp_path: Path) -> None:
    (tmp_path / ".gitlab").mkdir()
    (tmp_path / ".gitlab" / "shardline.yml").touch()
    (tmp_path / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")
    assert ["note ci"] == lacks(tmp_path, COMPLETE)

    (tmp_path / ".gitlab-ci.yml").write_text("include: {local: .gitlab/shardline.yml}\n")
    assert [] == list(missing._included(settings.load(None, {}, tmp_path)))


def test_a_python_older_than_the_project_asks_for_is_wrong(tmp_path: Path) -> None:
    newer = f"3.{sys.version_info[1] + 1}"
    (tmp_path / "pipeline.yml").write_text("suite: {path: .}")
    (tmp_path / "test_it.py").touch()
    facts = looks.facts("x", {"pyproject.toml": f'[project]\nrequires-python = ">={newer}"\n'})

    found = missing.look(settings.load(None, {}, tmp_path), facts)

    assert [("wrong", "python", f"Install Shardline with Python {newer}.")] == [
        (lack.status, lack.about, lack.advice) for lack in found
    ]
