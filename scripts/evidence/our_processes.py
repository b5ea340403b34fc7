"""What runs of what we started, and what a killed run left running: processes, what they take, where they listen."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from ..console import bare_urls
from ..system import process_tree, records
from ..system.identity import is_running
from ..system.records import Record

if TYPE_CHECKING:
    import psutil

MOST_PROCESSES = 200  # of one start
MOST_WORDS = 60  # of a command


def describe(state: Path) -> Dict[str, Any]:
    """Describe each start that is recorded below `state`, also of a run that was killed, and what runs of it."""
    started = sorted(records.read_all(state), key=lambda record: (record.process.create_time, record.run_id))
    return {"started": [_start(record) for record in started]}


def _start(record: Record) -> Dict[str, Any]:
    running = process_tree.tree(record.process, record.run_id)
    return {
        "what": record.title,
        "pid": record.process.pid,
        "started_at": record.started_at,
        "command": list(record.command[:MOST_WORDS]),
        "url": bare_urls(record.url),
        "log": record.log,
        "run": "in the background" if record.detached else f"pid {record.owner.pid}",
        "run_goes_on": record.detached or is_running(record.owner),
        "processes": [_process(process) for process in running[:MOST_PROCESSES]],
    }


def _process(process: psutil.Process) -> Dict[str, Any]:
    """Describe a process, as far as the system tells and it still runs."""
    import psutil

    told: Dict[str, Any] = {"pid": process.pid}
    asked: Dict[str, Callable[[], Any]] = {
        "parent": process.ppid,
        "command": lambda: process.cmdline()[:MOST_WORDS],
        "status": process.status,
        "since": process.create_time,
        "memory_bytes": lambda: process.memory_info().rss,
        "threads": process.num_threads,
        "cpu_s": lambda: round(sum(process.cpu_times()[:2]), 1),
        "listens": lambda: _listens(process),
    }
    for name, ask in asked.items():
        with suppress(psutil.Error, OSError):
            told[name] = ask()
    return told


def _listens(process: psutil.Process) -> List[str]:
    import psutil

    sockets = process.net_connections(kind="inet")
    return sorted(f"{each.laddr.ip}:{each.laddr.port}" for each in sockets if each.status == psutil.CONN_LISTEN)
