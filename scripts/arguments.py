"""Read what a person typed: numbers within bounds, and options that are nearly one of ours."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Callable, Iterable, Optional, Sequence

from .errors import SettingsError, shortened
from .settings import Settings

SHORTEST = 4  # letters of an option that say which one is meant: --run may be anybody's
LONGEST_NUMBER = 12  # digits; Python itself refuses to read those of thousands

SEE, HELP = "See: {command}", ("--help",)  # of the step; who shows it knows which that is


def whole(option: str, word: Optional[str], least: int, most: int, others: str = "") -> Optional[int]:
    """Read the whole number given with an option; None where none was.

    Args:
        others: what else the option takes, for the message: " or auto".

    >>> whole("--nodes", "4", 1, 99), whole("--nodes", None, 1, 99)
    (4, None)

    Raises:
        SettingsError: it is no whole number, or out of bounds.
    """
    if word is None:
        return None
    number = int(word) if re.fullmatch(rf"[0-9]{{1,{LONGEST_NUMBER}}}", word) else -1
    if not least <= number <= most:
        expected = f"expected a whole number from {least} to {most}{others}"
        raise SettingsError(f"{option}: {expected}, got {shortened(word)}", SEE, HELP)
    return number


def days(option: str, word: Optional[str]) -> Optional[float]:
    """Read the days given with an option, parts of a day too; None where none were.

    >>> days("--prune", "0.5")
    0.5

    Raises:
        SettingsError: it is no number from 0.
    """
    if word is None:
        return None
    try:
        number = float(word) if word.isascii() else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise SettingsError(f"{option}: expected days, from 0, got {shortened(word)}", SEE, HELP)
    return number


def check_options(words: Sequence[str], ours: Sequence[str], suite_has: Callable[[str], bool]) -> None:
    """Refuse an option that goes to pytest but is one of ours, misspelt by a letter or a dash.

    Args:
        words: what is left for pytest.
        suite_has: whether the suite itself knows an option of this name.

    Raises:
        SettingsError: with the option that was meant.
    """
    for word in words:
        name = word.partition("=")[0]
        meant = misspelt(name, ours) if name.startswith("--") else None
        if meant and not suite_has(name):
            raise SettingsError(f"nobody knows the option {shortened(name)}; did you mean {meant}?", SEE, HELP)


def misspelt(name: str, ours: Iterable[str]) -> Optional[str]:
    """Return the option of ours that differs by a letter at most, dashes apart, or goes on from here; None if none.

    >>> misspelt("--node", ["--nodes"]), misspelt("--runmissing", ["--run-missing"]), misspelt("--verbose", ["--nodes"])
    ('--nodes', '--run-missing', None)
    """
    bare = name.replace("-", "").replace("_", "").lower()
    for option in ours:
        letters = option.replace("-", "")
        if abs(len(bare) - len(letters)) <= 1 and option != name and _is_near(bare, letters):
            return option
        if len(bare) >= SHORTEST and letters.startswith(bare) and option != name:
            return option
    return None


def _is_near(one: str, other: str) -> bool:
    """Say whether two words differ by one letter, added, left out, changed or swapped with the next."""
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2][::-1] == long[at : at + 2] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]


def suite_has(settings: Settings, option: str) -> bool:
    """Say whether a conftest.py that pytest reads at its start names an option."""
    folders = {settings.project, settings.suite_directory}
    for path in settings.suite.paths:
        place = settings.suite_directory / path
        folders.update(parent for parent in (place, *place.parents) if settings.project in parent.parents)
    return any(option in _text_of(folder / "conftest.py") for folder in folders)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""
