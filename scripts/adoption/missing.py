"""What an adopted project still lacks: told by `adopt`, and again by `doctor`."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional

from ..errors import PipelineError
from ..settings import Service, Settings
from ..settings.project import EDIT
from .ci_files import GITLAB_FILE, INCLUDED, PATHS
from .files import BESIDE
from .fitting import TAKES
from .looks import Facts

NOTE, WRONG = "note", "wrong"
TEST_FILES = ("test_*.py", "*_test.py")
EXTRAS = {"uvicorn": ("fastapi[", "gradio"), "flask": ("piper-tts[http",)}  # who else brings a server along


@dataclass(frozen=True)
class Lack:
    """One thing that is missing: wrong (nothing works before it is mended) or a note, and what to do about it."""

    status: str
    about: str
    text: str
    advice: str = ""


def look(settings: Settings, facts: Facts) -> List[Lack]:
    """List what is missing, without starting anything."""
    found = [*_placeholders(settings), *_suite(settings), *_beside(settings), *_included(settings)]
    found += _python(settings, facts)
    if settings.service is not None and settings.service.command:
        found += [*_command(settings, settings.service), *_server(settings, settings.service)]
        found += [*_probe(settings.service, facts), *_warm_up(settings), *_packages(settings, facts)]
    return found + list(_weights(settings, facts))


def _placeholders(settings: Settings) -> Iterator[Lack]:
    """Tell what `adopt` could not find out, where it still stands."""
    is_open = settings.service is not None and EDIT in settings.service.command
    for name in (settings.file.name, *PATHS):
        file = settings.project / name
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        numbered = [(number, line) for number, line in enumerate(text.splitlines(), 1) if EDIT in line]
        asked = [(number, line) for number, line in numbered if f"{EDIT}:" in line]
        for number, line in asked or numbered:
            what = line.partition(f"{EDIT}:")[2].strip() or f"{EDIT} stands for what could not be found out"
            yield Lack(WRONG if is_open and name == settings.file.name else NOTE, "edit", f"{name}:{number}: {what}")


def _command(settings: Settings, service: Service) -> Iterator[Lack]:
    """Look for the program and the script of the command."""
    folder = settings.project / service.directory
    place = settings.place("service.command")
    program, *rest = service.command
    if EDIT in service.command:
        return
    script = next((word for word in rest[:1] if word.endswith((".py", ".sh"))), "")
    if not folder.is_dir():
        yield Lack(
            WRONG,
            "service",
            f"{settings.place('service.directory')}: no such folder: {service.directory}",
            "Correct it.",
        )
    elif script and not (folder / script).exists():
        yield Lack(WRONG, "service", f"{place}: no file {script} in {folder}", "Correct it.")
    elif os.sep in program and not (folder / program).exists():
        yield Lack(WRONG, "service", f"{place}: no program {program} in {folder}", "Correct it.")
    elif os.sep not in program and not service.requirements and not _which(program):
        yield Lack(
            WRONG,
            "service",
            f"{place}: no program {program} on PATH",
            "Install it, or name its packages: service.requirements.",
        )


def _which(program: str) -> Optional[str]:
    beside = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")])
    return shutil.which(program, path=beside)


def _server(settings: Settings, service: Service) -> Iterator[Lack]:
    """Tell where the packages of the service do not name the server that its command starts."""
    words = service.command[2:3] if service.command[:2] == ("python", "-m") else service.command[:1]
    server = words[0] if words else ""
    file = settings.project / (service.requirements or "")
    if (
        (f"{server} run" not in TAKES and server not in TAKES)
        or server == "http.server"
        or not service.requirements
        or not file.is_file()
    ):
        return
    text = file.read_text(encoding="utf-8", errors="replace").lower().replace("_", "-")
    names = (server.partition(".")[0].replace("_", "-"), *EXTRAS.get(server, ()), "-e ", "-r ")
    if not any(name in text for name in names):
        yield Lack(
            NOTE,
            "packages",
            f"{service.requirements} does not name {server}, which the command starts",
            f"Add a line: {names[0]}",
        )


def _suite(settings: Settings) -> Iterator[Lack]:
    try:
        settings.check_suite_path()
    except PipelineError as error:
        yield Lack(WRONG, "suite", error.message, error.hint)
        return
    for path in settings.suite.paths:
        folder = settings.suite_directory / path
        if folder.is_dir() and not any(next(folder.rglob(pattern), None) for pattern in TEST_FILES):
            yield Lack(
                NOTE, "suite", f"{settings.place('suite.path')}: no test_*.py below {path}", "Write a test there."
            )


def _warm_up(settings: Settings) -> Iterator[Lack]:
    if settings.service and not settings.service.warm_ups:
        text = "none: a service that is ready but cannot work is found by the tests only"
        yield Lack(NOTE, "warm-up", text, f"Say one real request: service.warm_up in {settings.file.name}.")


def _probe(service: Service, facts: Facts) -> Iterator[Lack]:
    if service.ready.tcp and not facts.probe.path:
        yield Lack(NOTE, "readiness", "only its port is looked at; it may be open before the model is loaded",
                   "Where the service has a path for it: service.ready.path.")  # fmt: skip


def _packages(settings: Settings, facts: Facts) -> Iterator[Lack]:
    named = settings.service.requirements if settings.service else None
    if not named and facts.start and facts.start.words[:1] == ("python",):
        yield Lack(NOTE, "packages", "service.requirements is not said: the service runs on Shardline's own Python",
                   "List its packages in a requirements.txt, and name that.")  # fmt: skip


def _weights(settings: Settings, facts: Facts) -> Iterator[Lack]:
    if settings.models is None and facts.weights:
        what, where = facts.weights[0]
        add = settings.command("invoke", "models.add", what if what.startswith("http") else f"hf://{what}")
        text = f"the service fetches {what} by itself ({where}), unverified"
        yield Lack(NOTE, "weights", text, f"Its entry for {settings.file.name}: {add}")


def _beside(settings: Settings) -> Iterator[Lack]:
    for name in ("noxfile.py", *PATHS, ".gitignore"):
        if (settings.project / (name + BESIDE)).exists():
            yield Lack(
                NOTE,
                "files",
                f"{name}{BESIDE} is what Shardline would have for {name}",
                "Take from it what you want, then remove it.",
            )


def _included(settings: Settings) -> Iterator[Lack]:
    """Tell where GitLab does not read what we wrote for it."""
    if (settings.project / INCLUDED).exists():
        file = settings.project / GITLAB_FILE
        read = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if INCLUDED not in read:
            yield Lack(NOTE, "ci", f"{GITLAB_FILE} does not name {INCLUDED}, so GitLab does not run it",
                       f"Add a line: `include: {{local: {INCLUDED}}}`.")  # fmt: skip


def _python(settings: Settings, facts: Facts) -> Iterator[Lack]:
    """Tell where this Python is older than the project's own word allows."""
    least = re.search(r"(?:>=|\^)\s*3\.(\d+)", facts.requires_python)
    if least and sys.version_info[:2] < (3, int(least[1])):
        text = (
            f"the project asks for Python {facts.requires_python}, this is {sys.version_info[0]}.{sys.version_info[1]}"
        )
        yield Lack(WRONG, "python", text, f"Install Shardline with Python 3.{least[1]}.")
