"""Each emotion moves the voice its own way, away from neutral and without changing the speaker.

Everything is paired: the same text, spoken neutrally and with the emotion. What pitch, tempo and
level a single sentence has by itself says little; how far they move says whether the emotion works.
"""

from __future__ import annotations

import itertools
from typing import Dict, NamedTuple, Tuple

import pytest

from tests.integration.moves import Move, Pairs, mean_move, move, timbre_distance
from tests.integration.service import Say, Service, Speech, fault
from tests.integration.texts import SENTENCES

Limits = Tuple[float, float]

SPOKEN = SENTENCES[:4]
# Measured: at most 4.0 (sad), others below 3.0; a voice with all formants a quarter higher: 3.8,
# a third higher: 4.9. So this finds a clearly different speaker only.
SAME_SPEAKER = 4.6


class Direction(NamedTuple):
    """Where an emotion at full intensity takes the mean over the sentences."""

    pitch_st: Limits
    length_percent: Limits
    level_db: Limits


# Beside each: the range over five other groups of four sentences (litert, Python 3.11).
DIRECTIONS = {
    "happy": Direction((1.2, 4.5), (-20, -4), (-1, 4)),  # +2.4 to +2.6, -12 to -10, +0.4 to +1.0
    "angry": Direction((0.8, 3.5), (-32, -12), (1, 8)),  # +1.9 to +2.4, -22 to -19, +3.1 to +4.7
    "sad": Direction((-4.5, -1.8), (15, 45), (-7, -1)),  # -3.3 to -3.0, +26 to +33, -3.8 to -2.9
    "afraid": Direction((1, 4), (-28, -7), (-8, -1.5)),  # +2.0 to +2.6, -18 to -13, -4.6 to -4.0
    "disgusted": Direction((-4, -1.2), (5, 28), (0.3, 6)),  # -2.5 to -2.3, +12 to +16, +1.7 to +2.4
    "melancholic": Direction((-4, -1), (30, 70), (-5, 0.5)),  # -2.3 to -2.0, +44 to +49, -2.2 to -1.5
    "surprised": Direction((2, 6), (-16, 2), (-1, 5)),  # +3.0 to +3.6, -9 to -5, +0.6 to +2.1
    "calm": Direction((-2.8, -0.5), (4, 22), (-3, 1.5)),  # -1.7 to -1.3, +10 to +12, -0.7 to -0.3
}


def test_sad_emotion(service: Service) -> None:
    """The example of the article that this suite started from."""
    response = service.call("POST", "/tts", json={"text": "今天心情不好。", "emotion": "sad", "intensity": 0.8})

    assert response.status_code == 200
    assert response.headers["content-type"] == "audio/wav"
    assert len(response.content) > 10_000


@pytest.fixture(scope="module")
def neutral(say_once: Say) -> Dict[str, Speech]:
    """Have every sentence spoken neutrally."""
    return {text: say_once(text, emotion="neutral") for text in SPOKEN}


@pytest.fixture(scope="class", params=DIRECTIONS)
def emotion(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="class")
def pairs(say_once: Say, neutral: Dict[str, Speech], emotion: str) -> Pairs:
    """Have every sentence spoken neutrally and with the emotion at full intensity."""
    return [(neutral[text], say_once(text, emotion=emotion)) for text in SPOKEN]


class TestDirection:
    def test_pitch_moves_the_right_way(self, emotion: str, pairs: Pairs) -> None:
        check("pitch", emotion, pairs, mean_move(pairs).pitch_st, DIRECTIONS[emotion].pitch_st, "semitones")

    def test_tempo_moves_the_right_way(self, emotion: str, pairs: Pairs) -> None:
        check("length", emotion, pairs, mean_move(pairs).length_percent, DIRECTIONS[emotion].length_percent, "percent")

    def test_level_moves_the_right_way(self, emotion: str, pairs: Pairs) -> None:
        check("level", emotion, pairs, mean_move(pairs).level_db, DIRECTIONS[emotion].level_db, "dB")

    def test_no_sentence_moves_the_wrong_way(self, emotion: str, pairs: Pairs) -> None:
        upwards = DIRECTIONS[emotion].pitch_st[0] > 0
        for pair in pairs:
            came = move(*pair).pitch_st

            assert upwards == (came > 0), fault(
                pair[1],
                f"pitch of {emotion} in one sentence",
                "above neutral" if upwards else "below neutral",
                f"{came:+.2f} semitones",
            )

    def test_the_speaker_stays_the_same(self, emotion: str, pairs: Pairs) -> None:
        came = timbre_distance(pairs)

        assert came < SAME_SPEAKER, fault(
            pairs[0][1],
            f"timbre of {emotion} against neutral, as if another spoke",
            f"below {SAME_SPEAKER}",
            f"{came:.2f}",
        )

    def test_no_syllable_is_swallowed(self, emotion: str, pairs: Pairs) -> None:
        shortest = DIRECTIONS[emotion].length_percent[0] - 10
        for pair in pairs:
            came = move(*pair).length_percent

            assert came > shortest, fault(
                pair[1],
                f"length of {emotion} against neutral in one sentence",
                f"above {shortest:+} percent",
                f"{came:+.0f}",
            )


def check(what: str, emotion: str, pairs: Pairs, came: float, limits: Limits, unit: str) -> None:
    """Check that the mean move lies within the limits."""
    low, high = limits

    assert low <= came <= high, fault(
        pairs[0][1],
        f"mean {what} of {emotion} against neutral over {len(pairs)} sentences",
        f"{low:+} to {high:+} {unit}",
        f"{came:+.2f}",
    )


@pytest.fixture(scope="module")
def moves(say_once: Say, neutral: Dict[str, Speech]) -> Dict[str, Move]:
    """Measure the mean move of every emotion away from neutral."""
    return {
        emotion: mean_move([(neutral[text], say_once(text, emotion=emotion)) for text in SPOKEN])
        for emotion in DIRECTIONS
    }


def test_no_two_emotions_sound_alike(moves: Dict[str, Move]) -> None:
    noticeable = Move(pitch_st=0.5, length_percent=5, level_db=1)
    alike = [
        f"{one} and {other}"
        for one, other in itertools.combinations(moves, 2)
        if all(abs(a - b) < least for a, b, least in zip(moves[one], moves[other], noticeable))
    ]

    assert [] == alike, f"emotions that nobody can tell apart: {alike}; moves: {moves}"


def test_nothing_is_slower_than_melancholy(moves: Dict[str, Move]) -> None:
    assert "melancholic" == max(moves, key=lambda emotion: moves[emotion].length_percent), moves


def test_nothing_is_higher_than_surprise(moves: Dict[str, Move]) -> None:
    assert "surprised" == max(moves, key=lambda emotion: moves[emotion].pitch_st), moves
