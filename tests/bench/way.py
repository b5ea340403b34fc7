"""Part `way`: from a push to its verdict, job by job, as .circleci/config.yml says it, cold and warm, and otherwise.

The suite is that of the article that this project answers (see `replay`), at a part of its time, a twentieth unless
told: its tests ask a service that sleeps. The team had its verdict after 13 minutes on 4 nodes, before that after 32 on
one. What we pay for ourselves, starts of programs above all, is not scaled, and so counts twentyfold there.
"""

from __future__ import annotations

import compileall
import copy
import os
import py_compile
import random
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import yaml

from scripts.console import say
from scripts.errors import PipelineError

from . import replay
from .ci_cache import machine_variables
from .ci_jobs import CHECKOUT, Machine, Took, can_be_many, job_steps
from .measuring import ROOT, Table, load, low_median_high, project
from .weights import Weights, entries, written

NODES = 4
SCALE = 20.0
ARTICLE_MIN = 13
START_S = 20  # of the service, until it answers, before it is scaled
WARM_UP_S = 2
WEIGHTS_BYTES = 1 << 25
SHOWN_S = 0.1
LAST_MERGES = "the last merges"
SETTINGS = """\
name: way
service:
  command: [python, app.py, --port, "{{port}}"]
  requirements: service.txt
  ready: {{path: /, timeout: 1 min}}
  warm_up: {{path: "/?s={warm_up}"}}
suite: {{path: suite, asks_while_collected: false}}
distribution: {{store: {store}}}
models:
  directory: cache_hub/models
  files:
{files}
"""
APP = """\
import http.server, sys, time
from urllib.parse import parse_qs, urlsplit

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(parse_qs(urlsplit(self.path).query).get("s", ["0"])[0]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

time.sleep({start})
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
TEST = """

def test_{number}():
    urlopen(os.environ["SERVICE_URL"] + "/?s={seconds:.4f}").close()
