"""One file from a server: resumed after every interruption, and given up only when nothing more comes.

An attempt asks for what is missing (Range), and only if the file is still the one that the part began
with (If-Range). Whether all of it is the right file, the digest says in the end: see store.py.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Callable, Dict, Mapping, Optional, Set, Tuple

from ..console import Advance, counted, human_bytes, human_seconds
from ..settings import ModelFile
from .addresses import SourceError, WrongContent, host_of, is_commit, printable
from .http import (
    PATIENT,
    Interrupted,
    Patience,
    Remote,
    Web,
    extent_of,
    may_pass,
    ordered_pause_s,
    pause_s,
    request_headers,
    validator_of,
)
from .listing import Answer
from .partial import Origin, PartialFile
from .remote import remote
from .verified import HEAD_BYTES, Content, difference

if TYPE_CHECKING:
    import requests

RECEIVED_BYTES = 1 << 18  # at once, at most: as fast as 1 MiB, and eight threads take no more memory than one did
EXPLAINED_BYTES = 4096
ANSWER_BYTES = 20_000_000  # of a question: a page of a list of files has half a megabyte


class Hosts:
    """What the transfers of one fetch, in several threads, know of the servers they share."""

    def __init__(self) -> None:
        self.given_up: Set[str] = set()  # nobody waits for the same one with every file
        self._free_at: Dict[str, float] = {}
        self._given_bytes: Counter[Tuple[str, object]] = Counter()

    def pause(self, host: str, seconds: float) -> None:
        """Let nobody ask a server for so long: it said so to one of us."""
        self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)

    def wait_s(self, host: str) -> float:
        """Tell how long a server still wants to be left alone."""
        return max(0.0, self._free_at.get(host, 0.0) - time.monotonic())

    def gave(self, host: str, receiver: object, count: int) -> None:
        """Hear that a server gave bytes to somebody, who is in one thread."""
        self._given_bytes[host, receiver] += count

    def given_to_others(self, host: str, receiver: object) -> int:
        """Count the bytes that a server gave to all but one."""
        given = list(self._given_bytes.items())
        return sum(count for (other, who), count in given if other == host and who is not receiver)


class Transfer:
    """Receives files from servers, one after the other.

    Args:
        environ: where credentials are looked up.
        came: hears of bytes as they come.
        tell: hears, in one line, of interruptions.
        sleep: waits for so many seconds.
        hosts: shared with the transfers of other threads.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        came: Advance,
        tell: Callable[[str], None],
        patience: Patience = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
        hosts: Optional[Hosts] = None,
    ) -> None:
        self._web = Web(patience)
        self._environ, self._came, self._tell, self._patience, self._sleep = environ, came, tell, patience, sleep
        self._hosts = hosts or Hosts()
        self._commits: Dict[str, str] = {}  # by source

    def fill(self, part: PartialFile, source: str, file: ModelFile) -> None:
        """Bring the part to the size of the file, from what it holds already.

        Raises:
            SourceError: nothing more comes from there.
            WrongContent: the server has something else, now. The part is empty if it is of no use any more.
            OSError: the part cannot be written.
        """
        part.resume()
        host = host_of(source)
        furthest, failures, in_a_row = part.size_bytes, 0, 0
        others_bytes = self._hosts.given_to_others(host, self)
        while part.size_bytes < file.size_bytes:
            self._wait_with_others(host)
            try:
                self._attempt(part, source, file)
            except Interrupted as broken:
                given_bytes = self._hosts.given_to_others(host, self)
                got_further = part.size_bytes > furthest
                is_alive = got_further or given_bytes > others_bytes
                failures = 1 if got_further else failures + 1
                in_a_row = 1 if is_alive else in_a_row + 1  # it may take so many connections, and no more
                if is_alive:
                    self._hosts.given_up.discard(host)
                furthest, others_bytes = max(furthest, part.size_bytes), given_bytes
                self._check_patience(broken, in_a_row, source)
                pause = pause_s(self._patience, failures, broken.ordered_s, random.random())  # noqa: S311 - jitter
                self._tell(f"{file.path}: {broken}; {_reached(part, file)}, again in {human_seconds(pause)}")
                if broken.ordered_s is not None:
                    self._hosts.pause(host, broken.ordered_s)
                self._sleep(pause)
        self._hosts.given_up.discard(host)

    def _wait_with_others(self, host: str) -> None:
        """Wait where a server asked another thread to; all come back a little apart."""
        wait_s = self._hosts.wait_s(host)
        if wait_s:
            self._sleep(wait_s + random.random() * self._patience.first_pause_s)  # noqa: S311 - jitter

    def announced_bytes(self, source: str) -> Optional[int]:
        """Ask once for the size that the server says its file has, if it says one.

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

    def ask(self, source: str, asked: Remote, with_body: bool = True) -> Answer:
        """Ask a question about a source, again where that may help, and read the answer.

        Raises:
            SourceError: it refuses, cannot be reached, or answers without end.
        """
        failures = 0
        while True:
            try:
                with closing(self._get(asked, source, request_headers(0, ""))) as answer:
                    self._check_status(answer, asked)
                    return Answer(answer.headers, self._body(answer) if with_body else b"")
            except Interrupted as broken:
                failures += 1
                self._check_patience(broken, failures, source)
                self._sleep(pause_s(self._patience, failures, broken.ordered_s, random.random()))  # noqa: S311 - jitter

    def _body(self, answer: requests.Response) -> bytes:
        body = b""
        while len(body) <= ANSWER_BYTES:
            chunk = self._web.read(answer, RECEIVED_BYTES)
            if not chunk:
                length = extent_of(answer.headers).total_bytes
                if length is not None and len(body) < length:
                    raise Interrupted("the answer ended early")
                return body
            body += chunk
        raise SourceError(f"its answer is longer than {human_bytes(ANSWER_BYTES)}")

    def commit(self, source: str) -> str:
        """Tell the commit that a hub answered for the revision of a source when it was asked last, if it said one."""
        return self._commits.get(source, "")

    def _get(self, asked: Remote, source: str, headers: Mapping[str, str]) -> requests.Response:
        answer = self._web.get(asked, headers, with_netrc=source.startswith("http"))
        said = [each.headers.get("X-Repo-Commit", "") for each in (*answer.history, answer)]
        self._commits[source] = next(filter(is_commit, said), "")
        return answer

    def _check_patience(self, broken: Interrupted, failures: int, source: str) -> None:
        """Raise SourceError where it is not worth to try again."""
        if (broken.ordered_s or 0) > self._patience.longest_order_s:
            raise SourceError(
                f"{broken}, and asks to come back in {human_seconds(broken.ordered_s or 0.0)}"
            ) from broken
        if failures > self._patience.retries or host_of(source) in self._hosts.given_up:
            self._hosts.given_up.add(host_of(source))
            raise SourceError(f"{broken} ({counted(failures, 'attempt')} in a row)") from broken

    def _attempt(self, part: PartialFile, source: str, file: ModelFile) -> None:
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
            self._receive(part, answer, file.size_bytes, host_of(source))
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
        refusal = ": ".join(filter(None, [f"HTTP {status} {answer.reason}", asked.explain(status, body)]))
        if status == 416:
            raise WrongContent(f"{refusal}: its file ends before what came already")
        if not may_pass(status):
            raise SourceError(refusal)
        now = datetime.now(timezone.utc)
        raise Interrupted(refusal, ordered_pause_s(answer.headers.get("Retry-After", ""), now))

    @staticmethod
    def _place(part: PartialFile, start: int, origin: Origin) -> None:
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

    def _receive(self, part: PartialFile, answer: requests.Response, size_bytes: int, host: str) -> None:
        while part.size_bytes < size_bytes:
            chunk = self._web.read(answer, min(RECEIVED_BYTES, size_bytes - part.size_bytes))
            if not chunk:
                return
            part.write(chunk)
            self._hosts.gave(host, self, len(chunk))
            self._came(len(chunk))


def _validator(part: PartialFile, source: str) -> str:
    """Choose what If-Range may name: only the server that the part came from knows it."""
    origin = part.origin
    return origin.validator if origin.source == printable(source) else ""


def _reached(part: PartialFile, file: ModelFile) -> str:
    return f"{human_bytes(part.size_bytes)} of {human_bytes(file.size_bytes)} are here"


def _in_words(file: ModelFile, got: Content, answer: requests.Response) -> str:
    encoding = answer.headers.get("Content-Encoding", "identity")
    return difference(file, got) + ("" if encoding == "identity" else f"; it was sent with Content-Encoding {encoding}")
