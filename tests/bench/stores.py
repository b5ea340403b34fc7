"""Stores that shards claim pieces in, started for a run: what clients need to reach them, and what lies there."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, Mapping, NamedTuple, Tuple

from scripts.errors import PipelineError
from scripts.service.ports import free_port

from .measuring import measured

FOLDER, REDIS, S3 = KINDS = ("a folder", "Redis", "S3")
BUCKET = "shardline"
STARTS_IN_S = 10
# Nothing is sent to the server; it checks no credentials, but botocore does not ask without any.
AWS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}


class Stored(NamedTuple):
    """How much runs left there: values, and bytes; of Redis, commands and what went over the wire."""

    values: int
    bytes: int


class Store(NamedTuple):
    """A store: its name in pipeline.yml, variables by which clients reach it, and how much it has stored by now."""

    name: str
    variables: Mapping[str, str]
    stored: Callable[[], Stored]


def environment(folder: Path, *packages: str) -> str:
    """Make an environment with packages from the package index; give its Python.

    Raises:
        PipelineError: they cannot be installed.
    """
    python = str(folder / "bin" / "python")
    measured([sys.executable, "-m", "venv", str(folder)])
    measured([python, "-m", "pip", "install", "-q", *packages])
    return python


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Store]:
    """Start a store that lies in a folder of its own.

    Raises:
        PipelineError: what it needs is not here.
    """
    if kind == FOLDER:
        yield Store(str(folder), {}, lambda: in_folder(folder))
        return
    folder.mkdir()
    port = free_port("127.0.0.1")
    words, store = redis(folder, port) if kind == REDIS else localbucket(folder, port)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield store
        finally:
            process.kill()


def in_folder(folder: Path) -> Stored:
    """Count what lies in a folder."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return Stored(len(sizes), sum(sizes))


def redis(folder: Path, port: int) -> Tuple[List[str], Store]:
    """Say how Redis is started, without a file of its own."""
    program = shutil.which("redis-server")
    if not program:
        raise PipelineError("redis-server is not on PATH", "On Debian and Ubuntu: apt-get install redis-server")
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return words, Store(f"redis://127.0.0.1:{port}", {}, lambda: _over_the_wire(port))


def _over_the_wire(port: int) -> Stored:
    with socket.create_connection(("127.0.0.1", port), STARTS_IN_S) as connection:
        connection.sendall(b"INFO stats\r\nQUIT\r\n")
        said = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    told = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    both = int(told["total_net_input_bytes"]) + int(told["total_net_output_bytes"])
    return Stored(int(told["total_commands_processed"]), both)


def localbucket(folder: Path, port: int) -> Tuple[List[str], Store]:
    """Say how an S3 server is started, in an environment of its own."""
    program = Path(environment(folder / "environment", "localbucket==1.2.1")).with_name("localbucket")
    bucket = folder / "data" / BUCKET
    bucket.mkdir(parents=True)
    store = Store(
        f"s3://{BUCKET}/bench", {**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}, lambda: in_folder(bucket)
    )
    return [str(program), "--port", str(port), str(bucket.parent)], store


def _wait(port: int) -> None:
    deadline = time.monotonic() + STARTS_IN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), STARTS_IN_S).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
