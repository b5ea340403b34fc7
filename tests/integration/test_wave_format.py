"""The answer is the WAV that the headers promise: at the engine's rate, mono, 16 bit, complete."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from tests.integration.gates import check
from tests.integration.promises import promised
from tests.integration.service import Say, Service, Speech, fault

TEXT = "我们下个星期去北京开会。"


@pytest.fixture(scope="module")
def speech(say_once: Say) -> Speech:
    return say_once(TEXT)


def test_the_content_type_is_wav(speech: Speech) -> None:
    assert "audio/wav" == speech.headers["content-type"]


def test_content_length_is_the_length_of_the_body(speech: Speech) -> None:
    came = int(speech.headers["content-length"])

    assert len(speech.body) == came, fault(speech, "Content-Length", len(speech.body), came)


def test_the_riff_size_counts_the_rest_of_the_file(speech: Speech) -> None:
    (came,) = struct.unpack_from("<I", speech.body, 4)

    assert len(speech.body) - 8 == came, fault(speech, "RIFF size", len(speech.body) - 8, came)


def test_the_sample_rate_is_the_promised_one(speech: Speech) -> None:
    expected = promised().sample_rate_hz

    assert expected == speech.wav.rate_hz, fault(speech, "sample rate", expected, speech.wav.rate_hz)


def test_the_sound_is_mono(speech: Speech) -> None:
    assert 1 == speech.wav.channels, fault(speech, "channels", 1, speech.wav.channels)


def test_any_reader_can_open_it(speech: Speech) -> None:
    with wave.open(io.BytesIO(speech.body)) as file:
        came = (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes())

    expected = (promised().sample_rate_hz, 1, 2, len(speech.wav.samples))
    what = "rate, channels, bytes a sample, frames as the wave module reads them"
    assert expected == came, fault(speech, what, expected, came)


def test_the_rate_in_the_header_is_the_rate_of_the_voice(speech: Speech) -> None:
    check("f0_median_hz", speech)  # a wrong rate in the header shifts the voice by the same factor


@pytest.mark.parametrize("emotion", ["happy", "sad", "surprised", "melancholic"])
def test_every_emotion_has_the_same_format(say_once: Say, emotion: str) -> None:
    wav = say_once(TEXT, emotion=emotion).wav

    assert (promised().sample_rate_hz, 1) == (wav.rate_hz, wav.channels)


def test_clients_that_accept_only_json_still_get_the_sound(service: Service) -> None:
    response = service.call("POST", "/tts", json={"text": TEXT}, headers={"Accept": "application/json"})

    assert response.status_code in (200, 406), response.text[:300]


def test_a_charset_in_the_content_type_is_fine(service: Service) -> None:
    response = service.post(b'{"text": "\\u4f60\\u597d\\u3002"}', "application/json; charset=utf-8")

    assert 200 == response.status_code, response.text[:300]
