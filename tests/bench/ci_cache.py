"""Part `ci-cache`: from the start of a CI node to its first test, with heavy packages and weights from CI's caches.

What the jobs of .circleci/config.yml say is done in their order: a first machine makes, saves and is thrown away, with
its home and all it cached there; the second has nothing but a checkout and the archives, and no index to ask.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

import yaml

from scripts.console import human_bytes, say
from scripts.errors import PipelineError
from scripts.proof import journal, receipt

from .ci_jobs import CHECKOUT, Machine, Took, job_steps
from .measuring import ROOT, Table, load, project
from .server import serving
from .weights import GIB, check_room, entries, written

PACKAGES = "torch==2.13.0 transformers librosa gradio onnxruntime scikit-learn pandas pyarrow polars jax"
PACKAGES += " opencv-python-headless"
PACKAGES_BYTES = 6 * GIB  # where the index's torch is one for GPUs
FILES = 6
LIMIT_S = 45.0  # what a node may take beyond unpacking
STEP = "Shard"
SETTINGS = """\
service:
  command: [python, app.py, --port, "{{port}}"]
  requirements: service.txt
  ready: {{path: /, timeout: 5 min}}
suite: {{path: suite}}
models:
  directory: cache_hub/models
  files:
{files}
"""
APP = """\
import http.server, importlib, sys

