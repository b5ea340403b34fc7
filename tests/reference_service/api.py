"""The HTTP face: POST /tts, GET /health and the page to try it, in front of any engine (protocol.py)."""

from __future__ import annotations

import contextlib
import struct
import time
import traceback
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import quote

import speech_request
from flask import Flask, Response, g, jsonify, request
from output import say
from protocol import Engine, EngineError, Promises, Unreadable
from speech_request import RequestError, SpeechRequest
from turns import Busy, Gone, Turns
from werkzeug.exceptions import HTTPException

MAX_BODY_BYTES = 256 * 1024
MOST_WAITING = 20  # as many as the engine's own page lets wait (index-tts webui.py: demo.queue(20))
PAGE = Path(__file__).with_name("page.html")
HUNG_UP = 499  # nginx' word for a client that is gone; nobody reads it but the log


class Service:
    """What the routes share: the engine, its queue, and whether it can speak."""

    def __init__(self, engine: Engine, version: str, run_id: Optional[str]) -> None:
        self.engine = engine
        self.turns = Turns(MOST_WAITING)
        self.promises: Optional[Promises] = None
        self.broken = ""
        self._about = {"model": engine.model, "version": version, "run_id": run_id}
        self._started = time.monotonic()

    def load(self) -> None:
        """Load the engine; raises StartError."""
        self.promises = self.turns.first(self.engine.load)

    @property
    def status(self) -> str:
        """Say in a word whether it speaks: loading, ok, broken."""
        return "broken" if self.broken else "ok" if self.promises else "loading"

    def health(self) -> Dict[str, Any]:
        """Return the body of GET /health."""
        told: Dict[str, Any] = {"status": self.status, **self._about}
        if self.broken:
            told["problem"] = self.broken
        if self.promises and not self.broken:  # a broken engine cannot be asked for anything any more
            told.update(device=self.engine.device(), **self.engine.facts())
            told["promises"] = {**self.promises._asdict(), "most_waiting": self.turns.most_waiting}
        return {**told, "waiting": self.turns.waiting, "uptime_s": round(time.monotonic() - self._started, 3)}

    def speak(self, wanted: SpeechRequest) -> bytes:
        """Have the engine speak when it is this request's turn; whatever else comes of it is an answer of the API."""
        try:
            return self.turns.take(lambda: self._spoken(wanted), _is_gone())
        except Unreadable as error:
            raise RequestError(422, "unreadable_text", f"nothing in the text can be said; {error}") from error
        except Busy as error:
            wait = f"{self.turns.most_waiting} requests wait already; {error}"
            raise RequestError(503, "busy", wait, retry_after_s=error.retry_after_s) from error
        except Gone as error:
            raise RequestError(HUNG_UP, "hung_up", "who asked is gone") from error
        except EngineError as error:
            traceback.print_exc()
            raise RequestError(500, error.code, error.message) from error

    def _spoken(self, wanted: SpeechRequest) -> bytes:
        """Speak, in the engine's thread, unless a request before broke it."""
        self.check_whole()
        try:
            return self.engine.speak(*wanted)
        except EngineError as error:
            self.broken = self.broken or (error.message if error.is_broken else "")
            raise

    def check_whole(self) -> None:
        """Refuse what a broken engine would be asked."""
        if self.broken:
            raise RequestError(503, "broken", f"the engine gives no speech any more: {self.broken}")


def create_app(service: Service, headless: bool) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__, static_folder=None)
    app.before_request(_start_clock)
    app.after_request(_log)
    app.register_error_handler(RequestError, _refuse)
    app.register_error_handler(HTTPException, _http_error)

    @app.get("/health")
    def health() -> Any:
        return jsonify(service.health()), 200 if service.status == "ok" else 503

    @app.post("/tts")
    def tts() -> Response:
        return _tts(service)

    if not headless:

        @app.get("/")
        def page() -> Response:
            return Response(PAGE.read_bytes(), mimetype="text/html")

    return app


def _tts(service: Service) -> Response:
    if request.mimetype != "application/json":
        raise RequestError(415, "unsupported_media_type", "expected Content-Type: application/json")
    service.check_whole()
    if not service.promises:
        raise RequestError(503, "loading", "the model is still loading; ask GET /health")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestError(413, "body_too_large", f"the body may have {MAX_BODY_BYTES} bytes at most")
    wanted = speech_request.parse(request.get_data(), service.promises)
    g.asked = f" chars={len(wanted.text)} emotion={wanted.emotion} intensity={wanted.intensity:g}"
    wav = service.speak(wanted)
    g.asked += f" audio={_seconds(wav)}"
    return Response(wav, mimetype="audio/wav")


def _is_gone() -> Any:
    """Find waitress' own word on whether who asked still waits for an answer."""
    return request.environ.get("waitress.client_disconnected", lambda: False)


def _seconds(wav: bytes) -> str:
    """Read from the header how long it is: bytes of sound by bytes a second; only the log wants to know."""
    with contextlib.suppress(struct.error, ZeroDivisionError):
        (rate,), (size,) = struct.unpack_from("<I", wav, 28), struct.unpack_from("<I", wav, 40)
        return f"{size / rate:.2f}s"
    return "?"


def _refuse(error: RequestError) -> Response:
    response = jsonify(error={"code": error.code, "message": error.message})
    response.status_code = error.status
    if error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _http_error(error: HTTPException) -> Response:
    """Answer what Flask refuses (404, 405, 413, ...) in JSON too; keeps Allow and its like."""
    code = (error.name or "error").lower().replace(" ", "_")
    response = _refuse(RequestError(error.code or 500, code, error.description or code))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _start_clock() -> None:
    g.started, g.asked = time.monotonic(), ""


def _log(response: Response) -> Response:
    asked = f"{request.method} {quote(request.path)}"  # quoted: a path may hold line breaks
    took = f"{(time.monotonic() - g.started) * 1000:.0f}ms"
    say(f"{asked} {response.status_code} {took}{g.asked}")
    return response
