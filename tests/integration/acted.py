"""What is spoken with an emotion beside what is spoken neutrally: the same text twice, by scripts/audio/emotion.py."""

from __future__ import annotations

import functools
from typing import Iterable, List, Sequence, Tuple

from scripts.audio import emotion
from scripts.audio.clip import Clip
from scripts.audio.emotion import Move, Voice
from scripts.audio.judging import Verdict
from scripts.audio.wav import Wav
from tests.integration.service import Speech, fault


def clip_of(speech: Speech) -> Clip:
    """Give the recording with its text."""
    return Clip(speech.wav, speech.text)


def moves_of(pairs: Iterable[Tuple[Speech, Speech]]) -> List[Move]:
    """Measure the way from each neutral speech to the acted one."""
    return [emotion.move(_voice(neutral.wav), _voice(acted.wav)) for neutral, acted in pairs]


def heard(verdicts: Sequence[Verdict], speech: Speech) -> None:
    """Check that nothing is wrong; what is, is said in the words of the gates."""
    for each in verdicts:
        assert each.passed, fault(speech, each.words, f"{each.low} to {each.high}", f"{each.value:.2f}")


@functools.lru_cache(maxsize=256)
def _voice(wav: Wav) -> Voice:
    """Listen once: neutral is the other side of every emotion."""
    return emotion.listen(Clip(wav))
