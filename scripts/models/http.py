"""HTTP as weights need it: a session that takes no secret astray, what an answer means, and when to ask again.

Content-Range is trusted over the status code, since there are servers that answer a Range with the
right bytes and status 200.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urljoin, urlsplit

from ..console import bare_urls, human_seconds
from ..system import certificates, proxies
from .addresses import SourceError

if TYPE_CHECKING:
    import requests

PASSING_STATUSES = (408, 425, 429)  # and 5xx, less those that say "never"
PERMANENT_STATUSES = (501, 505)
REDIRECTS = 10
# urllib3 1 has no read1: it waits for all that is asked for, and loses that when the connection breaks.
WAITED_FOR_BYTES = 1 << 18


class Remote(NamedTuple):
    """One request, made anew for every attempt, because signatures expire.

    Whoever sends it must see to three things: `url` is never printed as it stands (`addresses.printable`);
    `headers` go to this URL's host only, and are dropped on a redirect to another scheme, host or port;
    and ~/.netrc adds no log-in where there is one already: neither in place of an Authorization of
    `headers`, as `requests` would by itself, nor beside a signature in `url`, which S3 refuses.
    """

    url: str  # may hold a signature or a password
    headers: Mapping[str, str]
    explain: Callable[[int, bytes], str]  # (status, start of the body) -> why, in one line; "" if no more is known
    certificates: str = ""  # a file of those to trust, where other tools for such sources have one of their own


class Interrupted(Exception):
    """An attempt failed in a way that the next one may not; `ordered_s` is the pause that the server asked for."""

    def __init__(self, why: str, ordered_s: Optional[float] = None) -> None:
        super().__init__(why)
        self.ordered_s = ordered_s


class Patience(NamedTuple):
    """How long a transfer goes on in spite of failures."""

    connect_s: float = 10.0
    stall_s: float = 60.0  # without a byte
    retries: int = 5  # in a row, with no new byte between
    first_pause_s: float = 1.0  # doubled with every further failure,
    longest_pause_s: float = 30.0  # up to this
    longest_order_s: float = 120.0  # that a server may ask us to wait


PATIENT = Patience()


# Asking --------------------------------------------------------------------------------------------


class Web:
    """A session with servers: keeps connections; proxies as `requests` finds them, certificates of the system, too."""

    def __init__(self, patience: Patience) -> None:
        self._session, self._patience = certificates.session(), patience

    def get(self, asked: Remote, headers: Mapping[str, str], with_netrc: bool) -> requests.Response:
        """Ask, and return the answer, whose body is still to come, after all redirects, which are its `history`.

        Args:
            headers: for every host on the way; those of `asked` are for its own only.
            with_netrc: whether a host may be sent the log-in that ~/.netrc has for it.

        Raises:
            Interrupted: no answer.
            SourceError: there never will be one.
        """
        import requests

        url, own = asked.url, dict(asked.headers)
        timeouts_s = (self._patience.connect_s, self._patience.stall_s)
        history: List[requests.Response] = []
        for _ in range(REDIRECTS):
            auth = None if with_netrc and not own else _Headers(own)
            with self.failures(proxies.which(url, os.environ)):
                answer = self._session.get(
                    url,
                    headers=dict(headers),
                    auth=auth,
                    timeout=timeouts_s,
                    verify=asked.certificates or None,
                    proxies=proxies.of_request(url, os.environ),
                    stream=True,
                    allow_redirects=False,
                )
                target = self._session.get_redirect_target(answer)
                answer.history = list(history)
                if answer.status_code == 407:
                    answer.close()
                    raise requests.exceptions.ProxyError("HTTP 407 Proxy Authentication Required")
                if not target:
                    return answer
                answer.close()
                history.append(answer)
                url, own = followed(url, target, own)
        raise SourceError(f"it redirects more than {REDIRECTS} times")

    def ask(self, method: str, asked: Remote, body: bytes = b"") -> requests.Response:
        """Ask once, not where it redirects to, for a short answer, and return that with its body.

        Raises:
            Interrupted: no answer, or not all of it.
            SourceError: there never will be one.
        """
        with self.failures(proxies.which(asked.url, os.environ)):
            return self._session.request(
                method,
                asked.url,
                data=body,
                auth=_Headers(asked.headers),
                timeout=(self._patience.connect_s, self._patience.stall_s),
                verify=asked.certificates or None,
                proxies=proxies.of_request(asked.url, os.environ),
                allow_redirects=False,
            )

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    def read(self, answer: requests.Response, size: int) -> bytes:
        """Read the next bytes of the body as they are sent, up to `size`; empty at its end.

        Raises:
            Interrupted: the connection broke, or fell silent.
        """
        body: Any = answer.raw
        with self.failures():
            if hasattr(body, "read1"):
                return bytes(body.read1(size, decode_content=False))
            return bytes(body.read(min(size, WAITED_FOR_BYTES), decode_content=False))

    @contextmanager
    def failures(self, proxy: str = "") -> Iterator[None]:
        """Tell failures that may pass from those that will not, in a few words.

        Args:
            proxy: by which was asked, and where its name comes from; empty if by none.
        """
        from ssl import SSLCertVerificationError

        import requests
        import urllib3

        by = f" by the proxy {proxy}" if proxy else ""
        asked = f", asked{by}" if proxy else ""
        try:
            yield
        except requests.ConnectTimeout as error:
            raise Interrupted(f"no connection within {human_seconds(self._patience.connect_s)}{asked}") from error
        except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise Interrupted(f"no byte came for {human_seconds(self._patience.stall_s)}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            cause = _root(error)
            if isinstance(cause, SSLCertVerificationError):
                hint = "; a company's own root belongs into the system's store, or REQUESTS_CA_BUNDLE names its file"
                raise SourceError(f"its certificate is not trusted{asked}: {cause.verify_message}{hint}") from error
            if isinstance(error, ValueError):  # no URL or proxy, or none for us
                raise SourceError(f"it cannot be asked{by}: {_cause_words(cause)}") from error
            words = _cause_words(cause) + asked
            if proxy and re.search("407|authentication failed", words):
                raise SourceError(f"{words}: its user or password is not the right one") from error
            raise Interrupted(words) from error
        except OSError as error:  # `requests` finds no file where certificates should be
            raise SourceError(str(error)) from error


class _Headers:
    """Adds headers as `requests` adds a log-in, which keeps it from taking one from ~/.netrc."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def followed(url: str, target: str, own: Mapping[str, str]) -> Tuple[str, Dict[str, str]]:
    """Tell where a redirect leads, and which of the headers meant for `url` alone may go along.

    >>> followed("https://a/x", "/y", {"Authorization": "me"})
    ('https://a/y', {'Authorization': 'me'})
    >>> followed("https://a/x", "https://b/y", {"Authorization": "me"})
    ('https://b/y', {})
    """
    new = urljoin(url, target)
    return new, dict(own) if _origin(new) == _origin(url) else {}


