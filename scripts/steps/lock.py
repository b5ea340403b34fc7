"""Make the locks anew: `nox -s lock`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from ..console import counted, say
from ..environments.locks import lock_files, python_versions, resolution
from ..environments.locks.lock_text import Request
from ..environments.locks.python_versions import OldestPython
from ..errors import InstallError
from ..settings import Settings
from ..system import caches


def run(settings: Settings, upgrade: bool = False, oldest_python: Optional[str] = None) -> None:
    """Lock every requirements file of the project; versions stay unless `upgrade`.

    Args:
        oldest_python: what a lock is for at least; None for what the project says.

    Raises:
        InstallError: nothing to lock, no uv here, no index, or no versions that fit together.
    """
    os.environ.update(caches.for_uv(os.environ, settings.state) or {})
    found = list(files(settings))
    if not found:
        message = f"there is no requirements file in {settings.project} to lock"
        raise InstallError(message, "Name one in pipeline.yml: suite.requirements, service.requirements.")
    asked = pythons(settings)
    for requirements in found:
        lock = requirements.with_suffix(".lock")
        before = lock.read_text(encoding="utf-8") if lock.is_file() else None
        if oldest_python:
            oldest = OldestPython(oldest_python, "--oldest-python says so")
        elif requirements in asked:
            oldest = OldestPython(min(asked[requirements], key=lock_files.version), "service.python says so")
        else:
            oldest = python_versions.oldest(settings.project, lock_files.oldest_python(lock))
        resolution.make(Request(requirements, settings.project, oldest, upgrade))
        for line in told(str(lock.relative_to(settings.project)), before, lock.read_text(encoding="utf-8"), oldest):
            say(line)


def told(name: str, before: Optional[str], now: str, oldest: OldestPython) -> List[str]:
    """Say what a lock is and what changed in it.

    Args:
        before: the lock that was there; None where there was none.

    >>> now = "# download: 1 package, 1 MB\\nb==2\\n"
    >>> told("a.lock", "b==1\\n", now, OldestPython("3.8", "setup.py requires it"))
    ['a.lock: 1 package, 1 MB; for Python 3.8 and newer (setup.py requires it); 1 changed', '  b  1 -> 2']
    >>> told("a.lock", None, f"\\n{lock_files.TAIL}\\ngit+file:///r@f00#egg=b\\n", OldestPython("3.8", "as before"))
    ['a.lock: 0 packages, and 1 that no index has; for Python 3.8 and newer (as before); new']
    """
    local = len(lock_files.not_from_index(now))
    download = lock_files.header_of(now).get("download") or counted(
        len(lock_files.pins(lock_files.from_index(now))), "package"
    )
    packages = f"{download}, and {local} that no index has" if local else download
    changes = lock_files.changes(before, now)
    if before is None:
        news = "new"
    elif changes:
        news = f"{len(changes)} changed"
    else:
        news = "unchanged" if before == now else "no version changed"
    width = max((len(package) for package, _ in changes), default=0)
    rows = [f"  {package:{width}}  {change}" for package, change in changes] if before is not None else []
    return [f"{name}: {packages}; for Python {oldest.version} and newer ({oldest.why}); {news}", *rows]


def pythons(settings: Settings) -> Dict[Path, Tuple[str, ...]]:
    """List the requirements files that are installed on interpreters of their own alone, and which these may be."""
    services = settings.all_services.values()
    on_ours = {settings.suite.requirements, *(each.requirements for each in services if not each.pythons)}
    found: Dict[Path, Tuple[str, ...]] = {}
    for service in services:
        if service.requirements and service.requirements not in on_ours:
            file = settings.project / service.requirements
            found[file] = (*found.get(file, ()), *service.pythons)
    return found


def files(settings: Settings) -> Iterator[Path]:
    """List the requirements files of a project that are there: its own, the suite's, those of the services."""
    services = [service.requirements for service in settings.all_services.values()]
    for name in dict.fromkeys(("requirements.txt", settings.suite.requirements, *services)):
        if name and (settings.project / name).is_file():
            yield settings.project / name
