"""Faults of services, suites and machines, each started for real, and the first verdict that is right for it.

A table of all, each with its sentence: `python -m tests.unit.evidence.diagnosis.faults [NAME ...]`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from unittest import mock

from scripts import settings
from scripts.errors import PipelineError
from scripts.evidence import reading
from scripts.evidence.diagnosis import diagnosis
from scripts.evidence.diagnosis import kinds as k
from scripts.evidence.diagnosis.diagnosis import Diagnosis
from scripts.evidence.ending import Ending
from scripts.steps import integration
from scripts.system import machine

# A server that starts in a few hundredths of a second: http.server alone takes a tenth to import.
SERVER = """
import os, signal, socket, sys, threading, time

def answer(method, path, body):
    return 200, "fine"

def serve(port=None):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(port or sys.argv[1])))
    server.listen(64)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=one, args=(connection,), daemon=True).start()

def one(connection):
    with connection:
        head, _, body = connection.recv(65536).partition(b"\\r\\n\\r\\n")
        words = head.decode("latin-1").split(" ")
        if len(words) < 2:
            return
        status, text = answer(words[0], words[1], body.decode("utf-8", "replace"))
        data = text.encode()
        head = b"HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % (status, len(data))
        connection.sendall(head + data)
"""
ASK = """
import os, http.client
from urllib.parse import urlsplit

