"""What git says of the repository that is to be released, and the tag that it is told to make."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import List

from scripts.environments.sources import git
from scripts.errors import SettingsError
from scripts.system import programs
from scripts.system.programs import ProgramFailed

from . import decisions
from .decisions import Facts

ANSWERS_IN_S = 60.0
MODULE, CHANGELOG = Path("scripts", "__init__.py"), Path("CHANGELOG.md")


def facts(root: Path) -> Facts:
    """Look at the repository; no server is asked.

    Raises:
        SettingsError: there is no git, or no repository.
    """
    try:
        status = ask(root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames").split("\0")
    except ProgramFailed as failed:
        raise SettingsError(
            f"{root} cannot be released: {git.why(failed)}", "Release a clone of the repository."
        ) from None
    return Facts(
        branch=ask(root, "branch", "--show-current").strip(),
        main=main_branch(root),
        changed=tuple(entry[3:] for entry in status if entry),
        behind=_behind(root),
        tags=tuple(ask(root, "tag", "--list").split()),
        version=decisions.version_of((root / MODULE).read_text(encoding="utf-8")),
        changelog=(root / CHANGELOG).read_text(encoding="utf-8"),
    )


def main_branch(root: Path) -> str:
    """Name the branch that releases are made of: the server's, as it was when it was cloned; else main, or master."""
    with suppress(ProgramFailed):
        return ask(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").strip().partition("/")[2]
    there = ask(root, "branch", "--format", "%(refname:short)").split()
    return next((name for name in ("main", "master") if name in there), "main")


def _behind(root: Path) -> int:
    with suppress(ProgramFailed):  # it has no branch on a server
        return int(ask(root, "rev-list", "--count", "HEAD..@{upstream}"))
    return 0


def tracked(root: Path, folder: str) -> List[str]:
    """List the files of a folder that are in the commit."""
    return ask(root, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", folder).rstrip("\0").split("\0")


def commit(root: Path) -> str:
    """Name the commit that is checked out."""
    return ask(root, "rev-parse", "HEAD").strip()


def committed_at_s(root: Path) -> int:
    """Tell when it was made, in seconds since 1970: the time of all files of a release."""
    return int(ask(root, "log", "-1", "--format=%ct"))


def export(root: Path, to: Path) -> None:
    """Check the commit out into a new folder: nothing else that lies here is in it."""
    ask(root, "clone", "--quiet", "--no-hardlinks", str(root), str(to))


def make_tag(root: Path, version: str, message: str) -> str:
    """Tag the commit, signed where git is set up so (tag.gpgSign); the tag's name.

    Raises:
        SettingsError: git does not do so: somebody else has just made it, or the key is not to be had.
    """
    name = decisions.tag_of(version)
    words = ["git", "-C", str(root), "tag", "--annotate", "--cleanup=verbatim", "--message", message, name]
    done = subprocess.run(words, env=git.variables(os.environ), check=False)  # a signature may ask for a pass phrase
    if done.returncode:
        again = f"Mend that; then: git tag --annotate {name}    (all checks were green)"
        raise SettingsError(f"git made no tag {name}, for the reason above", again)
    return name


def ask(root: Path, *words: str) -> str:
    """Ask git.

    Raises:
        ProgramFailed: as in `programs.output`.
    """
    command = ["git", "-C", str(root), *words]
    return programs.output(command, ANSWERS_IN_S, environ=git.variables(os.environ), errors="surrogateescape")
