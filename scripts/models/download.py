"""One file from a server: resumed after every interruption, and given up only when nothing more comes.

An attempt asks for what is missing (Range), and only if the file is still the one that the part began
with (If-Range). Whether all of it is the right file, the digest says in the end: see store.py.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Callable, Mapping, Optional, Set

from ..console import Advance, counted, human_bytes, human_seconds
from ..settings import ModelFile
from .addresses import SourceError, WrongContent, host_of, printable
from .http import (
    PATIENT,
    Interrupted,
    Patience,
    Web,
    extent_of,
    may_pass,
    ordered_pause_s,
    pause_s,
    request_headers,
    validator_of,
)
from .partial import Origin, Part
from .remote import Remote, remote
from .verified import HEAD_BYTES, Content, difference

if TYPE_CHECKING:
    import requests

RECEIVED_BYTES = 1 << 20  # at once, at most
EXPLAINED_BYTES = 4096


class Transfer:
    """Receives files from servers, one after the other.

    Args:
        environ: where credentials are looked up.
        came: hears of bytes as they come.
        tell: hears, in one line, of interruptions.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        came: Advance,
        tell: Callable[[str], None],
        patience: Patience = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._web = Web(patience)
        self._environ, self._came, self._tell, self._patience, self._sleep = environ, came, tell, patience, sleep
        self._given_up: Set[str] = set()  # hosts: nobody waits for the same one with every file

    def fill(self, part: Part, source: str, file: ModelFile) -> None:
        """Bring the part to the size of the file, from what it holds already.

        Raises:
            SourceError: nothing more comes from there.
            WrongContent: the server has something else, now. The part is empty if it is of no use any more.
            OSError: the part cannot be written.
        """
        part.resume()
        furthest, failures = part.size_bytes, 0
        while part.size_bytes < file.size_bytes:
            try:
                self._attempt(part, source, file)
            except Interrupted as broken:
                if part.size_bytes > furthest:
                    furthest, failures = part.size_bytes, 0
                failures += 1
                self._check_patience(broken, failures, source)
                pause = pause_s(self._patience, failures, broken.ordered_s, random.random())
                self._tell(f"{file.path}: {broken}; {_reached(part, file)}, again in {human_seconds(pause)}")
                self._sleep(pause)
        self._given_up.discard(host_of(source))

    def announced_bytes(self, source: str) -> Optional[int]:
        """The size that the server says its file has, if it says one; asked for once.

        Raises:
            SourceError: it refuses, or cannot be reached.
        """
        asked = remote(source, self._environ)
        try:
            with closing(self._get(asked, source, request_headers(0, ""))) as answer:
                self._check_status(answer, asked)
                return extent_of(answer.headers).total_bytes
        except Interrupted as error:
            raise SourceError(str(error)) from error

    def _get(self, asked: Remote, source: str, headers: Mapping[str, str]) -> requests.Response:
        return self._web.get(asked, headers, with_netrc=source.startswith("http"))

    def _check_patience(self, broken: Interrupted, failures: int, source: str) -> None:
        """Raise SourceError where it is not worth to try again."""
        if (broken.ordered_s or 0) > self._patience.longest_order_s:
            raise SourceError(
                f"{broken}, and asks to come back in {human_seconds(broken.ordered_s or 0.0)}"
            ) from broken
        if failures > self._patience.retries or host_of(source) in self._given_up:
            self._given_up.add(host_of(source))
            raise SourceError(f"{broken} ({counted(failures, 'attempt')} in a row)") from broken

    def _attempt(self, part: Part, source: str, file: ModelFile) -> None:
        """Append what one answer gives to the part."""
        asked = remote(source, self._environ)
        headers = request_headers(part.size_bytes, _validator(part, source))
        with closing(self._get(asked, source, headers)) as answer:
            self._check_status(answer, asked)
            extent = extent_of(answer.headers)
            if extent.total_bytes not in (None, file.size_bytes):
                got = Content(extent.total_bytes or 0, "", self._web.read(answer, HEAD_BYTES))
                raise WrongContent(_in_words(file, got, answer))
            self._place(part, extent.start, Origin(printable(source), validator_of(answer.headers)))
            self._receive(part, answer, file.size_bytes)
            if part.size_bytes < file.size_bytes and extent.total_bytes is None:
                got = part.content()
                part.restart()
                raise WrongContent(_in_words(file, got, answer))
        if part.size_bytes < file.size_bytes:
            raise Interrupted("the answer ended early")

    def _check_status(self, answer: requests.Response, asked: Remote) -> None:
        """Raise what an answer means that holds no bytes of the file."""
        status = answer.status_code
        if status in (200, 206):
            return
        try:
            body = self._web.read(answer, EXPLAINED_BYTES)
        except Interrupted:
            body = b""
        said = ": ".join(filter(None, [f"HTTP {status} {answer.reason}", asked.explain(status, body)]))
        if status == 416:
            raise WrongContent(f"{said}: its file ends before what came already")
        if not may_pass(status):
            raise SourceError(said)
        now = datetime.now(timezone.utc)
        raise Interrupted(said, ordered_pause_s(answer.headers.get("Retry-After", ""), now))

    @staticmethod
    def _place(part: Part, start: int, origin: Origin) -> None:
        """Make the part ready for bytes that begin at `start`.

        Where the whole file comes in place of the rest, it changed, or the server tells its versions
        apart badly: from then on the digest alone decides.
        """
        if start == 0:
            origin = origin._replace(validator="") if part.size_bytes else origin
            part.restart()
            part.came_from(origin)
        elif start != part.size_bytes:
            wanted = part.size_bytes
            part.restart()
            raise WrongContent(f"asked for the bytes from {wanted} on, got those from {start} on")

    def _receive(self, part: Part, answer: requests.Response, size_bytes: int) -> None:
        while part.size_bytes < size_bytes:
            chunk = self._web.read(answer, min(RECEIVED_BYTES, size_bytes - part.size_bytes))
            if not chunk:
                return
            part.write(chunk)
            self._came(len(chunk))


def _validator(part: Part, source: str) -> str:
    """What If-Range may name: only the server that the part came from knows it."""
    origin = part.origin
    return origin.validator if origin.source == printable(source) else ""


def _reached(part: Part, file: ModelFile) -> str:
    return f"{human_bytes(part.size_bytes)} of {human_bytes(file.size_bytes)} are here"


def _in_words(file: ModelFile, got: Content, answer: requests.Response) -> str:
    encoding = answer.headers.get("Content-Encoding", "identity")
    return difference(file, got) + ("" if encoding == "identity" else f"; it was sent with Content-Encoding {encoding}")
