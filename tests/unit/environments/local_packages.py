"""Packages in folders that build without a network: each has its own build backend, of the standard library alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Mapping

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")
BACKEND = """\
import pathlib, re, zipfile

def _text(key, text=pathlib.Path("pyproject.toml").read_text()):
    return re.search(f"(?m)^{key} = (.*)", text)[1]

NAME, NEEDS = eval(_text("name")), eval(_text("dependencies"))

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {str(file): file.read_text() for file in pathlib.Path(NAME).rglob("*.py")})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {f"{NAME}.pth": str(pathlib.Path.cwd())})

def _wheel(folder, members):
    info = f"{NAME}-1.dist-info"
    needs = "".join(f"Requires-Dist: {need}\\n" for need in NEEDS)
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: 1\\n{needs}"
    members[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    members[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*members, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder, f"{NAME}-1-py3-none-any.whl"), "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return f"{NAME}-1-py3-none-any.whl"
"""


def package(folder: Path, value: object = 1, name: str = "talkie", needs: str = "[]") -> Path:
    """A package in a folder whose VALUE is the given one."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "__init__.py").write_text(f"VALUE = {value!r}\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1"\ndependencies = {needs}\n'
    )
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.check_output(
        [*GIT, "-C", str(folder), *words], encoding="utf-8", stderr=subprocess.STDOUT, env=without_git(os.environ)
    ).strip()


def without_git(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables without those by which a hook of git, which may run these tests, names its own repository."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_")}


def committed(folder: Path) -> Path:
    """The folder, with all that is in it as a commit of its own repository."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return folder
