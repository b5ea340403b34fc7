"""Ask a SonarQube server what became of an analysis."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, TypeVar
from urllib.parse import urlsplit

from ..console import bare_urls, human_seconds, printable
from ..errors import AnalysisError, SettingsError, shortened
from ..system import certificates, proxies
from .gate import DONE, LOST, WAITING, Gate, Task, gate_of, task_of

HOST, TOKEN = "SONAR_HOST_URL", "SONAR_TOKEN"
CONNECT_S, ANSWER_S = 10.0, 30.0
MOST_BYTES = 10_000_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0  # between two questions for the same task
BRANCHES = "branch-support"  # as the list of a server's features calls it
T = TypeVar("T")


class _Passing(Exception):
    """There was no answer, and the next question may have one."""


@dataclass(frozen=True)
class Access:
    """Where the server is, and the token that it knows us by."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Access({self.shown})"

    @property
    def shown(self) -> str:
        """The address as it may be printed."""
        return bare_urls(self.url)


def access_of(environ: Mapping[str, str], host: str = "") -> Access:
    """Take the server and its token from the environment.

    Args:
        host: the address that the project's own files say; the environment's counts before it.

    Raises:
        SettingsError: one of them is missing, or is no address.
    """
    url, token = environ.get(HOST, "").strip() or host, environ.get(TOKEN, "").strip()
    missing = " and ".join([*([] if url else [HOST]), *([] if token else [TOKEN])])
    if missing:
        hint = f"export {HOST}=https://sonarqube.example.com {TOKEN}=...  (My Account > Security > Generate Tokens)"
        raise SettingsError(f"{missing}: expected in the environment, not set", hint)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{HOST}: expected http(s)://HOST[:PORT][/PATH], got {shortened(bare_urls(url))}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(f"{TOKEN}: it has characters that no token has")
    return Access(url.rstrip("/"), token)


