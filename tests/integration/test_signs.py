"""What stands between the hanzi: emoji, Latin, rare characters, line breaks, odd punctuation.

The service may skip what it cannot say, but never the hanzi around it, and never with a crash.
"""

from __future__ import annotations

import pytest

from scripts.audio import measures
from scripts.audio.likeness import likeness
from tests.integration.gates import check
from tests.integration.service import Say, fault

CLEAN = "我们一起去看海，你说好不好？"

# as the service gets it; only the marked places differ from CLEAN
SPRINKLED = {
    "emoji": "我们一起去看海🌊，你说好不好😀？",
    "family-emoji": "我们一起去看海👨‍👩‍👧，你说好不好？",
    "rare-hanzi": "我们一起去看海𠮷，你说好不好？",
    "control": "我们一起\x07去看海，\x00你说好不好？",
    "zero-width": "我们\u200b一起去看\ufeff海，你说好不好？",
    "direction-marks": "我们一起\u202e去看海，你说好不好？",
    "line-breaks": "我们一起去看海，\n你说好不好？\r\n",
    "tabs": "我们一起\t去看海，你说好不好？",
    "surrounding-space": "  　我们一起去看海，你说好不好？  ",
    "combining": "我们一起去看海\u0301，你说好不好？",
    "many-marks": "我们一起去看海，，，你说好不好？？？！！！",
    "ascii-marks": "我们一起去看海,你说好不好?",
    "quotes": "“我们一起去看海，你说好不好？”",
    "brackets": "《我们一起去看海，你说好不好？》",
    "dashes": "我们一起去看海——你说好不好？",
    "ellipsis": "我们一起去看海……你说好不好？",
    "markup": "<b>我们一起去看海</b>，你说好不好？",
    "private-use": "我们一起去看海\ue000，你说好不好？",
}


@pytest.mark.parametrize("name", SPRINKLED)
def test_the_hanzi_around_it_are_said(say_once: Say, name: str) -> None:
    clean, speech = say_once(CLEAN), say_once(SPRINKLED[name])
    came = measures.speech_s(speech.wav) / measures.speech_s(clean.wav)

    # measured: 1.00 to 1.10 (the b of the markup is read)
    assert 0.85 < came < 1.4, fault(speech, f"length against {CLEAN!r}", "0.85 to 1.4 times", f"{came:.2f}")

    check("longest_gap_s", speech)


@pytest.mark.parametrize(
    ("variant", "plain"),
    [
        pytest.param("電話號碼是多少？", "电话号码是多少？", id="traditional"),
        pytest.param("现在有１２个人。", "现在有12个人。", id="full-width-digits"),
        pytest.param("你好！世界！", "你好!世界!", id="full-width-marks"),
        pytest.param("我 们 去 看 海。", "我们去看海。", id="spaced-hanzi"),
        pytest.param("天气真好", "天气真好。", id="没有句号"),
    ],
)
def test_a_variant_is_said_like_the_plain_text(say_once: Say, variant: str, plain: str) -> None:
    speech, expected = say_once(variant), say_once(plain)
    came = likeness(speech.wav, expected.wav).distance

    # measured: 0.0; between different sentences 7.8 to 11.9
    assert came < 5, fault(speech, f"distance to {plain!r}", "below 5", f"{came:.1f}")


@pytest.mark.parametrize("text", ["我喜欢Python编程。", "请打开Wi-Fi和USB。"], ids=["一词", "two"])
def test_latin_words_do_not_swallow_the_hanzi(say_once: Say, text: str) -> None:
    hanzi = "".join(character for character in text if ord(character) > 0x2E80)
    speech, alone = say_once(text), say_once(hanzi)
    came = measures.speech_s(speech.wav) / measures.speech_s(alone.wav)

    assert came > 0.85, fault(speech, f"length against {hanzi!r}", "above 0.85", f"{came:.2f}")


@pytest.mark.parametrize("character", "一啊嗯儿给绿女龘", ids=lambda c: f"u{ord(c):04x}")
def test_a_single_syllable_is_heard(say_once: Say, character: str) -> None:
    speech = say_once(character)
    came = measures.speech_s(speech.wav)

    # measured: 0.25 to 0.36
    assert 0.1 < came < 0.8, fault(speech, "seconds of speech", "0.1 to 0.8", f"{came:.2f}")


@pytest.mark.parametrize(
    "text", ["一点儿也不难。", "他去了旅行社。", "这是她的银行账户，行不行？"], ids=["erhua", "umlaut", "polyphone"]
)
def test_words_that_break_pinyin_tables_are_said(say_once: Say, text: str) -> None:
    speech = say_once(text)
    came = measures.speech_s(speech.wav)

    assert came > 0.13 * (len(text) - 2), fault(
        speech, "seconds of speech", f"above {0.13 * (len(text) - 2):.2f}", f"{came:.2f}"
    )
