"""Part `plan`: how good plans are on recorded suites, how many files they cut, and how long planning takes.

A recorded suite is a folder with 00.json, 01.json, ... from oldest to newest, each {node id: seconds} as
pytest-split records it. What is known when a plan is made, and what the run then takes:

- perfect: planned with the very times by which it is judged;
- set-up: the same, and every file costs 20 s on each shard that has tests of it;
- drift: planned with one recording, and the doubt of one, judged by the next.
"""

from __future__ import annotations

import json
import random
import time
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean, median
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from scripts.errors import PipelineError
from scripts.planning.estimates import Estimates
from scripts.planning.nodeids import classes_of
from scripts.planning.packing import SPREAD
from scripts.planning.plan import make, price_permille

from .judge import Planner, Times, Verdict, by_file, halving, judged, longest_first, ours, ours_in_doubt, spreading
from .measuring import Table, load, low_median_high, pairs

TOTALS = (4, 8, 16)
SET_UP_US = 20_000_000
CURVE = (0, 125, 250, 333, 400, 500, 750, 1000)  # thousandths of the files that may be spread
SIZES = (10_000, 100_000)

Suites = Mapping[str, Sequence[Times]]


class Case(NamedTuple):
    """Describe a plan to be made: what is known, and what the run then takes; per file a set-up."""

    known: Times
    real: Times
    set_up: int = 0


def tables(folder: Optional[Path], rounds: int) -> Iterator[Table]:
    """Measure everything about plans.

    Args:
        folder: the recorded suites; without them only the time that planning takes is shown.

    Raises:
        PipelineError: the folder has no recordings, or a file that is none.
    """
    if folder:
        suites = recorded(folder)
        yield quality(suites)
        if drifts(suites):
            yield curve(suites)
    yield planning_time(rounds)


def recorded(folder: Path) -> Suites:
    """Read the recordings of each suite in a folder, oldest first.

    Raises:
        PipelineError: none is there, or a file is no recording.
    """
    files = sorted(file for file in folder.glob("*/*.json") if file.stem.isdigit())
    found: Dict[str, List[Times]] = {}
    for file in files:
        try:
            seconds = json.loads(file.read_text(encoding="utf-8"))
            times = {str(nodeid): max(1, round(float(each) * 1_000_000)) for nodeid, each in seconds.items()}
        except (AttributeError, OSError, OverflowError, TypeError, ValueError) as error:
            raise PipelineError(f"{file}: expected {{NODE ID: SECONDS}}: {error}") from error
        if times:
            found.setdefault(file.parent.name, []).append(times)
    if not found:
        hint = "Give a folder that holds SUITE/00.json, SUITE/01.json, ...: --suites FOLDER"
        raise PipelineError(f"no recorded suite in {folder}", hint)
    return found


def quality(suites: Suites) -> Table:
    """Measure the slowest shard by the bound, and the cut files, in each regime."""
    snapshots = [times for suite in suites.values() for times in suite]
    regimes: Mapping[str, Tuple[Sequence[Case], Mapping[str, Planner]]] = {
        "perfect": ([Case(times, times) for times in snapshots], {"ours": ours, "LPT": longest_first}),
        "set-up 20 s": (
            [Case(times, times, SET_UP_US) for times in snapshots],
            {"ours": ours, "halving": halving, "LPT": longest_first},
        ),
        "drift": (drifts(suites), {"ours": ours_in_doubt, "LPT": longest_first}),
    }
    rows = [
        (regime, str(total), name, *_figures(planner, cases, total))
        for regime, (cases, planners) in regimes.items()
        if cases  # suites recorded once do not drift
        for total in TOTALS
        for name, planner in planners.items()
    ]
    files = median(len(by_file(times)) for times in snapshots)
    notes = [
        f"{len(suites)} suites, {len(snapshots)} recordings, {len(drifts(suites))} pairs; median of files: {files:g}.",
        "LPT: test by test, longest first. halving: whole files, and the slowest shard's heaviest piece is halved.",
        classes_note(snapshots),
    ]
    header = ("known", "nodes", "planner", "slowest/bound, median", "worst", "files cut, median")
    return Table("Plans on recorded suites", header, rows, notes)


