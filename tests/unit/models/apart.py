"""`fetch` in processes of its own, to be interrupted by real signals and run many at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
FETCH = """\
import os, pathlib, signal, sys
from scripts import settings
from scripts.models import store
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)
print(store.fetch(settings.load(sys.argv[1], {}, pathlib.Path.cwd())))
"""


def fetch_apart(folder: Path, **environ: str) -> subprocess.Popen[str]:
    """`fetch` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(folder / "pipeline.yml")],
        cwd=str(ROOT), env={**os.environ, **environ}, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for(found: Any, timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
