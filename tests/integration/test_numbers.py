"""Numbers, dates and signs are read out, not skipped: each like the same thing written in hanzi."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from scripts.audio import measures
from scripts.audio.likeness import likeness
from tests.integration.service import Say, fault


class Reading(NamedTuple):
    """A text with signs, and what a person would read."""

    written: str
    spoken: str


READINGS = {
    "digit": Reading("他有3个孩子。", "他有三个孩子。"),
    "amount": Reading("一共12345元。", "一共一万二千三百四十五元。"),
    "zero-inside": Reading("这里有1005个人。", "这里有一千零五个人。"),
    "date": Reading("会议在2024年5月16日。", "会议在二零二四年五月十六日。"),
    "year": Reading("他生于1998年。", "他生于一九九八年。"),
    "percent": Reading("价格上涨了50%。", "价格上涨了百分之五十。"),
    "decimal": Reading("身高是1.75米。", "身高是一点七五米。"),
    "mobile-phone": Reading("电话是13812345678。", "电话是一三八一二三四五六七八。"),
    "landline": Reading("电话是0373-8850893。", "电话是零三七三八八五零八九三。"),
    "minus": Reading("气温是-5度。", "气温是负五度。"),
    "time": Reading("现在是8:30。", "现在是八点三十分。"),
    "fraction": Reading("大约有2/3的人。", "大约有三分之二的人。"),
    "arithmetic": Reading("12+30=42。", "十二加三十等于四十二。"),
    "long-sum": Reading("184556+45565=多少？", "十八万四千五百五十六加四万五千五百六十五等于多少？"),
}


@pytest.mark.parametrize("name", READINGS)
def test_it_is_read_in_full(say_once: Say, name: str) -> None:
    written, spoken = (say_once(text) for text in READINGS[name])
    came = measures.speech_s(written.wav) / measures.speech_s(spoken.wav)

    # measured: 1.00; telephone numbers, where 一 is read yao, 0.98 and 1.01
    assert 0.85 < came < 1.15, fault(written, f"length against {spoken.text!r}", "0.85 to 1.15 times", f"{came:.2f}")


@pytest.mark.parametrize("name", ["digit", "amount", "year", "percent", "decimal"])
def test_it_sounds_like_its_words(say_once: Say, name: str) -> None:
    written, spoken = (say_once(text) for text in READINGS[name])
    came = likeness(written.wav, spoken.wav).distance

    # measured: 0.0; between different sentences 7.8 to 11.9
    assert came < 4, fault(written, f"distance to {spoken.text!r}", "below 4", f"{came:.1f}")


@pytest.mark.parametrize("digits", ["7", "12345", "0"])
def test_a_text_of_nothing_but_digits_is_read(say_once: Say, digits: str) -> None:
    speech = say_once(digits)
    came = measures.speech_s(speech.wav) / len(digits)

    assert came > 0.12, fault(speech, "seconds of speech a digit", "above 0.12", f"{came:.3f}")


def test_more_digits_take_longer(say_once: Say) -> None:
    lengths = [measures.speech_s(say_once(f"号码{'7' * n}。").wav) for n in (1, 3, 7, 12)]

    assert sorted(lengths) == lengths, f"seconds for 1, 3, 7 and 12 digits do not grow: {lengths}"
    assert lengths[-1] > 3 * lengths[0], f"twelve digits hardly longer than one: {lengths}"
