"""Who owns the reports of a project: one run of all shards, or single shards, each its own folder.

A lock says so that the system frees with its holder, however that ends. Whoever comes second is refused at once, and is
told by whom.
"""

from __future__ import annotations

import sys
import time
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Iterator, List, Mapping

from ..ci import Node, is_owned
from ..console import printable, say, shell_words
from ..errors import AlreadyRunning
from ..settings import Settings
from ..system import holders, locks
from ..system.holders import Held, Holder

FOLDER = ".locks"  # in the reports: who has another place for these has other locks
START = "SHARDLINE_START"  # what a shard of such a run marks its journal with
ORPHANS_END_IN_S = 20.0  # they see in 0.3 s that they are orphans, and pytest may take 10 s to stop
POLL_S = 0.2


@contextmanager
def of_all(settings: Settings) -> Iterator[None]:
    """Own all reports while the block runs.

    Raises:
        AlreadyRunning: another run, or a single shard, owns them, or a part of them.
    """
    with _locked(settings, "run"):
        _wait_for_orphans(settings)
        yield


@contextmanager
def of_matrix(settings: Settings) -> Iterator[None]:
    """Own the legs of a matrix while the block runs, each of which owns its reports beside that.

    Raises:
        AlreadyRunning: another matrix owns them.
    """
    with _locked(settings, "matrix"):
        yield


@contextmanager
def of_shard(settings: Settings, node: Node, environ: Mapping[str, str]) -> Iterator[None]:
    """Own the folder of a shard while the block runs. Several shards of one plan may run at once.

    Raises:
        AlreadyRunning: the same shard, or a run of all shards, is at it; unless this shard is one of that run's.
    """
    with ExitStack() as stack:
        if not is_owned(environ):
            stack.enter_context(_locked(settings, "run", shared=True))
        stack.enter_context(_locked(settings, f"shard-{node.index}"))
        yield


def owners(settings: Settings) -> List[Holder]:
    """List who runs the project now, or a shard of it; nothing is locked by that, so that nobody is refused."""
    found = []
    for path in sorted((settings.reports / FOLDER).glob("*.lock")):
        with suppress(OSError):
            silent_s = time.time() - path.stat().st_mtime
            found += [holder for holder in holders.read(path) if holders.runs(holder, silent_s)]
    return found


def _wait_for_orphans(settings: Settings) -> None:
    """Wait for the shards of a run that was killed: they end by themselves, and until then write where we would.

    Raises:
        AlreadyRunning: one of them does not end.
    """
    until = time.monotonic() + ORPHANS_END_IN_S
    told = False
    waiting = sorted(path.stem for path in (settings.reports / FOLDER).glob("shard-*.lock"))
    while waiting:
        try:
            with _locked(settings, waiting[0]):
                del waiting[0]
        except AlreadyRunning as error:
            if time.monotonic() > until:
                raise
            if not told:
                say(f"{error.message}: left over from a run that was killed, it ends in a moment")
            told = True
            time.sleep(POLL_S)


@contextmanager
def _locked(settings: Settings, name: str, shared: bool = False) -> Iterator[None]:
    lock = locks.hold_or_refuse(settings.reports / FOLDER / f"{name}.lock", holders.me(_typed()), shared)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except Held as held:
            raise _in_use(settings, held) from None
        except OSError:
            pass  # nobody may write there: the run itself says so better
        yield


def new_start() -> str:
    """Make what marks all that one start of a shard writes."""
    return uuid.uuid4().hex[:16]


def start(environ: Mapping[str, str]) -> str:
    """Give what marks this start of a shard: what the run that it belongs to says, so that it can follow it."""
    return environ.get(START) or new_start() if is_owned(environ) else new_start()


def _in_use(settings: Settings, held: Held) -> AlreadyRunning:
    who = printable(str(held.holder or "a process that does not say who it is"))
    here = settings.addressed
    elsewhere = here[: here.index("--reports")] if "--reports" in here else here  # not the place that is taken
    beside = replace(settings, addressed=elsewhere).command("nox", "-s", "integration", "--", "--reports", "DIR")
    hint = f"Wait for it, or run beside it in a place of its own: {beside}"
    if held.holder and not held.holder.is_here:
        hint += f" If it is dead, that is seen {holders.SILENT_S:.0f} s after its end."
    return AlreadyRunning(f"{settings.shown(settings.reports)} is in use by {who}", hint)


def _typed() -> str:
    """Write the command that this process is, as a person knows it."""
    return " ".join(shell_words(["python", "-m", "scripts", *sys.argv[1:]]))
