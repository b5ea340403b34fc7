"""The same request gives the same speech, whatever was asked before: to the byte where the engine promises that."""

from __future__ import annotations

from typing import Dict

import pytest

from tests.integration.rules import check_same
from tests.integration.service import Say, Service, Speech, exchange_of

TEXT = "窗台上的花开得正好。"


@pytest.fixture(scope="module")
def first(say_once: Say) -> Speech:
    return say_once(TEXT)


def test_asked_again_it_sounds_the_same(service: Service, first: Speech) -> None:
    for _ in range(3):
        check_same(service.say(TEXT), first, "the same request again")


@pytest.mark.parametrize(
    "between",
    [
        pytest.param({"text": "完全不同的另一句话。"}, id="other-text"),
        pytest.param({"text": TEXT, "emotion": "angry"}, id="other-emotion"),
        pytest.param({"text": "好。"}, id="shorter"),
        pytest.param({"text": TEXT * 4}, id="longer"),
    ],
)
def test_what_was_said_before_leaves_no_trace(service: Service, first: Speech, between: Dict[str, str]) -> None:
    before = service.say(**between)
    others = [before] if before.text == TEXT else []

    check_same(service.say(TEXT), first, f"the same request after {between}", others)


def test_a_refusal_before_leaves_no_trace(service: Service, first: Speech) -> None:
    assert 400 <= service.post(b"{").status_code < 500

    check_same(service.say(TEXT), first, "the same request after a refused one")


@pytest.mark.parametrize("emotion", ["happy", "melancholic"])
def test_emotions_sound_the_same_again(service: Service, emotion: str) -> None:
    one, other = (service.say(TEXT, emotion=emotion, intensity=0.7) for _ in range(2))

    check_same(other, one, "the same request again", [service.say(TEXT)])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"text": "窗台上的花开得正好。"}'.encode(), id="utf-8"),
        pytest.param(
            b'{"text": "\\u7a97\\u53f0\\u4e0a\\u7684\\u82b1\\u5f00\\u5f97\\u6b63\\u597d\\u3002"}', id="escaped"
        ),
        pytest.param(
            ' {"intensity":1, "emotion":"neutral",\n"text":"窗台上的花开得正好。"} '.encode(), id="order-and-space"
        ),
        pytest.param('{"text": "窗台上的花开得正好。", "voice": 3, "x": {}}'.encode(), id="extra-keys"),
    ],
)
def test_how_the_json_is_written_does_not_matter(service: Service, first: Speech, body: bytes) -> None:
    response = service.post(body)

    assert 200 == response.status_code, response.text[:300]
    speech = Speech({"text": TEXT}, response.content, response.headers, 0.0, exchange_of(response))
    check_same(speech, first, f"the same request written as {body!r}")
