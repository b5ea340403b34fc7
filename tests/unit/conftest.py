"""Tests see a plain machine: none of the variables by which a person, a CI or our own runner changes what we do."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# SHARDLINE_* also of the runner that runs these tests: what they start must not take itself for a part of it.
OURS = ("SHARDLINE_", "SERVICE_", "PIPELINE_SETTINGS", "PYTEST_XDIST_", "TOX_PARALLEL_ENV")
OF_A_CI = (
    "CIRCLE",
    "GITHUB_",
    "GITLAB_CI",
    "BUILDKITE",
    "TF_BUILD",
    "JENKINS_URL",
    "DRONE",
    "TEST_SHARD_",
    "TEST_TOTAL_",
)
OF_A_PERSON = ("NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS", "PYTHONUNBUFFERED", "VIRTUAL_ENV")
# Many an image sets it, and each of the thousand Pythons that tests start would compile all of pytest anew.
OF_AN_IMAGE = ("PYTHONDONTWRITEBYTECODE",)

# Here and not in a fixture, which comes after those of a session and a module.
for name in [name for name in os.environ if name.startswith(OURS + OF_A_CI + OF_A_PERSON + OF_AN_IMAGE)]:
    del os.environ[name]
os.environ["SHARDLINE_BUNDLE"] = "never"  # a bundle after each red run of a test would cost minutes
os.environ["SHARDLINE_REPORT"] = "never"  # a page costs each run of a test 0.2 s: those that are about it say so
os.environ["SHARDLINE_STORE"] = "none"  # most tests say which shard runs what: only those that are about it share out

# The plugins that our own tests brought along: hypothesis alone costs each pytest that a test starts a second.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

# A shell's background job ignores Ctrl-C, and nohup the end of its terminal; so would every process that tests start.
# What handles a signal hands the usual behaviour down, and this process itself outlives its terminal still.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)


# How long an example takes says what else this machine does.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDLINE_CACHE", os.devnull)  # no folder: what other projects of this user have is not seen
