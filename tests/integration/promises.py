"""What the engine behind the service promises: the one place where engines differ, as GET /health says it.

See tests/reference_service/protocol.py. By which rule a promise is judged is in rules.py.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Dict, NamedTuple, Tuple, Union

import requests

USUAL_FACTOR = 2.0  # seconds of waiting for a second of speech, of an engine that promises nothing


class Promises(NamedTuple):
    """What /health promises."""

    sample_rate_hz: int
    languages: Tuple[str, ...]
    emotions: Tuple[str, ...]
    longest_text: int
    repeatable: bool
    real_time_factor: float
    voice: str
    most_waiting: int


def promised() -> Promises:
    """Tell what the engine promises, or fail with why that is not known; the service is asked once."""
    found = _asked(os.environ["SERVICE_URL"].rstrip("/"))
    assert isinstance(found, Promises), f"GET /health: expected the engine's promises, came {found}"
    return found


@functools.lru_cache(maxsize=None)
def _asked(url: str) -> Union[Promises, str]:
    try:
        told = requests.get(url + "/health", timeout=60).json()["promises"]
        return read(told)
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return repr(error)


def read(told: Any) -> Promises:
    """Read the promises; one of another type is none that a test may judge by.

    Raises:
        KeyError, TypeError: one is missing, or no such value.
    """
    for name, value in told.items():
        kind = KINDS.get(name)
        is_right = kind is None or (
            isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) and value != ""
        )
        if not is_right or (isinstance(value, list) and not all(isinstance(each, str) for each in value)):
            raise TypeError(f"{name}: {value!r}")
    return Promises(**{name: tuple(told[name]) if KINDS[name] is list else told[name] for name in Promises._fields})


KINDS: Dict[str, Any] = {
    "sample_rate_hz": int,
    "languages": list,
    "emotions": list,
    "longest_text": int,
    "repeatable": bool,
    "real_time_factor": (int, float),
    "voice": str,
    "most_waiting": int,
}


def real_time_factor() -> float:
    """Tell how patiently an answer is waited for; what is not promised fails where a test asks for it."""
    found = _asked(os.environ["SERVICE_URL"].rstrip("/"))
    return found.real_time_factor if isinstance(found, Promises) else USUAL_FACTOR
