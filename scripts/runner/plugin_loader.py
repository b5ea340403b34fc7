"""How the pytest plugin gets into a suite that is not ours: by one file, one argument and variables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

PLUGIN = "shardline_pytest"
UNHEARD = "our plugin was not heard of: suite.command has to hand its arguments and environment on to pytest"


def arguments() -> List[str]:
    """What follows the suite's own words, before what a person adds.

    `-n` of pytest-xdist in the suite's addopts needs no argument: the plugin switches it off, says so in
    pytest's header and notes it in the journal. `-n0` would be refused where pytest-xdist is not installed,
    and `-p no:xdist` where addopts have `-n`.
    """
    return ["-p", PLUGIN]


def variables(
    environ: Mapping[str, str],
    folder: Path,
    journal: Path,
    number: int,
    paths: Sequence[str],
    select: Sequence[str] = (),
) -> Dict[str, str]:
    """The environment of one round; the plugin removes from it again what is added here.

    Args:
        folder: gets a copy of the plugin and is put on PYTHONPATH. Nothing else may lie in it.
        journal: the file that the round appends to. Its folder exists.
        number: the round's, repeated in the journal.
        paths: what to collect where pytest's arguments name nothing, from the folder it is started in.
        select: the command that answers "which tests next?" (see the plugin); empty to run all.
    """
    own = {"SHARDLINE_JOURNAL": str(journal.resolve()), "SHARDLINE_ROUND": str(number)}
    own["SHARDLINE_PATH"] = "\n".join(paths)
    if select:
        own["SHARDLINE_SELECT"] = json.dumps(list(select))
    own["PYTHONPATH"] = os.pathsep.join(filter(None, [put(folder), environ.get("PYTHONPATH", "")]))
    return {**environ, **own}


def put(folder: Path) -> str:
    """Copy the plugin into a folder of its own; its absolute path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{PLUGIN}.py"
    temporary = folder / f"{name}.{os.getpid()}.tmp"
    temporary.write_bytes(Path(__file__).with_name(name).read_bytes())
    temporary.replace(folder / name)
    return str(folder.resolve())
