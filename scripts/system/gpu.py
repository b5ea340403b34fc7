"""How much memory of the GPUs do processes hold, as NVIDIA's driver tells it: nothing is started, no tool is run.

`nvidia-smi` would cost a second of the processor at each look; the driver's own library answers in 0.1 ms.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Collection, List, NamedTuple, Optional, Sequence, Tuple

UNACCOUNTED_BYTES = 1_000_000_000  # what the driver itself may hold while it names no process: up to 0.6 GB were seen
NO_LIBRARY = "nvidia-ml-py is not installed beside Shardline"
NO_DRIVER = "there is no NVIDIA driver"
HIDDEN = "the driver does not tell which processes hold it (a container with processes of its own, WSL or MIG?)"


class Device(NamedTuple):
    """What is held of a GPU: by which process how much (None: not told), and in all."""

    holders: Sequence[Tuple[int, Optional[int]]]
    used_bytes: int


class Reader:
    """Asks the driver, which is loaded by `load`, else at the first look: that may take a second.

    `why` says why nothing is known; empty where it is.
    """

    def __init__(self) -> None:
        self.why = ""
        self._nvml: Any = None

    def load(self) -> None:
        """Load the driver's library, so that the first look costs no more than others."""
        if self._nvml is None:
            self._loaded()

    def held_bytes(self, pids: Collection[int]) -> Optional[int]:
        """Add up what these processes hold of all GPUs; None where that is not known."""
        devices = self._devices()
        if not devices:
            self.why = self.why or NO_DRIVER
            return None
        held = held_bytes(devices, pids, _is_seen)
        self.why = HIDDEN if held is None else ""
        return held

    def _devices(self) -> List[Device]:
        """Ask; empty where there is no driver, or it fails."""
        if self._nvml is None and not self._loaded():
            return []
        try:
            handles = map(self._nvml.nvmlDeviceGetHandleByIndex, range(self._nvml.nvmlDeviceGetCount()))
            return [self._device(handle) for handle in handles]
        except self._nvml.NVMLError as error:
            self.why = f"the NVIDIA driver refuses to tell: {error}"
            return []

    def _loaded(self) -> bool:
        if self.why:  # it was tried: a driver does not come while a service runs
            return False
        try:
            import pynvml
        except ImportError:
            self.why = NO_LIBRARY
            return False
        try:
            pynvml.nvmlInit()
        except (pynvml.NVMLError, OSError):
            self.why = NO_DRIVER
            return False
        self._nvml = pynvml
        return True

    def _device(self, handle: Any) -> Device:
        holders = []
        for look in ("Compute", "Graphics"):
            with suppress(self._nvml.NVMLError):  # of MIG or vGPU perhaps one of them only
                found = getattr(self._nvml, f"nvmlDeviceGet{look}RunningProcesses")(handle)
                holders += [(int(each.pid), each.usedGpuMemory) for each in found]
        return Device(tuple(dict(holders).items()), int(self._nvml.nvmlDeviceGetMemoryInfo(handle).used))


def held_bytes(devices: Sequence[Device], pids: Collection[int], is_seen: Any = lambda pid: True) -> Optional[int]:
    """Add up what processes hold; None where the driver may know them by other numbers, or does not know at all.

    >>> held_bytes([Device([(7, 100), (8, 50)], 200)], [7]), held_bytes([Device([(7, None)], 200)], [7])
    (100, None)
    >>> held_bytes([Device([(8, 50)], 200)], [7]), held_bytes([Device([(8, 50)], 200)], [7], lambda pid: False)
    (0, None)
    """
    ours = [held for device in devices for pid, held in device.holders if pid in pids]
    if None in ours:
        return None
    unnamed = any(not device.holders and device.used_bytes > UNACCOUNTED_BYTES for device in devices)
    strangers = any(not is_seen(pid) for device in devices for pid, _ in device.holders)
    return None if not ours and (unnamed or strangers) else sum(held for held in ours if held is not None)


def _is_seen(pid: int) -> bool:
    """Tell whether a process of that number is there for us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
