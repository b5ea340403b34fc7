"""How many nodes pay: predicted wall time, node-minutes and gain for 1, 2, ... nodes, and what limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional, Sequence

from ..console import human_seconds, readable, table
from .estimates import NO_SET_UP, Estimates, SetUp, complete
from .nodeids import file_of
from .plan import duration_ms, split
from .together import Group

MOST_NODES = 32
BAR = 40  # characters of the longest bar
LIMITED = 1.01  # a plan this near to the longest test's time is limited by it
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True)
class Option:
    """Say what a number of nodes would take: `wall_s` until the slowest has ended, `node_s` paid for all."""

    nodes: int
    wall_s: float
    node_s: float
    saves_s: float  # against one node less


@dataclass(frozen=True)
class Advice:
    """Hold the options by number of nodes, the number to take, and what more nodes cannot make shorter.

    `limit` names the longest test, or its file where the set-ups take longer than the test, and is empty where
    there is no test; `limit_s` is what a node with it takes at least, fixed costs included.
    """

    options: Sequence[Option]
    knee: int
    limit: str
    limit_s: float


def advise(
    tests: Iterable[str],
    estimates: Estimates,
    set_up: SetUp = NO_SET_UP,
    fixed_s: float = 0.0,
    most: int = 0,
    groups: Sequence[Group] = (),
) -> Advice:
    """Predict 1, 2, ... nodes, each by its plan.

    Args:
        fixed_s: what each node pays beside its tests: install, models, service, collection.
        groups: tests that stay together.
        most: the greatest number of nodes; by default twice what the longest test leaves useful.
    """
    nodeids = sorted(tests)
    times = complete(nodeids, estimates.tests_ms)
    longest = max(nodeids, key=lambda nodeid: duration_ms([nodeid], times, set_up), default="")
    longest_ms = duration_ms([longest] if longest else [], times, set_up)
    useful = duration_ms(nodeids, times, set_up) // max(1, longest_ms)
    options: List[Option] = []
    for nodes in range(1, (most or max(2, min(MOST_NODES, 2 * useful))) + 1):
        shards = split(nodeids, estimates, nodes, set_up, groups=groups)
        seconds = [fixed_s + duration_ms(shard, times, set_up) / 1000 for shard in shards]
        saves = options[-1].wall_s - max(seconds) if options else 0.0
        options.append(Option(nodes, max(seconds), sum(seconds), saves))
    limit = _limit(longest, times[longest], longest_ms) if longest else ""
    return Advice(options, knee(options), limit, fixed_s + longest_ms / 1000)


def knee(options: Sequence[Option]) -> int:
    """Find the number of nodes beyond which speed costs more than it gives; the fewest of equals.

    The knee of Eager, Zahorjan and Lazowska, "Speedup versus efficiency in parallel systems" (1989): where
    efficiency / wall time, so 1 / (N * T(N)**2), is greatest. With even shards, T(N) = fixed + work / N,
    it lies where a node's part of the work takes as long as its fixed costs.
    """
    return min(options, key=lambda option: (option.nodes * option.wall_s**2, option.nodes)).nodes


def _limit(longest: str, own_ms: int, with_set_up_ms: int) -> str:
    set_up_is_longer = with_set_up_ms > 2 * own_ms
    return f"the set-up of {readable(file_of(longest))}" if set_up_is_longer else readable(longest)


def lines(advice: Advice, blocks: bool = True) -> List[str]:
    """Draw a chart and say what it shows, for a terminal without colour.

    Args:
        blocks: whether the terminal shows block characters (see `shows_blocks`), else bars are of "#".
    """
    most_s = max(option.wall_s for option in advice.options)
    rows = [
        (
            str(option.nodes),
            human_seconds(option.wall_s),
            f"{option.node_s / 60:.1f}",
            human_seconds(max(0.0, option.saves_s)),
            bar(option.wall_s / most_s if most_s else 0, blocks) + ("  <- take" if option.nodes == advice.knee else ""),
        )
        for option in advice.options
    ]
    return [*table(("nodes", "wall time", "node-minutes", "saves", ""), rows), "", *_sentences(advice)]


def _sentences(advice: Advice) -> Iterator[str]:
    if not advice.limit:
        yield "There is no test."
        return
    if advice.knee < len(advice.options):
        yield f"Take {advice.knee}: with more nodes, speed costs more than it gives."
    else:
        yield f"All {advice.knee} pay, and more might."
    bound = [option.nodes for option in advice.options if option.wall_s <= advice.limit_s * LIMITED]
    beyond = f"More than {bound[0]} make nothing faster" if bound else "No number of nodes gets below that"
    yield f"A node takes at least {human_seconds(advice.limit_s)} for {advice.limit}. {beyond}."


def bar(share: float, blocks: bool) -> str:
    """Draw a bar of this share of the full width, in eighths of a character, or whole "#" characters.

    >>> bar(0.19, True), bar(0.19, False)
    ('███████▌', '########')
    """
    if not blocks:
        return "#" * max(1, round(share * BAR))
    eighths = max(1, int(share * BAR * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def shows_blocks(encoding: Optional[str]) -> bool:
    """Tell whether an output of this encoding can show the bars' block characters.

    >>> shows_blocks("utf-8"), shows_blocks("ascii"), shows_blocks("latin-1"), shows_blocks(None)
    (True, False, False, False)
    """
    try:
        f"█{_EIGHTHS}".encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
