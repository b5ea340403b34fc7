"""Tests see a plain machine: none of the variables by which a person or a CI changes what we do."""

from __future__ import annotations

import os
import signal

import pytest

OURS = ("SERVICE_URL", "SERVICE_PID", "PIPELINE_SETTINGS", "SHARDLINE_SHELL_PATH", "NO_COLOR", "FORCE_COLOR")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would every process that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS:
        if name in os.environ:
            monkeypatch.delenv(name)
    monkeypatch.setenv("SHARDLINE_CACHE", os.devnull)  # no folder: what other projects of this user have is not seen
