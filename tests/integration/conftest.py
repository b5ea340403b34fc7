"""What the whole suite shares: the service's address, checked once, and the service, warm.

The environment says what to test and how patiently:

    SERVICE_URL             the service, always needed
    SERVICE_PID             its process; without it the memory tests are skipped
    SHARDLINE_ARTIFACTS     folder that keeps requests and answers of failed tests, sound as sound
    SERVICE_RTF_LIMIT       median seconds of waiting for a second of speech (what the engine promises in /health)
    SERVICE_HEALTH_LIMIT_S  95th percentile of /health under load (1.0)
    SERVICE_TIMEOUT_S       until a request counts as hung, longer for long texts (60)
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.integration import evidence, rules
from tests.integration.service import Say, Service, Speech

NO_SERVICE = """\
SERVICE_URL is not set, so there is no service to test.
Start one and run the suite against it:   nox -s integration
Or name one that already runs:            SERVICE_URL=http://127.0.0.1:7860 python -m pytest ..."""


def pytest_runtestloop(session: pytest.Session) -> None:
    """Raise one usage error instead of a failure for each test; listing the tests needs no service."""
    here = Path(__file__).parent
    ours = any(here in Path(str(item.fspath)).parents for item in session.items)
    if ours and not session.config.option.collectonly and not os.environ.get("SERVICE_URL"):
        raise pytest.UsageError(NO_SERVICE)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what a test sent and got, however it failed: in its set-up, its assertions, or for want of an answer."""
    outcome: Any = yield
    report = outcome.get_result()
    judged_by = sorted(rules.rules_of(item.nodeid)) if report.when == "call" else []
    report.user_properties += [("judged by", rule) for rule in judged_by]
    if report.failed and judged_by:
        report.sections.append(("judged by", "\n".join(judged_by)))
    kept = evidence.keep_all(item.nodeid) if report.failed else []
    if kept:
        report.sections.append(("what it sent and got", "\n".join(kept)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests were judged by which rule, where engines differ; which, is in judged-by.txt."""
    for rule, tests in rules.tests_by_rule().items():
        terminalreporter.write_line(f"judged by {rule}: {len(tests)} {'test' if len(tests) == 1 else 'tests'}")
    evidence.keep_text("judged-by.txt", rules.tests_by_rule())


@pytest.fixture(scope="session")
def service() -> Service:
    """Find the service, after one request that pays for whatever it loads lazily."""
    service = Service(os.environ["SERVICE_URL"])
    service.say("你好。")
    return service


@pytest.fixture(scope="module")
def say_once(service: Service) -> Say:
    """Speak like service.say, but what one test of a file had spoken, the others get without waiting."""
    said = functools.lru_cache(maxsize=None)(service.say)

    def say(text: str, **options: Any) -> Speech:
        speech = said(text, **options)
        evidence.note(speech.exchange)  # whoever gets it without waiting has it as evidence, too
        return speech

    return say
