"""Read what a person typed: numbers within bounds, and options that are nearly one of ours."""

from __future__ import annotations

import math
import re
from typing import Optional

from .errors import SettingsError, shortened

LONGEST_NUMBER = 12  # digits; Python itself refuses to read those of thousands


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
        raise SettingsError(f"{option}: {expected}, got {shortened(word)}", "See: --help")
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
        raise SettingsError(f"{option}: expected days, from 0, got {shortened(word)}", "See: --help")
    return number
