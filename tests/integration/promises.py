"""What the engine behind the service promises, and by which rule it is judged: the one place where engines differ.

GET /health says what it promises (tests/reference_service/protocol.py). Every test holds for every engine; where one
engine is bound to more than another, the test asks here, and the report says by which rule it judged.
"""

from __future__ import annotations

import functools
import os
from typing import Dict, List, NamedTuple, Set, Tuple

import requests

from scripts.audio.catalogue import BY_NAME
from scripts.audio.likeness import likeness
from tests.integration import evidence
from tests.integration.service import Speech, fault

MEASURED_VOICE = "Baker/BZNSYP"  # whose limits stand in these tests, and in audio/baseline.json
BYTES, SOUND = "the very bytes", "the sound: this engine does not promise the same bytes"
OF_VOICE, OF_ANY = "limits of this voice", "limits of any speech: nobody has measured this voice"
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


@functools.lru_cache(maxsize=None)
def promised() -> Promises:
    """Ask the service what its engine promises; once."""
    try:
        state = requests.get(os.environ["SERVICE_URL"].rstrip("/") + "/health", timeout=60).json()
        told = state["promises"]
        return Promises(**{name: _fixed(told[name]) for name in Promises._fields})
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise AssertionError(f"GET /health: expected the engine's promises, came {error!r}") from None


def _fixed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def is_measured() -> bool:
    """Tell whether the limits in these tests are those of the voice that speaks."""
    measured = promised().voice == MEASURED_VOICE
    judged_by(OF_VOICE if measured else OF_ANY)
    return measured


def check_same(speech: Speech, expected: Speech, what: str) -> None:
    """Check that an answer is the same as another: to the byte where the engine promises that, else by its sound."""
    if speech.body == expected.body:
        judged_by(BYTES)
        return
    if promised().repeatable:
        judged_by(BYTES)
        raise AssertionError(fault(speech, what, f"the same {len(expected.body)} bytes", f"{len(speech.body)} others"))
    judged_by(SOUND)
    came = likeness(speech.wav, expected.wav).distance

    assert came < SAME_SOUND, fault(speech, f"{what}: distance", f"below {SAME_SOUND}", f"{came:.1f}")


def judged_by(rule: str) -> None:
    """Note by which rule the test that runs judges."""
    _rules.setdefault(evidence.running_test(), set()).add(rule)


def rules_of(nodeid: str) -> Set[str]:
    """Name the rules by which a test judged; those of its fixtures count, too."""
    return _rules.get(nodeid, set())


def tests_by_rule() -> Dict[str, List[str]]:
    """Name the tests that were judged by each rule."""
    return {rule: [test for test in _rules if rule in _rules[test]] for rule in sorted(set().union(*_rules.values()))}
