"""Which tests next? The command that the pytest plugin asks, with the collected ids on its standard input."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Iterable, List, Optional, Sequence

from ..errors import PipelineError
from ..planning import forecast, timings
from ..planning import plan as planning
from ..system import files
from . import subset
from .subset import Part

# Runs in the suite's folder, where `import scripts` may mean the suite's own package: so not `python -m scripts`.
_START = """\
import sys
sys.path.insert(0, sys.argv[1])
from importlib import import_module
sys.exit(import_module(sys.argv[2]).main(sys.argv[3:]))
"""


def command(*arguments: str) -> List[str]:
    """The words that run this step from any folder, in this Python, whatever the environment says."""
    root = Path(__file__).resolve().parents[2]
    return [sys.executable, "-I", "-c", _START, str(root), __name__, *arguments]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Answer on standard output: those of the collected ids that a file lists, or that a plan gives to a shard."""
    parser = argparse.ArgumentParser(prog="python -m scripts select")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--ids", metavar="FILE", help="a JSON list of node ids")
    group.add_argument("--plan", nargs=6, metavar=("PLAN", "TIMINGS", "MACHINE", "INDEX", "TOTAL", "SAVE"))
    parser.add_argument("--part", nargs=3, metavar=("FILE", "STRICT", "SAVE"), help="only what a file lists")
    options = parser.parse_args(arguments)
    collected = json.load(sys.stdin)
    try:
        if options.part:
            collected = _of_part(collected, *options.part)
        if options.ids:
            wanted = json.loads(Path(options.ids).read_text(encoding="utf-8"))
        else:
            wanted = _of_shard(collected, *options.plan)
    except PipelineError as error:
        print(error.message.replace("\n", " "), file=sys.stderr)  # the plugin passes the last line on
        return error.exit_code
    print(answer(remaining_of(collected, wanted)))
    return 0


def _of_part(collected: Sequence[str], file: str, strict: str, save: str) -> List[str]:
    """What of the collection a file lists; also saved, since the shard's result says what there was to share out."""
    found = subset.of(Part(Path(file), strict == "strict"), collected)
    files.write_text(Path(save), json.dumps(found))
    return found


def _of_shard(
    collected: Sequence[str], handed_out: str, history: str, machine: str, index: str, total: str, save: str
) -> List[str]:
    """The shard's ids by the plan that was handed out; by the one made here where there is none for so many shards."""
    went_by = planning.load(Path(handed_out)) if Path(handed_out).exists() else None
    if went_by is None or len(went_by.shards) != int(total):
        past = timings.load(Path(history))
        estimates, set_up = forecast.estimates(past, machine), forecast.set_up(past, machine)
        went_by = planning.make(collected, estimates, int(total), set_up)
    planning.save(went_by, Path(save))
    return share_of(collected, [shard.nodeids for shard in went_by.shards], int(index))


def share_of(collected: Iterable[str], shards: Sequence[Sequence[str]], index: int) -> List[str]:
    """The collected ids of one shard. A test that came after the plan goes where its name's digest sends it:
    to the same shard on every node.

    >>> share_of(["a", "b", "new"], [["a"], ["b"]], 0), share_of(["a", "b", "new"], [["a"], ["b"]], 1)
    (['a'], ['b', 'new'])
    """
    planned = {nodeid: number for number, nodeids in enumerate(shards) for nodeid in nodeids}
    return [each for each in dict.fromkeys(collected) if planned.get(each, _late(each, len(shards))) == index]


def _late(nodeid: str, total: int) -> int:
    return int(hashlib.sha256(json.dumps(nodeid).encode("ascii")).hexdigest(), 16) % total


def remaining_of(collected: Iterable[str], wanted: Iterable[str]) -> List[str]:
    """The collected ids that are wanted, once each, in collection order.

    Ids that change from process to process are not there again; who asked sees them missing.

    >>> remaining_of(["a", "b", "b", "c"], ["c", "b", "gone"])
    ['b', 'c']
    """
    chosen = set(wanted)
    return [nodeid for nodeid in dict.fromkeys(collected) if nodeid in chosen]


def answer(nodeids: Sequence[str]) -> str:
    """What the plugin expects: a set, which runs in collection order. ASCII, since ids may hold what UTF-8 cannot."""
    return json.dumps({"select": list(nodeids), "ordered": False})
