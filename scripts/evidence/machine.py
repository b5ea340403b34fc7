"""What a run stood on, read without starting anything: Python, system, processors, memory, disks, packages."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List

import psutil

CGROUP = Path("/sys/fs/cgroup")
CGROUP_FILES = ("memory.max", "memory.peak", "memory.events", "cpu.max")  # a container's limits, and oom_kill

_PACKAGE = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?\.(?:dist|egg)-info")


def machine(folder: Path) -> Dict[str, Any]:
    """Facts about this machine and Python; the disk is the one that `folder` is on. Sizes are in bytes."""
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(str(folder))
    return {
        "python": sys.version,
        "executable": sys.executable,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "memory": {"total": memory.total, "available": memory.available, "swap_used": psutil.swap_memory().used},
        "disk": {"folder": str(folder), "total": disk.total, "free": disk.free},
        "cgroup": {name: (CGROUP / name).read_text() for name in CGROUP_FILES if (CGROUP / name).is_file()},
    }


def packages(prefix: Path) -> List[str]:
    """NAME==VERSION of what is installed in the environment at `prefix`, as the names on its disk tell.

    Raises:
        FileNotFoundError: nothing is.
    """
    found = prefix.glob("lib*/python*/*-packages/*-info")
    names = (_PACKAGE.fullmatch(path.name) for path in found)
    listed = {f"{match['name']}=={match['version']}" for match in names if match}
    if not listed:
        raise FileNotFoundError(2, "no installed packages", str(prefix))
    return sorted(listed, key=str.casefold)
