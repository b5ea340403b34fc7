"""From one character to the longest text: everything is said, nothing is cut, nothing is invented."""

from __future__ import annotations

from typing import Dict

import pytest

from scripts.audio import measures
from scripts.audio.likeness import likeness
from tests.integration.gates import check
from tests.integration.promises import promised
from tests.integration.rules import is_measured
from tests.integration.service import Say, Service, Speech, fault
from tests.integration.texts import PASSAGE, SENTENCES, passage, syllables

RUNGS = (1, 2, 5, 10, 20, 40, 80, 160, 320)


def check_whole(speech: Speech) -> None:
    """Check that all syllables are said, without a hole, with an end that fades."""
    count = syllables(speech.text)
    # measured: 0.33 for one syllable, 0.30 for two, 0.19 for long texts; of any voice, 2 to 9 syllables a second
    least, usual = (0.13, 0.26) if is_measured() else (1 / 9, 1 / 2)
    pace, most = measures.speech_s(speech.wav) / count, usual + 0.2 / count

    assert least < pace < most, fault(
        speech, "seconds of speech a syllable", f"{least:.2f} to {most:.2f}", f"{pace:.3f}"
    )
    check("longest_gap_s", speech)
    check("end_level_db", speech)


@pytest.mark.parametrize("length", RUNGS)
def test_a_text_of_this_length_is_said_in_full(say_once: Say, length: int) -> None:
    check_whole(say_once(passage(length)))


@pytest.fixture(scope="module")
def seconds(say_once: Say) -> Dict[int, float]:
    """Count the seconds of speech for every rung."""
    return {rung: measures.speech_s(say_once(passage(rung)).wav) for rung in RUNGS}


class TestLadder:
    def test_more_text_takes_longer(self, seconds: Dict[int, float]) -> None:
        lengths = list(seconds.values())

        assert sorted(lengths) == lengths, f"a longer text was shorter to hear: {seconds}"

    def test_length_grows_in_step_with_the_text(self, seconds: Dict[int, float]) -> None:
        paces = {n: s / syllables(passage(n)) for n, s in seconds.items() if n >= 10}
        came = max(paces.values()) / min(paces.values())

        assert came < 1.35, f"seconds a syllable drift with the length: {paces}"


def test_the_longest_text_is_said_in_full(service: Service) -> None:
    check_whole(service.say(passage(promised().longest_text)))


def test_one_character_more_is_refused(service: Service) -> None:
    longest = promised().longest_text
    response = service.call("POST", "/tts", json={"text": passage(longest + 1)})

    assert 400 <= response.status_code < 500, response.status_code
    assert str(longest) in response.json()["error"]["message"], "the limit is not named"


def test_a_long_text_without_punctuation_is_said_in_full(service: Service) -> None:
    """Kills a service whose model has a longest input (index-tts issue 108)."""
    text = "".join(character for character in passage(640) if character not in "，。")[:520]

    check_whole(service.say(text))
    assert "ok" == service.health()["status"]


@pytest.mark.parametrize("mark", ["。", "！", "？", "；", "\n"], ids=["stop", "shout", "ask", "semi", "line"])
def test_sentences_are_joined_in_order(say_once: Say, mark: str) -> None:
    one, other = (text.rstrip("。") for text in SENTENCES[2:4])
    joined = say_once(f"{one}{mark}{other}{mark}")
    swapped = say_once(f"{other}{mark}{one}{mark}")
    again = say_once(f"{one}。{other}。")
    right = likeness(joined.wav, again.wav).distance
    wrong = likeness(swapped.wav, again.wav).distance

    assert right < wrong / 2, fault(joined, f"distance to {again.text!r}", f"below half of {wrong:.1f}", f"{right:.1f}")


def test_the_whole_is_as_long_as_its_sentences(say_once: Say) -> None:
    parts = [say_once(part + "。") for part in PASSAGE.rstrip("。").split("。")]
    whole = say_once(PASSAGE)
    expected = sum(measures.speech_s(part.wav) for part in parts)
    came = measures.speech_s(whole.wav) / expected

    assert 0.9 < came < 1.1, fault(whole, "speech against the sum of its sentences", "0.9 to 1.1 times", f"{came:.2f}")
