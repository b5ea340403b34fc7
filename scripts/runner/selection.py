"""Which tests next? What a shard is to run, and what that comes to when it is known what was collected.

`selection.json` in the shard's folder says it, for whoever looks there: a shard of a plan, a part of the suite, what
remains after a round, a repair, a replay. Which tests the pytest plugin hears of is answered by `answers.py`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import printable
from ..planning import forecast, together
from ..planning import plan as planning
from ..planning.history import past as read_history
from ..planning.params import Params
from ..planning.pieces import Piece, named
from ..planning.plan import Plan
from ..planning.together import Entry, Group
from ..proof import outcome_history, receipt
from ..proof.renamed_ids import form_of, known_as
from . import subset
from .subset import Part

FILE_NAME = "selection.json"
SCHEMA = 1


@dataclass(frozen=True)
class Selection:
    """What the pytest processes of a shard are to run.

    Args:
        start: of the shard; its journal's lines say it.
        plan: the file of the plan that was handed out; there need not be one.
        history: the file of durations, to make the same plan from where none was handed out.
        machine: the class of this machine, to which these durations are scaled.
        part: the file that lists a part of the suite, empty for all of it; `strict`: see `subset.Part`.
        ids: exactly these, as the plan has them, instead of a shard of it; `ordered`: in this order.
        together: what pipeline.yml says of tests that stay together, but of marks (`together.wished`).
        arguments: as they are stored (`cleaning.stored_words`), with the result, too.
        distributed: tests are shared out while they run, for which plans are made otherwise.
        outcomes: the file of how tests ended in past runs: those that were red come first; empty for none.
    """

    start: str
    index: int
    total: int
    plan: str
    history: str
    machine: str
    part: str = ""
    strict: bool = False
    ids: Optional[Tuple[str, ...]] = None
    together: Tuple[Entry, ...] = ()
    ordered: bool = False
    arguments: Tuple[str, ...] = ()
    distributed: bool = False
    outcomes: str = ""


def write(folder: Path, selection: Selection) -> Path:
    """Write selection.json, and return its place."""
    file = folder / FILE_NAME
    receipt.write_json(file, {"schema": SCHEMA, **asdict(selection)})
    return file.resolve()


def remaining(folder: Path, selection: Selection, ids: Sequence[str]) -> Selection:
    """Let the next round run exactly these."""
    left = replace(selection, ids=tuple(ids))
    write(folder, left)
    return left


class Suite(NamedTuple):
    """The tests that were collected, as far as a selection is about them, and what is known of them.

    Args:
        there: the ids, in collection order, an id as often as tests share it.
        names: the planned id of each that is planned under another.
        stay: what stays together, by planned ids.
        plan: the one that was handed out, if there is one.
    """

    there: Sequence[str]
    names: Mapping[str, str]
    stay: Sequence[Group]
    plan: Optional[Plan]

    @property
    def planned(self) -> List[str]:
        """The ids as they are planned."""
        return [self.names.get(nodeid, nodeid) for nodeid in self.there]


def suite_of(
    selection: Selection, collected: Sequence[str], groups: Iterable[Group] = (), plan: Optional[Plan] = None
) -> Suite:
    """Work out which of the collected tests a selection is about.

    Args:
        groups: what the suite wants together.
        plan: that all go by; without it, the one that was handed out, if there is one.

    Raises:
        PipelineError: the plan or the part cannot be used.
    """
    part = Part(Path(selection.part), selection.strict) if selection.part else None
    wishes = [*groups, *together.wished(selection.together, collected)]
    there = subset.of(part, collected, wishes)
    plan = plan or handed_out(selection)
    names = known_as(there, (nodeid for shard in plan.shards for nodeid in shard.nodeids)) if plan else {}
    return Suite(there, names, [_renamed(group, names) for group in wishes], plan)


def answer(selection: Selection, collected: Sequence[str], groups: Iterable[Group] = ()) -> Dict[str, Any]:
    """Choose from the collected ids, which run in collection order, or in that of the selection.

    Args:
        groups: what the suite wants together.

    Returns:
        `select`: the ids. `plan`, `timings`: the plan's id, and what it was made from. `shared`: what there was to be
        shared out. `names`: the planned id of each chosen test that is planned under another.

    Raises:
        PipelineError: the plan, the history or the part cannot be used.
    """
    suite = suite_of(selection, collected, groups)
    plan = suite.plan
    if selection.ids is not None:
        wanted = set(selection.ids)
    else:
        plan = plan or _made_here(selection, suite.planned, suite.stay)
        wanted = set(share_of(suite.planned, [shard.nodeids for shard in plan.shards], selection.index, suite.stay))
    chosen = [nodeid for nodeid in dict.fromkeys(suite.there) if suite.names.get(nodeid, nodeid) in wanted]
    if selection.ordered:
        places = {planned: place for place, planned in enumerate(selection.ids or ())}
        chosen.sort(key=lambda nodeid: places[suite.names.get(nodeid) or nodeid])
    return {"select": chosen, "ordered": selection.ordered, **_told(suite, plan, chosen)}


def shared_out(
    selection: Selection,
    collected: Sequence[str],
    groups: Iterable[Group] = (),
    agreed: Callable[[Plan], Plan] = lambda own: own,
    params: Mapping[str, Params] = MappingProxyType({}),
) -> Tuple[Dict[str, Any], List[Piece], Suite]:
    """Offer all collected tests, where shards share them out while they run, and cut them into pieces.

    Args:
        groups: what the suite wants together.
        agreed: gives the plan that all shards go by for one's own, where none was handed out.
        params: by id, the parameters of shared fixtures.

    Returns:
        what `answer` returns, with all tests; the pieces, none where the plan has none; and the tests.

    Raises:
        PipelineError: as `answer`.
    """
    suite = suite_of(selection, collected, groups)
    plan = suite.plan or agreed(_made_here(selection, suite.planned, suite.stay, params))
    suite = suite if suite.plan else suite_of(selection, collected, groups, plan)
    chosen = list(dict.fromkeys(suite.there))
    told = {"select": chosen, "ordered": False, "by_piece": True, **_told(suite, plan, chosen)}
    return told, pieces_of(plan, suite.planned, suite.stay), suite


def _told(suite: Suite, plan: Optional[Plan], chosen: Iterable[str]) -> Dict[str, Any]:
    """Say what the tests were chosen by, and from."""
    known = suite.planned
    return {
        "plan": plan.id if plan else "",
        "timings": plan.timings if plan else "",
        "shared": {
            "count": len(known),
            "digest": receipt.digest(known),
            "forms": receipt.digest(map(form_of, known)),
        },
        "names": {nodeid: suite.names[nodeid] for nodeid in chosen if nodeid in suite.names},
    }


def may_be_empty(selection: Selection, plan: Optional[Plan]) -> bool:
    """Tell whether a shard may have no test, as far as plan or history say before the suite is collected.

    A plan that was made with other arguments, for another part of the suite, does not tell.

    Args:
        plan: the one that was handed out, if there is one.
    """
    if selection.total == 1:
        return False
    plan = plan or _made_here(selection)
    return selection.arguments != plan.arguments or not plan.shards[selection.index].nodeids


def is_planned(selection: Selection, plan: Optional[Plan]) -> bool:
    """Tell whether a plan was handed out that was made with these arguments, so that pytest is known to take them."""
    return plan is not None and selection.arguments == plan.arguments


def handed_out(selection: Selection) -> Optional[Plan]:
    """Read the plan that was handed out, if there is one for so many shards that can be read."""
    plan = planning.load_if_usable(Path(selection.plan), _say, "the shard")
    return plan if plan and len(plan.shards) == selection.total else None


def _renamed(group: Group, names: Mapping[str, str]) -> Group:
    return group._replace(nodeids=tuple(names.get(nodeid, nodeid) for nodeid in group.nodeids))


def _made_here(
    selection: Selection,
    collected: Optional[Sequence[str]] = None,
    groups: Iterable[Group] = (),
    params: Mapping[str, Params] = MappingProxyType({}),
) -> Plan:
    """Make the plan from what was collected, else from the tests that the history knows.

    Each node makes it: so it goes by times of usual speed, and not by those of this class of machine.
    """
    past = read_history(Path(selection.history), _say)
    estimates, set_up = forecast.estimates(past), forecast.set_up(past)
    tests = estimates.tests_ms if collected is None else collected
    urgent = outcome_history.red_lately(outcome_history.past(Path(selection.outcomes))) if selection.outcomes else ()
    return planning.make(tests, estimates, selection.total, set_up, groups, selection.distributed, urgent, params)


def _say(line: str) -> None:
    """Say it on standard error: it is about a file of the run, and no answer to anybody."""
    print(printable(line), file=sys.stderr)


def share_of(
    collected: Iterable[str], shards: Sequence[Sequence[str]], index: int, groups: Iterable[Group] = ()
) -> List[str]:
    """Choose the ids of one shard.

    A test that came after the plan goes to the shard that has the first of those it stays together with, else where
    its name's digest sends it: to the same shard on every node.

    >>> share_of(["a", "b", "new"], [["a"], ["b"]], 0), share_of(["a", "b", "new"], [["a"], ["b"]], 1)
    (['a'], ['b', 'new'])
    """
    shard_of = {nodeid: number for number, nodeids in enumerate(shards) for nodeid in nodeids}
    tests = dict.fromkeys(collected)
    for unit, number in _late_units(tests, shard_of, len(shards), groups):
        shard_of.update((nodeid, shard_of.get(nodeid, number)) for nodeid in unit)
    return [test for test in tests if shard_of[test] == index]


def _late_units(
    tests: Mapping[str, None], shard_of: Mapping[str, int], total: int, groups: Iterable[Group]
) -> List[Tuple[Sequence[str], int]]:
    """List what stays together and has a test that came after the plan, and the shard that it goes to."""
    if all(nodeid in shard_of for nodeid in tests):
        return []
    units = together.units(dict.fromkeys(sorted(tests), 1), groups, 1, {}).units
    late = [unit for unit in units if any(nodeid not in shard_of for nodeid in unit)]
    firsts = ([shard_of[nodeid] for nodeid in unit if nodeid in shard_of] for unit in late)
    return [(unit, planned[0] if planned else _late(unit[0], total)) for unit, planned in zip(late, firsts)]


def _late(nodeid: str, total: int) -> int:
    return int(hashlib.sha256(json.dumps(nodeid).encode("ascii")).hexdigest(), 16) % total


def pieces_of(plan: Plan, collected: Iterable[str], groups: Iterable[Group] = ()) -> List[Piece]:
    """List the pieces of all shards, as far as their tests are there; none where the plan has none.

    Tests that came after the plan make the first piece of the shard that `share_of` gives them to, with those that
    they stay together with.
    """
    shard_of = {nodeid: index for index, shard in enumerate(plan.shards) for nodeid in shard.nodeids}
    tests = dict.fromkeys(collected)
    pieces = [piece for shard in plan.shards for piece in shard.pieces]
    if not pieces or tests.keys() == shard_of.keys():
        return pieces
    late: List[List[str]] = [[] for _ in plan.shards]
    for unit, index in _late_units(tests, shard_of, len(plan.shards), groups):
        late[index] += unit
    moved = {nodeid for ids in late for nodeid in ids}
    usual_ms = sum(piece.alone_ms for piece in pieces) // len(pieces)
    made = []
    for index, shard in enumerate(plan.shards):
        parts = [(late[index], usual_ms, usual_ms)]
        parts += [([*_kept(piece, tests, moved)], piece.estimate_ms, piece.alone_ms) for piece in shard.pieces]
        made += [named(index, number, *part) for number, part in enumerate(part for part in parts if part[0])]
    return made


def _kept(piece: Piece, tests: Mapping[str, None], moved: Collection[str]) -> List[str]:
    return [nodeid for nodeid in piece.nodeids if nodeid in tests and nodeid not in moved]
