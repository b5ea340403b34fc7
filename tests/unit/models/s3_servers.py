"""Real servers that speak S3, over a folder of this machine: its folders are buckets, their files are objects."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Dict, Iterator, List

KEY, SECRET = "TESTKEY123", "test-secret-456"
START_TIMEOUT_S = 30


def program(name: str) -> str:
    """A server's program, of the environment that runs the tests; empty if it is not there."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or ""


# nanio has no release for older Pythons; rclone answers 200, not 206, to a Range.
INSTALLED = [name for name in ("nanio", "rclone") if program(name)]


@contextmanager
def running(name: str, root: Path, public: bool = False) -> Iterator[str]:
    """Run a server until the block ends; `public` (rclone only): it asks nobody for credentials.

    Yields:
        its endpoint, once it takes connections.
    """
    port = _free_port()
    environ = {"NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET, "NANIO_DATA_DIR": str(root)}
    output = root.with_suffix(".log")
    with output.open("wb") as log:
        server = subprocess.Popen(
            [program(name), *_arguments(name, root, port, public)],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(server, port, output)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _arguments(name: str, root: Path, port: int, public: bool) -> List[str]:
    if name == "nanio":
        return ["serve", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    login = [] if public else ["--auth-key", f"{KEY},{SECRET}"]
    return ["serve", "s3", "--config", os.devnull, "--addr", f"127.0.0.1:{port}", *login, str(root)]


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, output: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {output.read_text(errors='replace')}")


def variables(endpoint: str, secret: str = SECRET) -> Dict[str, str]:
    """The AWS_* variables that lead to a server."""
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret}
