"""Is the body of POST /tts a request that can be answered."""

from __future__ import annotations

import difflib
import json
from typing import Any, NamedTuple, Sequence

from protocol import NEUTRAL, Promises


class RequestError(Exception):
    """Why there is no speech: an HTTP status, a code for programs and a message for people.

    Args:
        retry_after_s: when it is worth asking again; 0: not said.
    """

    def __init__(self, status: int, code: str, message: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s


class SpeechRequest(NamedTuple):
    """What to say and how."""

    text: str
    emotion: str = NEUTRAL
    intensity: float = 1.0


def parse(body: bytes, promises: Promises) -> SpeechRequest:
    """Return the request in a JSON body, if it is one that can be answered; keys that we do not know are ignored.

    Raises RequestError.
    """
    fields = _json_object(body)
    if "text" not in fields:
        raise RequestError(400, "missing_text", 'expected {"text": "..."}; "text" is missing')
    return SpeechRequest(
        _text(fields["text"], promises.longest_text),
        _emotion(fields.get("emotion", NEUTRAL), promises.emotions),
        _intensity(fields.get("intensity", 1.0)),
    )


def _json_object(body: bytes) -> Any:
    try:
        fields = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RequestError(
            400, "invalid_json", f"the body is not UTF-8: {error.reason} at byte {error.start}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "invalid_json", f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise RequestError(400, "invalid_request", f"expected a JSON object, got {_kind(fields)}")
    return fields


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise RequestError(400, "invalid_text", f'"text" must be a string, got {_kind(value)}')
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise RequestError(400, "invalid_text", '"text" holds half a surrogate pair')
    if not value.strip():
        raise RequestError(400, "empty_text", '"text" is empty')
    if len(value) > longest:
        raise RequestError(
            422,
            "text_too_long",
            f'"text" has {len(value)} characters, at most {longest} are said at once',
        )
    return value


def _emotion(value: Any, known: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise RequestError(400, "invalid_emotion", f'"emotion" must be a string, got {_kind(value)}')
    if value not in known:
        nearest = difflib.get_close_matches(value.lower()[:40], known, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise RequestError(
            400,
            "unknown_emotion",
            f"unknown emotion {value[:40]!a}, expected one of: {', '.join(known)}{hint}",
        )
    return value


def _intensity(value: Any) -> float:
    # bool is an int in Python, and NaN fails both comparisons
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        came = value if isinstance(value, float) else _kind(value)
        raise RequestError(400, "invalid_intensity", f'"intensity" must be a number from 0 to 1, got {came}')
    return float(value)


def _kind(value: Any) -> str:
    """Name a JSON value's type as JSON does."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
