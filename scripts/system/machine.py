"""What of this machine is ours: cores, memory, a GPU; in a container, what its control group leaves of them.

Control groups (v2 and v1): https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from contextlib import suppress
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ..console import counted
from .programs import ProgramFailed, output

ROOT = Path("/")
# A container's limits, what it took at most, and how often something was killed for it; v2, then v1.
GROUP_FILES = {
    "memory": ("memory.max", "memory.peak", "memory.events", "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
    "cpu": ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
}
GPU_PROGRAM = "nvidia-smi"
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
GPU_ANSWERS_IN_S = 20.0  # the driver may have to wake up first


class Memory(NamedTuple):
    """How much there is, and how much of it is free, in bytes."""

    total: int
    free: int


class Capacity(NamedTuple):
    """What this process may use."""

    cores: int
    memory: Memory
    gpus: int = 0


def capacity(environ: Mapping[str, str]) -> Capacity:
    """Measure what this process may use here and now."""
    return Capacity(cores(), memory(), len(visible_gpus(environ)))


def cores(root: Path = ROOT) -> int:
    """Count the cores that we may keep busy: those we may run on, no more than the quota of our control groups."""
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


def free_bytes(folder: Path) -> int:
    """Measure what is free on the disk of a folder, which may not be there yet."""
    places = (str(above) for above in (folder, *folder.parents))
    return shutil.disk_usage(next(place for place in places if os.access(place, os.F_OK))).free


def visible_gpus(environ: Mapping[str, str]) -> Tuple[str, ...]:
    """Name the GPUs that a program may use, as CUDA_VISIBLE_DEVICES does; none where no driver answers."""
    said = environ.get(VISIBLE_GPUS)
    with suppress(ProgramFailed):
        return visible(output([GPU_PROGRAM, "-L"], GPU_ANSWERS_IN_S, environ=environ), said) if said != "" else ()
    return ()


def visible(listing: str, said: Optional[str]) -> Tuple[str, ...]:
    """Name the GPUs of a listing of the driver's tool that CUDA_VISIBLE_DEVICES leaves, by number or as it names them.

    A GPU that is cut in parts (MIG) has no number of its own for CUDA, only its parts have names. As for CUDA, the
    first name that is none ends the list.

    >>> visible("GPU 0: H100 (UUID: GPU-1)\\nGPU 1: H100 (UUID: GPU-2)", None)
    ('0', '1')
    >>> visible("GPU 0: H100 (UUID: GPU-1)\\nGPU 1: H100 (UUID: GPU-2)", "1,-1,0")
    ('1',)
    """
    gpus: Dict[str, List[str]] = {}
    for line in listing.splitlines():
        whole, part = re.match(r"GPU (\d+): ", line), re.match(r"\s+MIG .*UUID: (MIG-[^)\s]+)", line)
        if whole:
            gpus[whole[1]] = []
        elif part and gpus:
            gpus[list(gpus)[-1]].append(part[1])
    if not gpus or said is None:
        return tuple(name for number, parts in gpus.items() for name in parts or [number])
    names = [name.strip() for name in said.split(",")]
    return tuple(takewhile(lambda name: name in gpus or name.startswith(("GPU-", "MIG-")), names))


def has_gpu_program() -> bool:
    """Tell whether the driver's tool is on PATH."""
    return shutil.which(GPU_PROGRAM) is not None


def gpus(timeout_s: float, *fields: str) -> List[str]:
    """Describe each GPU in a line: the fields that the driver's tool knows by these names.

    Raises:
        ProgramFailed: the tool is not there, fails, or does not answer in time.
    """
    return output([GPU_PROGRAM, f"--query-gpu={','.join(fields)}", "--format=csv,noheader"], timeout_s).splitlines()


def _limits(root: Path) -> Iterator[Memory]:
    """Measure the memory of each control group that limits us; what was read and not used since counts as free."""
    names = (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    for folder in groups_of("memory", root):
        for limit_name, usage_name, unused in names:
            limit, usage = _number(folder / limit_name), _number(folder / usage_name)
            if limit is not None and usage is not None:
                yield Memory(limit, limit - usage + _statistic(folder / "memory.stat", unused))


def _quotas(root: Path) -> Iterator[float]:
    """Reckon how many cores' time each control group grants us, where it sets a limit."""
    for folder in groups_of("cpu", root):
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is None or period is None:
            quota, period = _number(folder / "cpu.max"), _number(folder / "cpu.max", 1)
        if quota and period and quota > 0:  # -1 sets no limit
            yield quota / period


def groups_of(controller: str, root: Path) -> List[Path]:
    """List the folders of our control groups, ours and all above it: v1 has a tree for each controller, v2 one.

    Inside a container the tree may begin at our own group while our path is still told as the host sees it;
    folders of that path are then not there, and the top one is ours.
    """
    folders: List[Path] = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / (controller if controllers else "")
            inner = PurePosixPath(path.lstrip("/"))
            folders += [top / above for above in (inner, *inner.parents) if ".." not in above.parts]
    return folders


def _number(file: Path, place: int = 0) -> Optional[int]:
    """Read a number in a file; None where there is no such file, or the word "max" for no limit."""
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


def describe(folder: Path, root: Path = ROOT) -> Dict[str, Any]:
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
        "cgroup": groups(root),
    }


def groups(root: Path = ROOT) -> Dict[str, str]:
    """Read what our control groups, ours and all above it, say of their limits: GROUP/FILE -> text."""
    top = root / "sys/fs/cgroup"
    files = [
        folder / name
        for controller in GROUP_FILES
        for folder in groups_of(controller, root)
        for name in GROUP_FILES[controller]
    ]
    return {str(file.relative_to(top)): _text(file) for file in files if file.is_file()}


def _load() -> Optional[List[float]]:
    with suppress(OSError):  # no /proc
        return list(os.getloadavg())
    return None


def _swap_used() -> Optional[int]:
    import psutil

    with suppress(psutil.Error, OSError):  # no /proc
        return int(psutil.swap_memory().used)
    return None
