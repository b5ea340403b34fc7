"""Word what a study found, for people."""

from __future__ import annotations

from typing import Iterator, List, Sequence, Tuple

from ..console import at_most, counted
from ..proof.outcomes import FAILED
from ..proof.receipt import shown
from .findings import Clash, Findings, Need, Untraced
from .trials import Ids

MOST = 10  # ids of one kind
MOST_NAMED = 4  # in one sentence


def lines(found: Findings) -> List[str]:
    """Say what the suite's tests depend on, and whether it is fit to be sharded."""
    told = [
        *(need_line(need) for need in found.needs),
        *(line for clash in found.clashes for line in clash_lines(clash)),
        *(untraced_line(untraced) for untraced in found.untraced),
    ]
    spent = f"{counted(found.tests, 'test')}, {counted(found.trials, 'trial')}, {found.runs:.1f} times the serial run"
    return [spent, "", *(told or ["no test depends on another: the suite is fit to be sharded"]), *remarks(found)]


def need_line(need: Need) -> str:
    """Say what must run before a test.

    >>> need_line(Need("t.py::y", ("t.py::x",), "failed", "passed"))
    't.py::y fails unless t.py::x ran before it in the same process'
    """
    name, before = shown(need.nodeid), _all(need.before)
    hint = f" (which leaves {need.hint})" if need.hint and len(need.before) == 1 else ""
    others = "".join(f" or {_all(option)}" for option in need.instead)
    if need.after:
        return f"{name} {_ends(need.outcome)} after {_all(need.after)} unless {before}{others} ran in between{hint}"
    if need.is_red_anyway:
        return f"{name} fails in the serial run, since {before} ran before it{hint}, and {_ends(need.outcome)} alone"
    return f"{name} {_ends(need.outcome)} unless {before}{others} ran before it in the same process{hint}"


def clash_lines(clash: Clash) -> Iterator[str]:
    """Say which tests fail at the same time.

    >>> list(clash_lines(Clash(("a", "b"), ("a",), ("/x",), "both write /x")))
    ['a passes alone, fails when b runs at the same time in another shard (both write /x)']
    """
    why = f" ({clash.why})" if clash.why else ""
    if len(clash.tests) == 2 and len(clash.failing) < 2:
        other = next(test for test in clash.tests if test not in clash.failing)
        when = f"when {shown(other)} runs at the same time in another shard"
        yield f"{shown(clash.failing[0])} passes alone, fails {when}{why}"
        return
    each = "each other" if len(clash.tests) == 2 else "one another"
    yield f"{_all(clash.tests)} pass alone, and fail {each} when they run at the same time in different shards{why}"


def untraced_line(untraced: Untraced) -> str:
    """Say that a test depends on something, and that it was not found on what."""
    name = shown(untraced.nodeid)
    among = f"one or more of {counted(len(untraced.among), 'test')} before it"
    return f"{name} fails alone, passes in the serial run: it needs {among}; there was no time to find which"


def remarks(found: Findings) -> Iterator[str]:
    """Say what is no dependency, and what was left."""
    kinds: List[Tuple[str, Ids]] = [
        (
            "not deterministic: nothing is said of what these depend on",
            found.unstable,
        ),
        ("other outcomes by chance, or only behind tests that come later, which no shard has", found.reordered),
        ("need tests with which they are kept in one shard already", found.settled),
        ("red in the serial run already", found.red),
    ]
    for what, nodeids in kinds:
        if nodeids:
            yield ""
            yield f"{what}:"
            yield from (f"  {line}" for line in at_most(MOST, [shown(nodeid) for nodeid in nodeids]))
    if found.left:
        yield ""
        yield "not tried, for lack of time:"
        yield from (f"  {line}" for line in at_most(MOST, found.left))


def proposal(items: Sequence[Ids], text: str, command: str) -> List[str]:
    """Propose the lines of pipeline.yml.

    Args:
        text: those lines.
        command: what writes them.
    """
    if not items:
        return []
    return ["", f"What keeps them in one shard, in pipeline.yml ({command} writes it):", *text.splitlines()]


def _all(nodeids: Sequence[str]) -> str:
    """Name tests in a sentence.

    >>> _all(["a", "b", "c"]), _all(["a"])
    ('a, b and c', 'a')
    """
    names = [shown(nodeid) for nodeid in nodeids]
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _ends(outcome: str) -> str:
    return "fails" if outcome == FAILED else "passes" if outcome == "passed" else f"is {outcome}"
