"""Is the service ready, and can it do its work: the probe, the warm-up, and a death meanwhile.

The process is watched apart from the request, so that a request that hangs does not hide a death.
"""

from __future__ import annotations

import http
import ipaddress
import json
import threading
import time
from typing import Any, Callable, List, NamedTuple, Optional
from urllib.parse import urlsplit

from ..console import bare_urls, human_seconds, visible
from ..errors import PipelineError, PortInUse, ServiceDied, ServiceNotReady, WarmUpFailed
from ..settings import Probe, WarmUp
from ..system.processes import POLL_S, Process, exit_words

PROBE_S = 1.0  # for one probe to connect, and to answer
DEATH_FOLLOWS_S = 1.0  # a dying process closes its connections before it can be seen dead
BODY_CHARACTERS = 300


class Answer(NamedTuple):
    """What came of a request: status and body, or `problem`, why there is none, in words after "it"."""

    status: int = 0
    body: bytes = b""
    problem: str = ""


UNFINISHED = Answer(problem="did not answer in time, or not to the end")


class Target(NamedTuple):
    """The service that is asked. One that we did not start has no process; `setting` names its url."""

    url: str
    process: Optional[Process] = None
    setting: str = ""
    phase: str = "before it was ready"

    def at(self, path: str) -> str:
        """Give the url of a path."""
        return f"{self.url}/{path.lstrip('/')}"

    def shown(self, path: str) -> str:
        """Give the url of a path for people: without what may be a secret."""
        return bare_urls(self.at(path))


def wait_until_ready(target: Target, probe: Probe) -> float:
    """Ask until the service answers 200.

    Returns:
        seconds since its start (a service of others: since the first question).

    Raises:
        ServiceDied: its process ended; said at once.
        ServiceNotReady: not within `probe.timeout_s`, counted from the start.
        PortInUse: another service answers, one that says another run id than ours.
    """
    began = time.monotonic() - (target.process.age_s() if target.process else 0)
    deadline = began + probe.timeout_s
    answer = UNFINISHED
    while True:
        check_alive(target)
        if time.monotonic() >= deadline:
            raise not_ready(target, probe, answer)
        # The time may end the last probe before its answer; then the one before tells more.
        answer = _ask(target, "GET", probe.path, PROBE_S, deadline) or answer
        if answer.status == 200:
            check_alive(target)
            _check_ours(target, answer)
            return time.monotonic() - began
        _pause(target, min(pause_s(time.monotonic() - began), max(0.0, deadline - time.monotonic())))


def warm_up(target: Target, request: WarmUp) -> float:
    """Send the one request that must succeed: status 2xx and a body.

    Returns:
        seconds that it took.

    Raises:
        ServiceDied: the process ended; said at once.
        WarmUpFailed: any other answer, or none within `request.timeout_s`.
    """
    began = time.monotonic()
    target = target._replace(phase="during the warm-up")
    method = "GET" if request.json is None else "POST"
    deadline = began + request.timeout_s
    answer = _ask(target, method, request.path, request.timeout_s, deadline, request.json) or UNFINISHED
    if target.process and answer.problem:
        _pause(target, DEATH_FOLLOWS_S)
    check_alive(target)
    fault = warm_up_fault(answer)
    if fault:
        message = f"the service is ready but cannot work: the warm-up {method} {target.shown(request.path)} {fault}"
        hint = f"Send it by hand, or see service.warm_up (its timeout is {human_seconds(request.timeout_s)})."
        raise _with_log(WarmUpFailed, message, hint, target)
    return time.monotonic() - began


def check_alive(target: Target) -> None:
    """Raise ServiceDied if the process has ended; said with its last words and in which phase."""
    returncode = target.process.poll() if target.process else None
    if target.process and returncode is not None:
        raise died(target.process, returncode, target.phase)


def pause_s(waited_s: float) -> float:
    """Choose the seconds between two probes: a twentieth of the wait, so that few of them stand in the service's log.

    >>> pause_s(0.2), pause_s(4.0), pause_s(60.0)
    (0.05, 0.2, 0.5)
    """
    return min(0.5, max(0.05, waited_s / 20))


def warm_up_fault(answer: Answer) -> str:
    """Say what is wrong with the answer to the warm-up, or ""."""
    if answer.problem:
        return answer.problem
    if not 200 <= answer.status < 300:
        return f"answered {status_words(answer.status)}, expected 2xx: {body_words(answer.body)}"
    return "" if answer.body else f"answered {status_words(answer.status)} with an empty body"


def is_foreign(body: bytes, run_id: str) -> bool:
    """Tell whether the body of a probe names a run id other than ours; a body that names none does not.

    >>> is_foreign(b'{"run_id": "a"}', "b"), is_foreign(b'{"run_id": "a"}', "a"), is_foreign(b"fine", "a")
    (True, False, False)
    """
    try:
        data = json.loads(body.decode("utf-8"))
    except ValueError:
        return False
    named = data.get("run_id") if isinstance(data, dict) else None
    return isinstance(named, str) and named != run_id


