"""What a person's arguments for pytest mean to us: whether they name tests, only show something, or are unknown."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Iterable, List, Mapping, Sequence

from ..console import shell_words
from ..errors import NothingSelected, PipelineError, SettingsError, SuiteError
from ..system import files

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
INI_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")


USAGE_ERROR, NO_TESTS = 4, 5  # pytest's exit codes for arguments that it cannot use, and for nothing selected
SEE_ABOVE = "See pytest's own lines above."


def nothing_selected(arguments: Sequence[str]) -> NothingSelected:
    """Say that no test was selected, by which arguments: neither all is well nor are all tests meant."""
    return NothingSelected(f"no test was selected: pytest {' '.join(shell_words(arguments))}".rstrip(), SEE_ABOVE)


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


def stopping(arguments: Sequence[str]) -> List[str]:
    """Add pytest's word for an end at the first red test, unless it is there.

    >>> stopping(["-k", "sad"]), stopping(["--exitfirst"])
    (['-x', '-k', 'sad'], ['--exitfirst'])
    """
    return list(arguments) if {"-x", "--exitfirst"} & {*arguments} else ["-x", *arguments]


def may_be_paths(arguments: Sequence[str]) -> List[str]:
    """Find the words that are no option; of some, only pytest knows whether they are an option's value.

    >>> may_be_paths(["-k", "sad", "--slow", "tests", "-x", "--", "--all"])
    ['tests', '--all']
    """
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    options = arguments[:end]
    pairs = zip(["", *options], options)
    named = [word for before, word in pairs if word and not word.startswith("-") and before not in VALUED]
    return [*named, *arguments[end + 1 :]]


def named_paths(arguments: Sequence[str], folder: Path, pyargs: bool = False) -> List[str]:
    """Find the words that name files or folders that are there, as pytest would, with or without a test behind `::`.

    What follows an option that is not pytest's own counts as its value.

    Args:
        pyargs: packages and modules may be named too.
    """
    pairs = zip(["", *arguments], arguments)
    words = [word for before, word in pairs if not word.startswith("-") and not _takes_value(before)]
    return [word for word in words if _is_there(word, folder) or (pyargs and is_dotted(word))]


def _takes_value(word: str) -> bool:
    return word.startswith("-") and "=" not in word and word != "--" and word not in FLAGS


def _is_there(word: str, folder: Path) -> bool:
    try:
        return bool(word) and (folder / word.split("::")[0]).exists()
    except (OSError, ValueError):  # too long for a name
        return False


def is_dotted(word: str) -> bool:
    """Tell whether a word may be the name of a module, with or without a test behind `::`.

    >>> is_dotted("api.tests.test_a::test_b[1.5]"), is_dotted("api/tests")
    (True, False)
    """
    return all(part.isidentifier() for part in word.split("::")[0].split("."))


def takes_modules(words: Iterable[str], environ: Mapping[str, str], folders: Iterable[Path]) -> bool:
    """Tell whether pytest is told `--pyargs`, by words, PYTEST_ADDOPTS or a configuration in one of the folders."""
    if "--pyargs" in words or "--pyargs" in environ.get("PYTEST_ADDOPTS", ""):
        return True
    return any("--pyargs" in files.text_of(folder / name) for folder in folders for name in INI_FILES)


def check_paths(arguments: Sequence[str], folder: Path, pyargs: bool = False) -> None:
    """Refuse a path that is not there, before anything is started or taken away.

    Args:
        pyargs: packages and modules may be named too.

    Raises:
        SettingsError: it names the path, and one like it.
    """
    for before, word in zip(["", *arguments], arguments):
        is_value = before.startswith("-") and "=" not in before and before not in FLAGS
        file = word.split("::")[0]
        looks_like_one = "/" in file or file.endswith(".py") or "::" in word
        if pyargs and is_dotted(word):
            continue
        if looks_like_one and not word.startswith("-") and not is_value and not (folder / file).exists():
            near = difflib.get_close_matches(Path(file).name, _names((folder / file).parent), n=1)
            meant = f"; did you mean {Path(file).with_name(near[0])}?" if near else ""
            hint = "Name a file, folder or test as it is called there, or leave it out to run all."
            raise SettingsError(f"no file or folder {file} in {folder}{meant}", hint)


def _names(folder: Path) -> List[str]:
    return [entry.name for entry in folder.iterdir()][:1000] if folder.is_dir() else []


def pytests_own(words: Sequence[str]) -> int:
    """Find where pytest's own words begin in a command, after those of what starts it.

    >>> pytests_own(["run", "-m", "pytest", "tests"]), pytests_own(["tests"])
    (3, 0)
    """
    return max((place + 1 for place, word in enumerate(words) if Path(word).name in ("pytest", "py.test")), default=0)


def without_paths(words: Sequence[str], folder: Path, pyargs: bool = False) -> List[str]:
    """Drop the paths that a command names by itself, where a person names others.

    What follows an option is a path too, if the option is one of pytest's that take no value.

    >>> without_paths(["-m", "pytest", "-c", ".", "-q", "."], Path("/"))
    ['-m', 'pytest', '-c', '.', '-q']
    """
    start = pytests_own(words)
    own = list(words[start:])
    pairs = zip(["", *own], own)
    left = [word for before, word in pairs if _takes_value(before) or not named_paths([word], folder, pyargs)]
    return [*words[:start], *left]
