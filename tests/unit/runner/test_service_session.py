"""What the suite's environment says of the service, and that it is else as it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.environments.environments import Environment
from scripts.runner import service_session
from scripts.runner.preparation import Environments
from scripts.runner.service_session import ServiceSession, suite_variables
from scripts.runner.watchdog import watchdog
from scripts.service.running_service import RunningService
from scripts.settings import Probe, Service, Settings, Suite
from tests.unit.service.children import listener

PROXY = {"https_proxy": "http://proxy:3128"}
HERE = RunningService("http://127.0.0.1:7860", 0, 0)
names = st.sampled_from(["HTTP_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "HOME"])


@given(st.dictionaries(names, st.sampled_from(["", "*", ".corp", "http://proxy:1"])))
def test_without_a_service_only_the_folder_for_evidence_is_added(environ: Dict[str, str]) -> None:
    assert {**environ, "SHARDLINE_ARTIFACTS": "/a"} == suite_variables(environ, None, Path("/a"))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_service_here_is_reached_past_a_proxy(name: str) -> None:
    found = suite_variables({name: "http://proxy:3128"}, HERE, Path("/a"))

    assert ("127.0.0.1,localhost", "127.0.0.1,localhost") == (found["NO_PROXY"], found["no_proxy"])


def test_a_service_elsewhere_may_lie_behind_the_proxy() -> None:
    found = suite_variables(PROXY, RunningService("http://tts.corp", 0, 0), Path("/a"))

    assert {*PROXY, "SERVICE_URL", "SHARDLINE_ARTIFACTS"} == set(found)


def test_a_service_that_said_in_its_log_that_it_is_ready_is_asked_by_its_port_whether_it_hangs(tmp_path: Path) -> None:
    service = Service(command=("serve",), ready=Probe(log="serving"))
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml", service=service)
    suite = Environment(Path(sys.prefix))
    with watchdog() as dog, listener() as port:
        session = ServiceSession(settings, Environments(suite), tmp_path, dog)
        session.services = {"service": RunningService(f"http://127.0.0.1:{port}", 0, 0)}

        assert "" == session.silence()


@pytest.mark.parametrize(
    "service, words",
    [
        (Service(command=("serve", "{port}")), "the service answers no more: http://127.0.0.1:9/health was not ready"),
        (
            Service(command=("serve", "{port}"), ready=Probe(log="up")),
            "the service answers no more: http://127.0.0.1:9",
        ),
        (Service(command=("serve",), ready=Probe(log="up")), ""),  # it may have no port at all
    ],
)
def test_after_the_last_test_a_service_that_has_a_port_must_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Service, words: str
) -> None:
    monkeypatch.setattr(service_session, "CLOSES_IN_S", 0.1)
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml", service=service)
    with watchdog() as dog:
        session = ServiceSession(settings, Environments(Environment(Path(sys.prefix))), tmp_path, dog)
        session.services = {"service": RunningService("http://127.0.0.1:9", 0, 0)}

        said = session.closing()

    assert (bool(words), True) == (bool(said), said.startswith(words))