"""


class Job(NamedTuple):
    """A job of a workflow: when it began, in seconds since the push, and what the steps of each of its nodes took."""

    name: str
    began_s: float
    nodes: Sequence[Sequence[Took]]

    @property
    def slowest(self) -> Sequence[Took]:
        """The steps of the node that took longest."""
        return max(self.nodes, key=_wall_s)

    @property
    def ended_s(self) -> float:
        """When its last node ended, in seconds since the push."""
        return self.began_s + _wall_s(self.slowest)


def _wall_s(steps: Sequence[Took]) -> float:
    return sum(step.wall_s for step in steps)


def tables(rounds: int, folder: Path, scale: float = SCALE) -> Iterator[Table]:
    """Walk all ways, with nothing in the caches and then with all.

    Args:
        scale: what the article's times are divided by.

    Raises:
        PipelineError: a step failed, or this machine cannot be several.
    """
    if not can_be_many():
        raise PipelineError("this part needs several machines in one: Linux, and `unshare --mount` allowed")
    ours = yaml.safe_load((ROOT / ".circleci" / "config.yml").read_text(encoding="utf-8"))
    ways = {"a plan first": plan_first(ours), "shards at once": ours, LAST_MERGES: last_merges(ours)}
    with tempfile.TemporaryDirectory(dir=str(folder)) as scratch:
        weights = written(Path(scratch, "weights.bin"), WEIGHTS_BYTES)
        rows: List[Sequence[str]] = []
        totals: List[Sequence[str]] = []
        for way, config in ways.items():
            place = Path(scratch, way.replace(" ", "-"))
            place.mkdir()
            checkout = _checkout(place, weights, str(place / "claims") if way == LAST_MERGES else "none", scale)
            runs: Dict[str, List[float]] = {}
            for number in range(rounds + 1):
                state = "warm" if number else "cold"
                say(f"{way}, {state}: {NODES} nodes ...")
                jobs = walked(config, place, checkout, str(number))
                runs.setdefault(state, []).append(verdict_s(jobs))
                rows += job_rows(way, state, jobs) if number < 2 else []
            totals += [
                (way, state, low_median_high(each, 1), low_median_high([scale * one / 60 for one in each], 1))
                for state, each in runs.items()
            ]
    yield Table(
        "Each job, and the steps of its slowest node",
        ("way", "caches", "job", "from, s", "to, s", "CPU, s", "steps"),
        rows,
    )
    notes = [
        f"{replay.TOTAL_S / scale:g} s of tests on {NODES} nodes; the article: a verdict after {ARTICLE_MIN} min.",
        f"The nodes share this machine's {os.cpu_count()} cores; to get one, and its image, takes no time here.",
        f"{load().capitalize()}.",
    ]
    yield Table("Push to verdict", ("way", "caches", "s: least / median / most", f"x {scale:g}, min"), totals, notes)


def plan_first(config: Any) -> Any:
    """Let the shards wait for a job that fills the caches and hands out the plan."""
    changed = copy.deepcopy(config)
    jobs = changed["jobs"]
    jobs["caches"]["steps"] += [
        "restore_history",
        {"run": {"name": "Plan", "command": f"scripts/bootstrap.sh nox -s plan -- --nodes {NODES}"}},
        {"persist_to_workspace": {"root": ".", "paths": ["reports/plan.json"]}},
    ]
    jobs["shard"]["steps"].insert(1, {"attach_workspace": {"at": "."}})
    changed["workflows"]["integration"]["jobs"][1] = {"shard": {"requires": ["caches"]}}
    return changed


def last_merges(config: Any) -> Any:
    """Let the last shard say the verdict over a store, so that no job comes after the shards."""
    changed = copy.deepcopy(config)
    steps = changed["jobs"]["shard"]["steps"]
    run = next(step["run"] for step in steps if isinstance(step, dict) and step.get("run", {}).get("name") == "Shard")
    run["command"] += " --merge"
    key = (
        "v1-timings-{{ .Branch }}-" + '{{ checksum ".pipeline/timings.json" }}'
    )  # as it was found, it is saved already
    steps.append({"save_cache": {"key": key, "paths": [".pipeline/timings.json", ".pipeline/outcomes.json"]}})
    changed["workflows"]["integration"]["jobs"].pop()
    return changed


def _checkout(folder: Path, weights: Weights, store: str, scale: float) -> Path:
    """Make what a checkout holds: this program, the service that sleeps, and the suite."""
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in CHECKOUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(str(source), str(checkout / name), ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(str(source), str(checkout / name))
    # As an installed copy is; on a fresh checkout each node would compile it, and twentyfold that is no trifle.
    compileall.compile_dir(
        str(checkout / "scripts"), quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    files = entries([weights], weights.file.parent.as_uri())
    made = {"app.py": APP.replace("{start}", str(START_S / scale)), "service.txt": "idna==3.10\n"}
    words = SETTINGS.format(files=files, warm_up=WARM_UP_S / scale, store=store)
    project(checkout, words, {**made, **_suite(scale)})
    return checkout


def _suite(scale: float) -> Dict[str, str]:
    """The suite's files: content by name. Its tests ask the service, which sleeps as long as theirs do in `replay`."""
    further = replay.SCALE * scale
    return {
        f"suite/{file}": "import os\nfrom urllib.request import urlopen\n"
        + "".join(TEST.format(number=number, seconds=sleep_s / further) for number, sleep_s in enumerate(sleeps))
        for file, sleeps in replay.suite(random.Random(replay.SEED)).items()
    }


