"""Where the weights of a network lie, and how it is run: onnxruntime, one thread, loaded once."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path
from typing import Any, Optional


def installed_file(name: str, package: str, member: str) -> Optional[Path]:
    """Find weights: NAME in the folder SHARDLINE_MODELS, else the member of an installed package; None for neither.

    The package is not imported: what it wants for that (torch, librosa) is not needed here.
    """
    folder = os.environ.get("SHARDLINE_MODELS", "")
    if folder and (Path(folder) / name).is_file():
        return Path(folder) / name
    found = importlib.util.find_spec(package)
    path = Path(str(found.origin)).parent / member if found and found.origin else None
    return path if path and path.is_file() else None


def is_installed(package: str) -> bool:
    """Tell whether a package can be imported; it is not imported."""
    return importlib.util.find_spec(package) is not None


@functools.lru_cache(maxsize=None)
def session(path: str) -> Any:
    """Load a network, once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
