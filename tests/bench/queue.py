"""Part `queue`: tests shared out while they run, by Shardline over each kind of store, by its plan alone, by xdist.

The suites are the article's (see `replay.py`) and recorded ones, whose tests sleep; runs are real. What a run comes
to is its slowest node, from the moment at which all may begin, by the bound that no order of the tests beats.
"""

from __future__ import annotations

import json
import random
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from scripts.errors import PipelineError
from scripts.planning import history, timings
from scripts.planning.estimates import SetUp
from scripts.settings import load as load_settings
from scripts.system.machine import machine_class

from . import paced, replay, stores
from .judge import Times, by_file, ours_in_doubt
from .measuring import NO_PLUGINS, ROOT, Cost, Table, load, low_median_high, measured, project, shardline
from .paced import Paced, Seen, Troubles
from .planning import Case as Pair
from .planning import drifts, recorded, verdict
from .stores import Store

RUN_S = 48  # what each of the nodes has to do: pieces are as small then, compared with it, as in runs of an hour
NODES = (4, 8)
RECORDED = 2  # suites, those with the fewest tests
ROOM = 0.7  # of an even share on 8 nodes: what the longest test of a pair may take, so that there is something to share
LAST_CHARACTERS = 300  # of what a run says that is not green
SILENT_S = 5  # after which what a dead node had claimed is taken over
XDIST = ("load", "worksteal", "loadfile")
BY_PLAN = "the plan"
SHARERS = (BY_PLAN, *stores.KINDS, *(f"xdist {dist}" for dist in XDIST))
COLUMNS = (
    "Between, idle: of the bound, a node's time between its tests (pytest, claims, a late start) and after its last.",
    "Claims: own + stolen + taken over. In the store: values, and bytes; of Redis, commands, and what was sent.",
)
NO_XDIST = "pytest-xdist does not take part: it replaces a worker that is killed, so no node would be lost."


class Case(NamedTuple):
    """What a run meets: `drifts` where the times known are of an earlier recording; times are parts of the bound."""

    why: str
    drifts: bool = False
    jumps: bool = False  # of a suite's recordings those that drift most; else the pair in the middle
    set_up_s: float = 0.0  # before it is scaled
    slow: float = 1.0  # the second node sleeps so many times as long
    late: float = 0.0  # the last node begins later
    dies: float = 0.0  # the second node is killed


CASES = {
    "right": Case("estimates are right"),
    "drift": Case("estimates are of an earlier recording", drifts=True),
    "jump": Case("estimates are of the earlier recording that is least like it", drifts=True, jumps=True),
    "half": Case("one node at half speed", slow=2.0),
    "late": Case("one node late by a fifth of the run", late=0.2),
    "killed": Case("one node killed in the middle of the run", dies=0.5),
    "set-up": Case("a module fixture of 20 s a file, scaled; drift", drifts=True, set_up_s=20.0),
}


class Ran(NamedTuple):
    """What a run came to, or why it came to nothing."""

    seen: Optional[Seen] = None
    cost: Optional[Cost] = None
    claims: str = ""
    stored: str = ""
    trouble: str = ""


Sharer = Callable[[Path, Paced, int, Mapping[str, str]], Ran]  # project's folder, suite, nodes, variables