def _origin(url: str) -> Tuple[str, Optional[str], Optional[int]]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _root(error: BaseException) -> BaseException:
    """Find what lies at the bottom of an error of `requests`, whose own text is long and holds the whole URL."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _cause_words(cause: BaseException) -> str:
    if "IncompleteRead" in type(cause).__name__:
        return "the answer ended early"
    text = str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
    if "SOCKS support" in text:
        return "a SOCKS proxy needs PySocks, which is not installed: pip install pysocks"
    return bare_urls(text)


def request_headers(offset: int, validator: str) -> Dict[str, str]:
    """Make the headers that ask for the bytes from `offset` on, as they are stored.

    >>> request_headers(5, '"v1"')
    {'Accept-Encoding': 'identity', 'Range': 'bytes=5-', 'If-Range': '"v1"'}
    """
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def validator_of(headers: Mapping[str, str]) -> str:
    """Find what tells versions of a file apart in If-Range: a strong ETag, else the date; empty if there is neither.

    Source: RFC 9110, 13.1.5: a weak ETag must not be used there.
    """
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


# What an answer means ------------------------------------------------------------------------------


class Extent(NamedTuple):
    """Which bytes an answer holds: from `start`, of a file of `total_bytes`, where that is said."""

    start: int
    total_bytes: Optional[int]


def extent_of(headers: Mapping[str, str]) -> Extent:
    """Tell which bytes a successful answer holds.

    >>> extent_of({"Content-Range": "bytes 5-9/10"}), extent_of({"Content-Length": "10"}), extent_of({})
    (Extent(start=5, total_bytes=10), Extent(start=0, total_bytes=10), Extent(start=0, total_bytes=None))
    >>> {extent_of({"Content-Length": text}).total_bytes for text in ("\u00b2", "9" * 5000)}
    {None}
    """
    match = re.fullmatch(r"bytes\s+([0-9]{1,18})-[0-9]+/([0-9]{1,18}|\*)", headers.get("Content-Range", "").strip())
    if match:
        return Extent(int(match[1]), None if match[2] == "*" else int(match[2]))
    length = headers.get("Content-Length", "")
    return Extent(0, int(length) if re.fullmatch("[0-9]{1,18}", length) else None)


def may_pass(status: int) -> bool:
    """Tell whether the same request may succeed later.

    >>> [may_pass(status) for status in (404, 429, 501, 503)]
    [False, True, False, True]
    """
    return status in PASSING_STATUSES or (status >= 500 and status not in PERMANENT_STATUSES)


# When to ask again ---------------------------------------------------------------------------------


def ordered_pause_s(retry_after: str, now: datetime) -> Optional[float]:
    """Reckon the seconds that a Retry-After header asks us to wait; None if it does not.

    >>> [ordered_pause_s(text, datetime(2026, 1, 1)) for text in ("7", "soon", "\u00b2", "9" * 5000)]
    [7.0, None, None, None]
    """
    from email.utils import parsedate_to_datetime  # slow to import, and most runs find every file in place

    if re.fullmatch("[0-9]{1,18}", retry_after.strip()):
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    return max(0.0, (_in_utc(then) - _in_utc(now)).total_seconds())


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def pause_s(patience: Patience, failures: int, ordered_s: Optional[float], chance: float) -> float:
    """Reckon how long to wait after so many failures in a row: what the server ordered, else exponential backoff.

    Args:
        chance: in [0, 1): spreads those who failed together ("full jitter").

    >>> [pause_s(Patience(), failures, None, 0.5) for failures in (1, 2, 3, 9)], pause_s(Patience(), 1, 7, 0.5)
    ([0.5, 1.0, 2.0, 15.0], 7.5)
    """
    if ordered_s is not None:
        return ordered_s + chance * patience.first_pause_s
    return chance * min(patience.longest_pause_s, patience.first_pause_s * 2.0 ** min(failures - 1, 60))
