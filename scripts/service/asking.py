"""Ask the service something while its process is watched apart, so that a request that hangs does not hide a death."""

from __future__ import annotations

import http
import os
import re
import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, NamedTuple, Optional

from ..console import bare_urls, human_bytes, human_seconds, visible
from ..errors import PipelineError
from ..system import certificates, proxies
from ..system.process_tree import POLL_S
from ..system.processes import Process
from . import death
from .last_words import USER_AGENT, shown

if TYPE_CHECKING:
    import requests

BODY_CHARACTERS = 300
MOST_BODY_BYTES = 200_000_000  # far more than one request should bring
PIECE_BYTES = 65536
EVENTS = "text/event-stream"
MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
REFUSED, SILENT = "refused", "silent"
NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What came of a request: status, body and headers, or `problem`, why there is none, in words after "it".

    `kind` tells problems apart: REFUSED where nothing listens, SILENT where it is listened and not answered.
    """

    status: int = 0
    body: bytes = b""
    problem: str = ""
    headers: Mapping[str, str] = NO_HEADERS
    kind: str = ""


UNFINISHED = Answer(problem="did not answer in time, or not to the end", kind=SILENT)


class Target(NamedTuple):
    """The service that is asked. One that we did not start has no process; `setting` names its url."""

    url: str
    process: Optional[Process] = None
    setting: str = ""
    phase: str = death.STARTING

    def at(self, path: str) -> str:
        """Give the url of a path."""
        return f"{self.url}/{path.lstrip('/')}"

    def shown(self, path: str) -> str:
        """Give the url of a path for people: without what may be a secret."""
        return bare_urls(self.at(path))


def check_alive(target: Target) -> None:
    """Raise ServiceDied if the process has ended (PortInUse: before it was ready, for want of its port).

    It says in which phase, why, as far as is known, and its last words.
    """
    returncode = target.process.poll() if target.process else None
    if target.process and returncode is not None:
        raise death.error_of(target.process, returncode, target.phase, target.url)


def ask(
    target: Target,
    method: str,
    path: str,
    timeout_s: float,
    deadline: float,
    body: Any = None,
    parts: Mapping[str, Any] = NO_HEADERS,
    enough: Callable[[bytes], bool] = lambda body: False,
) -> Optional[Answer]:
    """Send one request, in a thread, so that neither a death nor the deadline waits for it.

    Args:
        body: is sent as JSON.
        parts: what else it has, as `requests.request` takes it: headers, data (form fields), files (multipart).
        enough: whether what came so far of a stream of events will do; else it is read to its end.

    Returns:
        the answer, or None where there is none by the deadline.

    Raises:
        ServiceDied: the process ended meanwhile.
    """
    answers: List[Answer] = []
    arrived = threading.Event()

    def ask() -> None:
        with_body = partial(_body, enough=enough, deadline=deadline)
        answers.append(_request(method, target.at(path), timeout_s, body, parts, with_body))
        arrived.set()

    try:
        threading.Thread(target=ask, daemon=True).start()
    except RuntimeError:  # no thread is to be had (`ulimit -u`): a death is seen after the answer, then
        ask()
    while not arrived.wait(max(0.0, min(POLL_S, deadline - time.monotonic()))):
        check_alive(target)
        if time.monotonic() >= deadline:
            return None
    return answers[0]


def pause(target: Target, seconds: float) -> None:
    """Sleep, unless the service dies meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
        check_alive(target)


def with_log(kind: Callable[[str, str], PipelineError], message: str, hint: str, target: Target) -> PipelineError:
    """Make an error that shows also what the service wrote last."""
    if target.process is None:
        return kind(message, hint)
    return kind(f"{message}\n{shown(target.process)}", f"{hint} The whole log is {target.process.log}.")


