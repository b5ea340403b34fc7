"""Which processes did we start: one small file per start, so that what a killed run left is found and stopped."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Tuple

from .. import console
from . import files, process_tree
from .identity import Identity, are_told, identify, is_running, where

SCHEMA = 2
SERVICES_SCHEMA = 1  # before other processes than services were recorded, in a folder of their own
KINDS = ("service", "pytest", "prepare")
STOP_TIMEOUT_S = 10.0  # between SIGTERM and SIGKILL; the settings of who started it may have been another project's
MOST_BYTES = 1_000_000  # a record has some 500; a command line may be long
MOST_PID = 2**31 - 1

Say = Callable[[str], None]


@dataclass(frozen=True)
class Record:
    """A process that we started, and `owner`, the pipeline that did; what is `detached` needs no owner.

    Only a service has url and port; `name` is that of one of several. `where` its pids are from, see `identity.where`.
    """

    run_id: str
    what: str
    process: Identity
    owner: Identity
    command: Tuple[str, ...]
    started_at: str = ""
    log: str = ""
    url: str = ""
    port: int = 0
    detached: bool = False
    name: str = ""
    where: str = ""

    @property
    def title(self) -> str:
        """Name it for people: "pytest", "service", "service tts"."""
        return f"{self.what} {self.name}" if self.name else self.what


def started(
    what: str, run_id: str, process: Identity, command: Tuple[str, ...], *, log: str = "", url: str = "", port: int = 0
) -> Record:
    """Describe a process that this one has just started.

    Args:
        what: one of KINDS.
        run_id: the mark in its environment (process_tree.MARKER), by which its children are known once it is gone.
    """
    owner = identify(os.getpid()) or Identity(os.getpid(), time.time())
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return Record(run_id, what, process, owner, command, now, log, url, port, where=where())


def folder(state: Path) -> Path:
    """Name the folder of the records below a project's state folder."""
    return state / "processes"


def write(state: Path, record: Record) -> None:
    """Write the record; a reader sees all of it or none."""
    text = json.dumps(to_json(record), indent=2) + "\n"
    files.write_bytes(_path(state, record.run_id), text.encode("ascii"))


def remove(state: Path, record: Record) -> None:
    """Forget the record. Where it cannot be removed, the next start sees that it is stale."""
    for place in _folders(state):
        with suppress(OSError):
            (place / f"{record.run_id}.json").unlink()


def read_all(state: Path) -> List[Record]:
    """Read the records there are, by run id; what is none of ours, damaged, or of another machine, is passed over."""
    files: List[Path] = []
    for place in _folders(state):
        with suppress(OSError):
            files += place.glob("*.json")
    records = (_read(file) for file in sorted(files, key=lambda file: file.name))
    here = where()
    return [record for record in records if record is not None and (not record.where or record.where == here)]


def sweep(
    state: Path, say: Say = console.say, timeout_s: float = STOP_TIMEOUT_S, detached_too: bool = False
) -> List[Record]:
    """Stop what killed runs left, and forget stale records; every start and `invoke stop` do it.

    What another run still uses is left alone, and so is whatever we did not start.

    Args:
        detached_too: stop also what runs in the background on purpose.

    Returns:
        the records of what was stopped.
    """
    stopped: List[Record] = []
    recorded = read_all(state)
    if recorded and not are_told():
        say("this system does not tell of processes (no /proc): what an earlier run may have left is not looked for")
        return stopped
    inside_of = os.environ.get(process_tree.MARKER)
    for record in sorted(recorded, key=lambda record: -record.process.create_time):  # what others need came first
        if record.run_id == inside_of:  # we are a part of it
            continue
        root = _root(record)
        action = verdict(
            replace(record, detached=record.detached and not detached_too),
            process_runs=bool(process_tree.tree(root, record.run_id)),
            owner_runs=not record.detached and is_running(record.owner),
        )
        if action == "stop":
            ending = process_tree.end(root, record.run_id, timeout_s)
            say(stop_words(record, ending.left))
            stopped.append(record)
            if ending.left:
                continue
        if action != "keep":
            remove(state, record)
    return stopped


