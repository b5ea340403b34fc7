"""How the pytest plugin gets into a suite that is not ours: by one package, one argument and variables."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

from ..system import files

PLUGIN = "shardline_pytest"
UNHEARD = "our plugin was not heard of: suite.command has to hand its arguments and environment on to pytest"
# What follows the suite's own words. `-n` of pytest-xdist in the suite's addopts needs no argument: the plugin
# switches it off, and says so. `-n0` would be refused where pytest-xdist is not installed, `-p no:xdist` where
# addopts have `-n`.
ARGUMENTS = ("-p", PLUGIN)
# All processes of a run go through a set of texts in one order: tests parametrized over one are the same everywhere.
HASH_SEED = "0"


@dataclass(frozen=True)
class Order:
    """What one pytest process is told, see the plugin.

    Args:
        journal: the file that it appends to. Its folder exists.
        start: of the shard; each line says it, and `number`, that of the round.
        paths: what to collect where pytest's arguments name nothing, from the folder it is started in.
        ask: the local socket on which the runner answers "which tests next?", a short path; None to run all.
        apart: a folder for what only a whole run may write elsewhere; None where this is the whole run.
        collects_only: whether to end when the tests are collected.
        marks: the names of marks whose tests stay together.
        coverage: the file that pytest-cov measures into; None to let it do what it does by itself.
        named: the words of a person's arguments that may be paths: those that are replace all others.
        place: what the shard's own folders for temporary files are called; empty where it is the only one.
        notes_touches: whether to note what each test touches; see `shardline_pytest/touches.py`.
        rises: the port of a service that comes up while the suite is collected; empty where all are ready.
        meeting: which tests are to run at the same time as another process's; see `shardline_pytest/meeting.py`.
    """

    journal: Path
    start: str
    number: int = 0
    paths: Sequence[str] = ()
    ask: Optional[Path] = None
    apart: Optional[Path] = None
    collects_only: bool = False
    marks: Sequence[str] = ()
    coverage: Optional[Path] = None
    place: str = ""
    named: Sequence[str] = ()
    notes_touches: bool = False
    rises: str = ""
    meeting: Mapping[str, Any] = field(default_factory=dict)


def variables(environ: Mapping[str, str], folder: Path, order: Order) -> Dict[str, str]:
    """Give the environment of one process; the plugin removes from it again what is added here.

    Args:
        folder: gets a copy of the plugin and is put on PYTHONPATH. Nothing else may lie in it.
    """
    own = {"SHARDLINE_JOURNAL": str(order.journal.resolve()), "SHARDLINE_PATHS": json.dumps(list(order.paths))}
    own.update({"SHARDLINE_START": order.start, "SHARDLINE_ROUND": str(order.number)})
    if order.ask:
        own["SHARDLINE_ASK"] = str(order.ask.absolute())
    if order.apart:
        own["SHARDLINE_APART"] = str(order.apart.resolve())
    if order.named:
        own["SHARDLINE_NAMED"] = json.dumps(list(order.named))
    if order.place:
        own["SHARDLINE_PLACE"] = order.place
    if order.collects_only:
        own["SHARDLINE_COLLECT"] = "1"
    if order.marks:
        own["SHARDLINE_MARKS"] = json.dumps(list(order.marks))
    if order.coverage:
        own["SHARDLINE_COVERAGE"] = str(order.coverage.resolve())
    if order.notes_touches:
        own["SHARDLINE_TOUCHES"] = "1"
    if order.rises:
        own["SHARDLINE_RISES"] = order.rises
    if order.meeting:
        own["SHARDLINE_MEET"] = json.dumps(dict(order.meeting))
    return {"PYTHONHASHSEED": HASH_SEED, **importable(environ, folder), **own}


def importable(environ: Mapping[str, str], folder: Path) -> Dict[str, str]:
    """Give an environment in which the plugin can be imported, and is told nothing; `folder` as above."""
    return {**environ, "PYTHONPATH": os.pathsep.join(filter(None, [put(folder), environ.get("PYTHONPATH", "")]))}


def put(folder: Path) -> str:
    """Copy the plugin into a folder of its own, unless it is there; its absolute path."""
    for module in sorted(Path(__file__).with_name(PLUGIN).glob("*.py")):
        source, copy = module.read_bytes(), folder / PLUGIN / module.name
        if not copy.exists() or copy.read_bytes() != source:
            files.write_bytes(copy, source)
    return str(folder.resolve())
