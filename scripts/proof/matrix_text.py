"""Put a matrix into lines for people: a table of its legs, and one test by Python of what is red or differs."""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from .. import console
from ..console import at_most, counted, human_seconds, table
from . import outcomes as o
from .legs import Leg
from .matrix import FILE_NAME, KINDS, NOT_THERE, Matrix
from .receipt import shown
from .report_text import SHOWN, Command

SESSION = "integration"
Table = Tuple[Sequence[str], Sequence[Sequence[str]]]  # header and rows


def lines(
    matrix: Matrix, command: Command = console.command, folder: str = "reports", session: str = SESSION
) -> List[str]:
    """Report a matrix: its legs, what was found, the tests that are red or differ, and what to do next.

    Args:
        folder: the reports folder that those of the legs lie in, as people know it.
        session: whose body the legs were, of the menu.
    """
    header, rows = differing(matrix)
    return [
        "",
        *table(*legs(matrix)),
        *_found(matrix),
        "",
        *(table(header, rows[:SHOWN]) if rows else []),
        *([f"and {len(rows) - SHOWN} more, in {folder}/{FILE_NAME}"] if len(rows) > SHOWN else []),
        *same(matrix),
        *(f"next: {step}" for step in next_steps(matrix, command, folder, session)),
    ]


def _found(matrix: Matrix) -> List[str]:
    texts = [[finding.text for finding in matrix.findings if finding.kind == kind] for kind in KINDS]
    lines = [line for found in (*texts, unfit(matrix)) for line in at_most(SHOWN, found)]
    return ["", *lines] if lines else []


def unfit(matrix: Matrix) -> List[str]:
    """Say which Pythons were not to run, a line for each reason."""
    reasons = {why: [each for each in matrix.unfit if matrix.unfit[each] == why] for why in matrix.unfit.values()}
    return [f"not run on Python {', '.join(pythons)}: {why}" for why, pythons in reasons.items()]


def legs(matrix: Matrix) -> Table:
    """Lay out the legs: Python, tests, time and end."""
    took = [human_seconds(leg.run.seconds) if leg.verdict else "-" for leg in matrix.legs]
    rows = [(leg.python, _counts(leg), s, leg.ended) for leg, s in zip(matrix.legs, took)]
    return ("Python", "tests", "took", "ended"), rows


def _counts(leg: Leg) -> str:
    counts: Mapping[str, int] = leg.verdict.counts if leg.verdict else {}
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "-"


def differing(matrix: Matrix) -> Table:
    """Lay out the tests that are red or not the same on all Pythons: what is red stands in capitals."""
    pythons = [leg.python for leg in matrix.legs if leg.verdict]
    rows = [
        (*(word(outcomes.get(python, NOT_THERE)) for python in pythons), shown(nodeid))
        for nodeid, outcomes in matrix.differing.items()
    ]
    return (*pythons, "test"), rows  # ids last: they may be long


def word(outcome: str) -> str:
    """Write an outcome so that what is red is seen.

    >>> word("failed"), word("passed"), word("-")
    ('FAILED', 'passed', 'not there')
    """
    return outcome.upper() if outcome in o.RED else "not there" if outcome == NOT_THERE else outcome


def same(matrix: Matrix) -> List[str]:
    """Count, in a line, the tests that are the same on all Pythons that told of them; none where no test is."""
    told = [leg.python for leg in matrix.legs if leg.verdict]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in matrix.same.items())
    line = (
        f"{'and ' if matrix.differing else ''}the same on {counted(len(told), 'Python')}, {', '.join(told)}: {counts}"
    )
    return [line] if counts else []


def next_steps(matrix: Matrix, command: Command, folder: str, session: str) -> List[str]:
    """Say what runs again what is red: of a leg that has red tests only those, else all of it."""
    reasons = {finding.python for finding in matrix.findings if finding.red}
    steps = []
    for leg in matrix.legs:
        if leg.python in matrix.red:
            more, what = ([], "that leg again") if leg.python in reasons else (["--last-failed"], "what failed there")
            place = ["--reports", f"{folder}/python-{leg.python}"]
            steps.append(f"{command('nox', '-s', f'{session}-{leg.python}', '--', *place, *more)}    ({what})")
    return steps
