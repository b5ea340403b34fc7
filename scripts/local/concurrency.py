"""How many shards this machine bears at once, and why: by cores and memory, one where they share a GPU or a port.

What a shard takes of memory is known from the last run here, kept in `.pipeline/memory.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Iterable, NamedTuple, Optional, Sequence

from ..console import counted, human_bytes, say
from ..errors import PipelineError, SettingsError
from ..proof.receipt import Receipt
from ..runner.service_session import own_services
from ..settings import SHARD, Settings, Suite
from ..system import shared_file
from ..system.files import read_json
from ..system.machine import Capacity, capacity

FILE_NAME = "memory.json"
SCHEMA = 1
MOST_BYTES = 10**15  # no machine has as much memory
# Options of syrupy, pytest-snapshot, inline-snapshot and pytest-regressions: read a file, change it, write it.
UPDATES = ("--snapshot-update", "--inline-snapshot", "--force-regen", "--regen-all")
KEPT_FREE = 10  # of memory, a tenth: a machine that swaps runs no shard faster


class Concurrency(NamedTuple):
    """How many shards may run at the same time, and why not more."""

    shards: int
    why: str

    def __str__(self) -> str:
        return f"{'one at a time' if self.shards == 1 else f'{self.shards} at once'}: {self.why}"


def decide(settings: Settings, nodes: int, at_once: int, arguments: Sequence[str] = ()) -> Concurrency:
    """Decide how many of so many shards run at once here.

    Args:
        nodes: 0 for as many as can be.
        at_once: what the person said, 0 for nothing.
        arguments: those for pytest.

    Raises:
        SettingsError: the person wants several, and they cannot be.
    """
    services = own_services(settings)
    apart = [service for service in services.values() if not service.shared]
    port = next((service.port for service in apart if service.port), None)
    if at_once > 1 and port:
        message = f"--at-once {at_once}: each shard starts a service, and all of them want port {port} (service.port)"
        raise SettingsError(message, "Leave it out, so that every start takes a free one, or share one: service.shared")
    together = written_together(settings.suite, arguments)
    if together and at_once != 1:
        return Concurrency(1, together)
    if at_once:
        return Concurrency(min(at_once, nodes or at_once), "as you said")
    if port:
        return Concurrency(1, f"all services want port {port} (service.port)")
    here = capacity(os.environ)
    if services and all(service.shared or service.gpu == "never" for service in services.values()):
        here = here._replace(gpus=0)  # what is shared is there once
    return bearable(nodes, here, remembered(settings))


def written_together(suite: Suite, arguments: Sequence[str]) -> str:
    """Say what shards that run at once would write together, and what to do about it; empty where there is nothing.

    >>> written_together(Suite(), ["--snapshot-update"])
    '--snapshot-update rewrites files of the suite that shards have in common'
    """
    updating = [word.partition("=")[0] for word in arguments if word.partition("=")[0] in UPDATES]
    if updating:
        return f"{updating[0]} rewrites files of the suite that shards have in common"
    if not suite.shared_outputs:
        return ""
    name = suite.shared_outputs[0]
    cure = f"write {name}-$SHARDLINE_SHARD and name it {name}-{SHARD} to run them at once"
    return f"the shards would write {', '.join(suite.shared_outputs)} together; {cure}"


def bearable(nodes: int, here: Capacity, peak_bytes: int) -> Concurrency:
    """Work out how many of so many shards (0: as many as can be) a machine bears at once.

    Args:
        peak_bytes: what a shard took of memory at most; 0 where that was never measured.
    """
    if here.gpus == 1:
        return Concurrency(1, "they share a GPU; --at-once 2 lets two of them")
    most, what = (here.gpus, "GPU") if 0 < here.gpus < here.cores else (here.cores, "core")
    nodes = nodes or most
    count = min(nodes, most)
    reason = f"{'all of them on' if nodes < most else 'one for each of'} {counted(most, what)}"
    if not peak_bytes:
        return Concurrency(count, f"{reason}; memory was not measured yet")
    fitting = (here.memory.free - here.memory.total // KEPT_FREE) // peak_bytes
    memory = f"a shard took {human_bytes(peak_bytes)} of memory, {human_bytes(here.memory.free)} are free"
    if fitting < 1:
        return Concurrency(1, f"{memory}: even one may not fit")
    return Concurrency(fitting, memory) if fitting < count else Concurrency(count, f"{reason}; {memory}")


def remembered(settings: Settings) -> int:
    """Recall what a shard of the last run took of memory at most, in bytes; 0 where that is not known."""
    file = _file(settings)
    try:
        return _read(file) if os.path.lexists(str(file)) else 0
    except PipelineError as error:
        say(f"{error.message}; memory counts as not measured. {error.hint}")
        return 0


def learn(settings: Settings, results: Iterable[Receipt], whole: bool) -> None:
    """Remember what the shards of a run took of memory.

    Args:
        whole: all tests ran. What only a part of them took tells when it is more, not when it is less.
    """
    measured = max((result.peak_bytes for result in results), default=0)

    def text(known: Optional[int]) -> str:
        peak_bytes = measured if whole else max(measured, known or 0)
        return json.dumps({"schema": SCHEMA, "peak_bytes": peak_bytes}) + "\n"

    if measured:
        shared_file.update(_file(settings), _read, text)


def _read(file: Path) -> int:
    """Read what was kept.

    Raises:
        PipelineError: it cannot be used.
    """
    hint = "The next run measures anew."
    peak_bytes = read_json(file, SCHEMA, hint).get("peak_bytes")
    if type(peak_bytes) is not int or not 0 < peak_bytes <= MOST_BYTES:
        raise PipelineError(f'{file}: expected a number of bytes as "peak_bytes", got {peak_bytes!r:.40}', hint)
    return peak_bytes


def _file(settings: Settings) -> Path:
    return settings.state / FILE_NAME