def tables(
    folder: Optional[Path], rounds: int, cases: Sequence[str], nodes: Sequence[int], by: Sequence[str]
) -> Iterator[Table]:
    """Run each suite in each case under each sharer named; a table a case, as soon as it is there."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        sharers, missing = _sharers(Path(place), stack)
        for name, found in pairs_of(folder).items():
            for total in nodes:
                for case in (CASES[each] for each in cases if len(found) > 1 or not CASES[each].jumps):
                    chosen = {each: sharer for each, sharer in sharers.items() if each in by and takes_part(each, case)}
                    pair = found[-1 if case.jumps else (len(found) - 1) // 2]
                    yield table(f"{name} on {total} nodes: {case.why}", pair, case, total, chosen, rounds, missing)


def _sharers(place: Path, stack: ExitStack) -> Tuple[Dict[str, Sharer], Sequence[str]]:
    """Start what is needed to share tests out in each way; and say why some cannot take part."""
    found: Dict[str, Sharer] = {BY_PLAN: by_plan}
    missing = []
    for kind in stores.KINDS:
        try:
            found[kind] = partial(by_pieces, stack.enter_context(stores.opened(kind, place / kind)))
        except PipelineError as error:
            missing.append(f"without {kind}: {error}")
    try:
        python = stores.environment(place / "xdist", "pytest", "pytest-xdist")
        found.update({f"xdist {dist}": partial(by_xdist, python, dist) for dist in XDIST})
    except PipelineError as error:
        missing.append(f"without pytest-xdist: {error}")
    return found, missing


def takes_part(sharer: str, case: Case) -> bool:
    """Decide who is measured in a case: one says something about kinds of stores."""
    if case.dies and sharer.startswith("xdist"):
        return False
    return case == CASES["drift"] or sharer not in (stores.REDIS, stores.S3)


def pairs_of(folder: Optional[Path]) -> Dict[str, Sequence[Pair]]:
    """Choose the suites: times of an earlier run and those of a later one, the pairs that drift least first."""
    draw = random.Random(replay.SEED)
    article = {
        f"{file}::test_{number}": round(seconds / replay.SCALE * 1e6)
        for file, sleeps in replay.suite(draw).items()
        for number, seconds in enumerate(sleeps)
    }
    before = {nodeid: round(cost * draw.lognormvariate(0, replay.NOISE)) for nodeid, cost in article.items()}
    suites = recorded(folder) if folder else {}
    found: Dict[str, Sequence[Pair]] = {"the article's": [Pair(before, article)]}
    for name in sorted(suites, key=lambda each: len(suites[each][-1]))[:RECORDED]:
        roomy = [pair for pair in drifts({name: suites[name]}) if 8 * max(pair.real.values()) < ROOM * _sum(pair.real)]
        if roomy:
            found[name] = sorted(roomy, key=lambda pair: verdict(ours_in_doubt, pair, 8).ratio)
    return found


def _sum(times: Times) -> int:
    return sum(times.values())


def table(
    title: str,
    pair: Pair,
    case: Case,
    total: int,
    sharers: Mapping[str, Sharer],
    rounds: int,
    notes: Sequence[str],
) -> Table:
    """Run a suite in one case under each sharer."""
    scale = RUN_S * total / (_sum(pair.real) / 1e6)
    suite = paced.paced(pair.known if case.drifts else pair.real, pair.real, scale, case.set_up_s)
    fair_s = paced.bound_s(suite, total, Troubles())
    troubles = Troubles(
        {"gw1": case.slow} if case.slow > 1 else {},
        {f"gw{total - 1}": case.late * fair_s} if case.late else {},
        {"gw1": case.dies * fair_s} if case.dies else {},
    )
    bound_s = paced.bound_s(suite, total, troubles)
    rows, notes = [], [*notes, *([NO_XDIST] if case.dies else [])]
    for name, sharer in sharers.items():
        runs = [run(sharer, suite, total, troubles) for _ in range(rounds)]
        rows.append((name, *row(runs, bound_s, len(suite.real_s))))
        notes += [f"{name}: {each.trouble}" for each in runs if each.trouble]
    notes.append(
        f"{len(suite.real_s)} tests in {len(by_file(suite.real_s))} files at {scale:.4f} of their time; bound: "
        f"{bound_s:.1f} s; {len(suite.real_s) - len(suite.known_s)} tests were unknown before; {load()}."
    )
    header = (
        "shared out by",
        "slowest/bound",
        "between, %",
        "idle, %",
        "run again",
        "set-ups",
        "all, s",
        "CPU, s",
        "claims",
        "in the store",
    )
    return Table(title, header, rows, notes)


def run(sharer: Sharer, suite: Paced, total: int, troubles: Troubles) -> Ran:
    """Run a suite, in a project made for it, and read what its tests wrote down."""
    with tempfile.TemporaryDirectory() as place:
        told = paced.variable(Path(place, "seen"), total, troubles)
        ran = sharer(Path(place, "project"), suite, total, {**NO_PLUGINS, **told})
        return ran._replace(seen=paced.seen(Path(place, "seen"), troubles))


def row(runs: Sequence[Ran], bound_s: float, tests: int) -> Tuple[str, ...]:
    """The figures of several runs, and of the last what it claimed and stored."""
    seen = [each.seen for each in runs if each.seen]
    costs = [each.cost for each in runs if each.cost]
    return (
        _figures([each.span_s / bound_s for each in seen], 3),
        _figures([100 * each.between_s / bound_s for each in seen], 1),
        _figures([100 * each.idle_s / bound_s for each in seen], 1),
        _figures([each.tests - tests for each in seen], 0),
        _figures([each.set_ups for each in seen], 0),
        _figures([each.wall_s for each in costs], 1) if costs else "red",
        _figures([each.cpu_s for each in costs], 1),
        runs[-1].claims or "-",
        runs[-1].stored or "-",
    )


def _figures(values: Sequence[float], digits: int) -> str:
    if not values:
        return "-"
    return low_median_high(values, digits) if len(values) > 1 else f"{median(values):.{digits}f}"


def by_pieces(store: Store, folder: Path, suite: Paced, total: int, variables: Mapping[str, str]) -> Ran:
    """Run the suite by Shardline, its nodes share it out over a store."""
    before = store.stored()
    ran = _by_shardline(store.name, folder, suite, total, {**variables, **store.variables})
    count, size = (now - then for now, then in zip(store.stored(), before))
    return ran._replace(stored=f"{count}, {size / 1000:.1f} kB")


def by_plan(folder: Path, suite: Paced, total: int, variables: Mapping[str, str]) -> Ran:
    """Run the suite by Shardline, each node what the plan gives it."""
    return _by_shardline("none", folder, suite, total, variables)


def _by_shardline(store: str, folder: Path, suite: Paced, total: int, variables: Mapping[str, str]) -> Ran:
    words = f"name: queue\nsuite:\n  path: suite\ndistribution:\n  store: {store}\n  take_over_after: {SILENT_S} s\n"
    settings = load_settings(str(project(folder, words, paced.sources(suite))), {}, folder)
    samples = [timings.Sample(nodeid, round(1000 * seconds)) for nodeid, seconds in suite.known_s.items()]
    files = [file[0].partition("::")[0] for file in by_file(suite.real_s)]
    set_up = SetUp(scopes_ms={file: round(1000 * suite.set_up_s) for file in files} if suite.set_up_s else {})
    history.learn(settings, timings.learned(timings.Source(1, "before", 0, machine_class()), samples, set_up))
    line = shardline("integration", settings.file, "--nodes", str(total), "--at-once", str(total))
    return _measured(line, ROOT, variables)._replace(claims=claims(settings.reports))


def _measured(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Ran:
    """Run a command; where it failed, what was measured may count all the same."""
    try:
        return Ran(cost=measured(words, folder, variables))
    except PipelineError as error:
        return Ran(trouble=f"not green: ... {str(error)[-LAST_CHARACTERS:]}")


def claims(reports: Path) -> str:
    """Count what the shards of a run claimed: of their own, stolen, taken over."""
    results = [json.loads(file.read_text(encoding="ascii")) for file in sorted(reports.glob("shard-*/receipt.json"))]
    how = [piece["how"] for each in results for piece in each.get("pieces", [])]
    return " + ".join(str(how.count(word)) for word in ("own", "stolen", "taken over")) if how else ""


def by_xdist(python: str, dist: str, folder: Path, suite: Paced, total: int, variables: Mapping[str, str]) -> Ran:
    """Run the suite by pytest-xdist; it has no history, and a worker that is killed is another's successor."""
    project(folder, "", paced.sources(suite))
    words = [python, "-m", "pytest", "-q", "-p", "xdist", "-p", "no:cacheprovider", "-n", str(total), "--dist", dist]
    return _measured([*words, "suite"], folder, variables)
