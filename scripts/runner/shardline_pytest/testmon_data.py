"""Lets each shard, and each collection, of a suite with pytest-testmon go by what was known before the run.

testmon leaves out tests that no change concerns, and writes what it learns into one file. Were that file in common,
the later shards would leave out what the earlier ones have just run. So each has a copy, which it may change; the
suite's own stays as it was.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import MutableMapping

import pytest

VARIABLE, FILE = "TESTMON_DATAFILE", ".testmondata"  # as pytest-testmon has them
_BESIDE = ("", "-wal")  # sqlite's: what was written last may be in the second only


class OwnTestmonData:
    """Gives pytest-testmon a copy of its data in a folder, which need not exist."""

    def __init__(self, folder: Path, environ: MutableMapping[str, str]) -> None:
        self._folder, self._environ = folder, environ

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Copy the data, and name the copy, before pytest-testmon looks."""
        if not getattr(config.option, "testmon", False):
            return
        known = config.rootpath / self._environ.get(VARIABLE, FILE)
        own = self._folder / "testmon" / "data"
        own.parent.mkdir(parents=True, exist_ok=True)
        for end in _BESIDE:
            if Path(f"{known}{end}").is_file():
                shutil.copyfile(f"{known}{end}", f"{own}{end}")
        self._environ[VARIABLE] = str(own.resolve())
