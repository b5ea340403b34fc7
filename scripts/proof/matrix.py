"""Is the suite green on every Python? The legs of a matrix side by side, pure; it fails closed, as the merge does."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, Callable, Collection, Dict, Hashable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from .. import ci
from . import findings as f
from . import outcomes as o
from .case import most_common
from .legs import DAMAGED, MISSING, UNPROVEN, Leg
from .receipt import one_line

SCHEMA = 1
FILE_NAME = "matrix.json"
NOT_THERE = "-"  # in place of an outcome: on that Python, no test of this id was collected
UNKNOWN = "one not known"

# What can be found about legs, in the order in which it is told.
NOTHING = "no leg"
LEG_MISSING = "leg missing"
LEG_DAMAGED = "leg damaged"
LEG_RED = "leg red"
TWICE = "two legs of one Python"
OTHER_PYTHON = "other Python"
OTHER_COMMIT = "other commit"
OTHER_SOURCE = f.OTHER_SOURCE
OTHER_FILES = f.OTHER_FILES
OTHER_ARGUMENTS = f.OTHER_ARGUMENTS
SEVERAL_RUNS = f.SEVERAL_RUNS
COMMIT_UNKNOWN = "commit not known"
UNEXPECTED = "not expected"
KINDS = (
    *(NOTHING, LEG_MISSING, LEG_DAMAGED, LEG_RED, TWICE, OTHER_PYTHON, OTHER_COMMIT, OTHER_SOURCE, OTHER_FILES),
    *(OTHER_ARGUMENTS, SEVERAL_RUNS, COMMIT_UNKNOWN, UNEXPECTED),
)
OTHERS = {  # how it is said that a leg differs from most
    OTHER_ARGUMENTS: "ran with {}, others with {}",
    OTHER_SOURCE: "tested another state of {} than others",
    OTHER_FILES: "ran the tests as they were before, or after, an edit: its files are others",
}
HARMLESS = (SEVERAL_RUNS, COMMIT_UNKNOWN, UNEXPECTED)


class Finding(NamedTuple):
    """Something that was found about a leg, in a line."""

    kind: str
    text: str
    python: str = ""  # of the leg

    @property
    def red(self) -> bool:
        """Tell whether a matrix with it is not green."""
        return self.kind not in HARMLESS


class Matrix(NamedTuple):
    """The legs side by side.

    Args:
        expected: the Pythons that had to run.
        unfit: Pythons that were not to run, with why.
        differing: by id the outcome on each Python, or NOT_THERE, of tests that are red or not the same on all.
        same: how many of the others have each outcome.
    """

    legs: Tuple[Leg, ...]
    expected: Tuple[str, ...]
    unfit: Mapping[str, str]
    findings: Tuple[Finding, ...]
    differing: Mapping[str, Mapping[str, str]]
    same: Mapping[str, int]

    @property
    def red(self) -> List[str]:
        """List the Pythons that are not green, or not proven to be."""
        found = {finding.python for finding in self.findings if finding.red}
        return [leg.python for leg in self.legs if leg.exit_code or leg.python in found]

    @property
    def exit_code(self) -> int:
        """Return 0 where all is green, else the highest exit code of a leg, or of what is not proven."""
        codes = [UNPROVEN for finding in self.findings if finding.red and finding.kind != LEG_RED]  # it has its leg's
        return max([0, *codes, *(leg.exit_code for leg in self.legs)])

    @property
    def ended(self) -> str:
        """Name the end in a word, that of the worst leg where one has the exit code."""
        words = [leg.ended for leg in self.legs if leg.exit_code == self.exit_code]
        told = [word for word in words if word not in (MISSING, DAMAGED)]
        return f.GREEN if not self.exit_code else (told or [f.INCOMPLETE])[0]


def compare(legs: Sequence[Leg], expected: Sequence[str], unfit: Mapping[str, str] = {}, commit: str = "") -> Matrix:
    """Lay the legs of a matrix side by side.

    Args:
        commit: that is checked out here; empty where that is not known.
    """
    there = [leg for leg in legs if leg.ended != MISSING]
    missing = [leg for leg in legs if leg.ended == MISSING]
    missing += [Leg(python) for python in expected if python not in {leg.python for leg in legs}]
    whole = sorted([*there, *missing], key=lambda leg: _version(leg.python))
    told = [leg for leg in whole if leg.verdict]
    found = [*_legs(whole, expected), *_same(told, commit)]
    rows = _rows(told)
    differing = {nodeid: row for nodeid, row in rows.items() if _is_shown(row)}
    same = Counter(next(iter(row.values())) for nodeid, row in rows.items() if nodeid not in differing)
    return Matrix(
        legs=tuple(whole),
        expected=tuple(expected),
        unfit=dict(unfit),
        findings=tuple(sorted(found, key=lambda finding: KINDS.index(finding.kind))),
        differing=dict(sorted(differing.items(), key=lambda item: (not _is_red(item[1]), item[0]))),
        same={outcome: same[outcome] for outcome in o.WORST_FIRST if same[outcome]},
    )


def _version(python: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in python.split("."))


def _rows(legs: Sequence[Leg]) -> Dict[str, Dict[str, str]]:
    """Give the outcome of each test on each Python that told it."""
    outcomes = {leg.python: leg.verdict.outcomes for leg in legs if leg.verdict}
    nodeids = dict.fromkeys(nodeid for of_leg in outcomes.values() for nodeid in of_leg)
    return {
        nodeid: {python: of_leg.get(nodeid, NOT_THERE) for python, of_leg in outcomes.items()} for nodeid in nodeids
    }


def _is_shown(row: Mapping[str, str]) -> bool:
    return _is_red(row) or len({*row.values()}) > 1


def _is_red(row: Mapping[str, str]) -> bool:
    return any(outcome in o.RED for outcome in row.values())


def _legs(legs: Sequence[Leg], expected: Collection[str]) -> Iterator[Finding]:
    """Look at each leg by itself."""
    if not legs:
        yield Finding(NOTHING, "there is no leg: nothing ran")
    for leg in legs:
        for kind, text in _of_leg(leg, expected):
            yield Finding(kind, f"Python {leg.python}: {text}", leg.python)
    for python, count in Counter(leg.python for leg in legs).items():
        if count > 1:
            yield Finding(TWICE, f"Python {python}: {count} results", python)


def _of_leg(leg: Leg, expected: Collection[str]) -> Iterator[Tuple[str, str]]:
    if leg.ended == MISSING:
        yield LEG_MISSING, leg.why or "left no result"
    elif leg.ended == DAMAGED:
        yield LEG_DAMAGED, leg.why
    elif leg.exit_code:
        yield from ((LEG_RED, text) for text in _reasons(leg))
    if leg.python not in expected and leg.ended != MISSING:
        yield UNEXPECTED, "was not expected; it counts all the same"
    others = [python for python in leg.run.pythons if not f"{python}.".startswith(f"{leg.python}.")]
    if others:
        yield OTHER_PYTHON, f"its tests ran on {', '.join(others)}"


def _reasons(leg: Leg) -> Iterator[str]:
    """Say why a leg is red, but for the red tests, which stand in the table."""
    if leg.why or not leg.verdict:
        yield f"{leg.ended}{': ' if leg.why else ''}{one_line(leg.why) if leg.why else ''} (exit code {leg.exit_code})"
    for finding in leg.verdict.findings if leg.verdict else ():
        if finding.red and finding.kind in f.ABOUT_SHARDS:
            yield one_line(finding.text)


def _same(legs: Sequence[Leg], commit: str) -> Iterator[Finding]:
    """Look whether all legs tested the same: the same commit, with the same arguments."""
    yield from _commits(legs, commit)
    yield from _others(legs, OTHER_ARGUMENTS, lambda leg: leg.run.arguments, _words)
    for name in sorted({name for leg in legs for name, _ in leg.run.sources}):
        having = [leg for leg in legs if name in dict(leg.run.sources)]
        yield from _others(having, OTHER_SOURCE, partial(_contents, name), partial(_name, name))
    for files in dict.fromkeys(map(_files, legs)):  # of other files, the digest is another
        alike = [leg for leg in legs if _files(leg) == files]
        yield from _others(alike, OTHER_FILES, lambda leg: leg.run.files, str)
    runs = {run for leg in legs for run in leg.run.runs if not run.startswith(ci.LOCAL)}
    if len(runs) > 1:
        yield Finding(SEVERAL_RUNS, f"the legs are of {len(runs)} runs")


def _commits(legs: Sequence[Leg], here: str) -> Iterator[Finding]:
    if not any(any(leg.run.commits) for leg in legs):
        if legs and here:
            yield Finding(COMMIT_UNKNOWN, f"no leg says which commit it tested; here is {here[:12]}")
        return
    usual = here or most_common((commit for leg in legs for commit in leg.run.commits if commit), "")
    for leg in legs:
        others = [commit[:12] or UNKNOWN for commit in leg.run.commits if commit != usual]
        if others:
            where = "here is" if here else "others are of"
            text = f"Python {leg.python} tested commit {', '.join(others)}; {where} {usual[:12]}"
            yield Finding(OTHER_COMMIT, text, leg.python)


def _others(
    legs: Sequence[Leg], kind: str, value: Callable[[Leg], Hashable], words: Callable[[Any], str]
) -> Iterator[Finding]:
    """Name the legs that differ from most."""
    usual = most_common([value(leg) for leg in legs], None)
    for leg in legs:
        if value(leg) != usual:
            line = OTHERS[kind].format(words(value(leg)), words(usual))
            yield Finding(kind, one_line(f"Python {leg.python} {line}"), leg.python)


def _words(arguments: Sequence[Sequence[str]]) -> str:
    return " and ".join(" ".join(words) or "no arguments" for words in arguments) or "no arguments"


def _contents(name: str, leg: Leg) -> Tuple[str, ...]:
    return tuple(content for source, content in leg.run.sources if source == name)


def _name(name: str, _: object) -> str:
    return name


def _files(leg: Leg) -> Tuple[str, ...]:
    nodeids = leg.verdict.outcomes if leg.verdict else ()
    return tuple(sorted({nodeid.partition("::")[0] for nodeid in nodeids}))


def to_json(matrix: Matrix) -> Dict[str, Any]:
    """Turn a matrix into what matrix.json says."""
    return {
        "schema": SCHEMA,
        "ended": matrix.ended,
        "exit_code": matrix.exit_code,
        "expected": matrix.expected,
        "unfit": matrix.unfit,
        "findings": [{**finding._asdict(), "red": finding.red} for finding in matrix.findings],
        "legs": [_leg_json(leg) for leg in matrix.legs],
        "tests": matrix.differing,
        "same": matrix.same,
    }


def _leg_json(leg: Leg) -> Dict[str, Any]:
    counts = dict(leg.verdict.counts) if leg.verdict else {}
    told = {"python": leg.python, "ended": leg.ended, "exit_code": leg.exit_code, "why": leg.why, "counts": counts}
    return {**told, "run": leg.run._asdict()}
