"""Check out the commit that a run tested, beside the project: a git worktree, so that nothing of a person's changes."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import List

from ..console import progress, say
from ..environments.sources import git
from ..errors import SettingsError
from ..settings import Settings
from ..system import files, programs
from ..system.programs import ProgramFailed

FOLDER = "reproduce"  # in the project's state folder
ANSWERS_IN_S = 60.0
CHECKED_OUT_IN_S = 900.0  # a large repository, on a slow disk, with files that git fetches for it (LFS)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def project_at(settings: Settings, commit: str) -> Path:
    """Check a commit out below the state folder, once, and return the project's folder in it.

    Raises:
        SettingsError: the project lies in no git repository, or the commit is not in it.
    """
    top = _top(settings.project)
    if not _COMMIT.fullmatch(commit) or not _has(top, commit):
        message = f"commit {commit[:40]!a}, which was tested, is not in the repository {top}"
        hint = "Fetch it: {command}    (or run what is here: --on-this-code)"
        raise SettingsError(message, hint, ("git", "fetch", "origin", commit))
    folder = (settings.state / FOLDER / commit[:12]).resolve()
    if _is_at(folder, commit):
        _refuse_edits(folder)
    else:
        _add(top, folder, commit)
    project = folder / os.path.relpath(settings.project.resolve(), top)
    if not (project / settings.file.name).is_file():
        message = f"commit {commit[:12]} has no {settings.shown(settings.file)}"
        raise SettingsError(message, "Run the tests on what is here: --on-this-code")
    return project


def _top(project: Path) -> Path:
    try:
        return Path(_git(project, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
    except ProgramFailed as failed:
        message = f"{project}: the commit that was tested cannot be checked out: {git.why(failed)}"
        raise SettingsError(
            message, "Run it in a clone of the repository; or on what is here: --on-this-code"
        ) from None


def _has(top: Path, commit: str) -> bool:
    with suppress(ProgramFailed):
        _git(top, "cat-file", "-e", f"{commit}^{{commit}}")
        return True
    return False


def _is_at(folder: Path, commit: str) -> bool:
    """Tell whether a worktree of the commit is there."""
    with suppress(ProgramFailed):
        return (folder / ".git").is_file() and _git(folder, "rev-parse", "HEAD").startswith(commit)
    return False


def _refuse_edits(folder: Path) -> None:
    """Refuse a worktree in which somebody changed what was tested: neither is it the commit, nor is it ours to lose."""
    with suppress(ProgramFailed):
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no").splitlines()
        if changed:
            message = f"{folder} was edited: {len(changed)} files, such as {changed[0][3:]}"
            command = ("git", "worktree", "remove", "--force", str(folder))
            raise SettingsError(message, "Keep that elsewhere, then {command}", command)


def _add(top: Path, folder: Path, commit: str) -> None:
    files.remove(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        _git(top, "worktree", "prune")
        with progress(f"checking commit {commit[:12]} out into {folder}"):
            words = ["worktree", "add", "--detach", "--force", str(folder), commit]
            _git(top, "-c", f"core.hooksPath={os.devnull}", *words, timeout_s=CHECKED_OUT_IN_S)
            if (folder / ".gitmodules").is_file():
                _git(folder, "submodule", "update", "--init", "--recursive", timeout_s=CHECKED_OUT_IN_S)
    except ProgramFailed as failed:
        files.remove(folder)
        message = f"commit {commit[:12]} cannot be checked out into {folder}: {git.why(failed)}"
        raise SettingsError(message, "Mend that, or run the tests on what is here: --on-this-code") from None
    say(f"commit {commit[:12]}: checked out into {folder}; it stays for the next time, `invoke clean` removes it")


def _git(folder: Path, *words: str, timeout_s: float = ANSWERS_IN_S) -> str:
    command: List[str] = ["git", "-C", str(folder), *words]
    return programs.output(command, timeout_s, environ=git.variables(os.environ), errors="surrogateescape")


def share_weights(there: Settings, here: Settings) -> None:
    """Let another state of a project use the weights of this one, where both have the same manifest.

    Where they differ, what has the same digest is copied, as between any two projects.
    """
    if there.models is None or there.models != here.models or os.path.lexists(there.models_directory):
        return
    with suppress(OSError):  # then they are fetched
        here.models_directory.mkdir(parents=True, exist_ok=True)
        there.models_directory.parent.mkdir(parents=True, exist_ok=True)
        there.models_directory.symlink_to(here.models_directory, target_is_directory=True)
