"""Have a service speak a list of texts: which requests that takes, and what came of each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ..errors import SettingsError
from ..settings import Service, WarmUp
from .asking import UNFINISHED, Answer, Target, ask, body_words, check_alive, status_words

FIELDS = ("text", "input", "tts_text", "prompt", "sentence")  # what services call the text to speak
MOST_BYTES = 1_000_000  # of a list of texts


class Wanted(NamedTuple):
    """A text to be spoken, and the other fields of its request: {"emotion": "sad"}."""

    text: str
    options: Mapping[str, Any] = {}


class Request(NamedTuple):
    """What is sent: as JSON, or as the fields of a form."""

    method: str
    path: str
    headers: Mapping[str, str]
    json: Optional[Mapping[str, Any]]
    form: Mapping[str, str]


def parse_texts(content: str, name: object) -> List[Wanted]:
    r"""Read a list of texts: one a line; a line of JSON has further fields of the request; # begins a remark.

    >>> parse_texts('# greetings\n你好。\n{"text": "再见。", "emotion": "sad"}\n', "texts.txt")[1]
    Wanted(text='再见。', options={'emotion': 'sad'})

    Raises:
        SettingsError: a line is no such text, or there is none.
    """
    found: List[Wanted] = []
    for number, line in enumerate(content.lstrip("\ufeff").split("\n"), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            found.append(_parse_line(line, f"{name}:{number}"))
    if not found:
        raise SettingsError(f"{name}: expected a text a line, found none", "Write what is to be spoken into it.")
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


def _parse_line(line: str, place: str) -> Wanted:
    if not line.startswith("{"):
        return Wanted(line)
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise SettingsError(f"{place}: begins as JSON and is none: {error}", "Correct that line.") from None
    text = fields.pop("text", None)
    if not isinstance(text, str) or not text.strip():
        raise SettingsError(f'{place}: expected {{"text": "...", ...}}, got text {text!r}', "Correct that line.")
    return Wanted(text, fields)


def request_of(service: Service, wanted: Wanted, field: str = "") -> Request:
    """Make the request for a text out of that of the warm-up, which speaks one.

    Args:
        field: of the warm-up's JSON or form, which has the text; by default what most services call it.

    Raises:
        SettingsError: no step of the warm-up has such a field.
    """
    for step in service.warm_ups:
        body = step.json if isinstance(step.json, dict) else dict(step.form)
        name = text_field(body, field)
        if name:
            return _filled(step, {**body, **wanted.options, name: wanted.text})
    looked = field or ", ".join(FIELDS)
    message = f"no request of service.warm_up has a field for the text to speak ({looked})"
    raise SettingsError(message, "Add one that speaks, or name its field: --field NAME")


def _filled(step: WarmUp, body: Dict[str, Any]) -> Request:
    path, headers = step.path or "/", dict(step.headers)
    if isinstance(step.json, dict):
        return Request(step.method or "POST", path, headers, body, {})
    return Request(step.method or "POST", path, headers, None, {name: str(value) for name, value in body.items()})


def text_field(body: Mapping[str, Any], field: str = "") -> str:
    """Find the field of a request that has the text; empty where it has none.

    >>> text_field({"model": "tts-1", "input": "hello"}), text_field({"say": "hello"}), text_field({"n": 1}, "n")
    ('input', 'say', 'n')
    """
    if field:
        return field if field in body else ""
    words = [name for name, value in body.items() if isinstance(value, str)]
    return next((name for name in FIELDS if name in words), words[0] if len(words) == 1 else "")


class Spoken(NamedTuple):
    """What came of a text: a sound, or why there is none."""

    body: bytes = b""
    problem: str = ""


def speak(target: Target, request: Request, timeout_s: float) -> Spoken:
    """Send one request.

    Raises:
        ServiceDied: its process ended.
    """
    parts: Dict[str, Any] = {"headers": dict(request.headers)}
    if request.form:
        parts["data"] = dict(request.form)
    until = time.monotonic() + timeout_s
    answer = ask(target, request.method, request.path, timeout_s, until, request.json, parts) or UNFINISHED
    check_alive(target)
    problem = why_silent(answer)
    return Spoken(problem=problem) if problem else Spoken(answer.body)


def why_silent(answer: Answer) -> str:
    """Say why an answer is no sound; empty where it may be one.

    >>> why_silent(Answer(500, b"no model")), why_silent(Answer(200, b"RIFF"))
    ('the service answered 500 Internal Server Error: no model', '')
    """
    if answer.problem:
        return f"the service {answer.problem}"
    if not 200 <= answer.status < 300 or not answer.body:
        return f"the service answered {status_words(answer.status)}: {body_words(answer.body)}"
    return ""


def speak_all(
    target: Target, requests: Sequence[Request], folder: Path, timeout_s: float, done: Callable[[int], None]
) -> List[str]:
    """Have all texts spoken into a folder, as 000.wav and so on; returns why a text has none, empty where it has."""
    problems = []
    for number, request in enumerate(requests):
        spoken = speak(target, request, timeout_s)
        if spoken.body:
            (folder / file_name(number)).write_bytes(spoken.body)
        problems.append(spoken.problem)
        done(1)
    return problems


def file_name(number: int) -> str:
    """Name the recording of a text by its place in the list."""
    return f"{number:03d}.wav"
