"""Stands in for torch: what the adapter of IndexTTS2 asks of it, without 700 MB."""

import types

dice = []  # seeds since it was imported
threads = []
manual_seed = dice.append
set_num_threads = threads.append


class _OutOfMemoryError(RuntimeError):
    pass


cuda = types.SimpleNamespace(
    OutOfMemoryError=_OutOfMemoryError,
    emptied=0,
    there=False,
    is_available=lambda: cuda.there,
    get_device_name=lambda index: "NVIDIA Code",
    mem_get_info=lambda index: (30, 100),
    memory_reserved=lambda index: 40,
    max_memory_reserved=lambda index: 60,
)


def _empty_cache():
    cuda.emptied += 1


cuda.empty_cache = _empty_cache
