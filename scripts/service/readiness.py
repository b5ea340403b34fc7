"""Is the service ready: the probe, within one budget of time."""

from __future__ import annotations

import json
import time

from ..console import bare_urls, human_seconds
from ..errors import PipelineError, PortInUse, ServiceNotReady
from ..settings import Probe
from .asking import UNFINISHED, Answer, Target, ask, check_alive, pause, status_words, with_log

PROBE_S = 1.0  # for one probe to connect, and to answer


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
        answer = ask(target, "GET", probe.path, PROBE_S, deadline) or answer
        if answer.status == 200:
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
    except ValueError:
        return False
    named = data.get("run_id") if isinstance(data, dict) else None
    return isinstance(named, str) and named != run_id


def not_ready(target: Target, probe: Probe, answer: Answer) -> PipelineError:
    """Make the error that says how long was waited, what came last, and what the service wrote last."""
    last = answer.problem or f"answered {status_words(answer.status)}, expected 200 OK"
    message = f"{target.shown(probe.path)} was not ready within {human_seconds(probe.timeout_s)}: it {last}"
    hint = "If it only needs longer, raise service.ready.timeout in pipeline.yml."
    if target.setting:
        hint = f"{target.setting} names this service, so none was started: start it, or correct the url."
    return with_log(ServiceNotReady, message, hint, target)


def _check_ours(target: Target, answer: Answer) -> None:
    if target.process and is_foreign(answer.body, target.process.run_id):
        raise PortInUse(
            f"the service that answers at {bare_urls(target.url)} is not the one that was started: "
            f"it says another run_id than {target.process.run_id}",
            "Something took the port in between. Run again, or stop the other service.",
        )