def ask(path, body=None, timeout=10):
    at = urlsplit(os.environ["SERVICE_URL"])
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=timeout)
    connection.request("POST" if body else "GET", path, body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
"""
PASSES = "def test_asks():\n    assert ask('/') == (200, 'fine')\n"


@contextlib.contextmanager
def nothing(folder: Path) -> Iterator[None]:
    """Surroundings of a fault that needs none."""
    yield


@contextlib.contextmanager
def _file(file: Path, text: str) -> Iterator[None]:
    file.write_text(text)
    yield


class Fault(NamedTuple):
    """A fault, and what is right to say first.

    Args:
        kind: of the first verdict.
        says: words of its sentence.
        service: Python that runs behind SERVER; it calls serve(), or ends before.
        suite: Python that runs behind ASK.
        keys: of pipeline.yml's service.
        more: of pipeline.yml.
        arguments: of the run.
        nodes: how many shards.
        environ: variables of the run.
        around: makes, and takes away, what it needs more, in the project's folder.
    """

    name: str
    kind: str
    says: Tuple[str, ...]
    service: str = "serve()"
    suite: str = PASSES
    keys: Mapping[str, Any] = {}
    more: Mapping[str, Any] = {}
    arguments: Sequence[str] = ()
    nodes: int = 1
    environ: Mapping[str, str] = {}
    around: Callable[[Path], ContextManager[Any]] = nothing


def raises(text: str, kind: str = "RuntimeError") -> str:
    """A service that ends with a traceback, as deep as usual."""
    return f"""
class {kind}(Exception): pass
def load():
    raise {kind}({text!r})
print(">> GPT weights restored from: checkpoints/gpt.pth", flush=True)
load()
"""


def write(fault: Fault, folder: Path) -> None:
    """Write the project of a fault."""
    (folder / "tests").mkdir()
    (folder / "service.py").write_text(SERVER + textwrap.dedent(fault.service), encoding="utf-8")
    (folder / "tests" / "test_it.py").write_text(ASK + textwrap.dedent(fault.suite), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    service = {
        "command": [sys.executable, "-S", "-E", "-u", "service.py", "{port}"],
        "stop_timeout": "1s",
        "ready": {"path": "/"},
    }
    document = {"suite": {"path": "tests"}, "service": {**service, **fault.keys}, **fault.more}
    (folder / "pipeline.yml").write_text(json.dumps(document), encoding="utf-8")


def run(fault: Fault, folder: Path) -> Tuple[List[Diagnosis], str]:
    """Start a fault for real; the verdicts, and what the run printed."""
    printed, ending = io.StringIO(), None
    write(fault, folder)
    with mock.patch.dict(os.environ, dict(fault.environ)), contextlib.redirect_stdout(printed), fault.around(folder):
        found = settings.load(str(folder / "pipeline.yml"), {}, folder)
        try:
            integration.run(found, list(fault.arguments), nodes=fault.nodes, at_once=min(fault.nodes, 2))
        except PipelineError as error:
            words = (type(error).__name__, error.message, error.hint_for(found.command))
            ending = Ending("integration", error.ended, error.exit_code, *words)
    record = reading.read_run(found)
    if ending and not record.verdict:
        record = replace(record, ending=ending)
    return diagnosis.diagnose(record), printed.getvalue()


def right(fault: Fault, found: Sequence[Diagnosis]) -> bool:
    """Tell whether the first verdict is the right one."""
    return bool(found) and found[0].kind == fault.kind and all(word in found[0].sentence for word in fault.says)


# At the start -----------------------------------------------------------------------------------------

OOM_CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB of which 1.20 GiB is "
    "free. "
    "Process 4242 has 22.40 GiB memory in use. Of the allocated memory 21.9 GiB is allocated by PyTorch"
)
DECOYS = """\
>> DeepSpeed加载失败，回退到标准推理: No module named 'deepspeed'
>> Failed to load custom CUDA kernel for BigVGAN. Falling back to torch."""
OTHER_WEIGHTS = "Error(s) in loading state_dict for UnifiedVoice:\n\tsize mismatch for text_embedding.weight: ..."
NO_LOCALHOST = (
    "When localhost is not accessible, a shareable link must be created. Please set share=True or check your proxy "
    "settings to allow access to localhost."
)
AT_START = (
    Fault("missing module", k.MODULE, ("no module named gradio",), "import gradio"),
    Fault(
        "missing weights",
        k.WEIGHTS_MISSING,
        ("checkpoints/bpe.model",),
        "print('Required file ./checkpoints/bpe.model does not exist. Please download it.'); sys.exit(1)",
    ),
    Fault("missing config", k.WEIGHTS_MISSING, ("checkpoints/config.yaml",), "open('checkpoints/config.yaml')"),
    Fault(
        "half a checkpoint",
        k.WEIGHTS_WRONG,
        ("damaged",),
        raises("PytorchStreamReader failed reading zip archive: failed finding central directory"),
    ),
    Fault(
        "a page as weights", k.WEIGHTS_WRONG, ("begins with <",), raises("invalid load key, '<'.", "UnpicklingError")
    ),
    Fault(
        "port held",
        k.PORT,
        ("port", "taken"),
        "raise OSError('Cannot find empty port in range: 7860-7860. You can specify a different port by setting the "
        "GRADIO_SERVER_PORT environment variable or passing the `server_port` parameter to `launch()`.')",
    ),
    Fault(
        "no CUDA",
        k.GPU_MISSING,
        ("CUDA is not there",),
        raises("Torch not compiled with CUDA enabled", "AssertionError"),
    ),
    Fault(
        "missing library",
        k.LIBRARY,
        ("libcudnn.so.9",),
        raises("libcudnn.so.9: cannot open shared object file: No such file or directory", "ImportError"),
    ),
    Fault("wrong Python", k.WRONG_PYTHON, ("3.99",), "sys.exit('This service requires Python >= 3.99')"),
    Fault(
        "bad argument",
        k.ARGUMENT,
        ("--gpu",),
        "import argparse\np = argparse.ArgumentParser(); p.add_argument('port'); p.parse_args(); serve()",
        keys={"command": [sys.executable, "service.py", "{port}", "--gpu"]},
    ),
    Fault("no such program", k.NO_COMMAND, ("no-such-program",), keys={"command": ["no-such-program", "{port}"]}),
    Fault(
        "no permission",
        k.PERMISSION,
        ("/proc/1/mem",),
        "raise PermissionError(13, 'Permission denied', '/proc/1/mem')",
    ),
    Fault("versions", k.VERSIONS, ("no_such_thing",), "from json import no_such_thing"),
    Fault(
        "hub blocked",
        k.NETWORK,
        ("huggingface.co",),
        raises(
            "We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the "
            "cached files.\n"
            "Check your internet connection or see how to run the library in offline mode at "
            "'https://huggingface.co/docs/transformers/installation#offline-mode'.",
            "OSError",
        ),
    ),
    Fault("GPU out of memory at start", k.GPU_MEMORY, ("2.00 GiB wanted", "1.20 GiB of 23.65 GiB"), raises(OOM_CUDA)),
    Fault(
        "a decoy before the cause", k.WEIGHTS_WRONG, ("UnifiedVoice",), f"print({DECOYS!r})\n{raises(OTHER_WEIGHTS)}"
    ),
    Fault("silent end", k.DIED_AT_START, ("wrote nothing", "exit code 3"), "os._exit(3)"),
    Fault("Gradio behind a proxy", k.PROXY, ("proxy",), raises(NO_LOCALHOST, "ValueError")),
    Fault("limit of memory", k.MEMORY, ("out of memory",), "bytearray(10**12)", keys={"limits": {"memory": "500 MB"}}),
    Fault(
        "prepare fails",
        k.MODULE,
        ("service.prepare failed", "nothing_there"),
        keys={"prepare": {"command": [sys.executable, "-c", "import nothing_there"]}},
    ),
)


@contextlib.contextmanager
def _other_weights(folder: Path) -> Iterator[None]:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "a.bin").write_bytes(b"other")
    yield


@contextlib.contextmanager
def _port_held(folder: Path) -> Iterator[None]:
    """Hold the port that the settings name."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        document = json.loads((folder / "pipeline.yml").read_text())
        document["service"]["port"] = holder.getsockname()[1]
        (folder / "pipeline.yml").write_text(json.dumps(document))
        yield


def _models(source: str) -> Mapping[str, Any]:
    file = {"path": "a.bin", "size": 4, "sha256": "0" * 64, "sources": [source]}
    return {"models": {"directory": "checkpoints", "files": [file]}}


OTHER_WEIGHT = _models("file:elsewhere/a.bin")
BEFORE_START = (
    Fault("digest mismatch", k.DIGEST, ("the weights", "a.bin"), more=OTHER_WEIGHT, around=_other_weights),
    Fault("port of the settings held", k.PORT, ("is in use by pid",), around=_port_held),
    Fault("no such folder", k.SETTINGS, ("service.directory",), keys={"directory": "nowhere"}),
    Fault(
        "no such package",
        k.PACKAGES,
        ("could not be installed", "no-such-package"),
        keys={"requirements": "requirements.txt"},
        around=lambda folder: _file(folder / "requirements.txt", "./no-such-package-0.0.1.whl\n"),
    ),
)

SOON = {"ready": {"path": "/", "timeout": "0.6s"}}
LATER = {"ready": {"path": "/", "timeout": "2.2s"}}  # two samples of the processor at least
ONLY_HEALTH = """
def answer(method, path, body):
    return (200, "x") if path == "/health" else (404, "no")
serve()
"""
NOT_LOADED = """
def answer(method, path, body):
    return 503, "model not loaded yet"
serve()
"""
COMPILES = """
print("Emitting ninja build file /root/.cache/torch_extensions/build.ninja...", flush=True)
time.sleep(60)
"""
NO_GPU_MEMORY = f"""
def answer(method, path, body):
    if path != "/tts":
        return 200, "fine"
    print("Traceback (most recent call last):\\n  File 'infer_v2.py', line 1, in infer", flush=True)
    print("torch.OutOfMemoryError: " + {OOM_CUDA!r}, flush=True)
    return 500, "Internal Server Error"
serve()
"""
NOT_READY = (
    Fault("wrong path", k.WRONG_PATH, ("404",), ONLY_HEALTH, keys={"ready": {"path": "/ready", "timeout": "0.6s"}}),
    Fault("listens elsewhere", k.LISTENS_ELSEWHERE, ("it listens on 127.0.0.1:",), "serve('0')", keys=SOON),
    Fault("hangs", k.HANGS_AT_START, ("hangs",), "time.sleep(60)", keys=LATER),
    Fault("loads slowly", k.SLOW_START, ("still works",), "while True: sum(range(10**5))", keys=LATER),
    Fault("compiles kernels", k.SLOW_START, ("compiles",), COMPILES, keys=SOON),
    Fault("says that it loads", k.MODEL_NOT_LOADED, ("model is not loaded",), NOT_LOADED, keys=SOON),
    Fault(
        "cannot work",
        k.GPU_MEMORY,
        ("ready but cannot work", "GPU out of memory"),
        NO_GPU_MEMORY,
        keys={"warm_up": {"path": "/tts", "json": {"text": "hello"}}},
    ),
)

DIES = """
def answer(method, path, body):
    if path == "/die": {deed}
    return 200, "fine"
serve()
"""
SUITE_DIES = """
def test_long_text():
    ask("/die", timeout=5)

def test_after():
    assert ask("/")[0] == 200
"""
# A control group of a few MB below our own: where none can be made, nothing is killed for memory on purpose.
JOINS = """
with open(os.environ["SMALL_GROUP"] + "/cgroup.procs", "w") as group: group.write("0")
"""


def _own_group() -> Optional[Path]:
    """Find the control group of memory that we are in, where one may be made below it."""
    folders = machine.groups_of("memory", machine.ROOT)
    found = next(iter(folders), None)
    return found if found and os.access(str(found), os.W_OK) and (found / "cgroup.procs").exists() else None


def has_groups() -> bool:
    """Tell whether a control group with a limit of memory can be made here."""
    try:
        with _small_group(Path()):
            return True
    except (OSError, LookupError):
        return False


@contextlib.contextmanager
def _small_group(folder: Path) -> Iterator[None]:
    own = _own_group()
    if own is None:
        raise LookupError("no control group can be made here")
    group = own / f"shardline-test-{os.getpid()}"
    group.mkdir()
    try:
        limit = next(group / name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists())
        limit.write_text(str(40 * 2**20))
        with mock.patch.dict(os.environ, {"SMALL_GROUP": str(group)}):
            yield
    finally:
        group.rmdir()


# What a full disk says, by a device that is always full.
FULL_DISK = """
import traceback

def answer(method, path, body):
    if path != "/tts":
        return 200, "fine"
    try:
        with open("/dev/full", "w") as file:
            file.write("x")
    except OSError:
        traceback.print_exc()
        return 500, "Internal Server Error"
serve()
"""
HANGS = """
hangs = []

def answer(method, path, body):
    if path == "/slow" or hangs:
        hangs.append(1)
        time.sleep(60)
    return 200, "fine"
serve()
"""
ERRORS = """
def answer(method, path, body):
    return (500 if path == "/x" else 200), "no"
serve()
"""
SLOW = """
def answer(method, path, body):
    time.sleep(0.1)
    return 200, "fine"
serve()
"""
SPEAKS = """
def test_b():
    assert ask("/tts")[0] == 200

def test_c():
    assert ask("/tts")[0] == 200
"""
FOUR = "import pytest\n@pytest.mark.parametrize('n', range(4))\n"
FIXTURE = """
import pytest

@pytest.fixture(scope="module")
def voice():
    raise ValueError("no voice")

@pytest.mark.parametrize("n", range(4))
def test_x(voice, n):
    pass
"""
ONE_ERROR = f"""
{FOUR}
def test_x(n):
    raise ValueError(f"sample rate {{16000 + n}}, expected 24000 in /tmp/a{{n}}/x.wav")
"""
FULL = "import errno\nraise OSError(errno.ENOSPC, 'No space left on device', '/tmp/x')\n"
QUICK = {"suite": {"path": "tests", "test_timeout": "1s"}}
CRASHES = "os.kill(os.getpid(), signal.{})"
EATS = "time.sleep(1.1); bytearray(200 * 2**20)"
LONG = "test_long_text"
IN_TESTS = (
    Fault("segmentation fault", k.CRASHED, ("SIGSEGV", LONG), DIES.format(deed=CRASHES.format("SIGSEGV")), SUITE_DIES),
    Fault("exit code in a test", k.CRASHED, ("exit code 7", LONG), DIES.format(deed="os._exit(7)"), SUITE_DIES),
    Fault("killed from outside", k.KILLED, (LONG,), DIES.format(deed=CRASHES.format("SIGKILL")), SUITE_DIES),
    Fault(
        "killed for memory",
        k.MEMORY,
        ("killed by the kernel for memory", LONG, "MB of 41.9 MB allowed"),
        DIES.format(deed=EATS).replace("serve()", f"{JOINS}serve()"),
        SUITE_DIES,
        around=_small_group,
    ),
    Fault("disk full in tests", k.DISK_FULL, ("the disk is full",), FULL_DISK, SPEAKS),
    Fault("GPU out of memory in tests", k.GPU_MEMORY, ("2 of 2 tests failed", "2.00 GiB"), NO_GPU_MEMORY, SPEAKS),
    Fault(
        "errors to all",
        k.SERVICE_ERRORS,
        ("4 of 4 tests failed", "answered 500"),
        ERRORS,
        f"{FOUR}def test_x(n):\n    assert ask('/x')[0] == 200\n",
    ),
    Fault(
        "hangs in a test",
        k.HUNG,
        ("the service hung", "test_slow"),
        HANGS,
        "def test_slow():\n    ask('/slow', timeout=60)\n",
        more=QUICK,
    ),
)
ENDS = "import signal\ndef test_ends(): {}\n"
BROKEN = "tests/test_it.py cannot be collected"
SUITES = (
    Fault("test hung", k.TEST_HUNG, ("test_x hung",), suite="import time\ndef test_x(): time.sleep(60)\n", more=QUICK),
    Fault("test kills its process", k.TEST_KILLED_PROCESS, ("exit code 0",), suite=ENDS.format("os._exit(0)")),
    Fault("test crashes", k.TEST_KILLED_PROCESS, ("SIGSEGV",), suite=ENDS.format(CRASHES.format("SIGSEGV"))),
    Fault("collection: module", k.MODULE, (BROKEN, "no_such_module"), suite="import no_such_module\n" + PASSES),
    Fault("collection: syntax", k.COLLECTION, (BROKEN, "SyntaxError"), suite="def test_x(:\n"),
    Fault("collection: disk full", k.DISK_FULL, (BROKEN, "the disk is full"), suite=FULL),
    Fault(
        "conftest.py",
        k.MODULE,
        ("tests/conftest.py cannot be imported: no module named nothing",),
        around=lambda folder: _file(folder / "tests" / "conftest.py", "import nothing\n"),
    ),
    Fault("missing fixture", k.COLLECTION, ("no fixture nothing",), suite="def test_x(nothing): pass\n"),
    Fault("unknown option", k.ARGUMENT, ("--no-such-option",), arguments=["--no-such-option"]),
    Fault("shared fixture", k.FIXTURE, ("the fixture voice fails", "4 tests"), suite=FIXTURE),
    Fault(
        "one signature", k.ONE_SIGNATURE, ("4 of 4 tests failed with the same error", "sample rate"), suite=ONE_ERROR
    ),
    Fault("plain assertion", k.ASSERTION, ("test_x failed",), suite=PASSES + "def test_x(): assert len('abc') == 4\n"),
)
LIMITS = (
    Fault("latency", k.LATENCY, ("answers too slowly",), SLOW, keys={"budgets": {"probe_latency": "20ms"}}),
    Fault("over a budget", k.OVER_BUDGET, ("more memory",), keys={"budgets": {"memory": "1 MB"}}),
)
ALL = (*AT_START, *BEFORE_START, *NOT_READY, *IN_TESTS, *SUITES, *LIMITS)
IN_A_GROUP = ("killed for memory",)
COSTLY = (  # by seconds or processor, and of a kind of which another is started: only the table has them
    "exit code in a test",
    "killed from outside",
    "hangs in a test",
    "loads slowly",
    "hangs",
    "collection: module",
    "collection: syntax",
    "test crashes",
    "over a budget",
    "plain assertion",
    "errors to all",
)
BY_NAME: Dict[str, Fault] = {fault.name: fault for fault in ALL}


def main(names: Sequence[str]) -> int:
    """Start faults, all of them where none is named, and show what is said of each."""
    wrong = 0
    for fault in [BY_NAME[name] for name in names] or ALL:
        began, cpu = time.monotonic(), os.times()
        with tempfile.TemporaryDirectory() as folder:
            found, printed = run(fault, Path(folder))
        is_right = right(fault, found)
        wrong += not is_right
        after = os.times()
        cpu_s = sum(after[:4]) - sum(cpu[:4])
        print(f"{'ok   ' if is_right else 'WRONG'} {fault.name:32} {time.monotonic() - began:4.1f} s, cpu {cpu_s:4.1f}")
        for number, each in enumerate(found[: 1 if is_right else 3]):
            print(f"      {number} {each.kind}: {each.sentence}\n        {each.chinese}")
        if names or not is_right:
            print("\n".join(f"      {line}" for line in diagnosis.lines(found)))
        if names:
            print(printed)
    print(f"{len(names or ALL) - wrong} of {len(names or ALL)} right")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