def status_words(status: int) -> str:
    """Name a status as people know it.

    >>> status_words(503), status_words(599)
    ('503 Service Unavailable', '599')
    """
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def body_words(body: bytes) -> str:
    r"""Show the beginning of a body in one line, of a page what can be read; of what is no text only the size.

    >>> body_words(b"<p>no model"), body_words(b"RIFF\x00\x01"), body_words(b"")
    ('no model', '(6 bytes that are no text)', '(empty body)')
    """
    if not body:
        return "(empty body)"
    text = body[: 64 * BODY_CHARACTERS].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        text = MARKUP.sub(" ", text)
    text = " ".join(text.split())[:BODY_CHARACTERS]
    if "\x00" in text or text.count("\ufffd") > len(text) / 10:
        return f"({len(body)} bytes that are no text)"
    return visible(text)


def kind_of(error: BaseException) -> str:
    """Tell REFUSED and SILENT from all other failures of a request, ""."""
    import requests

    if any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error)):
        return REFUSED
    return SILENT if isinstance(error, requests.exceptions.ReadTimeout) else ""


def problem_words(error: BaseException, timeout_s: float) -> str:
    """Say why a request got no answer, in plain words instead of three nested exceptions."""
    import requests

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"did not accept the connection within {human_seconds(timeout_s)}"
    if isinstance(error, socket.timeout):
        return f"did not accept the connection within {human_seconds(timeout_s)}"
    if isinstance(error, requests.exceptions.Timeout):
        return f"accepted the connection but did not answer within {human_seconds(timeout_s)}"
    causes = _causes(error)
    if kind_of(error) == REFUSED:
        return "refused the connection: nothing listens there"
    if any(isinstance(cause, ConnectionError) for cause in causes):
        return "closed the connection without an answer"
    return f"could not be asked: {visible(str(causes[-1]))}"


def _request(
    method: str, url: str, timeout_s: float, body: Any, parts: Mapping[str, Any], read: Callable[[Any], bytes]
) -> Answer:
    import requests

    with requests.Session() as session:
        session.headers["User-Agent"] = USER_AGENT
        session.trust_env = not proxies.is_loopback(url)  # a proxy of the environment must not capture loopback
        if url.startswith("https:"):  # to make ready for it takes 30 ms
            session.mount("https://", certificates.adapter())
        spared = proxies.of_request(url, os.environ)
        options = {**parts, "proxies": spared, "timeout": timeout_s, "allow_redirects": False, "stream": True}
        try:
            with session.request(method, url, json=body, **options) as answer:
                return Answer(answer.status_code, read(answer), headers=dict(answer.headers))
        except _Endless as error:
            return Answer(problem=str(error))
        except Exception as error:  # whatever it is, it is the answer; raised it would only end the thread
            proxy = proxies.which(url, os.environ)
            by = f", asked by the proxy {proxy}" if proxy else ""
            return Answer(problem=f"{problem_words(error, timeout_s)}{by}", kind=kind_of(error))


class _Endless(Exception):
    """An answer goes on and on."""


def _body(answer: requests.Response, enough: Callable[[bytes], bool], deadline: float) -> bytes:
    """Read an answer to its end; a stream of events only until it is enough."""
    body = bytearray()
    events = answer.headers.get("Content-Type", "").lower().startswith(EVENTS)
    chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
    pieces = (None if chunked else 1) if events else PIECE_BYTES  # an event is seen when it comes, not with the next
    for piece in answer.iter_content(pieces):
        body += piece
        if events and enough(bytes(body)):
            break
        if time.monotonic() >= deadline:  # nobody waits for it any more
            raise _Endless(UNFINISHED.problem)
        if len(body) > MOST_BODY_BYTES:
            raise _Endless(f"sent more than {human_bytes(MOST_BODY_BYTES)} and no end")
    return bytes(body)


def _causes(error: BaseException) -> List[BaseException]:
    """List the error and what it came from, outermost first."""
    chain = [error]
    while True:
        last = chain[-1]
        cause = last.__cause__ or last.__context__
        if cause is None or cause in chain:
            return chain
        chain.append(cause)
