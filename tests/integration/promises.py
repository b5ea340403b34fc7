"""What the engine behind the service promises, and by which rule it is judged: the one place where engines differ.

GET /health says what it promises (tests/reference_service/protocol.py). Every test holds for every engine; where one
engine is bound to more than another, the test asks here, and the report says by which rule it judged.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Dict, List, NamedTuple, Sequence, Set, Tuple, Union

import requests

from scripts.audio.catalogue import BY_NAME
from scripts.audio.likeness import likeness
from tests.integration import evidence
from tests.integration.service import Speech, fault

MEASURED_VOICE = "Baker/BZNSYP"  # whose limits stand in these tests, and in audio/baseline.json
BYTES, SOUND = "the very bytes", "the sound: this engine does not promise the same bytes"
OF_VOICE, OF_ANY = "limits of this voice", "limits of any speech"
SAME_SOUND = BY_NAME["distance"].usual.high or 0.0  # different sentences of one voice: 7.8 to 11.9

_rules: Dict[str, Set[str]] = {}


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


def is_measured() -> bool:
    """Tell whether the limits in these tests are those of the voice that speaks."""
    measured = promised().voice == MEASURED_VOICE
    judged_by(OF_VOICE if measured else OF_ANY)
    return measured


def check_same(speech: Speech, expected: Speech, what: str, others: Sequence[Speech] = ()) -> None:
    """Check that an answer is the same as another: to the byte where the engine promises that, else by its sound.

    Args:
        others: of the same text, what it must not be: by its sound, it is nearer to the expected one than to each.
    """
    if speech.body == expected.body:
        judged_by(BYTES)
        return
    if promised().repeatable:
        judged_by(BYTES)
        raise AssertionError(fault(speech, what, f"the same {len(expected.body)} bytes", f"{len(speech.body)} others"))
    judged_by(SOUND)
    came = likeness(speech.wav, expected.wav).distance

    most = min([SAME_SOUND, *(likeness(speech.wav, other.wav).distance for other in others)])

    assert came < most, fault(speech, f"{what}: distance", f"below {most:.1f}", f"{came:.1f}")


def judged_by(rule: str) -> None:
    """Note by which rule the test that runs judges."""
    _rules.setdefault(evidence.running_test(), set()).add(rule)


def rules_of(nodeid: str) -> Set[str]:
    """Name the rules by which a test judged; those of its fixtures count, too."""
    return _rules.get(nodeid, set())


def tests_by_rule() -> Dict[str, List[str]]:
    """Name the tests that were judged by each rule."""
    return {rule: [test for test in _rules if rule in _rules[test]] for rule in sorted(set().union(*_rules.values()))}
