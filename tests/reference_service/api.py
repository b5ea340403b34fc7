"""The HTTP face: POST /tts, GET /health and the page to try it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import quote

import speech_request
from flask import Flask, Response, g, jsonify, request
from reading import Unreadable
from speech_request import RequestError
from werkzeug.exceptions import HTTPException

MAX_BODY_BYTES = 256 * 1024
WAV_HEADER_BYTES = 44
BYTES_PER_SECOND = 2 * 24000
UNREADABLE = "nothing in the text can be said; this voice reads Chinese characters and digits"
PAGE = Path(__file__).with_name("page.html")


class Service:
    """What the routes share: facts for /health, and the speaker once it is loaded."""

    def __init__(self, facts: Dict[str, Any]) -> None:
        self.facts = facts
        self.speaker: Optional[Any] = None
        self._started = time.monotonic()

    def health(self) -> Dict[str, Any]:
        """Return the body of GET /health."""
        status = "ok" if self.speaker else "loading"
        uptime_s = round(time.monotonic() - self._started, 3)
        return {"status": status, **self.facts, "uptime_s": uptime_s}


def create_app(service: Service, headless: bool) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__, static_folder=None)
    app.before_request(_start_clock)
    app.after_request(_log)
    app.register_error_handler(RequestError, _refuse)
    app.register_error_handler(HTTPException, _http_error)

    @app.get("/health")
    def health() -> Any:
        return jsonify(service.health()), 200 if service.speaker else 503

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
    if not service.speaker:
        raise RequestError(503, "loading", "the model is still loading; ask GET /health")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestError(413, "body_too_large", f"the body may have {MAX_BODY_BYTES} bytes at most")
    wanted = speech_request.parse(request.get_data())
    g.asked = f" chars={len(wanted.text)} emotion={wanted.emotion} intensity={wanted.intensity:g}"
    try:
        wav = service.speaker.speak(*wanted)
    except Unreadable as error:
        raise RequestError(422, "unreadable_text", UNREADABLE) from error
    g.asked += f" audio={(len(wav) - WAV_HEADER_BYTES) / BYTES_PER_SECOND:.2f}s"
    return Response(wav, mimetype="audio/wav")


def _refuse(error: RequestError) -> Response:
    response = jsonify(error={"code": error.code, "message": error.message})
    response.status_code = error.status
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
    print(f"{asked} {response.status_code} {took}{g.asked}", file=sys.stderr, flush=True)
    return response