def _root(record: Record) -> Identity:
    """Give the process of a record; a number that never was, where what has its number now is another's.

    A record may have come from another machine, on a shared disk or in an archive, or from anybody's hand.
    """
    is_anothers = process_tree.is_anothers(record.process.pid, record.run_id)
    return record.process._replace(create_time=0.0) if is_anothers else record.process


def verdict(record: Record, *, process_runs: bool, owner_runs: bool) -> str:
    """Decide what a sweep does with a record: "keep", "stop" (a leftover) or "forget" (stale)."""
    if owner_runs and not record.detached:
        return "keep"  # another run's, which removes it itself
    if not process_runs:
        return "forget"
    return "keep" if record.detached else "stop"


def stop_words(record: Record, left: Tuple[int, ...] = ()) -> str:
    """Say what was stopped and why it was there; `left` are the pids that even SIGKILL did not end.

    >>> stop_words(Record("a", "pytest", Identity(40, 1.0), Identity(30, 1.0), (), "2026-01-31 12:00:00"))
    'pytest: stopped (pid 40, started 2026-01-31 12:00:00), left over from a run that was killed'
    """
    why = "which ran in the background" if record.detached else "left over from a run that was killed"
    since = f", started {record.started_at}" if record.started_at else ""
    address = f"{console.bare_urls(record.url)} " if record.url else ""
    stopped = f"could not be stopped, pid {', '.join(map(str, left))} goes on after SIGKILL:" if left else "stopped"
    return console.printable(f"{record.title}: {stopped} {address}(pid {record.process.pid}{since}), {why}")


def to_json(record: Record) -> Mapping[str, Any]:
    """Give the record the form in which it is written."""
    return {
        "schema": SCHEMA,
        "run_id": record.run_id,
        "what": record.what,
        "pid": record.process.pid,
        "create_time": record.process.create_time,
        "owner": record.owner._asdict(),
        "detached": record.detached,
        "command": list(record.command),
        "started_at": record.started_at,
        "log": record.log,
        "url": record.url,
        "port": record.port,
        "name": record.name,
        "where": record.where,
    }


def from_json(data: Any) -> Optional[Record]:
    """Take the record from its written form, or None where the data is no record that we know."""
    try:
        if data["schema"] not in (SCHEMA, SERVICES_SCHEMA):
            return None
        what = data["what"] if data["schema"] == SCHEMA else "service"
        if what not in KINDS:
            return None
        return Record(
            run_id=str(data["run_id"]),
            what=what,
            process=_identity(data),
            owner=_identity(data["owner"]),
            command=tuple(str(word) for word in data["command"]),
            started_at=str(data.get("started_at", "")),
            log=str(data["log"]),
            url=str(data["url"]),
            port=int(data["port"]),
            detached=data["detached"] is True,
            name=str(data.get("name", "")),
            where=str(data.get("where", "")),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None


def _identity(data: Any) -> Identity:
    pid = data["pid"]
    if not isinstance(pid, int) or not 1 < pid <= MOST_PID:  # 0 and -1 mean "all of us" to kill()
        raise ValueError(pid)
    return Identity(pid, float(data["create_time"]))


def _folders(state: Path) -> Tuple[Path, ...]:
    return (folder(state), state / "services")  # the second is of SERVICES_SCHEMA


def _path(state: Path, run_id: str) -> Path:
    return folder(state) / f"{run_id}.json"


def _read(path: Path) -> Optional[Record]:
    try:
        text = _text(path)
        record = from_json(json.loads(text))
    except (OSError, ValueError, RecursionError):
        return None
    return record if record and record.run_id == path.stem else None


def _text(path: Path) -> str:
    """Read a plain file of a record's size; a pipe that somebody put there is not waited for.

    Raises:
        OSError: it cannot be opened, or is a link.
        ValueError: it is no plain file, larger than any record, or no text.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no plain file")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError("larger than any record")
    return content.decode("utf-8")
