"""Is the service ready: the probe, within one budget of time. Why it is not, is told in diagnosis.py."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from typing import Callable, Optional

from ..console import bare_urls, human_seconds, uncoloured
from ..errors import PipelineError, PortInUse, ServiceNotReady, SettingsError
from ..settings import Probe
from ..system import oom
from ..system.processes import Process
from . import death, diagnosis
from .asking import UNFINISHED, Answer, Target, ask, check_alive, kind_of, pause, problem_words, with_log
from .expectations import fault

PROBE_S = 1.0  # for one probe to connect, and to answer
CHUNK_BYTES = 1024 * 1024  # of a log are searched between two looks at the process
LINE_CHARACTERS = 64 * 1024  # of a line that has no end yet are kept

Check = Callable[[float], Optional[Answer]]


def wait_until_ready(target: Target, probe: Probe) -> float:
    """Ask until the service is ready, as the probe says it: by its answer, its port or its log.

    Returns:
        seconds since its start (a service of others: since the first question).

    Raises:
        ServiceDied: its process ended; said at once.
        ServiceNotReady: not within `probe.timeout_s`, counted from the start.
        PortInUse: another program has its port, or another service answers: one that says another run id than ours.
        SettingsError: its log is to say that it is ready, and it has none here.
    """
    began = time.monotonic() - (target.process.age_s() if target.process else 0)
    deadline = began + probe.timeout_s
    check = _check_of(target, probe)
    answer = UNFINISHED
    while True:
        check_alive(target)
        if time.monotonic() >= deadline:
            raise not_ready(target, probe, answer)
        # The time may end the last probe before its answer; then the one before tells more.
        answer = check(deadline) or answer
        if not _fault(probe, answer):
            check_alive(target)
            _check_ours(target, answer)
            return time.monotonic() - began
        pause(target, min(pause_s(time.monotonic() - began), max(0.0, deadline - time.monotonic())))


def pause_s(waited_s: float) -> float:
    """Choose the seconds between two probes: a twentieth of the wait, so that few of them stand in the service's log.

    >>> pause_s(0.2), pause_s(4.0), pause_s(60.0)
    (0.05, 0.2, 0.5)
    """
    return min(0.5, max(0.05, waited_s / 20))


def is_foreign(body: bytes, run_id: str) -> bool:
    """Tell whether the body of a probe names a run id other than ours; a body that names none does not.

    >>> is_foreign(b'{"run_id": "a"}', "b"), is_foreign(b'{"run_id": "a"}', "a"), is_foreign(b"fine", "a")
    (True, False, False)
    """
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    named = data.get("run_id") if isinstance(data, dict) else None
    return isinstance(named, str) and named != run_id


def not_ready(target: Target, probe: Probe, answer: Answer) -> PipelineError:
    """Make the error that says how long was waited, what came last and why, and what the service wrote last."""
    within = human_seconds(probe.timeout_s)
    if probe.log is not None:
        message = f"the service was not ready within {within}: it {answer.problem}"
        hint = f"See what it writes when it is ready, and correct service.ready.log. {diagnosis.LONGER}"
        return with_log(ServiceNotReady, message, hint, target)
    where = bare_urls(target.url) if probe.tcp else target.shown(probe.path)
    seen = diagnosis.look(target, probe, answer)
    cause = diagnosis.cause_of(target, probe, seen)
    message = f"{where} was not ready within {within}: it {_fault(probe, answer)}{cause.words}"
    return with_log(PortInUse if seen.taken and not answer.status else ServiceNotReady, message, cause.hint, target)


class LogSearch:
    """Searches what a log gains for a line in which a pattern is found; each byte is read once.

    A line that has no end yet counts when it has not grown since the look before.
    """

    def __init__(self, process: Process, pattern: str) -> None:
        self._process, self._at = process, process.log_start_bytes
        self._find = re.compile(pattern).search
        # Many lines are searched at once, 10 times as fast, where a pattern cannot mean something else there.
        is_plain = not re.search(r"\\[AZ]|\(\?", pattern)
        self._may_have = re.compile(pattern, re.MULTILINE).search if is_plain else lambda text: True
        self._rest, self._is_old = "", False

    def found(self, go_on: Callable[[], bool] = lambda: True) -> bool:
        """Search what was added, as long as `go_on` says so; bytes that are no UTF-8 do not count."""
        while go_on():
            added = self._added()
            if not added:
                is_old, self._is_old = self._is_old, True
                return is_old and self._has(self._rest)
            self._is_old = False
            whole, _, rest = (self._rest + added).replace("\r", "\n").rpartition("\n")
            self._rest = rest[-LINE_CHARACTERS:]
            if self._has(whole):
                return True
        return False

    def _has(self, text: str) -> bool:
        if "\x1b" in text or "\x9b" in text:  # few logs are coloured, and looking for styles takes longer than the rest
            text = uncoloured(text)
        return bool(self._may_have(text)) and any(map(self._find, text.split("\n")))

    def _added(self) -> str:
        with self._process.log.open("rb") as log:
            if self._at > log.seek(0, os.SEEK_END):  # its middle was cut out meanwhile
                self._at = 0
            log.seek(self._at)
            added = log.read(CHUNK_BYTES)
        self._at += len(added)
        return added.decode("utf-8", "ignore")


def _check_of(target: Target, probe: Probe) -> Check:
    """Choose how to look whether the service is ready; each look ends by the deadline that it is given."""
    process = target.process
    if process:
        process.kills_before = process.kills_before or oom.kills()
        process.probed |= set() if probe.tcp or probe.log is not None else {probe.path}
    if probe.log is not None:
        if process is None:
            raise SettingsError(
                f"service.ready.log: {target.setting} names a service that is not started here, so it has no log here",
                "Give service.ready a path to ask, or tcp: true.",
            )
        search = LogSearch(process, probe.log)
        return lambda deadline: _searched(target, search, probe.log or "", deadline)
    if probe.tcp:
        return lambda deadline: _connected(target, deadline)
    return lambda deadline: ask(target, "GET", probe.path, PROBE_S, deadline)


def _searched(target: Target, search: LogSearch, pattern: str, deadline: float) -> Answer:
    def goes_on() -> bool:
        check_alive(target)
        return time.monotonic() < deadline

    try:
        if search.found(goes_on):
            return Answer()
    except OSError as error:
        return Answer(problem=f"has a log that cannot be read ({error})")
    return Answer(problem=f"wrote no line in which {pattern!r} is found")


def _connected(target: Target, deadline: float) -> Answer:
    timeout_s = min(PROBE_S, max(0.01, deadline - time.monotonic()))
    try:
        socket.create_connection(diagnosis.address_of(target.url), timeout_s).close()
    except (OSError, ValueError) as error:  # the second: a port that is none
        return Answer(problem=problem_words(error, timeout_s), kind=kind_of(error))
    return Answer()


def _fault(probe: Probe, answer: Answer) -> str:
    """Say what is wrong with what came of a probe, or ""."""
    if probe.tcp or probe.log is not None:
        return answer.problem
    return fault(answer, probe.expect)


def _check_ours(target: Target, answer: Answer) -> None:
    if target.process and is_foreign(answer.body, target.process.run_id):
        raise PortInUse(
            f"the service that answers at {bare_urls(target.url)} is not the one that was started: "
            f"it says another run_id than {target.process.run_id}",
            "Something took the port in between. Run again, or stop the other service.",
        )
    usurper = diagnosis.usurper(target)
    if usurper:
        message = f"what listens at {bare_urls(target.url)} is {death.holder_words(usurper)}, not what was started"
        raise with_log(PortInUse, message, "It took the port in between. Run again, or stop it.", target)
