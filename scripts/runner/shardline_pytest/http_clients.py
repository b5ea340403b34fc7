"""Lets a recorder hear what `requests` and `httpx` send, for as long as it wants to.

Their classes are changed in this process, so that a suite's own sessions and clients need not be. What concerns the
recorder is noted, and handed on as it came; anything else goes straight through.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import weakref
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional
from urllib.parse import urlsplit

from .exchange import Exchange, Real, Request, body_of, bytes_of

if TYPE_CHECKING:
    from .service_requests import ServiceRequests


def watch_requests(recorder: ServiceRequests) -> Iterator[Callable[[], None]]:
    """Record what `requests` sends, each redirect on its own."""
    session = import_module("requests.sessions").Session
    send = session.send

    def add(request: Any, response: Any, started: float) -> None:
        own = response.history[0] if response.history else response  # the others came by calls of their own
        _add(recorder, request, request.body, own, _ms(started) if own is response else _elapsed(own))

    def fail(request: Any, started: float, error: BaseException) -> None:
        _add(recorder, request, request.body, None, _ms(started), error)

    yield _replace(session, "send", send, _recorded(send, recorder, add, fail))


def watch_httpx(recorder: ServiceRequests) -> Iterator[Callable[[], None]]:
    """Record what `httpx` sends, by clients of both kinds."""
    httpx = import_module("httpx")
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def add(request: Any, response: Any, started: float) -> None:
        for each in [*response.history, response]:
            own_ms = _ms(started) if not response.history else _elapsed(each)
            _add(recorder, each.request, getattr(each.request, "_content", None), each, own_ms)

    def fail(request: Any, started: float, error: BaseException) -> None:
        _add(recorder, request, getattr(request, "_content", None), None, _ms(started), error)

    @functools.wraps(send_async)
    async def recorded_async(self: Any, request: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        if not recorder.concerns(request.url):
            return await send_async(self, request, **options)
        started = Real.clock()
        try:
            response = await send_async(self, request, **options)
        except BaseException as error:
            fail(request, started, error)
            raise
        add(request, response, started)
        return response

    yield _replace(httpx.Client, "send", send, _recorded(send, recorder, add, fail))
    yield _replace(httpx.AsyncClient, "send", send_async, recorded_async)


def _recorded(
    send: Any,
    recorder: ServiceRequests,
    add: Callable[[Any, Any, float], None],
    fail: Callable[[Any, float, BaseException], None],
) -> Any:
    """Make a method that sends as `send` does, and tells what came of a request that concerns the recorder."""

    @functools.wraps(send)
    def recorded(self: Any, request: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        if not recorder.concerns(request.url):
            return send(self, request, **options)
        started = Real.clock()
        try:
            response = send(self, request, **options)
        except BaseException as error:
            fail(request, started, error)
            raise
        add(request, response, started)
        return response

    return recorded


def _replace(owner: Any, name: str, before: Any, now: Any) -> Callable[[], None]:
    """Put a method in the place of another; returns what undoes that, unless somebody else has come on top."""
    setattr(owner, name, now)
    return lambda: setattr(owner, name, before) if vars(owner).get(name) is now else None


def _add(
    recorder: ServiceRequests,
    request: Any,
    body: Any,
    response: Any,
    ms: Optional[float],
    error: Optional[BaseException] = None,
) -> None:
    """Record a request of `requests` or `httpx`, and its response, whose body is not read for that."""
    with suppress(Exception):
        sent, came = bytes_of(body), bytes_of(getattr(response, "_content", None))
        noted = Request(
            str(request.method),
            urlsplit(str(request.url)).path or "/",
            None if response is None else int(response.status_code),
            ms,
            _size(sent, request),
            None if response is None else _size(came, response),
            type(error).__name__ if error else "",
        )
        late = weakref.ref(response) if response is not None and came is None else lambda: None
        kinds = [_kind(each) for each in (request, response)]
        recorder.add(Exchange(noted, body_of(sent, kinds[0]), body_of(came, kinds[1]), late))


def _ms(started: float) -> float:
    return round((Real.clock() - started) * 1000, 3)


def _elapsed(response: Any) -> Optional[float]:
    with suppress(Exception):  # of httpx: a stream that is not read to its end has none
        return round(float(response.elapsed.total_seconds()) * 1000, 3)
    return None


def _size(body: Optional[bytes], message: Any) -> Optional[int]:
    """Count the bytes of a body: as it lies in memory, else as its header says."""
    if body is not None:
        return len(body)
    told = str(message.headers.get("Content-Length", ""))
    return int(told) if told.isdecimal() else None


def _kind(message: Any) -> str:
    return "" if message is None else str(message.headers.get("Content-Type", ""))
