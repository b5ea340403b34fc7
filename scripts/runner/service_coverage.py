"""Measure what the tests of a shard cover in its service (service.coverage), beside what the suite itself measures.

The service's own coverage does it, started by a variable in the service's environment, in all processes that it starts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

from ..console import printable
from ..errors import InstallError
from ..service import command
from ..service.names import title
from ..settings import Settings
from ..system import programs
from ..system.programs import ProgramFailed
from .coverage import DATA_FILE, FOLDER, PROCESS_START

CONFIG = "COVERAGE_PROCESS_CONFIG"
ANSWERS_IN_S = 60.0
PREFIX = "service"


def names(settings: Settings, started: Sequence[str]) -> List[str]:
    """Choose the services that are measured of those that are started."""
    return [name for name in started if settings.all_services[name].coverage]


def measuring(settings: Settings, name: str, environ: Mapping[str, str], folder: Path) -> Dict[str, str]:
    """Make the environment in which a service measures itself into the folder of its shard.

    Raises:
        InstallError: its Python has no coverage that can.
    """
    data = folder.resolve() / FOLDER / f"{PREFIX}-{name}"
    data.parent.mkdir(parents=True, exist_ok=True)
    program = Path(__file__).with_name("coverage_of_process.py").read_text(encoding="utf-8")
    outer = {key: value for key, value in environ.items() if key not in (CONFIG, PROCESS_START, DATA_FILE)}
    service = settings.all_services[name]
    words = [python_of(service.command), "-c", program, str(data), str(settings.project.resolve())]
    own = {**outer, **service.environment}
    try:
        told = json.loads(programs.output(words, ANSWERS_IN_S, cwd=command.folder(settings, service), environ=own))
        error, config = str(told.get("error", "")), str(told.get("config", ""))
    except (ProgramFailed, ValueError, AttributeError) as failed:
        error, config = str(failed), ""
    if error or not config:
        message = f"{settings.place('service.coverage')}: expected coverage 7.13 or newer: {printable(error)}"
        raise InstallError(message, "Add coverage to what the service's environment is made from.")
    return {**outer, CONFIG: config}


def python_of(words: Sequence[str]) -> str:
    """Name the Python that a command runs on: the one that it names, else that of its environment.

    >>> python_of(["/usr/bin/python3.11", "app.py"]), python_of(["uvicorn", "app:app"])
    ('/usr/bin/python3.11', 'python')
    """
    return words[0] if Path(words[0]).name.startswith("python") else "python"


def missing(settings: Settings, started: Sequence[str], folder: Path) -> List[str]:
    """Say of which services there are no data after their end: one that was killed has saved none."""
    without = [name for name in names(settings, started) if not any((folder / FOLDER).glob(f"{PREFIX}-{name}*"))]
    why = "left no data: it was killed, or ran no code of the project"
    return [f"coverage: the {title(name)} {why}" for name in without]
