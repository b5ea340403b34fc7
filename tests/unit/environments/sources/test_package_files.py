"""What the files of a package's folder say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.sources import package_files


@pytest.mark.parametrize(
    "file, text, name",
    [
        (
            "pyproject.toml",
            '[tool.x]\nname = "no"\n[project]  # it\nversion = "1"\nname = "Tiny_Thing"\n',
            "tiny-thing",
        ),
        ("pyproject.toml", "[tool.poetry]\nname = 'tiny.thing'\n", "tiny-thing"),
        ("pyproject.toml", '[project]\nversion = "1"\n[tool.x]\nname = "no"\n', ""),
        ("setup.cfg", "[metadata]\nname = tiny-thing\n", "tiny-thing"),
        ("setup.py", "setup(name='tiny-thing')", ""),
    ],
)
def test_the_name_of_a_package_is_read_where_it_stands(tmp_path: Path, file: str, text: str, name: str) -> None:
    (tmp_path / file).write_text(text)

    assert name == package_files.name_of(tmp_path)


@pytest.mark.parametrize("file", ["pyproject.toml", "setup.cfg"])
def test_what_cannot_be_understood_is_not_taken_for_an_empty_file(tmp_path: Path, file: str) -> None:
    readers = {"pyproject.toml": package_files.pyproject, "setup.cfg": package_files.setup_cfg}

    assert {} == readers[file](tmp_path)
    (tmp_path / file).write_text("[project\n")
    assert readers[file](tmp_path) is None
    assert "" == package_files.name_of(tmp_path)
