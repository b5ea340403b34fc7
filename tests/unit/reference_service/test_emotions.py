import doctest

import pytest
from fastspeech2 import emotions
from fastspeech2.emotions import EMOTIONS, NEUTRAL, prosody


def test_the_examples_hold():
    assert 0 == doctest.testmod(emotions).failed


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_intensity_0_is_exactly_neutral(emotion):
    assert prosody(NEUTRAL, 1.0) == prosody(emotion, 0.0)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_intensity_1_is_the_whole_emotion(emotion):
    assert EMOTIONS[emotion] == pytest.approx(prosody(emotion, 1.0))


def test_a_control_moves_with_the_intensity():
    shifts = [prosody("sad", intensity).f0_shift for intensity in (0.0, 0.25, 0.5, 1.0)]

    assert sorted(shifts, reverse=True) == shifts
    assert 4 == len(set(shifts))


def test_the_emotions_are_those_of_indextts2_and_neutral():
    eight = {"happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"}

    assert {NEUTRAL, *eight} == set(EMOTIONS)
