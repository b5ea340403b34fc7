"""A lock is for the Pythons that the project says it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from scripts.environments.locks import python_versions


@pytest.mark.parametrize(
    "files, locked, expected",
    [
        ({}, "", "3.11"),
        ({}, "3.10", "3.10"),
        ({}, "3.12", "3.11"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9,<4"\n'}, "3.8", "3.9"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.12"\n'}, "", "3.12"),
        ({"pyproject.toml": "[tool.ruff]\n", "setup.cfg": "[options]\npython_requires = >= 3.7\n"}, "", "3.7"),
        ({".python-version": "3.10.4\n"}, "", "3.10"),
        ({"noxfile.py": "@nox.session(python=['3.13', '3.9'])\n@nox.parametrize('django', ['3.2'])"}, "", "3.9"),
        ({"Dockerfile": "FROM python:3.12-slim\n"}, "", "3.11"),
        ({".circleci/config.yml": "  - image: cimg/python:3.10\n"}, "", "3.10"),
        ({".github/workflows/ci.yml": "      python-version: ['3.8', '3.12']\n"}, "", "3.8"),
    ],
)
def test_what_it_requires_decides_or_else_the_oldest_that_it_uses(
    tmp_path: Path, files: Dict[str, str], locked: str, expected: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert expected == python_versions.oldest(tmp_path, locked, "3.11").version


def test_what_the_repository_requires_counts_for_a_project_in_it_and_no_further(tmp_path: Path) -> None:
    project = tmp_path / "repository" / "a" / "project"
    project.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.6"\n')
    (tmp_path / "repository" / ".git").touch()
    outside = python_versions.oldest(project, "", "3.11")
    (tmp_path / "repository" / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.9"\n')

    assert ("3.11", "3.9") == (outside.version, python_versions.oldest(project, "", "3.11").version)
