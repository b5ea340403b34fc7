"""Run all shards of the suite on this machine, several at once, each as it runs on a node of the CI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

from ..console import PLAIN_INTERVAL_S, counted, human_seconds, say
from ..node import Node, run_id
from ..service import held_back
from ..settings import Settings
from . import deps, models, plan, shard
from .around import starts_service

POLL_S = 0.1
STOPS_IN_S = 30  # a shard stops its tests and its service


@dataclass(frozen=True)
class Started:
    """A shard that runs here: its process and the file that its output goes to."""

    node: Node
    process: subprocess.Popen[bytes]
    output: Path
    began: float


def run(settings: Settings, pytest_arguments: Sequence[str], nodes: int, at_once: int = 0) -> None:
    """Plan, and run each shard as a process of its own; what became of them stands in their results.

    Args:
        at_once: how many shards run at the same time; 0 for as many as this machine bears.

    Raises:
        PipelineError: packages or weights cannot be had, or the suite cannot be collected.
    """
    deps.run(settings, with_service=starts_service(settings))
    if starts_service(settings):
        models.run(settings)
    plan.make(settings, nodes, pytest_arguments)
    most, why = (at_once, "as you said") if at_once else bearable(nodes, os.cpu_count() or 1, _has_gpu())
    say(f"\n{counted(nodes, 'shard')}, {most} at once: {why}")
    environ = {**os.environ, "SHARDLINE_RUN": run_id(os.environ)}
    environ.pop("SHARDLINE_PARENT", None)
    with held_back() as signalled:
        waiting = [Node(index, nodes) for index in range(nodes)]
        running: List[Started] = []
        spoke = time.monotonic()
        while (waiting or running) and not signalled():
            while waiting and len(running) < most:
                running.append(_start(settings, waiting.pop(0), pytest_arguments, environ))
            running = [each for each in running if not _ended(each, settings)]
            if running and time.monotonic() - spoke > PLAIN_INTERVAL_S:
                say("  " + "; ".join(progress(each, settings) for each in running))
                spoke = time.monotonic()
            time.sleep(POLL_S)
        _stop(running)


def bearable(nodes: int, cores: int, gpu: bool) -> Tuple[int, str]:
    """How many shards may run at once, and why: one on a GPU, else one for each core.

    >>> bearable(4, 2, False)
    (2, 'one for each of 2 cores')
    """
    if gpu:
        return 1, "they share a GPU"
    return min(nodes, cores), f"one for each of {counted(cores, 'core')}"


def _has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None


def _start(settings: Settings, node: Node, arguments: Sequence[str], environ: Mapping[str, str]) -> Started:
    output = settings.reports / f"shard-{node.index}.log"
    words = [sys.executable, "-m", __package__.split(".")[0], "shard", "--settings", str(settings.file)]
    words += ["--defer-verdict", str(node.index), str(node.total), *arguments]
    # A session of its own: a terminal's Ctrl-C comes to us, and we pass it on once.
    with open(output, "wb") as sink:
        process = subprocess.Popen(
            words,
            cwd=str(Path(__file__).parents[2]),
            env={**environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    say(f"  {node}: started, output {output.relative_to(settings.project)}")
    return Started(node, process, output, time.monotonic())


def _ended(shard_here: Started, settings: Settings) -> bool:
    """Whether a shard has ended; then it is said how."""
    status = shard_here.process.poll()
    if status is None:
        return False
    took = human_seconds(time.monotonic() - shard_here.began)
    what = f"ended after {took}" if status == 0 else f"failed after {took}, exit code {status}"
    say(f"  {progress(shard_here, settings)}: {what}")
    if status != 0:
        say("".join(f"    {line}\n" for line in _last_lines(shard_here.output)))
    return True


def progress(shard_here: Started, settings: Settings) -> str:
    """How far a shard has come: "shard 2: 41 tests, 1 failed"."""
    record = shard.folder_of(settings, shard_here.node) / "journal.jsonl"
    content = record.read_bytes() if record.exists() else b""
    ended = [line for line in content.splitlines() if b'"event": "end"' in line]
    done = sum(b'"phase": "teardown"' in line for line in ended)
    failed = sum(b'"outcome": "failed"' in line for line in ended)
    return f"shard {shard_here.node.index}: {counted(done, 'test')}{f', {failed} failed' if failed else ''}"


def _last_lines(file: Path, count: int = 15) -> List[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def _stop(running: Sequence[Started]) -> None:
    """End the shards that still run, as Ctrl-C would: each stops its tests and its service."""
    for each in running:
        each.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOPS_IN_S
    for each in running:
        try:
            each.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.process.kill()
            each.process.wait()
