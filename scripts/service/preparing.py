"""What is done once before services start: `service.prepare`, and one service that goes first into a cold cache.

Both are locked between the shards of this machine, by locks that the system frees when their holder dies.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .. import console
from ..console import human_seconds
from ..errors import PipelineError, PrepareFailed, SettingsError
from ..settings import Prepare, Settings
from ..system import files, locks, processes, records
from ..system.processes import Process, exit_words
from ..system.signals import held_back
from .watchdogs import NOBODY, Watchdog

SCHEMA = 1
STOP_S = 10.0  # between SIGTERM and SIGKILL, for what a preparation left running
POLL_S = 0.05
CHUNK_BYTES = 1 << 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """The preparation of one service, ready to be run: `argv` in `cwd` with `environ`, its output to `log`.

    `dog` ends it should we be killed.
    """

    name: str
    prepare: Prepare
    argv: Tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    run_id: str
    log: Path
    dog: Watchdog = NOBODY


# Prepare ------------------------------------------------------------------------------------------


def prepare(project: Settings, step: Step, say: Say) -> float:
    """Run the command unless it ran well with the same inputs, here or in another shard, which is waited for.

    Returns:
        seconds that it took, or that were waited for it.

    Raises:
        SettingsError: an input is not there, or there is no such program.
        PrepareFailed: it ended with an error, or took too long; it runs again at the next start.
    """
    began = time.monotonic()
    done, now = place(project, step.name), digest(project, step.name, Path(step.environ.get("VIRTUAL_ENV", "")).name)
    if _done(done) == now:
        return 0.0
    with _alone(done.with_suffix(".lock"), "service: waiting for who prepares it", say) as lock:
        if _done(done) != now:
            files.remove(done)  # what is killed half-way has made neither the old nor the new
            seconds = _run(project, step, lock, say)
            text = json.dumps({"schema": SCHEMA, "inputs": now, "seconds": round(seconds, 3)})
            files.write_text(done, text + "\n")
            say(f"service: prepared in {human_seconds(seconds)}")
    return time.monotonic() - began


def place(project: Settings, name: str) -> Path:
    """Name the file that says with which inputs a service was prepared last."""
    return project.state / "prepare" / f"{name}.json"


def digest(project: Settings, name: str, packages: str = "") -> str:
    """Take the sha-256 of all that decides what a preparation makes.

    That is its command and folder, what its inputs hold, the packages of the service, and the weights.

    Args:
        packages: the name of the service's environment, which stands for what is in it, local packages included.

    Raises:
        SettingsError: a pattern of `inputs` finds no file, or a file cannot be read.
    """
    service = project.all_services[name]
    assert service.prepare  # noqa: S101 - for mypy
    requirements = [project.project / service.requirements] if service.requirements else []
    known = [path for path in (*requirements, *(r.with_suffix(".lock") for r in requirements)) if path.is_file()]
    held = {str(path.relative_to(project.project)): _held(path) for path in [*inputs(project, service.prepare), *known]}
    weights = repr((project.models.files, project.models.wheels)) if project.models else ""
    parts = [SCHEMA, service.prepare.command, service.directory, sorted(held.items()), weights, packages]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def inputs(project: Settings, prepare: Prepare) -> List[Path]:
    """Find the files that a preparation depends on.

    Raises:
        SettingsError: a pattern finds none: when it changes would not be seen.
    """
    found: Dict[Path, None] = {}
    for pattern in prepare.inputs:
        try:
            matching = [path for path in sorted(project.project.glob(pattern)) if path.is_file()]
        except (ValueError, NotImplementedError) as error:
            raise _bad_input(project, f"{pattern!r}: {error}") from error
        if not matching:
            raise _bad_input(project, f"{pattern!r} finds no file below {project.project}")
        found.update(dict.fromkeys(matching))
    return list(found)


def _bad_input(project: Settings, why: str) -> SettingsError:
    message = f"{project.place('service.prepare.inputs')}: {why}"
    return SettingsError(message, "Write paths or patterns from the project's folder, as src/**/*.py.")


def _held(path: Path) -> str:
    """Take the sha-256 of what a file holds.

    Raises:
        SettingsError: it cannot be read.
    """
    content = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
                content.update(chunk)
    except OSError as error:
        raise SettingsError(f"service.prepare.inputs: cannot read {path}: {error.strerror}") from error
    return content.hexdigest()


def _done(file: Path) -> str:
    """Read with which inputs the last preparation ended well; empty where none did."""
    with suppress(PipelineError):
        return str(files.read_json(file, SCHEMA, "").get("inputs", ""))
    return ""


def _run(project: Settings, step: Step, lock: int, say: Say) -> float:
    """Run the command, recorded and watched as the service is: it ends with us.

    It holds our lock too, so that nobody begins a second one beside it.
    """
    process: Optional[Process] = None
    record: Optional[records.Record] = None
    step.log.parent.mkdir(parents=True, exist_ok=True)
    say(f"service: preparing it by {' '.join(console.shell_words(step.argv))}, output {project.shown(step.log)}")
    try:
        with held_back():
            step.dog.expect(step.run_id)
            process = processes.start(step.argv, step.cwd, step.environ, step.run_id, step.log, [lock])
            step.dog.watch(step.run_id, process.identity.pid)
            record = records.started("prepare", step.run_id, process.identity, step.argv, log=str(step.log))
            records.write(project.state, record)
        with console.progress("preparing the service"):
            code = _wait(process, step.prepare.timeout_s)
        if code != 0:
            raise _failed(process, code, step.prepare.timeout_s)
        return process.age_s()
    finally:
        if process:
            with held_back() as hurry:
                ending = process.stop(STOP_S, hurry)
                if record and not ending.left:
                    records.remove(project.state, record)
        step.dog.forget(step.run_id)


def _wait(process: Process, timeout_s: float) -> Optional[int]:
    """Wait for the end; returns the exit code, or None where the time was up."""
    while process.age_s() < timeout_s:
        code = process.poll()
        if code is not None:
            return code
        time.sleep(POLL_S)
    return None


def _failed(process: Process, code: Optional[int], timeout_s: float) -> PrepareFailed:
    how = f"ended with {exit_words(code)}" if code is not None else f"took longer than {human_seconds(timeout_s)}"
    lines = [f"  | {line}" for line in process.last_lines()] or ["  | (it wrote nothing)"]
    message = "\n".join([f"service.prepare {how}", f"last lines of {process.log}:", *lines])
    hint = "It runs again at the next start." if code is not None else "Raise service.prepare.timeout if it needs more."
    return PrepareFailed(message, f"{hint} The whole output is {process.log}.")


# One first ----------------------------------------------------------------------------------------


@dataclass
class Turn:
    """The turn of one service to start. `passed` lets all others start, at once; without it the next one is first.

    `lock` is what this one holds until then, None where it need not wait; `file` says for which run one was ready.
    """

    run: str = ""
    file: Path = Path()
    lock: Optional[ExitStack] = field(default=None, repr=False)
    waited_s: float = 0.0

    def passed(self) -> None:
        """Say that this service is ready."""
        if self.lock:
            with suppress(OSError):  # the next one waits for the lock, and then for nothing
                files.write_bytes(self.file, self.run.encode())
        self.close()

    def close(self) -> None:
        """Let the next one start."""
        if self.lock:
            self.lock.close()
            self.lock = None


@contextmanager
def turn(project: Settings, name: str, run: str, say: Say) -> Iterator[Turn]:
    """Wait until one service of this run has become ready, unless it is this one that goes first.

    The lock is held from before the start until it is ready, fails or dies.
    """
    began = time.monotonic()
    file = place(project, name).with_suffix(".first")
    with ExitStack() as lock:
        lock.enter_context(_alone(file.with_suffix(".turn"), "service: waiting for the first one to be ready", say))
        own = Turn(run, file, lock)
        if _was_ready(file) == run:
            own.waited_s = time.monotonic() - began
            own.close()
        yield own


def _was_ready(file: Path) -> str:
    """Read for which run a service was ready last."""
    with suppress(OSError):
        return files.read_bytes(file).decode("utf-8", "replace")
    return ""


@contextmanager
def _alone(path: Path, waiting: str, say: Say) -> Iterator[int]:
    """Hold a lock while the block runs, or until it is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.alone(path, lambda: say(waiting), waiting.partition(":")[0]) as lock:
        yield lock


def name_of(project: Settings, service: object) -> str:
    """Find the name of a service among those of the project.

    One that was changed for this start, as by `--port`, is the first one.
    """
    names: Sequence[str] = list(project.all_services)
    return next((name for name in names if project.all_services[name] is service), names[0])
