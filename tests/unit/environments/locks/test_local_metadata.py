"""What a local package needs is read without a build, and changes when that does, and only then."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Callable, Dict

import pytest

from scripts.environments.locks import local_metadata

STATIC = '[project]\nname = "a"\nversion = "1"\ndependencies = ["x"]\n'
DYNAMIC = '[project]\ndynamic = ["dependencies"]\n[tool.setuptools.dynamic]\ndependencies = {file = "in/r.in"}\n'
CODE = "setup(install_requires=open('in/r.in'))"
POETRY = '[tool.poetry]\nname = "a"\nversion = "1"\n[tool.poetry.dependencies]\nx = "^1"\n'


@pytest.mark.parametrize(
    "file, before, after, changes",
    [
        ("pyproject.toml", STATIC, STATIC.replace('"x"', '"x", "y"'), True),
        ("pyproject.toml", STATIC, STATIC + 'requires-python = ">=3.9"\n', True),
        ("pyproject.toml", STATIC, STATIC + '[tool.uv.sources]\nx = {path = "../x"}\n', True),
        ("pyproject.toml", STATIC, "# why\n" + STATIC.replace('"1"', '"2"') + "[tool.ruff]\n", False),
        ("pyproject.toml", POETRY, POETRY.replace("^1", "^2"), True),
        ("pyproject.toml", POETRY, POETRY.replace('"1"', '"2"'), False),
        ("pyproject.toml", "[", "[[", True),
        ("setup.py", "setup(install_requires=[])", "setup(install_requires=['x'])", True),
        ("setup.cfg", "[options]\ninstall_requires = x\n", "[options]\ninstall_requires = y\n", True),
        ("setup.cfg", "[options.extras_require]\nd = x\n", "[flake8]\n[options.extras_require]\nd = x\n", False),
        ("a.py", "", "import x", False),
    ],
)
def test_what_counts_is_what_says_dependencies(
    tmp_path: Path, file: str, before: str, after: str, changes: bool
) -> None:
    (tmp_path / file).write_text(before)
    first = local_metadata.digest(tmp_path)
    (tmp_path / file).write_text(after)

    assert changes == (first != local_metadata.digest(tmp_path))


@pytest.mark.parametrize("files", [{"pyproject.toml": DYNAMIC}, {"setup.py": CODE}])
def test_a_file_that_dependencies_are_read_from_counts(tmp_path: Path, files: Dict[str, str]) -> None:
    (tmp_path / "in").mkdir()
    for name, text in {**files, "in/r.in": "x"}.items():
        (tmp_path / name).write_text(text)
    before = local_metadata.digest(tmp_path)
    (tmp_path / "in" / "r.in").write_text("y")

    assert before != local_metadata.digest(tmp_path)


def wheel(file: Path, metadata: str, code: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.py", code)
        archive.writestr("a-1.dist-info/METADATA", metadata)
    return file


def sdist(file: Path, metadata: str, code: str) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name, text in {"a-1/a.py": code, "a-1/PKG-INFO": metadata}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return file


@pytest.mark.parametrize("make, name", [(wheel, "a-1-py3-none-any.whl"), (sdist, "a-1.tar.gz")])
def test_of_an_archive_its_metadata_count(tmp_path: Path, make: Callable[[Path, str, str], Path], name: str) -> None:
    texts = ["Name: a\nRequires-Dist: x\n", "Name: a\nVersion: 2\nRequires-Dist: x\n", "Name: a\nRequires-Dist: y\n"]
    digests = [local_metadata.digest(make(tmp_path / name, text, text)) for text in texts]

    assert digests[0] == digests[1] != digests[2]


def test_an_archive_without_metadata_counts_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"one")
    before = local_metadata.digest(tmp_path / "a.whl")
    (tmp_path / "a.whl").write_bytes(b"two")

    assert before != local_metadata.digest(tmp_path / "a.whl")


def test_packages_beside_it_are_found(tmp_path: Path) -> None:
    for name in ("a", "b b", "c", "d"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["b @ {(tmp_path / "b b").as_uri()}"]\n'
        '[tool.uv.sources]\nc = {path = "../c"}\ngone = [{path = "../gone"}]\ngit = {git = "https://h"}\n'
        '[tool.poetry.dependencies]\nd = {path = "../d", develop = true}\n'
    )

    assert [tmp_path / name for name in ("b b", "c", "d")] == local_metadata.neighbours(tmp_path / "a")
