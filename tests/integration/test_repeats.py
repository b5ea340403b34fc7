"""Repeated syllables are all said: known to be lost by speech models (index-tts issue 404)."""

from __future__ import annotations

from typing import List

import pytest

from scripts.audio import measures
from tests.integration.service import Say, Speech, fault

# Measured over 12 series of other syllables: 0.08 to 0.31 s a step, 0.14 to 0.24 s in the mean.
LEAST_STEP_S, LEAST_MEAN_STEP_S = 0.03, 0.10


@pytest.fixture(scope="class", params=["三…秒", "四…", "八…个", "哈…"], ids=["san", "si", "ba", "ha"])
def series(request: pytest.FixtureRequest, say_once: Say) -> List[Speech]:
    """Write the text with its first syllable once, twice, ... five times."""
    syllable, _, rest = request.param.partition("…")
    return [say_once(syllable * count + rest) for count in range(1, 6)]


class TestRepeats:
    def test_each_added_syllable_adds_its_length(self, series: List[Speech]) -> None:
        lengths = [measures.duration_s(speech.wav) for speech in series]
        for before, after, speech in zip(lengths, lengths[1:], series[1:]):
            assert after - before > LEAST_STEP_S, fault(
                speech,
                "seconds more than with one repetition less (repeat lost?)",
                f"above {LEAST_STEP_S}",
                f"{after - before:.3f} (all: {lengths})",
            )

    def test_five_are_four_syllables_longer_than_one(self, series: List[Speech]) -> None:
        first, last = (measures.duration_s(speech.wav) for speech in (series[0], series[-1]))
        came = (last - first) / 4

        assert came > LEAST_MEAN_STEP_S, fault(
            series[-1],
            "seconds for each repetition in the mean (repeats lost?)",
            f"above {LEAST_MEAN_STEP_S}",
            f"{came:.3f}",
        )

    def test_no_syllable_is_stuttered(self, series: List[Speech]) -> None:
        for count, speech in enumerate(series, start=1):
            came = measures.speech_s(speech.wav)
            most = 0.4 * (count + 1)

            assert came < most, fault(speech, "seconds of speech (said too often?)", f"below {most:.1f}", f"{came:.2f}")


@pytest.mark.parametrize("text", ["三三三三秒", "四四四四"])
def test_the_reported_texts_are_as_long_as_other_words(say_once: Say, text: str) -> None:
    """The very texts of the report, against as many different syllables."""
    other = "春夏秋冬天"[: len(text)]
    speech, plain = say_once(text), say_once(other)
    came = measures.speech_s(speech.wav) / measures.speech_s(plain.wav)

    assert came > 0.75, fault(speech, f"length against {other!r}", "above 0.75", f"{came:.2f}")
