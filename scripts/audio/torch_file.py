"""Read the arrays of a file that torch saved before version 1.6, with numpy alone, and nothing of it is run.

Such a file is five pickles in a row (a magic number, the version, sizes of types, the object, the storages' keys), then
each storage: its count as 8 bytes, then its numbers, little-endian. A pickle may name any function to be called, so the
reader knows only those that arrays take.
"""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, NamedTuple, Tuple

import numpy as np

from .wav import Samples

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8", "DoubleStorage": "<f8", "IntStorage": "<i4"}


class TorchFileError(ValueError):
    """The file cannot be read; the message says why."""


class _Tensor(NamedTuple):
    """Where an array lies: storage, first number, shape, and the steps along each side."""

    key: str
    offset: int
    shape: Tuple[int, ...]
    steps: Tuple[int, ...]


def tensors(path: Path, name: str) -> Dict[str, Samples]:
    """Read the arrays of the dict `name` in the dict that was saved.

    Raises:
        TorchFileError: it is another file, or wants more than arrays.
    """
    with path.open("rb") as file:
        try:
            return _read(file, name)
        except (KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise TorchFileError(f"{path}: expected arrays {name!r} as torch < 1.6 saved them: {error}") from error


def _read(file: BinaryIO, name: str) -> Dict[str, Samples]:
    if _Arrays(file, {}).load() != MAGIC:
        raise TorchFileError("another magic number")
    types: Dict[str, str] = {}
    for _ in range(2):
        _Arrays(file, types).load()
    saved = _Arrays(file, types).load()[name]
    storages = _storages(file, _Arrays(file, types).load(), types)
    return {key: _array(each, storages[each.key]) for key, each in saved.items() if isinstance(each, _Tensor)}


class _Arrays(pickle.Unpickler):
    """Read the pickle of a dict of arrays, and note the type of each storage."""

    def __init__(self, file: BinaryIO, types: Dict[str, str]) -> None:
        super().__init__(file)
        self.types = types

    def find_class(self, module: str, name: str) -> Any:
        """Give what the pickle names: a dict, an array, or the name of a type."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, steps, *rest: _Tensor(key, offset, shape, steps)
        if module == "torch" and name in TYPES:
            return name
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array does")

    def persistent_load(self, pid: Any) -> str:
        """Note a storage: ("storage", type, key, place, count, view)."""
        self.types[pid[2]] = TYPES[pid[1]]
        return str(pid[2])


def _storages(file: BinaryIO, keys: List[str], types: Dict[str, str]) -> Dict[str, Samples]:
    found = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        kind = np.dtype(types[key])
        found[key] = np.frombuffer(file.read(count * kind.itemsize), kind, count)
    return found


def _array(tensor: _Tensor, storage: Samples) -> Samples:
    steps = tuple(step * storage.itemsize for step in tensor.steps)
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.steps))
    if not 0 <= tensor.offset <= last < len(storage):
        raise TorchFileError("an array reaches beyond its storage")
    array: Samples = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps).copy()
    return array
