"""What a debug bundle says that no file of the run does: settings, weights, packages, machine, commit.

Each fact is found apart from the others: one that cannot be had costs a line, not the bundle.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from .. import ci
from ..console import bare_urls
from ..environments import environments
from ..errors import PipelineError
from ..settings import Service, Settings
from ..system import machine
from ..system.programs import ProgramFailed, output
from . import kernel_log, our_processes, recorded, redact
from .allowlist import CI_VARIABLES, FACT_BYTES
from .files import Member, Note

PROGRAM_S = 4.0  # for git and the like
MOST_NAMES = 200  # of changed files

_PACKAGE = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?\.(?:dist|egg)-info")


class Fact(NamedTuple):
    """A file of the bundle, and how to find what it says. What is of the `moment` is another every time it is asked."""

    name: str
    about: str
    find: Callable[[], str]
    wanted: bool = True
    moment: bool = False


def gather(settings: Settings, problem: str, asked: Asked) -> Tuple[List[Member], List[Note]]:
    """Find all facts that can be had, and why the others cannot."""
    found = [look(fact) for fact in facts(settings, problem, asked)]
    return [each for each in found if isinstance(each, Member)], [each for each in found if isinstance(each, Note)]


def look(fact: Fact) -> Union[Member, Note]:
    """Find a fact, or why it cannot be had. Its file has no time of its own."""
    try:
        content = fact.find().encode("utf-8", "backslashreplace")
    except OSError as error:
        told = [str(each) for each in (error.strerror, error.filename) if each]
        return Note(fact.name, ": ".join(told) or str(error))
    except (PipelineError, ProgramFailed) as error:
        return Note(fact.name, str(error))
    except Exception as error:  # a mistake of ours must not cost the bundle, now that somebody needs it
        return Note(fact.name, f"{type(error).__name__}: {error}")
    if len(content) > FACT_BYTES:
        return Note(fact.name, f"{len(content)} bytes, more than the {FACT_BYTES} that one fact may have")
    return Member(fact.name, content, 0.0, fact.about)


class Asked(NamedTuple):
    """What a bundle is told by rooms that it does not know.

    Args:
        weights: which weights are there.
        limits: what planning takes this machine to bear.
        environ: the variables of this process, of which those of a CI are told.
    """

    weights: Callable[[], Any] = dict
    limits: Callable[[], Any] = dict
    environ: Mapping[str, str] = {}


def facts(settings: Settings, problem: str, asked: Asked) -> List[Fact]:
    """List what there is to find out about a project.

    Args:
        problem: what is wrong with the settings, where they could not be read.
    """
    known = not problem
    listed = [
        Fact("settings.json", "with defaults filled in", lambda: _json(redact.resolved(settings)), known),
        Fact("settings-error.txt", "why the settings cannot be read", lambda: redact.problem(problem), not known),
        Fact("reproduce.json", "what it takes to run the shards again", lambda: _json(again(settings)), known),
        Fact(
            "machine.json",
            "Python, system, memory, disk",
            lambda: _json(machine.describe(settings.project)),
            moment=True,
        ),
        Fact("limits.json", "what planning takes this machine to bear", lambda: _json(asked.limits()), moment=True),
        Fact(
            "processes.json",
            "what we started and what runs of it, also of killed runs; where it listens",
            lambda: _json(our_processes.describe(settings.state)),
            moment=True,
        ),
        Fact("kernel.log", "the kernel's last words on memory, disks, GPUs and crashes", kernel_log.tail, moment=True),
        Fact("gpu.txt", f"what {machine.GPU_PROGRAM} says", _gpu, machine.has_gpu_program(), moment=True),
        Fact("ci.json", "what the CI says of this job", lambda: _json(of_ci(asked.environ)), ci.is_ci(asked.environ)),
        Fact("commit.json", "the commit, and the names of changed files", lambda: _json(commit(settings))),
        Fact("weights.json", "which weights are there", lambda: _json(asked.weights()), settings.models is not None),
        Fact("packages/pipeline.txt", "of the pipeline", lambda: _packages(Path(sys.prefix))),
        Fact("packages/suite.txt", "of the suite", lambda: _packages(_of_suite(settings, known))),
        *(_packages_fact(settings, name, service) for name, service in settings.all_services.items()),
        Fact("packages/service.txt", "of the service", lambda: _packages(_last_used("service", settings)), not known),
    ]
    return [fact for fact in listed if fact.wanted]


def again(settings: Settings) -> Dict[str, Any]:
    """Describe what it takes to run the shards again."""
    return recorded.describe(settings, packages_of(settings))


def packages_of(settings: Settings) -> List[str]:
    """Name the files of requirements, and their locks, that lie below the project."""
    given = [*(service.requirements for service in settings.all_services.values()), settings.suite.requirements]
    named = [Path(os.path.normpath(file)) for file in given if file]
    below = [file for file in named if not file.is_absolute() and ".." not in file.parts]
    return list(dict.fromkeys(str(each) for file in below for each in (file, file.with_suffix(".lock"))))


def of_ci(environ: Mapping[str, str]) -> Dict[str, str]:
    """Choose the variables in which a CI says what this job is: those of the list, no other.

    >>> of_ci({"CIRCLE_JOB": "shard", "CIRCLE_TOKEN": "x", "CIRCLE_REPOSITORY_URL": "https://me:x@host/a.git"})
    {'CIRCLE_JOB': 'shard', 'CIRCLE_REPOSITORY_URL': 'https://host/a.git'}
    """
    return {name: bare_urls(environ[name]) for name in sorted(CI_VARIABLES & environ.keys())}


def _packages_fact(settings: Settings, name: str, service: Service) -> Fact:
    """Find the packages of a service, one of several by its name."""
    own = name if name == "service" else f"service-{name}"  # as its environment is called
    return Fact(f"packages/{own}.txt", f"of {own}", lambda: _packages(_of_service(settings, own, service)))


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n"


# Programs -----------------------------------------------------------------------------------------


def commit(settings: Settings) -> Dict[str, Any]:
    """Tell which commit is checked out, and the names of files that differ from it; what runs make does not count.

    Raises:
        ProgramFailed: no git, no repository, or no answer in time.
    """
    git = ["git", "--no-optional-locks", "-C", str(settings.project)]
    made = {folder for folder in (*settings.own_folders, settings.reports) if settings.project in folder.parents}
    own = sorted(f":(exclude){folder.relative_to(settings.project).as_posix()}" for folder in made)
    head = output([*git, "rev-parse", "HEAD"], PROGRAM_S).strip()
    words = [*git, "status", "--porcelain", "-z", "--no-renames", "--", ":/", *own]
    status = output(words, PROGRAM_S, errors="surrogateescape")
    changed = changed_names(status)
    more = {"more": len(changed) - MOST_NAMES} if len(changed) > MOST_NAMES else {}
    return {"commit": head, "changed": changed[:MOST_NAMES], **more}


def changed_names(status: str) -> List[str]:
    r"""Take the names from what `git status --porcelain -z` prints, each after how it was changed.

    >>> changed_names(" M a b.py\0?? 你.txt\0")
    ['M a b.py', '?? 你.txt']
    """
    return [entry.strip() for entry in status.split("\0") if entry]


def _gpu() -> str:
    return "\n".join([*machine.gpus(PROGRAM_S, "name", "driver_version", "memory.total", "memory.used"), ""])


# Packages -----------------------------------------------------------------------------------------


def packages(prefix: Path) -> List[str]:
    """List as NAME==VERSION what is installed in the environment at `prefix`, as the names on its disk tell.

    Raises:
        FileNotFoundError: nothing is.
    """
    folders = prefix.glob("lib*/python*/*-packages/*-info")
    matches = (_PACKAGE.fullmatch(folder.name) for folder in folders)
    listed = {f"{match['name']}=={match['version']}" for match in matches if match}
    if not listed:
        raise FileNotFoundError(2, "no installed packages", str(prefix))
    return sorted(listed, key=str.casefold)


def _packages(prefix: Optional[Path]) -> str:
    if prefix is None:
        raise PipelineError("no such environment has been made")
    return "\n".join([f"# {prefix}", *packages(prefix), ""])


def _of_suite(settings: Settings, known: bool) -> Optional[Path]:
    """Find the suite's environment; the session's own where it has none. `known` settings say whether it has."""
    if known and not settings.suite.requirements:
        return Path(sys.prefix)
    return _last_used("suite", settings)


def _of_service(settings: Settings, name: str, service: Service) -> Optional[Path]:
    """Find a service's environment, else the one of the Python that its command names."""
    if service.requirements:
        return _last_used(name, settings)
    program = shutil.which(service.command[0]) if service.command else None
    return Path(program).parent.parent if program else None


def _last_used(name: str, settings: Settings) -> Optional[Path]:
    """Find the environment that was used last.

    Not the one that the requirements ask for now: they may have been edited since, or this is another Python.
    """
    stamps = (settings.state / "environments").glob(f"{name}-*/{environments.STAMP}")
    newest = max(stamps, key=lambda stamp: stamp.stat().st_mtime, default=None)
    return newest.parent if newest else None
