"""Intensity scales the emotion: nothing at 0, more with every step, everything at 1.

A single sentence is sure only from 0.5 on, so the steps are compared by means over sentences.
"""

from __future__ import annotations

import math
from typing import Dict, List

import pytest

from scripts.audio import emotion as gates
from scripts.audio.emotion import Leading, Move
from tests.integration.acted import heard, moves_of
from tests.integration.rules import check_same, is_measured
from tests.integration.service import Say, Service, Speech, exchange_of
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
        leading = LEADING[emotion] if is_measured() else LEADING[emotion]._replace(least_step=math.nan)
        verdicts = gates.judge_growth(emotion, moves, leading)
        heard(verdicts, say_once(SPOKEN[0], emotion=emotion, intensity=STEPS[-1]))

    def test_intensity_zero_is_neutral(self, say_once: Say, emotion: str) -> None:
        neutral = say_once(SPOKEN[0])
        zero = say_once(SPOKEN[0], emotion=emotion, intensity=0)

        full = say_once(SPOKEN[0], emotion=emotion)

        check_same(zero, neutral, f"{emotion} at intensity 0, against neutral", [full])

    def test_intensity_is_one_by_default(self, say_once: Say, emotion: str) -> None:
        full = say_once(SPOKEN[0], emotion=emotion, intensity=1.0)
        default = say_once(SPOKEN[0], emotion=emotion)

        check_same(default, full, f"{emotion} without intensity, against intensity 1", [say_once(SPOKEN[0])])


def acted(say_once: Say, text: str) -> List[Speech]:
    """Have a text spoken with emotions that are far apart: what neutral is not."""
    return [say_once(text, emotion=emotion) for emotion in ("happy", "sad")]


def test_neutral_is_the_default_emotion(say_once: Say) -> None:
    default, neutral = say_once(SPOKEN[1]), say_once(SPOKEN[1], emotion="neutral")

    check_same(default, neutral, "no emotion given, against neutral", acted(say_once, SPOKEN[1]))


@pytest.mark.parametrize("intensity", [0.3, 1])
def test_neutral_has_no_intensity(say_once: Say, intensity: float) -> None:
    neutral = say_once(SPOKEN[2], emotion="neutral")
    scaled = say_once(SPOKEN[2], emotion="neutral", intensity=intensity)

    check_same(scaled, neutral, f"neutral at intensity {intensity}", acted(say_once, SPOKEN[2]))


def test_a_whole_number_is_an_intensity(service: Service) -> None:
    decimal = service.say("今天心情不好。", emotion="sad", intensity=1.0)
    answer = service.post('{"text": "今天心情不好。", "emotion": "sad", "intensity": 1}'.encode())

    assert 200 == answer.status_code, answer.text[:300]
    whole = Speech(decimal.request, answer.content, answer.headers, 0.0, exchange_of(answer))
    check_same(whole, decimal, "intensity 1, against 1.0")
