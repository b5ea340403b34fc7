"""Show what of ours runs here: name, address, pid, since when, whose it is, whether it is ready, its log."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Tuple

from ..console import bare_urls, printable, say, table
from ..errors import PipelineError
from ..service.asking import Target
from ..service.elsewhere import all_outside
from ..service.names import ONLY, title
from ..service.readiness import wait_until_ready
from ..settings import Settings
from ..system import process_tree, records
from ..system.identity import is_running
from ..system.records import Record
from ..typed_yaml import Seconds

HEADER = ("what", "where", "pid", "since", "whose", "ready", "log")
ANSWERS_IN_S = 2.0
UNKNOWN, LEFT = "-", "left by a killed run"

Row = Tuple[str, ...]


def run(settings: Settings) -> None:
    """Show it; a service that runs elsewhere too."""
    known = [record for record in records.read_all(settings.state) if process_tree.tree(record.process, record.run_id)]
    known.sort(key=lambda record: record.process.create_time)
    rows = [_row(settings, record) for record in known]
    for name, outside in all_outside(settings, os.environ).items():
        ready = readiness(settings, name, outside.url)
        rows.append((title(name), bare_urls(outside.url), UNKNOWN, UNKNOWN, f"elsewhere: {outside.setting}", ready, ""))
    for line in table(HEADER, rows) if rows else ["nothing of ours is running"]:
        say(line)
    if any(whose(record) == LEFT for record in known):
        say(f"\nend what was left: {settings.command('invoke', 'stop')}")


def whose(record: Record) -> str:
    """Tell who keeps a process: a person, a run that goes on, or nobody any more."""
    if record.detached:
        return "in the background"
    return f"run of pid {record.owner.pid}" if is_running(record.owner) else LEFT


def readiness(settings: Settings, name: str, url: str) -> str:
    """Ask a service once whether it is ready, in a word."""
    service = settings.all_services.get(name)
    if service is None:  # settings of today may know no such service
        return UNKNOWN
    probe = dataclasses.replace(service.ready, timeout_s=Seconds(ANSWERS_IN_S))
    if probe.log is not None:  # it said once that it is ready; whether it serves, the port tells
        probe = dataclasses.replace(probe, log=None, tcp=True)
    try:
        wait_until_ready(Target(url), probe)
    except PipelineError:
        return "no"
    return "yes"


def _row(settings: Settings, record: Record) -> Row:
    ready = readiness(settings, record.name or ONLY, record.url) if record.url else UNKNOWN
    log = settings.shown(Path(record.log)) if record.log else UNKNOWN
    where = bare_urls(record.url) or UNKNOWN
    cells = (record.title, where, str(record.process.pid), record.started_at, whose(record), ready, log)
    return tuple(printable(cell) for cell in cells)
