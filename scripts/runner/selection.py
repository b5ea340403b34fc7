"""Which tests next? What a shard is to run, in one file of one form, and the command by which the pytest plugin asks.

`selection.json` in the shard's folder says it for a shard of a plan, for a part of the suite, for what remains after a
round, for a repair, and for a replay. The plugin sends the collected ids to the command's standard input.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..console import printable
from ..errors import PipelineError
from ..planning import forecast, together
from ..planning import plan as planning
from ..planning.history import past as read_history
from ..planning.plan import Plan
from ..planning.together import Entry, Group
from ..proof import receipt
from ..proof.renamed_ids import form_of, known_as
from ..system import files
from . import subset
from .subset import Part

FILE_NAME = "selection.json"
SCHEMA = 1

# Runs in the suite's folder, where `import scripts` may mean the suite's own package: so not `python -m scripts`.
_START = """\
import sys
sys.path.insert(0, sys.argv[1])
from importlib import import_module
sys.exit(import_module(sys.argv[2]).main(sys.argv[3:]))
"""


# Answers with what the selection says, in a tenth of the time that importing this package takes.
_ORDERED = """\
import json, sys
there = set(json.load(sys.stdin)["ids"])
with open(sys.argv[1], encoding="utf-8") as file:
    ids = json.load(file)["ids"]
print(json.dumps({"select": [id for id in ids if id in there], "ordered": True}))
"""


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


def write(folder: Path, selection: Selection) -> Path:
    """Write selection.json, and return its place."""
    file = folder / FILE_NAME
    receipt.write_json(file, {"schema": SCHEMA, **asdict(selection)})
    return file.resolve()


def remaining(folder: Path, selection: Selection, ids: Sequence[str]) -> Path:
    """Let the next round run exactly these."""
    return write(folder, replace(selection, ids=tuple(ids)))


def ordered_command(file: Path) -> List[str]:
    """Give the words that answer with the ids of a selection in their order, where nothing is to be worked out."""
    return [sys.executable, "-I", "-S", "-c", _ORDERED, str(file)]


def command(file: Path) -> List[str]:
    """Give the words that answer from any folder, in this Python, whatever the environment says."""
    root = Path(__file__).resolve().parents[2]
    return [sys.executable, "-I", "-c", _START, str(root), __name__, str(file)]


def main(arguments: Sequence[str]) -> int:
    """Answer on standard output: which of the collected ids a shard has to run, and what it goes by."""
    asked = json.load(sys.stdin)
    try:
        data = files.read_json(Path(arguments[0]), SCHEMA, "", receipt.MOST_BYTES)
        selection = Selection(**{name: value for name, value in data.items() if name != "schema"})
        told = answer(selection, asked["ids"], groups_in(asked))
        print(json.dumps(told))  # in ASCII, since ids may hold what UTF-8 cannot
    except PipelineError as error:
        print(error.message.replace("\n", " "), file=sys.stderr)  # the plugin passes the last line on
        return error.exit_code
    return 0


def groups_in(asked: Mapping[str, Any]) -> List[Group]:
    """Name the tests that the suite wants together, of a question of the plugin."""
    return list(together.heard(asked["ids"], ((each["name"], each["why"], each["tests"]) for each in asked["groups"])))


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
    part = Part(Path(selection.part), selection.strict) if selection.part else None
    wishes = [*groups, *together.wished(selection.together, collected)]
    there = subset.of(part, collected, wishes)
    went_by = _handed_out(selection)
    names = known_as(there, (nodeid for shard in went_by.shards for nodeid in shard.nodeids)) if went_by else {}
    known = [names.get(nodeid, nodeid) for nodeid in there]
    if selection.ids is not None:
        wanted = set(selection.ids)
    else:
        stay = [_renamed(group, names) for group in wishes]
        went_by = went_by or _made_here(selection, known, stay)
        wanted = set(share_of(known, [shard.nodeids for shard in went_by.shards], selection.index, stay))
    chosen = list(dict.fromkeys(nodeid for nodeid in there if names.get(nodeid, nodeid) in wanted))
    if selection.ordered:
        places = {planned: place for place, planned in enumerate(selection.ids or ())}
        chosen.sort(key=lambda nodeid: places[names.get(nodeid) or nodeid])
    forms = receipt.digest(map(form_of, known))
    return {
        "select": chosen,
        "ordered": selection.ordered,
        "plan": went_by.id if went_by else "",
        "timings": went_by.timings if went_by else "",
        "shared": {"count": len(known), "digest": receipt.digest(known), "forms": forms},
        "names": {nodeid: names[nodeid] for nodeid in chosen if nodeid in names},
    }


def may_be_empty(selection: Selection) -> bool:
    """Tell whether a shard may have no test, as far as plan or history say before the suite is collected.

    A plan that was made with other arguments, for another part of the suite, does not tell.
    """
    if selection.total == 1:
        return False
    plan = _handed_out(selection) or _made_here(selection)
    return selection.arguments != plan.arguments or not plan.shards[selection.index].nodeids


def is_planned(selection: Selection) -> bool:
    """Tell whether a plan was handed out that was made with these arguments, so that pytest is known to take them."""
    plan = _handed_out(selection)
    return plan is not None and selection.arguments == plan.arguments


def _handed_out(selection: Selection) -> Optional[Plan]:
    """Read the plan that was handed out, if there is one for so many shards that can be read."""
    plan = planning.load_if_usable(Path(selection.plan), _say, "the shard")
    return plan if plan and len(plan.shards) == selection.total else None


def _renamed(group: Group, names: Mapping[str, str]) -> Group:
    return group._replace(nodeids=tuple(names.get(nodeid, nodeid) for nodeid in group.nodeids))


def _made_here(selection: Selection, collected: Optional[Sequence[str]] = None, groups: Iterable[Group] = ()) -> Plan:
    """Make the plan from what was collected, else from the tests that the history knows.

    Each node makes it: so it goes by times of usual speed, and not by those of this class of machine.
    """
    past = read_history(Path(selection.history), _say)
    estimates, set_up = forecast.estimates(past), forecast.set_up(past)
    tests = estimates.tests_ms if collected is None else collected
    return planning.make(tests, estimates, selection.total, set_up, groups)


def _say(line: str) -> None:
    """Say it beside the answer, which goes to standard output."""
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
    late = any(nodeid not in shard_of for nodeid in tests)
    for unit in together.units(dict.fromkeys(sorted(tests), 1), groups, 1, {}).units if late else ():
        planned = [shard_of[nodeid] for nodeid in unit if nodeid in shard_of]
        for nodeid in unit:
            shard_of.setdefault(nodeid, planned[0] if planned else _late(unit[0], len(shards)))
    return [test for test in tests if shard_of[test] == index]


def _late(nodeid: str, total: int) -> int:
    return int(hashlib.sha256(json.dumps(nodeid).encode("ascii")).hexdigest(), 16) % total
