"""A suite whose tests sleep as recorded ones did, and write down when: what was run, by whom, against the bound.

The same files run under any scheduler. A node is known by PYTEST_XDIST_WORKER, which Shardline's shards have, too.
All nodes begin their tests at the same moment, so that what is measured is who got which test, not how pytest starts.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from .judge import Times, by_file

SHORTEST_S = 0.02  # shorter tests of a file sleep as one: their number would measure pytest, not who shares them out
VARIABLE = "BENCH_PACE"
WAIT_S = 60

PACE = f'''\
"""Sleep as told by {VARIABLE}, and write down when."""

import json
import os
import signal
import time

NODE = os.environ.get("PYTEST_XDIST_WORKER", "")
PACE = json.loads(os.environ.get("{VARIABLE}", "{{}}")) if NODE else {{}}
MEETING = os.path.join(PACE.get("folder", ""), "meeting")


def note(*words):
    with open(os.path.join(PACE["folder"], NODE), "a") as file:
        print(*words, file=file)


def nap(seconds, what="test"):
    began = time.monotonic()
    if began - PACE.get("met", began) > PACE.get("dies_s", {{}}).get(NODE, {WAIT_S * 60}):
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds * PACE.get("slow", {{}}).get(NODE, 1))
    if PACE:
        note(what, began, time.monotonic())


def meet():
    """Wait for all other nodes; who is late comes later still."""
    own = os.path.join(MEETING, NODE)
    if not PACE or os.path.exists(own):
        return
    with open(own, "w"):
        deadline = time.monotonic() + {WAIT_S}
    while len(os.listdir(MEETING)) < PACE["nodes"] and time.monotonic() < deadline:
        time.sleep(0.005)
    PACE["met"] = time.monotonic()
    note("met", PACE["met"], PACE["met"])
    time.sleep(PACE.get("late_s", {{}}).get(NODE, 0))
'''

CONFTEST = """\
import pace
import pytest


@pytest.hookimpl(hookwrapper=True)  # around the loop, not one of its own
def pytest_runtestloop():
    pace.meet()
    yield
"""

SET_UP = """

@pytest.fixture(scope="module", autouse=True)
def set_up():
    nap({}, "set-up")
"""


class Paced(NamedTuple):
    """What each test sleeps, in s by node id, and what is known of it from a run before; of some nothing."""

    real_s: Mapping[str, float]
    known_s: Mapping[str, float]
    set_up_s: float = 0.0  # of each file, on each node that has tests of it


class Troubles(NamedTuple):
    """What the nodes of a run meet, by node: "gw0" and so on."""

    slow: Mapping[str, float] = {}  # sleeps so many times as long
    late_s: Mapping[str, float] = {}
    dies_s: Mapping[str, float] = {}  # after so many seconds


class Seen(NamedTuple):
    """What a run's tests wrote down. The two last say where time went, as means over the nodes that did not die."""

    span_s: float  # from when all could begin to the last end
    tests: int
    set_ups: int
    between_s: float  # neither in a test nor in a set-up, up to the node's last: pytest, claims, a late start
    idle_s: float  # after the node's last


def paced(known: Times, real: Times, scale: float, set_up_s: float = 0.0) -> Paced:
    """Make a suite of recorded durations, in microseconds, and take the short tests of a file together."""
    now_s: Dict[str, float] = {}
    before_s: Dict[str, float] = {}
    for number, file in enumerate(by_file(sorted(real))):
        short = [nodeid for nodeid in file if real[nodeid] * scale / 1e6 < SHORTEST_S]
        tests = [*([nodeid] for nodeid in file if nodeid not in set(short)), *([short] if short else [])]
        for place, members in enumerate(tests):
            name = f"suite/test_{number:03}.py::test_{place}"
            now_s[name] = round(sum(real[each] for each in members) * scale / 1e6, 4)
            if any(each in known for each in members):
                before_s[name] = sum(known.get(each, 0) for each in members) * scale / 1e6
    return Paced(now_s, before_s, set_up_s * scale)


def sources(suite: Paced) -> Dict[str, str]:
    """Write the suite's files: content by name."""
    found = {"suite/pace.py": PACE, "suite/conftest.py": CONFTEST}
    for file in by_file(suite.real_s):
        tests = [f"\n\ndef {nodeid.rpartition('::')[2]}():\n    nap({suite.real_s[nodeid]})\n" for nodeid in file]
        head = "import pytest\nfrom pace import nap\n" + (SET_UP.format(suite.set_up_s) if suite.set_up_s else "")
        found[file[0].partition("::")[0]] = head + "".join(tests)
    return found


def variable(folder: Path, nodes: int, troubles: Troubles) -> Dict[str, str]:
    """Say to the suite where it writes, and what its nodes meet."""
    (folder / "meeting").mkdir(parents=True)
    told: Dict[str, Any] = {"folder": str(folder), "nodes": nodes, **troubles._asdict()}
    return {VARIABLE: json.dumps(told)}


def bound_s(suite: Paced, nodes: int, troubles: Troubles) -> float:
    """Bound what no order of the tests beats: all nodes busy from their start to the end, or the longest test.

    Who dies has done nothing that counts.
    """
    living = [name for name in map("gw{}".format, range(nodes)) if name not in troubles.dies_s]
    ordered = sorted((troubles.late_s.get(name, 0.0), 1 / troubles.slow.get(name, 1.0)) for name in living)
    work_s = sum(suite.real_s.values()) + len(by_file(suite.real_s)) * suite.set_up_s
    longest_s = max(suite.real_s.values()) + suite.set_up_s
    return max(
        ordered[0][0] + longest_s / max(speed for _, speed in ordered),
        min(_even_s(work_s, ordered[: count + 1]) for count in range(len(ordered))),
    )


def _even_s(work_s: float, nodes: Sequence[Tuple[float, float]]) -> float:
    """Find when nodes, each with its start and speed, have done all of the work if they end at once."""
    return (work_s + sum(start * speed for start, speed in nodes)) / sum(speed for _, speed in nodes)


def seen(folder: Path, troubles: Troubles) -> Seen:
    """Read what the nodes of a run wrote down; a line that was cut off when its node died does not count."""
    nodes = {file.name: _spans(file.read_text(encoding="ascii")) for file in folder.glob("gw*")}
    kinds = [span.what for spans in nodes.values() for span in spans]
    began = min(spans[0].began for spans in nodes.values())
    end = max(spans[-1].ended for spans in nodes.values())
    living = [spans for name, spans in nodes.items() if name not in troubles.dies_s]
    between_s = fmean(spans[-1].ended - began - sum(span.ended - span.began for span in spans) for spans in living)
    idle_s = fmean(end - spans[-1].ended for spans in living)
    return Seen(end - began, kinds.count("test"), kinds.count("set-up"), between_s, idle_s)


class _Span(NamedTuple):
    what: str
    began: float
    ended: float


def _spans(text: str) -> List[_Span]:
    lines = [line.split() for line in text.splitlines()]
    return [_Span(line[0], float(line[1]), float(line[2])) for line in lines if len(line) == 3]
