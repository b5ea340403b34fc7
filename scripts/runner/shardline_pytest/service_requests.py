"""Records what a suite asks its service, and keeps the bodies of failed tests as evidence.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import Any, Callable, Deque, Iterable, List, Optional, Tuple
from urllib.parse import urlsplit

import pytest

from .exchange import Exchange, Real, Request, body_of, length
from .hook_style import IS_YOUNG, Wrapper, outermost
from .http_clients import watch_httpx, watch_requests
from .journal_writer import JournalWriter
from .request_evidence import Evidence

FILE_NAME = "requests.jsonl"
HELD_BYTES = 20_000_000  # bodies of the running test that are held
MOST_SEEN = 200  # requests of one test that are held; the latest tell most
MOST_SHOWN = 20  # in the report of a failed test
PORTS = {"http": 80, "https": 443}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ServiceRequests:
    """Records what a suite asks its service while it is entered. It never disturbs a test: what fails is left out.

    Args:
        urls: of the services; requests to others are not recorded.
        pen: whose journal lies in the folder of the shard; None to write nothing.
        artifacts: the folder for evidence; None to keep no bodies.
    """

    def __init__(self, urls: Iterable[str], pen: Optional[JournalWriter], artifacts: Optional[str]) -> None:
        self._addresses = frozenset(map(_address, urls))
        self._pen = pen.beside(FILE_NAME) if pen else None
        self._evidence = Evidence(os.path.join(artifacts, "requests")) if artifacts else None
        self._held: Deque[Exchange] = deque()
        self._held_bytes = 0
        self._lock, self._process, self._getpid = threading.RLock(), os.getpid(), os.getpid
        self._test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        self._undo: List[Callable[[], None]] = []

    def __enter__(self) -> ServiceRequests:
        for watch in (watch_requests, watch_httpx):
            with suppress(Exception):  # not installed, or another than we know
                self._undo.extend(watch(self))
        return self

    def __exit__(self, *exception: object) -> None:
        self._addresses = frozenset()
        while self._undo:
            self._undo.pop()()

    @property
    def seen(self) -> List[Request]:
        """List the requests of the running test, the latest 200 at most."""
        with self._lock:
            return [exchange.request for exchange in self._held]

    def concerns(self, url: object) -> bool:
        """Tell whether a url is the service's."""
        try:
            return _address(str(url)) in self._addresses
        except Exception:
            return False

    def note(
        self,
        method: str,
        url: str,
        status: Optional[int],
        ms: Optional[float],
        sent: Optional[bytes] = None,
        received: Optional[bytes] = None,
        *,
        error: str = "",
    ) -> None:
        """Record a request that another client made; `status` is None where no answer came."""
        request = Request(method, urlsplit(url).path or "/", status, ms, length(sent), length(received), error)
        self.add(Exchange(request, body_of(sent, ""), body_of(received, ""), lambda: None))

    def add(self, exchange: Exchange) -> None:
        """Write down a request, and hold it until its test is over."""
        if self._getpid() != self._process:  # a child's
            return
        with self._lock, suppress(Exception):
            self._held.append(exchange)
            self._held_bytes += exchange.held_bytes
            while len(self._held) > MOST_SEEN or self._held_bytes > HELD_BYTES:
                self._held_bytes -= self._held.popleft().held_bytes
            if self._pen:
                facts = {name: value for name, value in exchange.request._asdict().items() if value not in (None, "")}
                self._pen.write("request", t=round(Real.time(), 3), test=self._test, **facts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin with a test: what comes now is asked by it, or by a fixture for it."""
        with self._lock:
            self._test, self._held_bytes = item.nodeid, 0
            self._held.clear()

    @outermost
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Wrapper:
        """Add to the report of a failed test what it asked, and keep the bodies."""
        outcome = yield
        with suppress(Exception):
            report = outcome if IS_YOUNG else outcome.get_result()
            if report.failed:
                self._explain(item, report)
        return outcome

    def _explain(self, item: pytest.Item, report: pytest.TestReport) -> None:
        with self._lock:
            exchanges = list(self._held)
            self._held.clear()
            self._held_bytes = 0
        if not exchanges:
            return
        kept = self._evidence.keep(item.nodeid, exchanges) if self._evidence else ""
        lines = [str(exchange.request) for exchange in exchanges[-MOST_SHOWN:]]
        left_out = len(exchanges) - len(lines)
        first = [f"({left_out} more before)"] if left_out else []
        last = [f"bodies: {kept}"] if kept else []
        report.sections.append(("requests to the service", "\n".join([*first, *lines, *last])))


def _address(url: str) -> Tuple[str, Optional[int]]:
    """Return host and port of a url; this machine has one name.

    >>> _address("http://localhost:80/a"), _address("http://127.0.0.1")
    (('127.0.0.1', 80), ('127.0.0.1', 80))
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return ("127.0.0.1" if host in LOOPBACK else host), parts.port or PORTS.get(parts.scheme)
