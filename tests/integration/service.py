"""The service under test, seen from outside: ask over HTTP, get speech or a refusal."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Dict, Mapping

import requests

from scripts.audio.wav import Wav, WavError, parse_wav
from tests.integration import evidence
from tests.integration.evidence import Exchange
from tests.integration.promises import real_time_factor

TIMEOUT_S = float(os.environ.get("SERVICE_TIMEOUT_S", "60"))
# On top for each character: 0.22 s of speech, spoken as slowly as the engine promises at the worst (/health).
SPEECH_PER_CHARACTER_S = 0.22
# A service that once did not answer gets little patience from then on, so that a hung one ends the
# run in minutes, not in hours.
HUNG_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Speech:
    """One answer with sound: what was asked, what came, and how long that took."""

    request: Dict[str, Any]
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    wall_s: float
    exchange: Exchange = field(repr=False)

    @property
    def text(self) -> str:
        return str(self.request["text"])

    @cached_property
    def wav(self) -> Wav:
        try:
            return parse_wav(self.body)
        except WavError as error:
            raise AssertionError(fault(self, "broken WAV", "a correct file", error)) from error


Say = Callable[..., Speech]


class Service:
    """The service at one URL."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.hung = False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send any request; that no answer comes, or half of one, is the service's fault."""
        patience_s = HUNG_TIMEOUT_S if self.hung else options.pop("timeout", TIMEOUT_S)
        options["timeout"] = patience_s
        try:
            response = requests.request(method, self.url + path, **options)  # noqa: S113 - among the options
        except requests.RequestException as error:
            self.hung = self.hung or isinstance(error, requests.Timeout)
            what = "service hangs" if isinstance(error, requests.Timeout) else "service gone or broken"
            sent = error.request.body if error.request is not None else b""
            evidence.note(Exchange(method, path, as_bytes(sent), seconds=patience_s, problem=str(error)))
            raise AssertionError(f"{what}: {method} {path}: {error}") from None
        promised = response.headers.get("Content-Length", "")
        if method != "HEAD" and promised.isdigit() and len(response.content) < int(promised):  # urllib3 1 says nothing
            came = f"{len(response.content)} of {promised} bytes"
            evidence.note(Exchange(method, path, as_bytes(response.request.body), seconds=patience_s, problem=came))
            raise AssertionError(f"service gone or broken: {method} {path}: {came}")
        evidence.note(exchange_of(response))
        return response

    def post(self, body: bytes, content_type: str = "application/json") -> requests.Response:
        """POST these very bytes to /tts, for what no correct client would send."""
        return self.call("POST", "/tts", data=body, headers={"Content-Type": content_type})

    def say(self, text: str, **options: Any) -> Speech:
        """Ask for speech for the text; anything but a 200 with sound fails the test."""
        request = {"text": text, **options}
        started = time.monotonic()
        patience_s = TIMEOUT_S + SPEECH_PER_CHARACTER_S * real_time_factor() * len(text)
        response = self.call("POST", "/tts", json=request, timeout=patience_s)
        speech = Speech(request, response.content, response.headers, time.monotonic() - started, exchange_of(response))
        if response.status_code != 200:
            came = f"{response.status_code} {response.text[:300]}"
            raise AssertionError(fault(speech, "no speech", "200", came))
        return speech

    def health(self) -> Dict[str, Any]:
        """Ask /health, which must answer with a JSON object and a 200."""
        response = self.call("GET", "/health")
        came = f"{response.status_code} {response.text[:300]}"
        assert 200 == response.status_code, f"GET /health: expected 200, came {came}"
        state = response.json()
        assert isinstance(state, dict), f"GET /health: expected a JSON object, came {came}"
        return state


def fault(speech: Speech, what: str, expected: object, came: object) -> str:
    """Say what is wrong, for which request, and where its sound is kept."""
    request = json.dumps(speech.request, ensure_ascii=False)
    return (
        f"{what}: expected {expected}, came {came}\n"
        f"  request: POST /tts {request if len(request) < 300 else request[:300] + '...'}\n"
        f"  sound: {evidence.keep(speech.exchange, evidence.running_test())}"
    )


def exchange_of(response: requests.Response) -> Exchange:
    """Take from a response what may be kept of it and its request; no headers, which may hold secrets."""
    request = response.request
    return Exchange(
        str(request.method),
        request.path_url,
        as_bytes(request.body),
        response.status_code,
        str(response.headers.get("content-type", "")),
        response.content,
        response.elapsed.total_seconds(),
    )


def as_bytes(body: Any) -> bytes:
    """Give the body of a request, which may be text or none, as bytes."""
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body or b"")
