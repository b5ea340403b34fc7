"""A file as torch saved it, made by hand: five pickles, then the numbers."""

from __future__ import annotations

import os
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.audio.torch_file import MAGIC, TorchFileError, tensors


class Array:
    """Pickles as a tensor of storage "7" does."""

    def __init__(self, offset: int, *shape: int) -> None:
        self.offset, self.shape = offset, shape

    def __reduce__(self) -> Any:
        steps = tuple(int(np.prod(self.shape[side + 1 :])) for side in range(len(self.shape)))
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (Storage(), self.offset, self.shape, steps, False, OrderedDict())


class Storage:
    """Stands for the storage in the pickle."""


class Torch(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        """Name a storage as torch does."""
        return ("storage", sys.modules["torch"].FloatStorage, "7", "cpu", 6, None) if isinstance(obj, Storage) else None


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pickler find what it names."""
    whole, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    storage = type("FloatStorage", (), {"__module__": "torch"})
    rebuild = types.FunctionType((lambda *_: None).__code__, {"__name__": "torch._utils"}, "_rebuild_tensor_v2")
    rebuild.__qualname__, rebuild.__module__ = "_rebuild_tensor_v2", "torch._utils"
    monkeypatch.setattr(whole, "FloatStorage", storage, raising=False)
    monkeypatch.setattr(utils, "_rebuild_tensor_v2", rebuild, raising=False)
    monkeypatch.setitem(sys.modules, "torch", whole)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def saved(path: Path, state: Any, numbers: int = 6) -> Path:
    with path.open("wb") as file:
        for each in (MAGIC, 1001, {"little_endian": True}, {"model_state": state, "step": 3}, ["7"]):
            Torch(file, 2).dump(each)
        file.write((6).to_bytes(8, "little") + np.arange(numbers, dtype="<f4").tobytes())
    return path


def test_arrays_come_back_as_they_lie_in_the_storage(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", OrderedDict(weight=Array(2, 2, 2), bias=Array(0, 2)))

    found = tensors(path, "model_state")

    assert [[2, 3], [4, 5]] == found["weight"].tolist()
    assert [0, 1] == found["bias"].tolist()


def test_nothing_else_is_called(tmp_path: Path) -> None:
    class Call:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "called"),)

    path = saved(tmp_path / "a.pt", {"weight": Call()})

    with pytest.raises(TorchFileError, match="which no array does"):
        tensors(path, "model_state")
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("state, numbers", [({"w": Array(3, 2, 2)}, 6), ({"w": Array(0, 2)}, 3)])
def test_a_file_that_is_too_short_is_refused(tmp_path: Path, state: Any, numbers: int) -> None:
    with pytest.raises(TorchFileError):
        tensors(saved(tmp_path / "a.pt", state, numbers), "model_state")


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.pt"
    path.write_bytes(b"<!DOCTYPE html>")

    with pytest.raises(TorchFileError, match=r"page\.pt: expected arrays"):
        tensors(path, "model_state")
