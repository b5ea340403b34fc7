"""A small repository of a package as ours, for tests of releases."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
WHO = ("-c", "user.name=A", "-c", "user.email=a@localhost")


def git(folder: Path, *words: str) -> str:
    """Run git as somebody, and return what it prints."""
    command = ["git", "-C", str(folder), *WHO, *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def make(folder: Path) -> Path:
    """Make the repository, with a commit on main; its package is ours, without its modules."""
    (folder / "scripts" / "steps").mkdir(parents=True)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(str(ROOT / name), str(folder))
    (folder / "scripts" / "__init__.py").write_text('"""Ours."""\n\n__version__ = "1.1.0"\n')
    (folder / "scripts" / "steps" / "page.css").write_text("p {}\n")
    (folder / "scripts" / "begin.sh").write_text("#!/bin/sh\n")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- new\n\n## 1.1.0 - 2025-12-24\n\n- old\n")
    (folder / ".gitignore").write_text("/dist/\n__pycache__/\n")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit all there is."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
