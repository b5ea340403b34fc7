"""What a single value of pipeline.yml may be: each check refuses by ValueError, which says what was expected."""

from __future__ import annotations

import re
import string
from pathlib import PurePosixPath
from typing import Any, Mapping, Tuple, Union

from ..errors import shortened
from ..typed_yaml import suggest

# In the words of a service's command and in the values of its environment.
PLACEHOLDERS = ("host", "port", "models", "run_id", "reports", "shard")


def check_placeholders(text: str) -> None:
    """Accept known placeholders only; others would become a file or folder of that name."""
    try:
        fields = [field[1:] for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f"{shortened(text)}: {error}; write {{{{ and }}}} for braces") from error
    for name, spec, conversion in fields:
        if name not in PLACEHOLDERS or spec or conversion:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            meant = suggest(name or "", PLACEHOLDERS)
            raise ValueError(
                f"expected one of {known}, got {{{(name or '')[:60]}}}{meant}; write {{{{ and }}}} for braces"
            )


def check_command(words: Tuple[str, ...]) -> None:
    """Accept words with known placeholders only."""
    for word in words:
        check_placeholders(word)


def check_environment(variables: Mapping[str, str]) -> None:
    """Accept values with known placeholders only."""
    for name, value in variables.items():
        try:
            check_placeholders(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def check_pythons(versions: Union[str, Tuple[str, ...]]) -> None:
    """Accept versions of Python as 3.11, one or several."""
    for each in (versions,) if isinstance(versions, str) else versions:
        if not re.fullmatch(r"3\.\d{1,2}", each):
            raise ValueError(f'expected a Python as "3.11", got {shortened(each)}')


def check_statuses(statuses: Union[int, Tuple[int, ...]]) -> None:
    """Accept one HTTP status, or several."""
    for status in (statuses,) if isinstance(statuses, int) else statuses:
        if not 100 <= status <= 599:
            raise ValueError(f"expected an HTTP status, 100 to 599, got {status}")


def check_pattern(text: str) -> None:
    """Accept a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error


def check_one_of(*known: str) -> Any:
    """Make a check that accepts these words only."""

    def check(word: str) -> None:
        if word not in known:
            raise ValueError(f"expected {' or '.join(known)}, got {shortened(word)}{suggest(word, known)}")

    return check


def check_gpu(words: Union[str, Tuple[str, ...]]) -> None:
    """Accept auto, never, or the words of the command that ask for a GPU."""
    if isinstance(words, str):
        check_one_of("auto", "never")(words)
    else:
        check_words(words)
        check_command(words)


def check_positive_number(count: int) -> None:
    """Accept a whole number from 1 up."""
    if count < 1:
        raise ValueError(f"expected 1 or more, got {count}")


def check_given(text: str) -> None:
    """Accept text that says something."""
    if not text.strip():
        raise ValueError("expected text, got none: leave the key out where there is nothing to say")


def check_all_given(texts: Tuple[str, ...]) -> None:
    """Accept texts that each say something."""
    for text in texts:
        check_given(text)


def check_positive(amount: float) -> None:
    """Accept more than nothing."""
    if not amount:
        raise ValueError("expected more than 0")


def check_host(host: str) -> None:
    """Accept an address or the name of one."""
    if not re.fullmatch(r"[\w.:%-]+", host) or re.fullmatch(r"[^:]*:\d*", host):
        raise ValueError(f"expected an address of this machine, as 127.0.0.1, 0.0.0.0 or ::1, got {shortened(host)}")


def check_port(port: int) -> None:
    """Accept a port number."""
    if not 0 < port < 65536:
        raise ValueError(f"expected 1 to 65535, got {port}")


def check_words(words: Tuple[str, ...]) -> None:
    """Accept a command that has words."""
    if not words:
        raise ValueError("expected the words of a command, got none")


def check_folder(text: str) -> None:
    """Accept a relative folder."""
    if not text or PurePosixPath(text).is_absolute():
        raise ValueError(f"expected a folder relative to this file, got {shortened(text)}")


def check_prepare(words: Tuple[str, ...]) -> None:
    """Accept a command that has words, with known placeholders only."""
    check_words(words)
    check_command(words)


def check_variable(name: str) -> None:
    """Accept the name of an environment variable."""
    if not name or "=" in name:
        raise ValueError(f"expected a variable's name, got {shortened(name)}")
