from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from scripts.errors import AnalysisError, SettingsError
from scripts.sonar import server
from scripts.sonar.server import Access, Server, access_of
from tests.unit.sonar.sonarqube import RED_GATE, TOKEN, Page, SonarQube, serving

DONE: Dict[str, Any] = {"task": {"status": "SUCCESS", "analysisId": "AX"}}
LATER = 10.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
def sonarqube(tmp_path: Path) -> Iterator[SonarQube]:
    with serving(tmp_path) as found:
        yield found


def task(sonarqube: SonarQube, within_s: float = LATER) -> str:
    with Server(Access(sonarqube.url, TOKEN)) as asked:
        return asked.task("AY", time.monotonic() + within_s).analysis


def refusal(sonarqube: SonarQube, within_s: float = LATER) -> str:
    with pytest.raises(AnalysisError) as caught:
        task(sonarqube, within_s)
    return str(caught.value)


def test_a_task_is_waited_for_and_its_gate_read(sonarqube: SonarQube) -> None:
    sonarqube.tasks = [{"task": {"status": "PENDING"}}, {"task": {"status": "IN_PROGRESS"}}, DONE]
    sonarqube.gate = {"projectStatus": RED_GATE}
    with Server(Access(sonarqube.url, TOKEN)) as asked:
        analysis = asked.task("AY", time.monotonic() + LATER).analysis
        gate = asked.gate(analysis, time.monotonic() + LATER)

    assert ("AX", "ERROR", ["new_coverage", "new_violations"]) == (
        analysis,
        gate.status,
        [each.metric for each in gate.conditions],
    )
    assert {TOKEN} == {token for _, token in sonarqube.asked}
    assert "/api/qualitygates/project_status?analysisId=AX" == sonarqube.asked[-1][0]


def test_a_server_that_is_busy_for_a_moment_is_asked_again(sonarqube: SonarQube) -> None:
    sonarqube.tasks = [Page(502, b"<html>", "text/html"), Page(503), Page(429), DONE]

    assert "AX" == task(sonarqube)


@pytest.mark.parametrize(
    "answer, words",
    [
        ({"task": {"status": "FAILED", "errorMessage": "No space\nleft"}}, "(failed): No space left"),
        ({"task": {"status": "CANCELED"}}, "the server could not work through the analysis (canceled)"),
        ({"task": {"status": "LOST"}}, "the task of the analysis is 'LOST'"),
        ({"task": {"status": "SUCCESS"}}, "names no analysis"),
        ({"task": {}}, 'expected a word as "status": no answer of SonarQube'),
        ([], 'expected an object with "task"'),
        (Page(401), "HTTP 401: the token is refused"),
        (Page(403), "HTTP 403: the token is refused"),
        (Page(404, b'{"errors": [{"msg": "No activity found"}]}'), "HTTP 404: No activity found"),
        (Page(200, b"<html>Log in</html>", "text/html"), "expected JSON, got text/html"),
        (Page(302, location="https://me:secret@sso.test/?a=b"), "redirects to https://sso.test/?..."),
    ],
)
def test_what_no_waiting_mends_is_said_at_once(sonarqube: SonarQube, answer: Any, words: str) -> None:
    sonarqube.tasks = [answer]
    said = refusal(sonarqube)

    assert words in said
    assert TOKEN not in said
    assert 1 == len(sonarqube.asked)


@pytest.mark.parametrize(
    "answer, why", [({"task": {"status": "PENDING"}}, "is not done with it after"), (Page(500), ": HTTP 500")]
)
def test_no_answer_in_time_is_not_green(sonarqube: SonarQube, answer: Any, why: str) -> None:
    sonarqube.tasks = [answer]
    said = refusal(sonarqube, within_s=0.05)

    assert why in said
    assert "sonar.gate_timeout grants more time" in said


def test_a_server_that_never_ends_its_answer_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as held:

        def answer() -> None:
            connection = held.enter_context(listening.accept()[0])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with Server(Access(url, TOKEN)) as asked, pytest.raises(AnalysisError, match="is not done with it after"):
            asked.task("AY", time.monotonic() + 0.3)
        thread.join()


def test_nobody_who_listens_is_said_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with Server(Access(url, TOKEN)) as asked, pytest.raises(AnalysisError, match="Connection refused") as caught:
        asked.knows_branches()

    assert url in str(caught.value)


@pytest.mark.parametrize(
    "features, known", [(["branch-support", "x"], True), (["monitoring"], False), (Page(404), True), ([], False)]
)
def test_only_a_server_that_lists_its_features_without_branches_has_none(
    sonarqube: SonarQube, features: Any, known: bool
) -> None:
    sonarqube.features = features
    with Server(Access(sonarqube.url, TOKEN)) as asked:
        assert known == asked.knows_branches()


def test_server_and_token_come_from_the_environment_and_the_address_else_from_the_project() -> None:
    environ = {"SONAR_HOST_URL": "https://me:pw@host/sonar/", "SONAR_TOKEN": f"{TOKEN}\n"}
    access = access_of(environ, "https://other")

    assert ("https://me:pw@host/sonar", TOKEN, "https://host/sonar") == (access.url, access.token, access.shown)
    assert TOKEN not in repr(access)
    assert "https://other" == access_of({"SONAR_TOKEN": TOKEN}, "https://other").url


@pytest.mark.parametrize(
    "environ, words",
    [
        ({}, "SONAR_HOST_URL and SONAR_TOKEN: expected in the environment, not set"),
        ({"SONAR_HOST_URL": "https://host", "SONAR_TOKEN": " "}, "SONAR_TOKEN: expected in the environment, not set"),
        ({"SONAR_HOST_URL": "host:9000", "SONAR_TOKEN": "a"}, "expected http(s)://HOST[:PORT][/PATH], got 'host:9000'"),
        ({"SONAR_HOST_URL": "https://host", "SONAR_TOKEN": "a\tb"}, "it has characters that no token has"),
    ],
)
def test_what_is_missing_or_is_no_address_is_named(environ: Dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        access_of(environ)

    assert words in str(caught.value)
