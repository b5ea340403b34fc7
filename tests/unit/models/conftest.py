"""Every test of the weights has a user's cache folder of its own, and talks to loopback without a proxy."""

from __future__ import annotations

import shutil
import subprocess
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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl here to make a certificate")
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(file) + ".public"]
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    with file.open("a") as both:
        both.write(Path(str(file) + ".public").read_text())
    return file
