"""By which rule an engine is judged, where one is bound to more than another, and which tests were judged by which."""

from __future__ import annotations

from typing import Dict, List, Sequence, Set

from scripts.audio.catalogue import BY_NAME
from scripts.audio.likeness import likeness
from tests.integration import evidence
from tests.integration.promises import promised
from tests.integration.service import Speech, fault

MEASURED_VOICE = "Baker/BZNSYP"  # whose limits stand in these tests, and in audio/baseline.json
BYTES, SOUND = "the very bytes", "the sound: this engine does not promise the same bytes"
OF_VOICE, OF_ANY = "limits of this voice", "limits of any speech"
SAME_SOUND = BY_NAME["distance"].usual.high or 0.0  # different sentences of one voice: 7.8 to 11.9

_rules: Dict[str, Set[str]] = {}


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
