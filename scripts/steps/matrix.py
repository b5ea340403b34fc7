"""Run the suite on each Python in turn, or take the runs that a CI made, and lay them side by side: `nox -s matrix`."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import ci
from ..console import say
from ..environments import pythons
from ..errors import PipelineError, SettingsError
from ..evidence import ending, matrix_summary, summary
from ..local import legs as local
from ..proof import legs as proof
from ..proof import matrix, matrix_text, receipt, report_text
from ..proof.legs import Leg
from ..proof.matrix import Matrix
from ..runner import merge, ownership, shard
from ..settings import Settings
from ..system import files
from . import integration, lock

FOLDER = "python-{}"
SESSION = matrix_text.SESSION


class Wishes(NamedTuple):
    """What a person wants of a matrix.

    Args:
        expected: the Pythons that have to be there; none for those that the project is for.
        folders: the reports folders of legs; none for all `python-*` of the reports.
        session: of the menu, whose `SESSION-3.8` is a leg on 3.8.
    """

    expected: Sequence[str] = ()
    folders: Sequence[Path] = ()
    session: str = SESSION


def merge_legs(settings: Settings, wishes: Wishes) -> int:
    """Lay the legs that are there side by side; one that is missing is red.

    Returns:
        0 where every leg is green and of the same commit, else the highest exit code of a leg.
    """
    wanted = _wanted(settings)
    expected = list(wishes.expected) or wanted.versions
    found = _folders(settings, wishes)
    legs = [_read(python, folder) for python, folder in found]
    there = {leg.python for leg in legs}
    unfit = {python: why for python, why in wanted.unfit.items() if python not in there}
    legs += [Leg(python, why=f"not run: {unfit[python]}") for python in expected if python in unfit]
    return _conclude(settings, legs, expected, {} if wishes.expected else unfit, wishes)


def run(settings: Settings, arguments: Sequence[str], wishes: Wishes) -> int:
    """Run the suite on each Python that is here, one after the other, also after a red one; then as `merge_legs`.

    Args:
        arguments: options of `integration` and words for pytest, for each leg.

    Raises:
        SettingsError: in a CI, a Python is not there; or none is.
        AlreadyRunning: another matrix, or a run of a leg, is at it.
    """
    wanted = _wanted(settings)
    asked = list(wishes.expected) or wanted.versions
    here = [python for python in asked if pythons.find(python)]
    missing = [python for python in asked if python not in here]
    _tell_missing(missing, here)
    expected = asked if wishes.expected else here
    with ownership.of_matrix(settings):
        legs = _run_each(settings, here, arguments, wishes)
        legs += [Leg(python, why="it is not on this machine") for python in missing if wishes.expected]
        return _conclude(settings, legs, expected, {} if wishes.expected else wanted.unfit, wishes)


def _run_each(settings: Settings, here: Sequence[str], arguments: Sequence[str], wishes: Wishes) -> List[Leg]:
    menu = local.menu_of(settings, Path.cwd())
    sessions = local.sessions_in(menu)
    legs: List[Leg] = []
    try:
        for number, python in enumerate(here, 1):
            folder = settings.reports / FOLDER.format(python)
            words = local.words_of(settings, python, wishes.session, folder, sessions)
            say(f"\nPython {python}, {number} of {len(here)}{f': {settings.shown(folder)}' if words else ''}")
            legs.append(_run(settings, python, folder, [*words, *arguments] if words else [], menu, wishes.session))
    except (KeyboardInterrupt, SystemExit):
        rest = ["--expect", ",".join(here[len(legs) :]), *arguments]
        say(f"\nnext: {settings.command('nox', '-s', 'matrix', '--', *rest)}    (the rest)")
        raise
    return legs


def _wanted(settings: Settings) -> pythons.Wanted:
    own = lock.pythons(settings)  # whatever the suite runs on, these are installed on others
    locks = [file.with_suffix(".lock") for file in lock.files(settings) if file not in own]
    return pythons.wanted(settings.project, locks)


def _tell_missing(missing: Sequence[str], here: Sequence[str]) -> None:
    """Say which Pythons are not on this machine.

    Raises:
        SettingsError: this is a CI, whose machines have what they are to run; or none is here.
    """
    if not missing:
        return
    message = f"not on this machine: Python {', '.join(missing)} (here: {', '.join(here) or 'none'})"
    hint = f"uv python install {' '.join(missing)}, or pyenv install {' '.join(missing)}; --expect names those to run."
    if ci.is_ci(os.environ) or not here:
        raise SettingsError(message, hint)
    say(f"{message}. To get them: {hint}")


def _run(
    settings: Settings, python: str, folder: Path, words: Sequence[str], menu: Optional[Path], session: str
) -> Leg:
    """Run a leg, unless nothing can; nothing of an earlier one is taken for it."""
    if not words:
        file = settings.shown((menu or settings.project) / local.MENU)
        return Leg(python, why=f"no session {session}-{python} in {file}; `matrix --help` shows one")
    of_leg = replace(settings, reports_directory=folder)
    with ownership.of_all(of_leg):
        integration.clear(of_leg)
    code = local.run(words, menu or settings.project)
    leg = _read(python, folder)
    if code and not leg.exit_code:
        return leg._replace(ended="ended badly", exit_code=proof.UNPROVEN, why=f"its command ended with {code}")
    return leg


def _folders(settings: Settings, wishes: Wishes) -> List[Tuple[str, Path]]:
    """Find the folders of legs, with the Python that each is named after; of the reports, those that are expected."""
    if wishes.folders:
        return [(_python_of(folder), folder) for folder in wishes.folders]
    found = [(python, folder) for folder in settings.reports.glob("python-*") for python in [_named(folder)] if python]
    others = [folder.name for python, folder in found if wishes.expected and python not in wishes.expected]
    if others:
        say(f"not looked at: {', '.join(sorted(others))} in {settings.shown(settings.reports)}, as --expect says")
    return [(python, folder) for python, folder in found if not wishes.expected or python in wishes.expected]


def _named(folder: Path) -> str:
    match = re.fullmatch(r"python-(3\.[0-9]{1,3})", folder.name)
    return match[1] if match else ""


def _python_of(folder: Path) -> str:
    python = _named(folder)
    if not python or not folder.is_dir():
        message = f"matrix: expected the reports folder of a leg, such as reports/python-3.8, got {str(folder)!r}"
        raise SettingsError(message, "Options for legs need --run: {command}", ("nox", "-s", "matrix", "--", "--help"))
    return python


def _read(python: str, folder: Path) -> Leg:
    """Read what a leg left, and how its run ended, which may have come after the merge."""
    leg, told = proof.read(folder, python), ending.read(folder)
    if told is None and os.path.lexists(folder / ending.FILE_NAME):
        why = f"{ending.FILE_NAME}: cannot be read: how it ended is not known"
        return Leg(python, proof.DAMAGED, why=why)
    if told is None:
        return leg
    code = told.exit_code if 0 < told.exit_code < 256 else proof.UNPROVEN
    ended = leg._replace(ended=told.ended, exit_code=code, why=told.message)
    if report_text.FILE_NAME in told.earlier:
        return ended._replace(verdict=None)
    if leg.ended == proof.MISSING or (told.exit_code and not leg.exit_code):
        return ended
    return leg


def _conclude(
    settings: Settings, legs: Sequence[Leg], expected: Sequence[str], unfit: Mapping[str, str], wishes: Wishes
) -> int:
    """Compare the legs, tell and keep what came of that, and return the exit code."""
    whole = matrix.compare(legs, expected, unfit, shard.commit_of(settings.project, os.environ))
    for line in matrix_text.lines(whole, settings.command, _from_here(settings.reports), wishes.session):
        say(line)
    merge.attempt(lambda: _keep(settings, whole))
    if whole.exit_code in (0, 1):
        return whole.exit_code
    where = f"on Python {', '.join(whole.red)}" if whole.red else "anywhere"
    error = PipelineError(f"not proven to be green {where}", "The lines above say why, and what to run.")
    error.exit_code, error.ended = whole.exit_code, whole.ended
    raise error


def _from_here(folder: Path) -> str:
    """Write a path as a command takes it that is typed where this one was."""
    return str(folder.relative_to(Path.cwd()) if Path.cwd() in folder.parents else folder)


def _keep(settings: Settings, whole: Matrix) -> None:
    receipt.write_json(settings.reports / matrix.FILE_NAME, matrix.to_json(whole))
    told = matrix_summary.markdown(whole)
    files.write_text(settings.reports / matrix_summary.FILE_NAME, told)
    if os.environ.get(summary.STEP_SUMMARY):
        summary.append_to(Path(os.environ[summary.STEP_SUMMARY]), told)
