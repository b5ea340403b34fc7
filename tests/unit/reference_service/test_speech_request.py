import json

import pytest
from protocol import Promises
from speech_request import RequestError, SpeechRequest
from speech_request import parse as parse_for

PROMISES = Promises(24000, ("zh",), ("neutral", "happy", "angry", "sad"), 20, True, 2.0, "someone")


def parse(body):
    """Read a body for an engine that knows some emotions, and 20 characters at once."""
    return parse_for(body, PROMISES)


def refused(body):
    """Return the error's status and code for a body of JSON text, or of values."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as error:
        parse(raw)
    return error.value.status, error.value.code


def test_only_the_text_is_needed():
    assert SpeechRequest("好", "neutral", 1.0) == parse('{"text": "好"}'.encode())


def test_keys_that_nobody_knows_are_ignored():
    assert SpeechRequest("好", "sad", 0.5) == parse(
        json.dumps({"text": "好", "emotion": "sad", "intensity": 0.5, "voice": 7}).encode()
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100000, b'{"text": 1e}'])
def test_what_is_not_json_is_refused(body):
    assert (400, "invalid_json") == refused(body)


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_json_that_is_no_object_is_refused(value):
    assert (400, "invalid_request") == refused(value)


def test_a_missing_text_is_refused():
    assert (400, "missing_text") == refused({"emotion": "sad"})


@pytest.mark.parametrize("text", [None, 1, ["好"], {}, False, "\ud800", "好\udfff"])
def test_a_text_that_is_no_text_is_refused(text):
    assert (400, "invalid_text") == refused({"text": text})


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_a_blank_text_is_refused(text):
    assert (400, "empty_text") == refused({"text": text})


def test_the_longest_text_is_taken_and_one_more_character_refused():
    assert PROMISES.longest_text == len(parse(json.dumps({"text": "好" * PROMISES.longest_text}).encode()).text)
    assert (422, "text_too_long") == refused({"text": "好" * (PROMISES.longest_text + 1)})


@pytest.mark.parametrize("emotion", [None, 1, ["sad"]])
def test_an_emotion_that_is_no_text_is_refused(emotion):
    assert (400, "invalid_emotion") == refused({"text": "好", "emotion": emotion})


def test_an_unknown_emotion_is_answered_with_the_known_and_the_nearest():
    with pytest.raises(RequestError, match=r"one of: neutral, happy, .*; did you mean angry"):
        parse(b'{"text": "1", "emotion": "Angri"}')


@pytest.mark.parametrize("intensity", [b"-0.1", b"1.1", b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400])
def test_an_intensity_outside_0_to_1_is_refused(intensity):
    assert (400, "invalid_intensity") == refused(b'{"text": "1", "intensity": %s}' % intensity)


@pytest.mark.parametrize("intensity", [None, "0.5", True, [], {}])
def test_an_intensity_that_is_no_number_is_refused(intensity):
    assert (400, "invalid_intensity") == refused({"text": "好", "intensity": intensity})
