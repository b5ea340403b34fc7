"""Intensity scales the emotion: nothing at 0, more with every step, everything at 1.

A single sentence is sure only from 0.5 on, so the steps are compared by means over sentences.
"""

from __future__ import annotations

from typing import Dict, List

import pytest

from scripts.audio import emotion as gates
from scripts.audio.emotion import Leading, Move
from tests.integration.acted import heard, moves_of
from tests.integration.service import Say, Service, fault
from tests.integration.texts import SENTENCES

SPOKEN = SENTENCES[4:7]
STEPS = (0.25, 0.5, 1.0)

# Beside each: the smallest step in six other groups of three sentences.
LEADING = {
    "happy": Leading("pitch_st", +1, 0.2),  # 0.45
    "angry": Leading("length_percent", -1, 2),  # 4.3
    "sad": Leading("pitch_st", -1, 0.3),  # 0.66
    "afraid": Leading("length_percent", -1, 1.2),  # 3.0
    "disgusted": Leading("pitch_st", -1, 0.15),  # 0.40
    "melancholic": Leading("length_percent", +1, 5),  # 10.5
    "surprised": Leading("pitch_st", +1, 0.3),  # 0.78
    "calm": Leading("length_percent", +1, 0.6),  # 1.6
}


@pytest.fixture(scope="class", params=LEADING)
def emotion(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="class")
def moves(say_once: Say, emotion: str) -> Dict[float, List[Move]]:
    """Measure the move of each sentence away from neutral at every intensity."""
    return {
        step: moves_of([(say_once(text), say_once(text, emotion=emotion, intensity=step)) for text in SPOKEN])
        for step in STEPS
    }


class TestSteps:
    def test_more_intensity_moves_further(self, say_once: Say, emotion: str, moves: Dict[float, List[Move]]) -> None:
        verdicts = gates.judge_growth(emotion, moves, LEADING[emotion])
        heard(verdicts, say_once(SPOKEN[0], emotion=emotion, intensity=STEPS[-1]))

    def test_intensity_zero_is_neutral(self, say_once: Say, emotion: str) -> None:
        neutral = say_once(SPOKEN[0])
        zero = say_once(SPOKEN[0], emotion=emotion, intensity=0)

        assert neutral.body == zero.body, fault(
            zero, f"{emotion} at intensity 0", "the very bytes of neutral", "other bytes"
        )

    def test_intensity_is_one_by_default(self, say_once: Say, emotion: str) -> None:
        full = say_once(SPOKEN[0], emotion=emotion, intensity=1.0)
        default = say_once(SPOKEN[0], emotion=emotion)

        assert full.body == default.body, fault(
            default, f"{emotion} without intensity", "the very bytes of intensity 1", "other bytes"
        )


def test_neutral_is_the_default_emotion(say_once: Say) -> None:
    default, neutral = say_once(SPOKEN[1]), say_once(SPOKEN[1], emotion="neutral")

    assert neutral.body == default.body, fault(default, "no emotion given", "the very bytes of neutral", "other bytes")


@pytest.mark.parametrize("intensity", [0.3, 1])
def test_neutral_has_no_intensity(say_once: Say, intensity: float) -> None:
    neutral = say_once(SPOKEN[2], emotion="neutral")
    scaled = say_once(SPOKEN[2], emotion="neutral", intensity=intensity)

    assert neutral.body == scaled.body, fault(
        scaled, f"neutral at intensity {intensity}", "the very bytes of neutral", "other bytes"
    )


def test_a_whole_number_is_an_intensity(service: Service) -> None:
    whole = service.post('{"text": "今天心情不好。", "emotion": "sad", "intensity": 1}'.encode())
    decimal = service.post('{"text": "今天心情不好。", "emotion": "sad", "intensity": 1.0}'.encode())

    assert (200, 200) == (whole.status_code, decimal.status_code)
    assert decimal.content == whole.content, "intensity 1 and 1.0 sound different"
