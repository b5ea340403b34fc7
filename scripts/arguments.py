"""Read what a person typed: numbers within bounds, and options that are nearly one of ours."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

from .errors import SettingsError, shortened
from .settings import Settings
from .settings.checks import check_host
from .settings.distribution import check_store
from .system import files, machine

MOST_BYTES = 1_000_000  # of a program that is looked through for its options
SHORTEST = 4  # letters of an option that say which one is meant: --run may be anybody's
LONGEST_NUMBER = 12  # digits; Python itself refuses to read those of thousands

SEE, HELP = "See: {command}", ("--help",)  # of the step; who shows it knows which that is


def numbers(words: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Part the words before pytest's arguments, INDEX TOTAL or what somebody took for it (2/4), from the rest."""
    count = next((place for place, word in enumerate(words) if not re.fullmatch(r"[\d/]+", word)), len(words))
    return list(words[:count]), list(words[count:])


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


def with_store(settings: Settings, store: str) -> Settings:
    """Let shards share out their tests in the store given with --store; empty: as the settings say.

    Raises:
        SettingsError: it is none.
    """
    if not store:
        return settings
    try:
        check_store(store)
    except ValueError as error:
        raise SettingsError(f"--store: {error}", SEE, HELP) from None
    return replace(settings, distribution=replace(settings.distribution, store=store))


def needs_gpu(environ: Mapping[str, str]) -> None:
    """Refuse to go on where there is no GPU: a service that does without one would be tested otherwise than meant.

    Raises:
        SettingsError: there is none for programs started with these variables.
    """
    if not machine.visible_gpus(environ):
        hint = "`nvidia-smi -L` lists those that the driver knows; CUDA_VISIBLE_DEVICES may hide them."
        raise SettingsError("--gpu: expected a GPU on this machine, found none", hint)


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


def python(option: str, word: Optional[str]) -> Optional[str]:
    """Read the Python given with an option, such as 3.10; None where none was.

    Raises:
        SettingsError: it is none.
    """
    if word is not None and not re.fullmatch(r"3\.[0-9]{1,3}", word):
        raise SettingsError(f"{option}: expected a Python such as 3.10, got {shortened(word)}", SEE, HELP)
    return word


def host(option: str, word: Optional[str]) -> Optional[str]:
    """Read the address given with an option; None where none was.

    Raises:
        SettingsError: it cannot be one.
    """
    try:
        if word is not None:
            check_host(word)
    except ValueError as error:
        raise SettingsError(f"{option}: {error}", SEE, HELP) from error
    return word


def check_options(words: Sequence[str], ours: Sequence[str], is_theirs: Callable[[str], bool], hint: str = SEE) -> None:
    """Refuse an option that goes to pytest, or the service, but is one of ours, misspelt by a letter or a dash.

    Args:
        words: what is left for pytest, or the service.
        is_theirs: whether the suite, or the service, knows an option of this name.
        hint: {command} in it is the step's help.

    Raises:
        SettingsError: with the option that was meant.
    """
    for word in words:
        name = word.partition("=")[0]
        meant = misspelt(name, ours) if name.startswith("--") else None
        if meant and not is_theirs(name):
            raise SettingsError(f"nobody knows the option {shortened(name)}; did you mean {meant}?", hint, HELP)


def of_service(words: Sequence[str], ours: Sequence[str], settings: Settings) -> List[str]:
    """Take the words that go to the service: all but a first `--`, after which none is ours, however near.

    >>> of_service(["--gpu", "--", "--port"], ["--port"], Settings())
    ['--gpu', '--port']

    Raises:
        SettingsError: one before it is nearly ours, and the service's program does not name it.
    """
    hint = f"{SEE}. If the service itself has it, write it after a further `--`."
    return _passed_on(words, ours, partial(service_has, settings), hint)


def of_suite(words: Sequence[str], ours: Sequence[str], settings: Settings) -> List[str]:
    """Take the words that go to pytest: all but a first `--`, after which none is ours, however near.

    Raises:
        SettingsError: one before it is nearly ours, and no conftest.py names it.
    """
    hint = f"{SEE}. If pytest or a plugin has it, write it after a `--`."
    return _passed_on(words, ours, partial(suite_has, settings), hint)


def _passed_on(words: Sequence[str], ours: Sequence[str], is_theirs: Callable[[str], bool], hint: str) -> List[str]:
    end = list(words).index("--") if "--" in words else len(words)
    check_options(words[:end], ours, is_theirs, hint)
    return [*words[:end], *words[end + 1 :]]


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
    return any(option in files.text_of(folder / "conftest.py") for folder in folders)


def service_has(settings: Settings, option: str) -> bool:
    """Say whether a program that the command of the first service names, as `webui.py`, names an option."""
    if settings.service is None:
        return False
    folder = settings.project / settings.service.directory
    return any(option in files.text_of(folder / word, MOST_BYTES) for word in settings.service.command)
