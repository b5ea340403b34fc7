"""Which state of the code is analysed: as the CI says, else as git does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Mapping

from .. import ci
from ..ci import Change
from ..system import programs
from ..system.programs import ProgramFailed

ANSWERS_IN_S = 10.0


def of(project: Path, environ: Mapping[str, str]) -> Change:
    """Tell commit, branch and request; at home the branch that is checked out: else it would count as the main one."""
    said = ci.change(environ)
    commit = said.commit or git(project, "rev-parse", "HEAD")
    if said.branch or said.request or said.tag:
        return replace(said, commit=commit)
    branch = git(project, "rev-parse", "--abbrev-ref", "HEAD")
    return replace(said, commit=commit, branch="" if branch == "HEAD" else branch)  # so called where none is


def version(project: Path, change: Change) -> str:
    """Name the release that the code is, or comes after: what is new since then is new code to SonarQube."""
    return change.tag or git(project, "describe", "--tags", "--abbrev=0")


def git(project: Path, *words: str) -> str:
    """Ask git for a line; empty where there is no git, no repository, or no such thing."""
    with suppress(OSError, ProgramFailed):
        return programs.output(["git", "-C", str(project), *words], ANSWERS_IN_S).strip()
    return ""
