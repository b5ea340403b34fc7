"""GPU memory by process; the driver is a stand-in here, since most machines of ours have none."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

import pytest

from scripts.system import gpu
from scripts.system.gpu import Device, Reader, held_bytes

ME, NOBODY = os.getpid(), 2**22 + 1  # no system gives out the second
GB = 10**9


class Refused(Exception):
    """What a driver raises."""


def driver(compute: List[Tuple[int, Optional[int]]], used: int = 0, **more: Any) -> SimpleNamespace:
    """A driver of one GPU, with the names of nvidia-ml-py."""

    def graphics(handle: int) -> List[SimpleNamespace]:
        raise Refused

    found = [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in compute]
    own = {
        "NVMLError": Refused,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: found,
        "nvmlDeviceGetGraphicsRunningProcesses": graphics,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=used),
    }
    return SimpleNamespace(**{**own, **more})


def fails(*arguments: object) -> None:
    raise Refused("no permission")


@pytest.mark.parametrize(
    "nvml, held, why",
    [
        (driver([(ME, 2 * GB), (1, GB)], 3 * GB), 2 * GB, ""),
        (driver([(1, GB)], GB), 0, ""),
        (driver([(ME, None)], GB), None, gpu.HIDDEN),
        (driver([(NOBODY, GB)], GB), None, gpu.HIDDEN),  # a number of outside this container
        (driver([], 5 * GB), None, gpu.HIDDEN),
        (driver([], GB // 2), 0, ""),
        (driver([], nvmlInit=fails), None, gpu.NO_DRIVER),
        (driver([], nvmlDeviceGetCount=fails), None, "no permission"),
        (None, None, gpu.NO_LIBRARY),
    ],
    ids=["ours", "others'", "not told", "hidden", "not listed", "idle", "no driver", "refused", "no library"],
)
def test_what_our_processes_hold_is_known_or_it_is_said_why_not(
    monkeypatch: pytest.MonkeyPatch, nvml: Any, held: Optional[int], why: str
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    reader = Reader()

    assert [held, held] == [reader.held_bytes([ME]), reader.held_bytes([ME])]
    assert why in reader.why and bool(why) == bool(reader.why)


def test_all_gpus_and_all_processes_are_added_up() -> None:
    assert 7 == held_bytes([Device([(1, 1), (2, 2), (3, 8)], 9), Device([(2, 4)], 9)], [1, 2])
