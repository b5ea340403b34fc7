"""Our plugin as a project has it after its first run: each pytest of a fresh one compiles it, for 0.1 s of CPU."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List

PLUGIN = Path(".pipeline", "plugin")  # of a project
_kept: List[Path] = []  # of the first pytest of these tests that has run


@contextmanager
def compiled_plugin(folder: Path) -> Iterator[None]:
    """Put the plugin into its folder as an earlier pytest compiled it, or keep what the block compiles there.

    Who starts a pytest looks whether it is the plugin that we have now, and replaces what is not.
    """
    if _kept and not folder.exists():
        shutil.copytree(str(_kept[0]), str(folder))
    yield
    if not _kept and list(folder.rglob("recorder.*.pyc")):
        _kept.append(folder)
