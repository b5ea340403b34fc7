from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Tuple

import pytest

from scripts.errors import SettingsError
from tests.release import building
from tests.unit.release import repositories


def build(root: Path, folder: Path) -> Tuple[Path, Path]:
    folder.mkdir()
    wheel, archive = building.build(Path(sys.executable), root, folder)
    return wheel, archive


def test_a_build_has_what_the_commit_has_and_nothing_that_lies_beside_it(tmp_path: Path) -> None:
    root = repositories.make(tmp_path / "repository")
    (root / "scripts" / "forgotten.py").touch()
    (root / "scripts" / "__init__.py").write_text("")
    wheel, archive = build(root, tmp_path / "build")

    assert ["shardline-1.1.0-py3-none-any.whl", "shardline-1.1.0.tar.gz"] == [wheel.name, archive.name]
    with zipfile.ZipFile(wheel) as packed:
        modules = {name for name in packed.namelist() if ".dist-info" not in name}
        metadata = packed.read("shardline-1.1.0.dist-info/METADATA").decode()
        licence = packed.read("shardline-1.1.0.dist-info/licenses/LICENSE")
    assert {"shardline/__init__.py", "shardline/steps/page.css"} == modules
    assert (root / "LICENSE").read_bytes() == licence
    assert {"License-Expression: MIT", "Requires-Python: >=3.8"} <= set(metadata.splitlines())
    assert [] == building.faults(metadata.encode())
    with tarfile.open(archive) as source:
        assert "shardline-1.1.0/scripts/begin.sh" in source.getnames()


def test_a_build_that_another_would_make_otherwise_is_refused(tmp_path: Path) -> None:
    root = repositories.make(tmp_path / "repository")
    project = (root / "pyproject.toml").read_text()
    left_out = '[tool.hatch.build.targets.sdist]\nexclude = ["*.css"]\n'
    (root / "pyproject.toml").write_text(f"{project}\n{left_out}")
    repositories.commit(root)

    with pytest.raises(SettingsError, match=r"is not what the commit gives: shardline-1\.1\.0-py3-none-any\.whl"):
        build(root, tmp_path / "build")


def test_what_an_index_would_refuse_is_named() -> None:
    metadata = b"Metadata-Version: 2.4\nName: a b\nVersion: one\nRequires-Python: three\n"

    assert {"name", "version", "requires-python"} == {
        word for word in ("name", "version", "requires-python") for fault in building.faults(metadata) if word in fault
    }


def test_what_was_built_takes_the_place_of_what_lay_there_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    for name in ("shardline-1.0.0.tar.gz", "of-others"):
        (tmp_path / "dist" / name).touch()
    (tmp_path / "shardline-1.1.0.tar.gz").write_text("new")
    files = building.leave([tmp_path / "shardline-1.1.0.tar.gz"], tmp_path / "dist")

    assert ["of-others", "shardline-1.1.0.tar.gz"] == sorted(file.name for file in (tmp_path / "dist").iterdir())
    assert {
        "shardline-1.1.0.tar.gz": "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"
    } == building.digests(files)
