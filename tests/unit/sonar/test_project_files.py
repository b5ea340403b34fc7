from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from scripts.errors import SettingsError
from scripts.sonar import project_files
from scripts.sonar.project_files import Said

needs_toml = pytest.mark.skipif(
    not any(map(importlib.util.find_spec, ("tomllib", "tomli"))), reason="no reader of TOML here"
)


@needs_toml
def test_both_files_are_read_and_pyproject_counts(tmp_path: Path) -> None:
    (tmp_path / "sonar-project.properties").write_text("sonar.projectKey=a\nsonar.sources=src\n")
    (tmp_path / "pyproject.toml").write_text('[tool.sonar]\nproject-key = "b"\nbranch.name = "x"\n')

    assert {
        "sonar.projectKey": Said("b", "pyproject.toml"),
        "sonar.branch.name": Said("x", "pyproject.toml"),
        "sonar.sources": Said("src", "sonar-project.properties"),
    } == project_files.said(tmp_path)


def test_a_project_may_say_nothing(tmp_path: Path) -> None:
    assert {} == project_files.said(tmp_path)


@needs_toml
def test_a_pyproject_that_cannot_be_read_is_refused_only_where_it_says_something(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool\n")
    assert {} == project_files.said(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.sonar]\nprojectKey = a\n")

    with pytest.raises(SettingsError, match="cannot be read here"):
        project_files.said(tmp_path)