class Server:
    """A session with a server."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access, self._clock, self._session = access, clock, certificates.session()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def knows_branches(self) -> bool:
        """Tell whether branches and requests are analysed there; a Community Build knows one state of the code only.

        Raises:
            AnalysisError: it does not answer, or refuses the token.
        """
        try:
            features = self._ask("api/features/list", {}, ANSWER_S, optional=True)
        except _Passing as error:
            raise AnalysisError(f"{self._access.shown} does not answer: {error}", self._look()) from error
        return not isinstance(features, list) or BRANCHES in features

    def task(self, task: str, deadline_s: float) -> Task:
        """Wait until the server has worked through an uploaded analysis.

        Raises:
            AnalysisError: it cannot, or does not within the time.
        """

        def ended() -> Optional[Task]:
            found = self._read(task_of, "api/ce/task", {"id": task}, deadline_s)
            if found.status not in (DONE, *WAITING, *LOST):
                raise AnalysisError(f"{self._access.shown}: the task of the analysis is {shortened(found.status)}")
            return None if found.status in WAITING else found

        found = self._until(ended, deadline_s, "the analysis was uploaded, and the server is not done with it")
        if found.status in LOST:
            why = f": {printable(found.why)}" if found.why else ""
            hint = f"See {self._access.shown}, Administration > Background Tasks of the project."
            raise AnalysisError(f"the server could not work through the analysis ({found.status.lower()}){why}", hint)
        if not found.analysis:
            raise AnalysisError(f"{self._access.shown}: the task of the analysis is done and names no analysis")
        return found

    def gate(self, analysis: str, deadline_s: float) -> Gate:
        """Ask for the quality gate of an analysis.

        Raises:
            AnalysisError: there is no answer within the time.
        """
        query = {"analysisId": analysis}

        def answered() -> Gate:
            return self._read(gate_of, "api/qualitygates/project_status", query, deadline_s)

        return self._until(answered, deadline_s, "the server does not say how the quality gate ended")

    def _until(self, ask: Callable[[], Optional[T]], deadline_s: float, late: str) -> T:
        """Ask until there is an answer, which a server that starts anew, or is busy, may give later."""
        pause_s, why = FIRST_PAUSE_S, ""
        began_s = self._clock()
        while True:
            try:
                found, why = ask(), ""
            except _Passing as error:
                found, why = None, f": {error}"
            if found is not None:
                return found
            if self._clock() + pause_s >= deadline_s:
                waited = human_seconds(self._clock() - began_s)
                hint = f"sonar.gate_timeout grants more time; {self._access.shown} shows how busy it is."
                raise AnalysisError(f"{late} after {waited}{why}", hint)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _read(self, read: Callable[[Any], T], path: str, query: Mapping[str, str], deadline_s: float) -> T:
        answer = self._ask(path, query, max(deadline_s - self._clock(), 0.1))
        try:
            return read(answer)
        except ValueError as error:
            raise AnalysisError(f"{self._access.shown}/{path}: {error}: no answer of SonarQube") from error

    def _ask(self, path: str, query: Mapping[str, str], most_s: float, optional: bool = False) -> Any:
        """Ask by GET, and return the JSON of the answer; None where it is optional and not there."""
        import requests

        url = f"{self._access.url}/{path}"
        try:
            answer = self._session.get(
                url,
                params=dict(query),
                headers={"Accept": "application/json"},
                auth=self._signed,
                timeout=(min(CONNECT_S, most_s), min(ANSWER_S, most_s)),
                proxies=proxies.of_request(url, os.environ),
                allow_redirects=False,  # the token is for this server only
                stream=True,
            )
            with answer:
                body = self._body(answer, self._clock() + min(ANSWER_S, most_s))
        except requests.exceptions.SSLError as error:
            hint = "Name the file of your company's certificates in REQUESTS_CA_BUNDLE."
            raise AnalysisError(
                f"{self._access.shown}: its certificate is not trusted: {_cause(error)}", hint
            ) from error
        except (requests.RequestException, OSError) as error:
            raise _Passing(_cause(error)) from error
        return self._content(answer, body, path, optional)

    def _signed(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._access.token}"
        return request

    def _body(self, answer: Any, deadline_s: float) -> bytes:
        body = b""
        for piece in answer.iter_content(65536):
            body += piece
            if len(body) > MOST_BYTES or self._clock() > deadline_s:
                raise OSError("its answer does not end")
        return body

    def _content(self, answer: Any, body: bytes, path: str, optional: bool) -> Any:
        """Tell an answer of SonarQube's from those of others, and from refusals."""
        status, where = answer.status_code, f"{self._access.shown}/{path}"
        if status in (401, 403):
            hint = f"Is {TOKEN} of this server, not expired, and may it browse and analyse the project?"
            raise AnalysisError(f"{where}: HTTP {status}: the token is refused", hint)
        if 300 <= status < 400:
            target = bare_urls(answer.headers.get("Location", "elsewhere"))
            raise AnalysisError(f"{where}: redirects to {printable(target)}", f"Set {HOST} to where the server is.")
        if status in (429, 502, 503, 504) or (status >= 500 and not optional):
            raise _Passing(f"HTTP {status}")
        if status != 200:
            if optional:
                return None
            raise AnalysisError(f"{where}: HTTP {status}{_words(body)}", self._look())
        try:
            return json.loads(body.decode("utf-8"))
        except ValueError as error:
            kind = printable(answer.headers.get("Content-Type", "something else"))
            raise AnalysisError(f"{where}: expected JSON, got {kind}", self._look()) from error

    def _look(self) -> str:
        return f"Is {HOST} the address of SonarQube, with its path, and no proxy's page in between?"


def _words(body: bytes) -> str:
    """Take what SonarQube says is wrong out of its answer."""
    try:
        said = json.loads(body.decode("utf-8"))["errors"][0]["msg"]
    except (ValueError, LookupError, TypeError):
        return ""
    return f": {printable(str(said)[:300])}"


def _cause(error: BaseException) -> str:
    """Say in a few words why there is no answer: the text of an error of `requests` is long and holds the whole URL."""
    while error.__context__ is not None:
        error = error.__context__
    return printable(bare_urls(str(getattr(error, "strerror", None) or error or type(error).__name__)))[:200]