for name in {names!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:  # of another name than its package
        print(error)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
TESTS = "def test_it(service_url):\n    pass\n"


class Node(NamedTuple):
    """What became of a node: its steps, and when its first test began."""

    took: Sequence[Took]
    seconds: Mapping[str, float]  # of the shard, as its result has them
    pytest_began: float  # in seconds since 1970, as the next
    first_test: float


def tables(packages: str, gib: float, folder: Path) -> Iterator[Table]:
    """Make the caches, and a node from them.

    Args:
        packages: requirements of the service, separated by spaces; it imports what has the name of its package.
        folder: where all of it goes for a while.

    Raises:
        PipelineError: there is no room, a step failed, or the node had to install or fetch something.
    """
    size_bytes = int(gib * GIB) // FILES * FILES
    check_room(folder, 3 * (size_bytes + PACKAGES_BYTES))
    with tempfile.TemporaryDirectory(dir=str(folder)) as scratch:
        size = "1 GB to download, 3 where the index's torch is for GPUs" if packages == PACKAGES else "to be downloaded"
        say(f"writing {gib:g} GiB of weights; the service gets {packages}: {size}")
        weights = Path(scratch, "weights")
        weights.mkdir()
        files = [written(weights / f"part-{number}.bin", size_bytes // FILES) for number in range(FILES)]
        config = yaml.safe_load((ROOT / ".circleci" / "config.yml").read_text(encoding="utf-8"))
        with serving(weights) as url:
            checkout = _checkout(Path(scratch, "checkout"), packages, entries(files, url))
            first = _machine(Path(scratch), checkout, {})
            made = [took for took in (first.do(step) for step in job_steps(config, "caches")) if took]
            strays = links_out(first.project)
            first.throw_away()
        for path in [weights, Path(scratch, "home")]:
            shutil.rmtree(str(path), ignore_errors=True)
        yield _prepared(made)
        node = _node(config, _machine(Path(scratch), checkout, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}))
        yield _table(node, strays)


def _checkout(folder: Path, packages: str, files: str) -> Path:
    """Make what a checkout holds: this program, and a service that imports its packages."""
    folder.mkdir()
    for name in CHECKOUT:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(str(source), str(folder / name))
    names = [re.split(r"[^\w.-]", package)[0].replace("-", "_") for package in packages.split()]
    made = {"app.py": APP.format(names=names), "service.txt": "\n".join(packages.split()) + "\n"}
    made.update({f"suite/test_{name}.py": TESTS for name in "ab"})
    project(folder, SETTINGS.format(files=files), made)
    return folder


def _machine(folder: Path, checkout: Path, environ: Mapping[str, str]) -> Machine:
    """A machine with a home of its own."""
    node = {"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "2"}
    values = {"parameters.shards": "2", "parameters.store": "", "id": "first", "Branch": "main"}
    return Machine(folder, checkout, {**machine_variables(), **node, **environ}, values)


def machine_variables() -> Dict[str, str]:
    """What of our variables a machine of a CI gets: where the index is and how it is reached."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT", "SSL_CERT_FILE")
    ours = {name: value for name, value in os.environ.items() if name in kept}
    for name, value in os.environ.items():
        if (name.startswith(("PIP_", "UV_")) and "CACHE" not in name) or name.lower().endswith("_proxy"):
            ours[name] = value
    return ours


def _node(config: Any, machine: Machine) -> Node:
    """Run the first shard as far as it says what it did.

    Raises:
        PipelineError: a step failed, or something was installed or fetched that the caches should hold.
    """
    took: List[Took] = []
    for step in job_steps(config, "shard"):
        done = machine.do(step)
        took += [done] if done else []
        if done and done.name == STEP:
            break
    made_anew = re.search(r"(?m)^(setting up \.venv|packages for |fetching |.* into cache_hub).*", machine.said)
    if made_anew:
        raise PipelineError(f"the node made what the caches should hold: {made_anew[0]}")
    shard = machine.project / "reports" / "shard-0"
    result = json.loads((shard / receipt.FILE_NAME).read_text(encoding="utf-8"))
    events = journal.parse((shard / "journal.jsonl").read_bytes(), result["start"]).events
    began = next(event["time"] for event in events if event["event"] == "load")
    first = next(event["at"] for event in events if event["event"] == "start")
    seconds = result["seconds"]
    return Node(took, seconds, began, began + first)


def links_out(folder: Path) -> List[str]:
    """List the links below a folder that lead out of it, but for those to the interpreter."""
    allowed = [folder.resolve(), Path(sys.base_prefix).resolve(), Path(sys.executable).resolve().parent]
    found = []
    for parent, folders, names in os.walk(str(folder)):
        for path in (Path(parent, name) for name in [*folders, *names]):
            if path.is_symlink() and not any(base in path.resolve().parents for base in allowed):
                found.append(str(path.relative_to(folder)))
    return found


def phases(node: Node) -> List[Tuple[str, float]]:
    """Part the time of a node, beyond unpacking, in what a person can do something about: (what, seconds)."""
    steps = [(took.name, took.wall_s) for took in node.took if not took.archive_bytes and took.name != STEP]
    shard = next(took for took in node.took if took.name == STEP)
    within = {what: node.seconds.get(what, 0.0) for what in ("packages", "weights", "service ready", "warm-up")}
    rest_s = node.pytest_began - shard.began - sum(within.values())
    inside = [("start of nox and Shardline", rest_s), *within.items()]
    inside.append(("pytest to its first test", node.first_test - node.pytest_began))
    return [*steps, *((f"{STEP}: {what}", seconds) for what, seconds in inside)]


def _prepared(made: Sequence[Took]) -> Table:
    rows = [(took.name, f"{took.wall_s:.1f}", _size(took)) for took in made]
    return Table("The job that makes and saves the caches", ("step", "s", "archive"), rows)


def _table(node: Node, strays: Sequence[str]) -> Table:
    unpacked = [took for took in node.took if took.archive_bytes]
    parts = phases(node)
    total_s = sum(seconds for _, seconds in parts)
    rows = [(took.name, f"{took.wall_s:.1f}", _size(took)) for took in unpacked]
    rows += [(what, f"{seconds:.1f}", f"{100 * seconds / total_s:.0f} %") for what, seconds in parts]
    rows.append(("beyond unpacking", f"{total_s:.1f}", f"limit {LIMIT_S:g}"))
    largest = max(parts, key=lambda part: part[1])[0]
    unpacking_cpu_s = sum(took.cpu_s for took in unpacked)
    others_cpu_s = sum(took.cpu_s for took in node.took) - unpacking_cpu_s
    notes = [
        f"CPU: {unpacking_cpu_s:.1f} s for unpacking, {others_cpu_s:.1f} s for the other steps to the end of {STEP}.",
        f"Most goes to {largest}. Nothing was installed or fetched on the node; {load()}.",
        f"Links that lead out of the project, but to the interpreter: {', '.join(strays[:3]) or 'none'}.",
    ]
    return Table("A node from the start of its job to its first test", ("step", "s", "archive, share"), rows, notes)


def _size(took: Took) -> str:
    return human_bytes(took.archive_bytes) if took.archive_bytes else ""