def walked(config: Any, folder: Path, checkout: Path, run: str) -> List[Job]:
    """Do what all jobs of the workflow say, each node on a fresh machine; jobs that begin together save apart.

    Raises:
        PipelineError: a step failed.
    """
    ended: Dict[str, float] = {}
    jobs: List[Job] = []
    shutil.rmtree(str(folder / "workspace"), ignore_errors=True)
    for stage in stages(config["workflows"]["integration"]["jobs"]):
        with ThreadPoolExecutor(32) as pool:
            walks = {name: _walks(pool, config, name, folder, checkout, run) for name in stage}
        for name, needed in stage.items():
            began_s = max((ended[each] for each in needed), default=0.0)
            jobs.append(Job(name, began_s, [walk.result() for walk in walks[name]]))
        ended.update((job.name, job.ended_s) for job in jobs)
        for saved in folder.glob("saves-*/*"):
            saved.replace(folder / "store" / saved.name)
    return jobs


def _walks(
    pool: ThreadPoolExecutor, config: Any, job: str, folder: Path, checkout: Path, run: str
) -> List[Future[List[Took]]]:
    count = NODES if "parallelism" in config["jobs"][job] else 1
    return [pool.submit(_node, config, job, folder, checkout, run, index, count) for index in range(count)]


def stages(jobs: Sequence[Any]) -> Iterator[Dict[str, List[str]]]:
    """List the jobs of a workflow that can begin together, each with those that it waits for.

    >>> list(stages(["a", {"c": {"requires": [{"b": "terminal"}]}}, "b"]))
    [{'a': [], 'b': []}, {'c': ['b']}]
    """
    waiting: Dict[str, List[str]] = dict(_wired(job) for job in jobs)
    done: List[str] = []
    while waiting:
        stage = {name: needed for name, needed in waiting.items() if set(needed) <= set(done)}
        yield stage
        done += stage
        waiting = {name: needed for name, needed in waiting.items() if name not in stage}


def _wired(job: Any) -> Tuple[str, List[str]]:
    name, said = (job, {}) if isinstance(job, str) else next(iter(job.items()))
    return name, [need if isinstance(need, str) else next(iter(need)) for need in said.get("requires", [])]


def _node(config: Any, job: str, folder: Path, checkout: Path, run: str, index: int, count: int) -> List[Took]:
    """Do the steps of a node's job on a machine that is thrown away; what they took."""
    environ = {"CIRCLE_NODE_INDEX": str(index), "CIRCLE_NODE_TOTAL": str(count), "CIRCLE_WORKFLOW_ID": f"run-{run}"}
    environ.update({"CI": "true", "CIRCLE_SHA1": "0" * 40})
    values = {
        "parameters.shards": str(NODES),
        "parameters.store": "",
        "id": f"pipeline-{run}",
        "Branch": "main",
        "Revision": f"r{run}",
    }
    own = f"{job}-{index}"
    machine = Machine(folder, checkout, {**machine_variables(), **environ}, values, f"saves-{job}", own)
    took = [done for done in map(machine.do, job_steps(config, job)) if done]
    machine.throw_away()
    return took


def verdict_s(jobs: Sequence[Job]) -> float:
    """When the verdict was there, in seconds since the push."""
    return max(job.ended_s for job in jobs if job.name != "caches")


def job_rows(way: str, state: str, jobs: Sequence[Job]) -> List[Sequence[str]]:
    """The jobs of a run, and what took longest in each."""
    return [
        (
            way,
            state,
            job.name,
            f"{job.began_s:.1f}",
            f"{job.ended_s:.1f}",
            f"{cpu_s(job.slowest):.1f}",
            steps_text(job.slowest),
        )
        for job in jobs
    ]


def cpu_s(steps: Sequence[Took]) -> float:
    """Add up the seconds of CPU of a node's commands."""
    return sum(step.cpu_s for step in steps)


def steps_text(steps: Sequence[Took]) -> str:
    """Name the steps that took longest.

    >>> steps_text([Took("Shard", 0, 21.04), Took("Which Python", 0, 0.01)])
    'Shard 21.0'
    """
    return ", ".join(f"{step.name} {step.wall_s:.1f}" for step in steps if step.wall_s >= SHOWN_S)
