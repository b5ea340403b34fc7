"""What a person's arguments for pytest mean to us: whether they name tests, only show something, or are unknown."""

from __future__ import annotations

import difflib
import shlex
from pathlib import Path
from typing import Iterable, List, Sequence

from ..errors import PipelineError, SettingsError, SuiteError

_SHOWING = """--collect-only --co --fixtures --funcargs --fixtures-per-test --setup-plan --markers --version -V
    --cache-show"""
_FLAGS = """-x -v -vv -vvv -q -qq -s -l --exitfirst --verbose --quiet --lf --last-failed --ff --failed-first --nf
    --new-first --sw --stepwise --sw-skip --stepwise-skip --showlocals --strict-markers --strict-config --pdb --trace
    --runxfail --no-header --no-summary --setup-show --setup-only --cache-clear --pyargs"""
_VALUED = """-k -m -p -c -o -r -W --maxfail --tb --durations --durations-min --deselect --ignore --ignore-glob --rootdir
    --capture --color --basetemp --junitxml --junit-xml --log-level --log-cli-level --import-mode --confcutdir"""
SHOWING = frozenset(_SHOWING.split())  # with these pytest runs no test, so there is nothing to prove
FLAGS = frozenset(_FLAGS.split())  # options of pytest itself, without a value ...
VALUED = frozenset(_VALUED.split())  # ... and with one; others may be a plugin's, or nobody's


USAGE_ERROR, NO_TESTS = 4, 5  # pytest's exit codes for arguments that it cannot use, and for nothing selected
SEE_ABOVE = "See pytest's own lines above."


def nothing_selected(arguments: Sequence[str]) -> SuiteError:
    """Say that no test was selected, by which arguments: neither all is well nor are all tests meant."""
    return SuiteError(f"no test was selected: pytest {shlex.join(arguments)}".rstrip(), SEE_ABOVE)


def nothing_ran(why: str, exit_codes: Iterable[int]) -> PipelineError:
    """Say why no test has run; what pytest could not use is a mistake in its arguments."""
    kind = SettingsError if USAGE_ERROR in exit_codes else SuiteError
    return kind(f"no test has run: {why}", SEE_ABOVE)


def shows_only(arguments: Iterable[str]) -> bool:
    """Tell whether pytest would only show something, and run no test.

    >>> shows_only(["-q", "--co"]), shows_only(["-k", "co"])
    (True, False)
    """
    return not SHOWING.isdisjoint(arguments)


def are_known(arguments: Iterable[str]) -> bool:
    """Tell whether all options are pytest's own; what is not may be a plugin's, and pytest has to be asked."""
    options = {word.partition("=")[0] for word in arguments if word.startswith("-") and word != "-"}
    return options <= FLAGS | VALUED | SHOWING


def named_paths(arguments: Sequence[str], folder: Path) -> List[str]:
    """Find the words that name files or folders that are there, as pytest would, with or without a test behind `::`."""
    return [word for word in arguments if not word.startswith("-") and (folder / word.split("::")[0]).exists()]


def check_paths(arguments: Sequence[str], folder: Path) -> None:
    """Refuse a path that is not there, before anything is started or taken away.

    Raises:
        SettingsError: it names the path, and one like it.
    """
    for before, word in zip(["", *arguments], arguments):
        is_value = before.startswith("-") and "=" not in before and before not in FLAGS
        file = word.split("::")[0]
        looks_like_one = "/" in file or file.endswith(".py") or "::" in word
        if looks_like_one and not word.startswith("-") and not is_value and not (folder / file).exists():
            near = difflib.get_close_matches(Path(file).name, _names((folder / file).parent), n=1)
            meant = f"; did you mean {Path(file).with_name(near[0])}?" if near else ""
            hint = "Name a file, folder or test as it is called there, or leave it out to run all."
            raise SettingsError(f"no file or folder {file} in {folder}{meant}", hint)


def _names(folder: Path) -> List[str]:
    return [entry.name for entry in folder.iterdir()][:1000] if folder.is_dir() else []


def without_paths(words: Sequence[str], folder: Path) -> List[str]:
    """Drop the paths that a command names by itself, where a person names others.

    >>> without_paths(["-m", "pytest", "-c", ".", "."], Path("/"))
    ['-m', 'pytest', '-c', '.']
    """
    pairs = zip(["-", *words], words)
    return [word for before, word in pairs if before.startswith("-") or not named_paths([word], folder)]
