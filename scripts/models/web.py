"""GET with `requests`: redirects that take no secret to another host, and failures in a few words."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import urljoin, urlsplit

from .addresses import SourceError, printable
from .answers import Patience
from .remote import Remote

if TYPE_CHECKING:
    import requests

REDIRECTS = 10
# urllib3 1 has no read1: it waits for all that is asked for, and loses that when the connection breaks.
WAITED_FOR_BYTES = 1 << 18


class Interrupted(Exception):
    """An attempt failed in a way that the next one may not; `ordered_s` is the pause that the server asked for."""

    def __init__(self, why: str, ordered_s: Optional[float] = None) -> None:
        super().__init__(why)
        self.ordered_s = ordered_s


class Web:
    """A session with servers: keeps connections; proxies and certificates as `requests` finds them."""

    def __init__(self, patience: Patience) -> None:
        import requests  # slow to import, and most runs find every file in place

        self._session = requests.Session()
        self._patience = patience

    def get(self, asked: Remote, headers: Mapping[str, str], with_netrc: bool) -> requests.Response:
        """The answer, whose body is still to come, after all redirects.

        Args:
            headers: for every host on the way; those of `asked` are for its own only.
            with_netrc: whether a host may be sent the log-in that ~/.netrc has for it.

        Raises:
            Interrupted: no answer.
            SourceError: there never will be one.
        """
        url, own = asked.url, dict(asked.headers)
        timeouts_s = (self._patience.connect_s, self._patience.stall_s)
        for _ in range(REDIRECTS):
            auth = None if with_netrc and not own else _Headers(own)
            with self.failures():
                answer = self._session.get(
                    url,
                    headers=dict(headers),
                    auth=auth,
                    timeout=timeouts_s,
                    verify=asked.certificates or None,
                    stream=True,
                    allow_redirects=False,
                )
                target = self._session.get_redirect_target(answer)
                if not target:
                    return answer
                answer.close()
                url, own = followed(url, target, own)
        raise SourceError(f"it redirects more than {REDIRECTS} times")

    def read(self, answer: requests.Response, size: int) -> bytes:
        """The next bytes of the body as they are sent, up to `size`; empty at its end.

        Raises:
            Interrupted: the connection broke, or fell silent.
        """
        body: Any = answer.raw
        with self.failures():
            if hasattr(body, "read1"):
                return bytes(body.read1(size, decode_content=False))
            return bytes(body.read(min(size, WAITED_FOR_BYTES), decode_content=False))

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Tell failures that may pass from those that will not, in a few words."""
        from ssl import SSLCertVerificationError

        import requests
        import urllib3

        try:
            yield
        except requests.ConnectTimeout as error:
            raise Interrupted(f"no connection within {self._patience.connect_s:g} s") from error
        except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise Interrupted(f"no byte came for {self._patience.stall_s:g} s") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            cause = _root(error)
            if isinstance(cause, SSLCertVerificationError):
                hint = "; REQUESTS_CA_BUNDLE may name the file of a company's own"
                raise SourceError(f"its certificate is not trusted: {cause.verify_message}{hint}") from error
            if isinstance(error, ValueError):  # no URL, or none for us
                raise SourceError(f"it cannot be asked: {_in_words(cause)}") from error
            raise Interrupted(_in_words(cause)) from error
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
    """Where a redirect leads, and which of the headers meant for `url` alone may go along.

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
    """What lies at the bottom of an error of `requests`, whose own text is long and holds the whole URL."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _in_words(cause: BaseException) -> str:
    if "IncompleteRead" in type(cause).__name__:
        return "the answer ended early"
    text = str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
    return re.sub(r"https?://\S+", lambda url: printable(url.group()), text)
