"""Can the service do its work: the requests that must succeed before the first test."""

from __future__ import annotations

import time
from typing import Sequence

from ..console import human_seconds
from ..errors import WarmUpFailed
from ..settings import WarmUp
from .asking import UNFINISHED, Answer, Target, ask, body_words, check_alive, pause, status_words, with_log

DEATH_FOLLOWS_S = 1.0  # a dying process closes its connections before it can be seen dead


def run(target: Target, steps: Sequence[WarmUp]) -> float:
    """Take each step in turn.

    Returns:
        seconds that they took together.

    Raises:
        ServiceDied: the process ended; said at once.
        WarmUpFailed: a step had any other answer than the expected one, or none in its time.
    """
    began = time.monotonic()
    for step in steps:
        _ask(target, step)
    return time.monotonic() - began


def _ask(target: Target, request: WarmUp) -> None:
    target = target._replace(phase="during the warm-up")
    method, path = ("GET" if request.json is None else "POST"), request.path or "/"
    deadline = time.monotonic() + request.timeout_s
    answer = ask(target, method, path, request.timeout_s, deadline, request.json) or UNFINISHED
    if target.process and answer.problem:
        pause(target, DEATH_FOLLOWS_S)
    check_alive(target)
    fault = fault_of(answer)
    if fault:
        message = f"the service is ready but cannot work: the warm-up {method} {target.shown(path)} {fault}"
        hint = f"Send it by hand, or see service.warm_up (its timeout is {human_seconds(request.timeout_s)})."
        raise with_log(WarmUpFailed, message, hint, target)


def fault_of(answer: Answer) -> str:
    """Say what is wrong with the answer to the warm-up, or ""."""
    if answer.problem:
        return answer.problem
    if not 200 <= answer.status < 300:
        return f"answered {status_words(answer.status)}, expected 2xx: {body_words(answer.body)}"
    return "" if answer.body else f"answered {status_words(answer.status)} with an empty body"
