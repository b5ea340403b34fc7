"""Every test of the weights has a user's cache folder of its own, and talks to loopback without a proxy."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the projects of this user share."""
    folder = tmp_path / "user cache"
    monkeypatch.setenv("SHARDLINE_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that holds abc, for projects in `tmp_path`."""
    path = tmp_path / "elsewhere.bin"
    path.write_bytes(b"abc")
    return path
