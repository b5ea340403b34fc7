"""What of this machine is ours: cores, memory, a GPU; in a container, what its control group leaves of them.

Control groups (v2 and v1): https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

from ..console import counted

ROOT = Path("/")
CGROUP = ROOT / "sys/fs/cgroup"
CGROUP_FILES = ("memory.max", "memory.peak", "memory.events", "cpu.max")  # a container's limits, and oom_kill
GPU_ANSWERS_IN_S = 20.0  # the driver may have to wake up first


class Memory(NamedTuple):
    """How much there is, and how much of it is free, in bytes."""

    total: int
    free: int


class Capacity(NamedTuple):
    """What this process may use."""

    cores: int
    memory: Memory
    gpu: bool = False


def capacity(environ: Mapping[str, str]) -> Capacity:
    """What this process may use here and now."""
    return Capacity(cores(), memory(), has_gpu(environ))


def cores(root: Path = ROOT) -> int:
    """How many cores we may keep busy: those we may run on, no more than the quota of our control groups."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    ours = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([ours, *map(int, _quotas(root))]))


def memory(root: Path = ROOT) -> Memory:
    """Find what the machine has, or the tightest of our control groups where that is less."""
    groups = [_of_machine(), *_limits(root)]
    return Memory(min(group.total for group in groups), max(0, min(group.free for group in groups)))


def _of_machine() -> Memory:
    import psutil

    try:
        machine = psutil.virtual_memory()
        return Memory(machine.total, machine.available)
    except (psutil.Error, OSError):  # no /proc: the kernel tells the same, less what it could free, by sysinfo(2)
        page_bytes = os.sysconf("SC_PAGE_SIZE")
        return Memory(os.sysconf("SC_PHYS_PAGES") * page_bytes, os.sysconf("SC_AVPHYS_PAGES") * page_bytes)


def has_gpu(environ: Mapping[str, str]) -> bool:
    """Whether the service may use a GPU: nvidia-smi lists one, and CUDA_VISIBLE_DEVICES hides not all of them."""
    if environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["nvidia-smi", "-L"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GPU_ANSWERS_IN_S,
            check=False,
        )
        return done.returncode == 0 and done.stdout.startswith(b"GPU ")
    return False


def _limits(root: Path) -> Iterator[Memory]:
    """The memory of each control group that limits us; files that were read and not used since count as free."""
    names = (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    for folder in _groups("memory", root):
        for limit_name, usage_name, unused in names:
            limit, usage = _number(folder / limit_name), _number(folder / usage_name)
            if limit is not None and usage is not None:
                yield Memory(limit, limit - usage + _statistic(folder / "memory.stat", unused))


def _quotas(root: Path) -> Iterator[float]:
    """How many cores' time each control group grants us, where it sets a limit."""
    for folder in _groups("cpu", root):
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is None or period is None:
            quota, period = _number(folder / "cpu.max"), _number(folder / "cpu.max", 1)
        if quota and period and quota > 0:  # -1 sets no limit
            yield quota / period


def _groups(controller: str, root: Path) -> List[Path]:
    """The folders of our control groups, ours and all above it: v1 has a tree for each controller, v2 one.

    Inside a container the tree may begin at our own group while our path is still told as the host sees it;
    folders of that path are then not there, and the top one is ours.
    """
    found = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / (controller if controllers else "")
            inner = PurePosixPath(path.lstrip("/"))
            found += [top / above for above in (inner, *inner.parents) if ".." not in above.parts]
    return found


def _number(file: Path, place: int = 0) -> Optional[int]:
    """A number in a file; None where there is no such file, or the word "max" for no limit."""
    with suppress(ValueError, IndexError):
        return int(_text(file).split()[place])
    return None


def _statistic(file: Path, name: str) -> int:
    words = _text(file).split()
    return int(words[words.index(name) + 1]) if name in words else 0


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="utf-8")
    return ""


def machine_class() -> str:
    """Name the class of this machine: durations of another class are scaled to it."""
    return f"{platform.system()} {platform.machine()}, {counted(os.cpu_count() or 1, 'core')}"


def describe(folder: Path) -> Dict[str, Any]:
    """Describe this machine and Python; the disk is the one that `folder` is on. Sizes are in bytes."""
    whole, disk = _of_machine(), shutil.disk_usage(str(folder))
    return {
        "python": sys.version,
        "executable": sys.executable,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average": _load(),
        "memory": {"total": whole.total, "available": whole.free, "swap_used": _swap_used()},
        "disk": {"folder": str(folder), "total": disk.total, "free": disk.free},
        "cgroup": {
            name: _text(ROOT / "sys/fs/cgroup" / name)
            for name in CGROUP_FILES
            if (ROOT / "sys/fs/cgroup" / name).is_file()
        },
    }


def _load() -> Optional[List[float]]:
    with suppress(OSError):  # no /proc
        return list(os.getloadavg())
    return None


def _swap_used() -> Optional[int]:
    import psutil

    with suppress(psutil.Error, OSError):  # no /proc
        return int(psutil.swap_memory().used)
    return None
