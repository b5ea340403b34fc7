"""What git says of folders and servers: the files of a folder, the commit that is checked out, that of a branch."""

from __future__ import annotations

import os
from typing import Dict, List, Mapping, NamedTuple

from ...system import programs

ANSWERS_IN_S = 60.0  # from a slow disk, or over a slow network
_OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


class Head(NamedTuple):
    """What is checked out in a folder."""

    commit: str  # empty where there is none yet
    branch: str  # empty where none is checked out
    changed: int  # files of the folder that are other than in the commit

    def __str__(self) -> str:
        branch = f" ({self.branch})" if self.branch else ""
        changed = f", {self.changed} file{'s' * (self.changed != 1)} changed" if self.changed else ""
        return f" at {self.commit[:7]}{branch}{changed}" if self.commit else f", in git without a commit{changed}"


def files(folder: str) -> Dict[str, bool]:
    """List the files of a folder, by their names from there on, and whether git tracks each; none that it ignores.

    A submodule, or a repository inside the folder, is one entry.

    Raises:
        ProgramFailed: no git, no repository, or none that git trusts.
    """
    told = _ask(folder, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard")
    return {_name(entry[2:]): entry[0] != "?" for entry in told.split("\0") if entry}


def ignored(folder: str) -> List[str]:
    """List the files, and by a slash at their end the whole folders, that git ignores.

    Raises:
        ProgramFailed: as in `files`.
    """
    told = _ask(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    return [_name(entry) for entry in told.split("\0") if entry]


def head(folder: str) -> Head:
    """Tell what is checked out in a folder, and how many of its files differ from that, new ones aside.

    Raises:
        ProgramFailed: as in `files`.
    """
    told = _ask(folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames", "--", ".")
    entries = told.split("\0")
    facts = dict(entry[2:].split(" ", 1) for entry in entries if entry.startswith("# "))
    commit, branch = facts.get("branch.oid", ""), facts.get("branch.head", "")
    changed = sum(bool(entry) and not entry.startswith("# ") for entry in entries)
    return Head("" if commit.startswith("(") else commit, "" if branch.startswith("(") else branch, changed)


def commit_of(url: str, revision: str) -> str:
    """Ask a server for the commit of a branch or tag, or without a revision of what it has checked out.

    Returns:
        the commit; empty where the server knows no such branch or tag.

    Raises:
        ProgramFailed: it does not answer, or not to us.
    """
    names = [f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", revision]
    wanted = names if revision else ["HEAD"]
    told = programs.output(["git", "ls-remote", "--", url, *wanted], ANSWERS_IN_S, environ=variables(os.environ))
    known = {name: commit for commit, _, name in (line.partition("\t") for line in told.splitlines())}
    return next((known[name] for name in wanted if name in known), "")


def _ask(folder: str, *words: str) -> str:
    command = ["git", "-C", folder, *words]
    return programs.output(command, ANSWERS_IN_S, environ=variables(os.environ), errors="surrogateescape")


def variables(environ: Mapping[str, str]) -> Dict[str, str]:
    """Let git find the repository by the folder, also below a hook of another one; it waits for no lock or password."""
    kept = {name: value for name, value in environ.items() if name not in _OF_ANOTHER}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _name(told: str) -> str:
    return os.fsdecode(told.encode("utf-8", "surrogateescape"))


def why(failed: programs.ProgramFailed) -> str:
    """Say in a line why git did not answer."""
    if failed.returncode is None:
        return str(failed)
    lines = [line.strip() for line in failed.output.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "ERROR:", "error:"))]
    return next(iter(fatal or lines), str(failed))
