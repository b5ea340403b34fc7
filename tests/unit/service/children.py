"""Small real services and pipelines that misbehave in one way each, and what is left of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List

import psutil

from scripts import settings
from scripts.system.process_tree import MARKER

ROOT = Path(__file__).parents[3]
RUN = f"test-{uuid.uuid4().hex}"  # apart from the processes of a test run beside this one
SOON_S = 10.0  # far more than it takes, for a loaded machine

HTTP = """
import http.server, json, os, signal, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        received = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = reply(self.path, received)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/health")
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *args):
        pass

def serve():
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
READY = """
def reply(path, received):
    return 200, b"fine"
serve()
"""
# A child that left the session, as daemons do, and one that stays in it.
TWO_CHILDREN = """
import subprocess, sys, time
for away in (True, False):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=away)
"""
# All that a service may do so that nobody finds what it started: daemons by double fork (one that is deaf, one whose
# child has no environment, one that starts another when it is asked to end), and the orphan of a child that ended.
DAEMONS = """
import os, signal, subprocess, sys, time
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]

def daemon(work):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            work()
            time.sleep(60)
        os._exit(0)
    os.wait()

def again(*_):
    subprocess.Popen(SLEEP, start_new_session=True)
    os._exit(0)

daemon(lambda: os.execv(SLEEP[0], SLEEP))
daemon(lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
daemon(lambda: subprocess.Popen([*SLEEP, "no mark"], env={}, start_new_session=True))
daemon(lambda: signal.signal(signal.SIGTERM, again))
subprocess.run([sys.executable, "-c", "import subprocess, sys; subprocess.Popen(sys.argv[1:])", *SLEEP])
print("ready", flush=True)
"""
DAEMON_PROCESSES = 6
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf")
"""
SLEEP = "import time\ntime.sleep(60)\n"

PIPELINE = f"""
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from scripts import settings
from scripts.service.job import Job
from scripts.service.lifecycle import running
from scripts.system import records
project = settings.load(sys.argv[1], os.environ, Path.cwd())
"""
USE = """
with running(Job(project, os.environ, project.reports / "service.log")) as service:
    print("in use", flush=True)
    time.sleep(60)
"""


def service(code: str) -> str:
    """A service that serves by `code`: it defines reply(path, received) and calls serve()."""
    return HTTP + textwrap.dedent(code)


def write_project(folder: Path, code: str, **service: Any) -> settings.Settings:
    """A project whose service runs `code`; further keys of pipeline.yml's service as arguments."""
    (folder / "service.py").write_text(code, encoding="utf-8")
    keys = {"command": [sys.executable, "service.py", "{port}"], "stop_timeout": "5s", **service}
    document = {"suite": {"path": "tests"}, "service": keys}
    (folder / "pipeline.yml").write_text(json.dumps(document), encoding="utf-8")
    return settings.load(str(folder / "pipeline.yml"), {}, folder)


@contextmanager
def pipeline(project: settings.Settings, code: str = USE) -> Iterator[subprocess.Popen[str]]:
    """A real pipeline process that runs `code` over the project; ended with the block."""
    command = [sys.executable, "-c", PIPELINE + code, str(project.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for_line(child: subprocess.Popen[str], expected: str) -> None:
    """Read the pipeline's output up to a line."""
    assert child.stdout
    seen = []
    for line in child.stdout:
        seen.append(line)
        if expected in line:
            return
    raise AssertionError(f"no line with {expected!r} in {seen}")


def marked(*run_ids: str) -> List[int]:
    """The pids of all that carries the mark of one of these runs; found apart from the code under test."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) in run_ids and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until the condition holds; its value, or a failed test."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it never came true")


def pid_in(file: Path) -> int:
    """The pid that a process has written, as a line; 0 as long as it has not."""
    text = file.read_text(encoding="ascii") if file.exists() else ""
    return int(text) if text.endswith("\n") else 0


@contextmanager
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours, the leader of its session."""
    environ = {name: value for name, value in os.environ.items() if name != MARKER}
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True, env=environ) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def listener() -> Iterator[int]:
    """A port on which this very process listens, without ever answering."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield server.getsockname()[1]
