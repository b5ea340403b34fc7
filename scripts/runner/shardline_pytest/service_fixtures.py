"""Fixtures that a suite can use and need not: where its service is, and what it is asked.

A fixture of the same name that the suite has, or a plugin of its own, is used instead. In plain pytest, without
Shardline, there are none of ours. A suite that is to run there too asks for the recorder only where it is, by this in
its conftest.py:

    @pytest.fixture(autouse=True)
    def recorded(request):
        if request.config.pluginmanager.hasplugin("shardline_pytest"):
            request.getfixturevalue("service_requests")

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

import pytest

from .orders import Order
from .service_requests import ServiceRequests

ORDER = pytest.StashKey[Order]()  # where the configuration keeps what this process was told
NAMES = ("service", "service_requests", "service_url")


class Service(NamedTuple):
    """The service under test.

    Args:
        url: without a slash at its end.
        pid: of its first process; None where we did not start it.
        log: the file that it writes to; None likewise.
        urls: of all services, where there are several: by name, in lower case and with _ for -.
    """

    url: str
    pid: Optional[int]
    log: Optional[Path]
    urls: Mapping[str, str]


def found(environ: Mapping[str, str]) -> Optional[Service]:
    """Find the service by the variables that Shardline gives a suite; None where there is none.

    >>> found({"SERVICE_URL": "http://h", "SERVICE_MY_ASR_URL": "http://h:2"}).urls
    {'my_asr': 'http://h:2'}
    """
    url, pid, log = (environ.get(f"SERVICE_{name}", "") for name in ("URL", "PID", "LOG"))
    if not url:
        return None
    several = ((re.fullmatch("SERVICE_(.+)_URL", name), value) for name, value in environ.items())
    urls = {name[1].lower(): value for name, value in several if name}
    return Service(url.rstrip("/"), int(pid) if pid.isdecimal() else None, Path(log) if log else None, urls)


def _of(config: pytest.Config) -> Service:
    order = config.stash.get(ORDER, None)
    there = found(order.environ if order else os.environ)
    if there is None:
        pytest.fail("no service: SERVICE_URL is not set, and pipeline.yml starts none", pytrace=False)
    return there


@pytest.fixture(scope="session")
def service(pytestconfig: pytest.Config) -> Service:
    """The service under test: its url, pid and log, and the urls of all where there are several."""
    return _of(pytestconfig)


@pytest.fixture(scope="session")
def service_url(pytestconfig: pytest.Config) -> str:
    """The url of the service under test, without a slash at its end."""
    return _of(pytestconfig).url


@pytest.fixture(scope="session")
def service_requests(pytestconfig: pytest.Config) -> Iterator[ServiceRequests]:
    """Record what the suite asks the service by `requests` and `httpx`, from now on.

    Method, path, status, ms and sizes go to reports/shard-N/requests.jsonl, by test; the bodies of failed tests to
    reports/shard-N/artifacts/requests. `seen` has the running test's; `note` takes in what other clients ask.
    """
    there, order = _of(pytestconfig), pytestconfig.stash.get(ORDER, None)
    artifacts = order.environ.get("SHARDLINE_ARTIFACTS") if order else None
    recorder = ServiceRequests([there.url, *there.urls.values()], order.pen if order else None, artifacts)
    pytestconfig.pluginmanager.register(recorder)
    with recorder:
        yield recorder
    pytestconfig.pluginmanager.unregister(recorder)


def yield_to_others(session: Any) -> None:
    """Let fixtures of other plugins hide ours of the same name: pytest takes that of the plugin registered last.

    pytest has no word for that. Where it keeps them otherwise than here, a plugin that was named before ours loses.
    """
    manager = getattr(session, "_fixturemanager", None)
    until_9_0: Dict[str, List[Any]] = getattr(manager, "_arg2fixturedefs", {})  # the last is taken
    since_9_1: Dict[str, Dict[Any, List[Any]]] = getattr(manager, "_arg2node2fixturedefs", {})  # the first is taken
    with suppress(Exception):
        for name in NAMES:
            until_9_0.get(name, []).sort(key=lambda definition: not _is_ours(definition))
            for definitions in since_9_1.get(name, {}).values():
                definitions.sort(key=_is_ours)


def _is_ours(definition: Any) -> bool:
    return bool(definition.func.__module__ == __name__)
