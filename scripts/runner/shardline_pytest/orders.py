"""What this process was told to do, by variables that leave no trace.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, MutableMapping, NamedTuple, Optional, Sequence

import pytest

from .channel import Channel
from .early import Early
from .journal_writer import JournalWriter

JOURNAL, START, ROUND = "SHARDLINE_JOURNAL", "SHARDLINE_START", "SHARDLINE_ROUND"
PATHS, NAMED, ASK = "SHARDLINE_PATHS", "SHARDLINE_NAMED", "SHARDLINE_ASK"
APART, PLACE, COLLECT = "SHARDLINE_APART", "SHARDLINE_PLACE", "SHARDLINE_COLLECT"
MARKS, COVERAGE = "SHARDLINE_MARKS", "SHARDLINE_COVERAGE"
TOUCHES, MEET, RISES = "SHARDLINE_TOUCHES", "SHARDLINE_MEET", "SHARDLINE_RISES"
WATCHING = (TOUCHES, MEET)
VARIABLES = (JOURNAL, START, ROUND, PATHS, NAMED, ASK, APART, PLACE, COLLECT, MARKS, COVERAGE, RISES, *WATCHING)
SCHEMA = 3


class Order(NamedTuple):
    """What this process was told to do; `dist` is how pytest-xdist was to distribute the tests."""

    pen: JournalWriter
    channel: Optional[Channel]
    environ: Dict[str, str]
    paths: List[str]
    apart: Optional[Path]
    collects_only: bool
    marks: List[str]
    dist: str = ""
    coverage: Optional[Path] = None
    place: str = ""
    named: Sequence[str] = ()
    notes_touches: bool = False
    meeting: Mapping[str, Any] = {}
    early: Optional[Early] = None


def take_order(environ: MutableMapping[str, str]) -> Iterator[Order]:
    """Take the order that the variables give, if they do; they and our folder leave no trace."""
    told = {name: environ.pop(name) for name in VARIABLES if name in environ}
    if not told:
        return
    _forget_folder(environ, str(Path(__file__).absolute().parents[1]))
    number = int(told.get(ROUND, 0))
    pen = JournalWriter(told.get(JOURNAL, os.devnull), f"{told.get(START, '')}.{number}")
    versions = {"pytest": pytest.__version__, "python": platform.python_version(), "executable": sys.executable or ""}
    pen.write("load", schema=SCHEMA, time=time.time(), pid=os.getpid(), round=number, **versions)
    channel = Channel(told[ASK]) if ASK in told else None
    paths = json.loads(told.get(PATHS, "[]"))
    apart = Path(told[APART]) if APART in told else None
    marks = json.loads(told.get(MARKS, "[]"))
    coverage = Path(told[COVERAGE]) if COVERAGE in told else None
    order = Order(pen, channel, dict(environ), paths, apart, COLLECT in told, marks)
    named = json.loads(told.get(NAMED, "[]"))
    meeting = json.loads(told.get(MEET, "{}"))
    order = order._replace(notes_touches=TOUCHES in told, meeting=meeting)
    order = order._replace(early=Early(int(told[RISES])) if RISES in told else None)
    yield order._replace(coverage=coverage, place=told.get(PLACE, ""), named=named)


def _forget_folder(environ: MutableMapping[str, str], folder: str) -> None:
    sys.path[:] = [path for path in sys.path if path != folder]
    paths = environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder in paths:
        paths.remove(folder)
        environ["PYTHONPATH"] = os.pathsep.join(paths)
    if not environ.get("PYTHONPATH"):
        environ.pop("PYTHONPATH", None)
