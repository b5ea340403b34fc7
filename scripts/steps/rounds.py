"""Run the tests of one shard in rounds, one pytest process each, until none remains, and book what ended them.

`one_round` starts each process; `booking` decides after it, from what the journal tells and how the process ended.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Callable, List, Mapping, Sequence

from .. import console
from ..environment import Environment
from ..settings import Settings
from ..sharding import journal, junit, loading
from . import booking, one_round
from . import select as select_step
from .around import pytest_words
from .booking import Exit, Outcome, Ran
from .one_round import Pulse, Say

__all__ = ["Outcome", "run"]


def run(
    settings: Settings,
    environment: Environment,
    environ: Mapping[str, str],
    folder: Path,
    select: Sequence[str],
    pytest_arguments: Sequence[str],
    signalled: Callable[[], bool],
    test_timeout_s: float = 600.0,
    say: Say = console.say,
) -> Outcome:
    """Run the selected tests to their end, in as many rounds as it takes.

    To be called while signals are held back (`with held_back() as signalled`), so that the caller can write the
    receipt of an interrupted shard before the signal is raised.

    Args:
        environ: all variables of the suite.
        folder: gets journal.jsonl and, after each round, junit.xml; an earlier run's are taken away.
        select: the command that answers "which tests next?" for the first round; empty to run all.
        signalled: whether somebody wants us to end; pytest then gets Ctrl-C and says where it was.
        test_timeout_s: how long one phase of a test, or a shared fixture, may take; 0 for as long as it likes.

    Raises:
        SuiteError: pytest cannot be started, or the journal is not what the plugin writes.
    """
    record = _fresh(folder)
    limit = _most_failures(pytest_arguments)
    limits = one_round.limits_for(pytest_arguments, test_timeout_s)
    words = pytest_words(settings, environment, pytest_arguments)
    ended: List[Exit] = []
    while True:
        number = len(ended)
        variables = loading.variables(environ, settings.state / "plugin", record, number, select)
        ended.append(one_round.run(words, settings.project, variables, Pulse(record), limits, signalled, say))
        told = {each.number: each for each in journal.read(record)}
        outcome = booking.next_step([Ran(exit, told.get(index)) for index, exit in enumerate(ended)], limit)
        junit.write(folder / "junit.xml", booking.results(outcome))
        if outcome.ended:
            return outcome
        say(booking.progress(outcome))
        select = _select_remaining(folder, outcome.remaining)


def _fresh(folder: Path) -> Path:
    """Where the journal will be; what an earlier run left is taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("journal.jsonl", "junit.xml", "remaining.json"):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    return folder / "journal.jsonl"


def _select_remaining(folder: Path, remaining: Sequence[str]) -> List[str]:
    """The command that answers "these"."""
    file = folder / "remaining.json"
    file.write_text(json.dumps(remaining), encoding="ascii")  # it escapes whatever the ids are made of
    return select_step.command("--ids", str(file.resolve()))


def _most_failures(arguments: Sequence[str]) -> int:
    """What -x or --maxfail asks for; pytest counts anew in each round.

    >>> _most_failures(["-x"]), _most_failures(["--maxfail", "3", "-v"]), _most_failures(["-vxs"]), _most_failures([])
    (1, 3, 1, 0)
    """
    text, found = "\n".join(arguments), 0
    for match in re.finditer(r"^(?:-[svqlx]*x[svqlx]*|--exitfirst|--maxfail[=\n](\d+))$", text, re.MULTILINE):
        found = int(match[1]) if match[1] else 1
    return found