def classes_note(snapshots: Sequence[Times]) -> str:
    """Say what it costs that classes stay whole, where the times are known: of the slowest shard's time."""
    with_classes = [times for times in snapshots if any(map(classes_of, times))]
    if not with_classes:
        return "No recording has classes, so none had to stay whole."
    prices = []
    for total in TOTALS:
        plans = ((times, Estimates(times)) for times in with_classes)
        permille = [price_permille(times, known, make(times, known, total)) for times, known in plans]
        prices.append(f"{median(permille) / 10:.1f} % at {total}, worst {max(permille) / 10:.1f} %")
    return f"Classes stay whole: of the slowest shard's time, {'; '.join(prices)} ({len(with_classes)} recordings)."


def drifts(suites: Suites) -> List[Case]:
    """Pair what was known before each recorded run but the first with what it took."""
    return [Case(known, real) for suite in suites.values() for known, real in pairs(suite)]


def _figures(planner: Planner, cases: Sequence[Case], total: int) -> Tuple[str, str, str]:
    verdicts = [verdict(planner, case, total) for case in cases]
    ratios = [each.ratio for each in verdicts]
    return f"{median(ratios):.3f}", f"{max(ratios):.3f}", f"{median(each.cut_files for each in verdicts):g}"


def verdict(planner: Planner, case: Case, total: int) -> Verdict:
    """Judge a planner's plan in a case."""
    return judged(planner(sorted(case.real), case.known, total, case.set_up), case.real, case.set_up)


def curve(suites: Suites) -> Table:
    """Measure how much drift costs where fewer files, or more, are spread over the shards."""
    cases = drifts(suites)
    planners = {f"{permille / 10:g} %": spreading(permille) for permille in CURVE}
    planners.update({"as planned": ours_in_doubt, "LPT": longest_first})
    found = {name: [verdict(planner, *each) for each in product(cases, TOTALS)] for name, planner in planners.items()}
    rows = [(name, *_point(verdicts, found["LPT"])) for name, verdicts in found.items()]
    chosen = " or ".join(f"{permille / 10:g} %" for permille in SPREAD)
    notes = [
        f"As planned: {chosen}, whichever promises the faster slowest shard; the lesser where set-ups are dear.",
        "Half, since a file that stays whole is set up once and fails as one, and half evens out what drifts together.",
    ]
    header = ("files spread", *(f"at {total}" for total in TOTALS), "worst", "by LPT, mean", "files cut, by LPT")
    return Table(f"Cuts against drift: slowest/bound, median of {len(cases)} pairs", header, rows, notes)


def _point(found: Sequence[Verdict], by_test: Sequence[Verdict]) -> Iterator[str]:
    """Make a point of the curve: verdicts in turn for each of TOTALS, beside those of LPT."""
    ratios = [each.ratio for each in found]
    yield from (f"{median(ratios[place :: len(TOTALS)]):.3f}" for place in range(len(TOTALS)))
    yield f"{max(ratios):.3f}"
    yield f"{fmean(mine.ratio / other.ratio for mine, other in zip(found, by_test)):.3f}"
    yield f"{median(mine.cut_files / max(1, other.cut_files) for mine, other in zip(found, by_test)):.0%}"


def planning_time(rounds: int) -> Table:
    """Measure how long it takes to plan large suites, digests included."""
    rows = []
    for size in SIZES:
        times = synthetic(size)
        known = Estimates(times)
        wall_s, cpu_s = zip(*(_timed(partial(make, known.tests_ms, known, 16)) for _ in range(rounds)))
        rows.append((f"{size}", low_median_high(wall_s), f"{min(cpu_s):.2f}"))
    header = ("tests", "s: least / median / most", "CPU, s")
    return Table("Time to plan for 16 nodes", header, rows, [f"{load().capitalize()}."])


def synthetic(count: int) -> Dict[str, int]:
    """Make up the times of a large suite, in ms: lognormal, twenty tests a file, the same every time."""
    draw = random.Random(count)
    names = (f"tests/test_{number // 20:05}.py::test_{number % 20:02}" for number in range(count))
    return {name: 1 + int(1000 * draw.lognormvariate(-1, 1.5)) for name in names}


def _timed(work: Callable[[], object]) -> Tuple[float, float]:
    """Measure seconds by the clock, and of the processor."""
    started, used_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used_s