def status_words(status: int) -> str:
    """Name a status as people know it.

    >>> status_words(503), status_words(599)
    ('503 Service Unavailable', '599')
    """
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def body_words(body: bytes) -> str:
    r"""Show the beginning of a body in one line; of what is no text only the size.

    >>> body_words(b"no model"), body_words(b"RIFF\x00\x01"), body_words(b"")
    ('no model', '(6 bytes that are no text)', '(empty body)')
    """
    if not body:
        return "(empty body)"
    text = body[: 4 * BODY_CHARACTERS].decode("utf-8", "replace")[:BODY_CHARACTERS]
    if "\x00" in text or text.count("\ufffd") > len(text) / 10:
        return f"({len(body)} bytes that are no text)"
    return visible(" ".join(text.split()))


def problem_words(error: BaseException, timeout_s: float) -> str:
    """Say why a request got no answer, in plain words instead of three nested exceptions."""
    import requests

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"did not accept the connection within {human_seconds(timeout_s)}"
    if isinstance(error, requests.exceptions.Timeout):
        return f"accepted the connection but did not answer within {human_seconds(timeout_s)}"
    causes = _causes(error)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "refused the connection: nothing listens there"
    if any(isinstance(cause, ConnectionError) for cause in causes):
        return "closed the connection without an answer"
    return f"could not be asked: {visible(str(causes[-1]))}"


def is_loopback(url: str) -> bool:
    """Tell whether the url is this machine's own.

    >>> is_loopback("http://127.0.0.1:80"), is_loopback("http://localhost"), is_loopback("http://10.0.0.7")
    (True, True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def died(process: Process, returncode: int, phase: str) -> ServiceDied:
    """Make the error that says how the process ended, after how long, and what it wrote last."""
    message = f"the service ended with {exit_words(returncode)} after {human_seconds(process.age_s())}, {phase}"
    hint = f"The whole log is {process.log}."
    if returncode == -9:
        hint = f"SIGKILL from outside is mostly the kernel's, for want of memory: see dmesg. {hint}"
    elif returncode == 0:
        hint = f"service.command must stay in the foreground as long as the service runs. {hint}"
    return ServiceDied(f"{message}\n{_last_lines(process)}", hint)


def not_ready(target: Target, probe: Probe, answer: Answer) -> PipelineError:
    """Make the error that says how long was waited, what came last, and what the service wrote last."""
    last = answer.problem or f"answered {status_words(answer.status)}, expected 200 OK"
    message = f"{target.shown(probe.path)} was not ready within {human_seconds(probe.timeout_s)}: it {last}"
    hint = "If it only needs longer, raise service.ready.timeout in pipeline.yml."
    if target.setting:
        hint = f"{target.setting} names this service, so none was started: start it, or correct the url."
    return _with_log(ServiceNotReady, message, hint, target)


def _with_log(kind: Callable[[str, str], PipelineError], message: str, hint: str, target: Target) -> PipelineError:
    if target.process is None:
        return kind(message, hint)
    return kind(f"{message}\n{_last_lines(target.process)}", f"{hint} The whole log is {target.process.log}.")


def _last_lines(process: Process) -> str:
    lines = process.last_lines() or ["(it wrote nothing)"]
    return "\n".join([f"last lines of {process.log}:", *(f"  | {line}" for line in lines)])


def _check_ours(target: Target, answer: Answer) -> None:
    if target.process and is_foreign(answer.body, target.process.run_id):
        raise PortInUse(
            f"the service that answers at {bare_urls(target.url)} is not the one that was started: "
            f"it says another run_id than {target.process.run_id}",
            "Something took the port in between. Run again, or stop the other service.",
        )


def _pause(target: Target, seconds: float) -> None:
    """Sleep, unless the service dies meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
        check_alive(target)


def _ask(
    target: Target, method: str, path: str, timeout_s: float, deadline: float, body: Any = None
) -> Optional[Answer]:
    """Send one request, in a thread, so that neither a death nor the deadline waits for it.

    Returns:
        the answer, or None where there is none by the deadline.

    Raises:
        ServiceDied: the process ended meanwhile.
    """
    answers: List[Answer] = []
    arrived = threading.Event()

    def ask() -> None:
        answers.append(_request(method, target.at(path), timeout_s, body))
        arrived.set()

    threading.Thread(target=ask, daemon=True).start()
    while not arrived.wait(max(0.0, min(POLL_S, deadline - time.monotonic()))):
        check_alive(target)
        if time.monotonic() >= deadline:
            return None
    return answers[0]


def _request(method: str, url: str, timeout_s: float, body: Any) -> Answer:
    import requests

    with requests.Session() as session:
        session.trust_env = not is_loopback(url)  # a proxy of the environment must not capture loopback
        try:
            answer = session.request(method, url, json=body, timeout=timeout_s, allow_redirects=False)
            return Answer(answer.status_code, answer.content)
        except Exception as error:  # whatever it is, it is the answer; raised it would only end the thread
            return Answer(problem=problem_words(error, timeout_s))


def _causes(error: BaseException) -> List[BaseException]:
    """List the error and what it came from, outermost first."""
    chain = [error]
    while True:
        last = chain[-1]
        cause = last.__cause__ or last.__context__
        if cause is None or cause in chain:
            return chain
        chain.append(cause)
