"""Which services did we start: one small file per start, so that a killed run's are found again."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from ..errors import PipelineError
from ..system import files
from ..system.processes import Identity

SCHEMA = 1


@dataclass(frozen=True)
class Record:
    """A service that we started. `owner` is the pipeline that did; `detached` services need none."""

    run_id: str
    service: Identity
    owner: Identity
    command: Tuple[str, ...]
    port: int
    url: str
    log: str
    detached: bool = False


def folder(state: Path) -> Path:
    """Where the records lie below a project's state folder."""
    return state / "services"


def write(state: Path, record: Record) -> None:
    """Write the record; a reader sees all of it or none.

    Raises:
        PipelineError: it cannot be written.
    """
    # In ASCII: the path of a log may hold what UTF-8 cannot.
    files.write_text(_path(state, record.run_id), json.dumps(to_json(record), indent=2) + "\n")


def remove(state: Path, record: Record) -> None:
    """Forget the record; that somebody else just did is fine."""
    with suppress(FileNotFoundError):
        _path(state, record.run_id).unlink()


def read_all(state: Path) -> List[Record]:
    """The records there are, by run id. What is not a record of this schema is passed over."""
    found = (_read(path) for path in sorted(folder(state).glob("*.json")))
    return [record for record in found if record is not None]


def to_json(record: Record) -> Mapping[str, Any]:
    """The record as it is written."""
    return {
        "schema": SCHEMA,
        "run_id": record.run_id,
        "pid": record.service.pid,
        "create_time": record.service.create_time,
        "owner": record.owner._asdict(),
        "detached": record.detached,
        "command": list(record.command),
        "port": record.port,
        "url": record.url,
        "log": record.log,
    }


def from_json(data: Any) -> Optional[Record]:
    """The record that was written, or None where the data is no record of this schema."""
    try:
        if data["schema"] != SCHEMA or int(data["pid"]) <= 1:  # 0 and -1 mean "all of us" to kill()
            return None
        return Record(
            run_id=str(data["run_id"]),
            service=Identity(int(data["pid"]), float(data["create_time"])),
            owner=Identity(int(data["owner"]["pid"]), float(data["owner"]["create_time"])),
            command=tuple(str(word) for word in data["command"]),
            port=int(data["port"]),
            url=str(data["url"]),
            log=str(data["log"]),
            detached=data["detached"] is True,
        )
    except (KeyError, TypeError, ValueError):
        return None


def verdict(record: Record, *, service_runs: bool, owner_runs: bool) -> str:
    """What the next start does with a record: "keep", "stop" (a leftover) or "forget" (stale)."""
    if owner_runs and not record.detached:
        return "keep"  # another run's, which removes it itself
    if not service_runs:
        return "forget"
    return "keep" if record.detached else "stop"


def _path(state: Path, run_id: str) -> Path:
    return folder(state) / f"{run_id}.json"


def _read(path: Path) -> Optional[Record]:
    try:
        record = from_json(files.read_json(path, SCHEMA, ""))
    except PipelineError:
        return None
    return record if record and record.run_id == path.stem else None
