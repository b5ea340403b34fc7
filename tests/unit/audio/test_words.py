"""Errors counted on texts, and a recogniser that is a real command."""

from __future__ import annotations

import math
import sys
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio import words
from scripts.audio.words import RecogniserError
from tests.unit.audio.signals import recording, sine

TEXTS = st.lists(st.sampled_from("abc"), max_size=8)
TONES = [recording(sine(440, 0.1)), recording(sine(440, 0.2))]
LENGTHS = "import sys, wave\nfor path in sys.argv[1:]:\n w = wave.open(path)\n print(w.getnframes(), w.getframerate())"


@pytest.mark.parametrize(
    "text, heard, share",
    [
        ("It's fine, Sir!", "it\u2019s fine sir", 0.0),
        ("one two three four", "one three four five", 0.5),
        ("one", "one two three", 2.0),
        ("你好，世界。", "你好 世界", 0.0),
        ("你好，世界。", "你号世界", 0.25),
        ("你好", "", 1.0),
    ],
)
def test_what_differs_is_counted(text: str, heard: str, share: float) -> None:
    assert share == words.error_share(text, heard)


@pytest.mark.parametrize("text", ["", "!?", "Room 42"])
def test_a_text_without_words_or_with_digits_is_left_out(text: str) -> None:
    assert math.isnan(words.error_share(text, "anything"))


@given(TEXTS, TEXTS, TEXTS)
def test_edits_are_a_distance(one: List[str], other: List[str], third: List[str]) -> None:
    assert words.edits(one, other) == words.edits(other, one)
    assert (one == other) == (words.edits(one, other) == 0)
    assert words.edits(one, third) <= words.edits(one, other) + words.edits(other, third)


def test_a_command_gets_each_recording_at_16_khz() -> None:
    assert ["1600 16000", "3200 16000"] == words.recognise(TONES, [sys.executable, "-c", LENGTHS, "{wavs}"])
    assert ["1600 16000"] == words.recognise(TONES[:1], [sys.executable, "-c", LENGTHS, "{wav}"])


@pytest.mark.parametrize(
    "code, said",
    [
        ("import sys; sys.exit('no such model')", "ended with 1: no such model"),
        ("print('one line')", "expected a line for each of 2 files, came 1"),
    ],
)
def test_a_command_that_fails_is_named(code: str, said: str) -> None:
    with pytest.raises(RecogniserError, match=said):
        words.recognise(TONES, [sys.executable, "-c", code, "{wavs}"])


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(RecogniserError, match="no-such-recogniser"):
        words.recognise(TONES, ["no-such-recogniser", "{wav}"])


def test_the_recogniser_is_one_of_the_settings() -> None:
    assert ["asr", "{wav}"] == words.recogniser({"SHARDLINE_RECOGNISER": '["asr", "{wav}"]'})
    assert [] == words.recogniser({})
    for wrong in ('["asr"]', "asr", '{"wav": 1}'):
        with pytest.raises(RecogniserError, match="expected a list of words"):
            words.recogniser({"SHARDLINE_RECOGNISER": wrong})


def test_pocketsphinx_is_asked_about_english_only() -> None:
    assert words.is_english("Good morning!")
    assert not words.is_english("早上好")
    assert not words.is_english("Zürich")
