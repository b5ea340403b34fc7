"""What the results of a run say together of coverage: what is asked of it, and whether that can be judged. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import counted, visible
from . import findings as f
from . import outcomes as o
from .case import most_common
from .findings import Finding
from .measured import COVERAGE_RUN, Wishes
from .receipt import Receipt, one_line

MOST_DIGITS = 10


class Answer(NamedTuple):
    """What came of combining the data, and of the reports.

    Args:
        error: why nothing came of it; empty where something did.
        unusable: by file, why its data could not be used.
        lines: what a person reads: the table that was asked for, and where the other reports lie.
        total: in percent; None where nothing was to be reported.
        below: whether that is less than what was asked for, as pytest-cov compares it.
    """

    error: str = ""
    unusable: Mapping[str, str] = {}
    lines: Tuple[str, ...] = ()
    total: Optional[float] = None
    below: bool = True


def answer_from_json(data: Any) -> Answer:
    """Understand what the program that combines has written.

    Raises:
        ValueError: it is something else.
    """
    kinds = {
        "error": (str,),
        "unusable": (dict,),
        "lines": (list,),
        "total": (float, int, type(None)),
        "below": (bool,),
    }
    if not isinstance(data, dict) or not all(type(data.get(name, ...)) in kinds[name] for name in kinds):
        raise ValueError(f"no answer: {data!a:.200}")
    return Answer(data["error"], data["unusable"], tuple(map(str, data["lines"])), data["total"], data["below"])


def agreed(results: Sequence[Receipt], asked: Optional[Wishes] = None) -> Optional[Wishes]:
    """Choose what most results ask for, and of all --cov-fail-under the highest; None where nothing was measured.

    Args:
        asked: what the suite asks for where the results are merged.
    """
    wishes = [result.coverage.wishes for result in results if result.coverage]
    if not wishes:
        return None
    common = {repr(each): each for each in wishes}[most_common(map(repr, wishes), "")]
    return common._replace(fail_under=max(each.fail_under for each in [*wishes, asked or common]))


def unmeasured(asked: Optional[Wishes]) -> List[Finding]:
    """Name what a suite asks for that no shard has measured."""
    if asked is None or asked.fail_under <= 0:
        return []
    text = f"coverage: no shard measured it, and here fail-under {asked.fail_under:g} is asked for"
    return [Finding(f.COVERAGE_UNKNOWN, text)]


def doubts(
    results: Sequence[Receipt], unusable: Mapping[str, Sequence[str]], asked: Optional[Wishes] = None
) -> List[Tuple[str, Tuple[int, ...]]]:
    """Say why the data are not those of all tests that ran, a line each, and of which shards.

    Args:
        results: of shards and of repairs.
        unusable: by the name of a result, the files of data that are missing or not as they were measured.
        asked: see `agreed`.
    """
    found: List[Tuple[str, Receipt]] = []
    common = agreed(results, asked)
    for result in results:
        measured = result.coverage
        if measured is None:
            if common and common.by != COVERAGE_RUN and any(test.attempts for test in result.tests):
                found.append(("ran its tests without measuring coverage, and others measured it", result))
            continue
        if common and measured.wishes._replace(fail_under=common.fail_under) != common:
            found.append(("was asked for another coverage than the others: other options or settings", result))
        if common and measured.wishes.fail_under != common.fail_under:
            own, others = measured.wishes.fail_under, common.fail_under
            found.append((f"was run with fail-under {own:g}, others or the merge with {others:g}", result))
        if measured.lost:
            rounds = ", ".join(map(str, measured.lost))
            found.append((f"lost what round {rounds} measured: its process ended without saving it", result))
        if unusable.get(result.name):
            names = ", ".join(unusable[result.name])
            found.append((f"measured coverage, and these data are missing or damaged: {names}", result))
    return [(one_line(f"{result.name} {why}"), _shards(result)) for why, result in found]


def _shards(result: Receipt) -> Tuple[int, ...]:
    return () if result.repairs else (result.index,)


def judge(
    wishes: Wishes, doubted: Sequence[Tuple[str, Tuple[int, ...]]], answer: Answer, is_proven: bool
) -> List[Finding]:
    """Judge coverage once, for all shards: red where it is too low or, if a least is asked for, not known.

    Args:
        doubted: see `doubts`.
        is_proven: every test ran once; where not, that is told, and the total says nothing.
    """
    asked = wishes.fail_under > 0
    why_not = [*doubted, *([(one_line(answer.error), ())] if answer.error else [])]
    kind = f.COVERAGE_UNKNOWN if asked and is_proven else f.COVERAGE_NOTE
    found = [Finding(kind, f"coverage: {text}", shards=shards) for text, shards in why_not]
    if not asked or not is_proven or answer.error:
        return found
    if answer.total is None:
        return found or [Finding(f.COVERAGE_UNKNOWN, "coverage: the total is not known")]
    if answer.below:
        found.append(Finding(f.COVERAGE_LOW, shortfall(answer.total, wishes.fail_under)))
    return found


def shortfall(total: float, least: float) -> str:
    """Say what is missing, in as many digits as show it.

    >>> shortfall(89.996, 90.0)
    'coverage: 89.996 % in total, less than fail-under 90'
    """
    digits = next((count for count in range(2, MOST_DIGITS) if round(total, count) < least), MOST_DIGITS)
    return f"coverage: {total:.{digits}f} % in total, less than fail-under {least:g}"


def told(wishes: Wishes, answer: Answer, shards: int, is_enough: bool) -> List[str]:
    """Put into lines what came of it, above the verdict.

    Args:
        is_enough: nothing was found against it.
    """
    lines = ["", f"coverage of {counted(shards, 'shard')}:" if shards > 1 else "coverage:", *map(visible, answer.lines)]
    if wishes.fail_under > 0 and answer.total is not None and is_enough:
        lines.append(f"Required test coverage of {wishes.fail_under:g}% reached. Total coverage: {answer.total:.2f}%")
    return lines if len(lines) > 2 else []


def has_failed(outcomes: Mapping[str, str]) -> bool:
    """Tell whether a test failed, for --no-cov-on-fail."""
    return any(outcome in (o.FAILED, o.ERROR) for outcome in outcomes.values())
