"""What the engine runs on, and what torch is told so that the same request gives the same sound."""

from __future__ import annotations

import random
from typing import Any, Dict

import torch

CPU, GPU = "cpu", "cuda:0"
SEED = 20250915


def choose(wants_gpu: bool, threads: int) -> str:
    """Choose the GPU where one is wanted and there, else the CPU with so many threads."""
    torch.set_num_threads(threads)
    return GPU if wants_gpu and torch.cuda.is_available() else CPU


def name(device: str) -> str:
    """Name the device for people."""
    return f"{device} {torch.cuda.get_device_name(0)}" if device == GPU else device


def memory(device: str) -> Dict[str, int]:
    """Measure what this process holds of the GPU's memory; nothing on a CPU."""
    if device != GPU:
        return {}
    free, total = torch.cuda.mem_get_info(0)
    held, most = torch.cuda.memory_reserved(0), torch.cuda.max_memory_reserved(0)
    return {"held_bytes": held, "most_held_bytes": most, "free_bytes": free, "total_bytes": total}


def seed() -> None:
    """Start all dice anew: the engine samples, and takes no seed by itself."""
    random.seed(SEED)
    torch.manual_seed(SEED)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether the GPU had too little memory for a request, which the next one may not need."""
    kind: Any = getattr(torch.cuda, "OutOfMemoryError", ())
    told = str(error).lower()
    if not isinstance(error, kind) and "out of memory" not in told and "alloc_failed" not in told:
        return False
    torch.cuda.empty_cache()
    return True
