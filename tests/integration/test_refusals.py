"""What cannot be spoken is refused with a reason: 4xx, a JSON error, never a 500 or near silence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.promises import promised
from tests.integration.refusal import check_refused
from tests.integration.rules import check_same
from tests.integration.service import Service

GOOD_TEXT = "今天心情不好。"
EMOTIONS = (
    "happy",
    "angry",
    "sad",
    "afraid",
    "disgusted",
    "melancholic",
    "surprised",
    "calm",
    "neutral",
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="spaces"),
        pytest.param("\n\t\r\n", id="line-breaks"),
        pytest.param("\u3000", id="wide-space"),
        pytest.param("\u200b\ufeff", id="zero-width"),
        pytest.param("\x00\x01\x1f", id="control"),
        pytest.param("。", id="one-mark"),
        pytest.param("，。？！……——", id="marks"),
        pytest.param(".,!?-", id="ascii-marks"),
        pytest.param("😀", id="emoji"),
        pytest.param("👨‍👩‍👧🎉", id="emoji-family"),
        pytest.param("\ue000", id="private-use"),
        pytest.param("é ñ ß", id="accents"),
        pytest.param("привет", id="cyrillic"),
        pytest.param("\u202e\u202c", id="direction-marks"),
        pytest.param("好\ud800", id="lone-surrogate"),
        pytest.param("\udc00", id="low-surrogate"),
    ],
)
def test_text_without_a_syllable_is_refused(service: Service, text: str) -> None:
    check_refused(service.call("POST", "/tts", json={"text": text}))


@pytest.mark.parametrize("text", [None, 5, 1.5, True, False, [], ["你好"], {}, {"zh": "你好"}], ids=repr)
def test_text_that_is_no_string_is_refused(service: Service, text: Any) -> None:
    check_refused(service.call("POST", "/tts", json={"text": text}), "text")


@pytest.mark.parametrize("key", [None, "Text", "texts", "input"], ids=str)
def test_missing_text_is_refused(service: Service, key: Any) -> None:
    body = {} if key is None else {key: GOOD_TEXT}

    check_refused(service.call("POST", "/tts", json={"emotion": "sad", **body}), "text")


def test_a_foreign_text_is_refused_unless_its_language_is_promised(service: Service) -> None:
    response = service.call("POST", "/tts", json={"text": "ABC hello"})
    if "en" in promised().languages:
        assert 200 == response.status_code, response.text[:300]
    else:
        check_refused(response)


@pytest.mark.parametrize("times", [1, 5])
def test_too_long_text_is_refused(service: Service, times: int) -> None:
    longest = promised().longest_text
    check_refused(service.call("POST", "/tts", json={"text": "好" * (longest * times + 1)}), str(longest))


@pytest.mark.parametrize(
    "emotion", ["", "joyful", "Sad", " sad", "sad\n", "悲伤", "happy,sad", pytest.param("x" * 500, id="long")]
)
def test_an_unknown_emotion_is_refused_naming_the_known_ones(service: Service, emotion: str) -> None:
    response = service.call("POST", "/tts", json={"text": GOOD_TEXT, "emotion": emotion})

    check_refused(response, *EMOTIONS)


@pytest.mark.parametrize("emotion", [None, 1, True, ["sad"], {"sad": 1}], ids=repr)
def test_an_emotion_that_is_no_string_is_refused(service: Service, emotion: Any) -> None:
    response = service.call("POST", "/tts", json={"text": GOOD_TEXT, "emotion": emotion})

    check_refused(response, "emotion")


@pytest.mark.parametrize(
    "literal",
    [
        "-0.1",
        "1.01",
        "1e3",
        "-1",
        "2",
        "1e400",
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        "false",
        "null",
        '"0.5"',
        '"high"',
        "[0.5]",
        "{}",
        "1" + "0" * 400,
    ],
    ids=lambda literal: literal[:12],
)
def test_an_intensity_outside_zero_to_one_is_refused(service: Service, literal: str) -> None:
    body = f'{{"text": "{GOOD_TEXT}", "emotion": "sad", "intensity": {literal}}}'

    check_refused(service.post(body.encode()))


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_known_emotion_is_accepted(service: Service, emotion: str) -> None:
    service.say("好。", emotion=emotion, intensity=0.5)


def test_a_refused_request_does_not_stop_the_next(service: Service) -> None:
    before = service.say(GOOD_TEXT)
    for text in ("", "😀", "\ud800", "好" * (promised().longest_text + 1)):
        service.call("POST", "/tts", json={"text": text})

    check_same(service.say(GOOD_TEXT), before, "after refused requests")
