from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import PipelineError
from scripts.evidence.ending import Ending
from scripts.settings import Settings
from scripts.steps.announcing import announce
from scripts.steps.closing import is_announced
from tests.unit.steps import projects
from tests.unit.workflow_commands import heard

RED, GREEN = Ending("shard", "tests failed", 1), Ending("shard", "green")
BUILDKITE = {"BUILDKITE": "true", "BUILDKITE_BUILD_ID": "b", "BUILDKITE_STEP_ID": "s"}
AGENT = """#!/bin/sh
for word; do printf '%s\\0' "$word"; done > "$(dirname "$0")/told"
exit {code}
"""


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    return settings.load(None, {}, projects.make(tmp_path, service=None))


def test_github_is_told_of_failed_tests_and_by_nobody_else(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    suite = """import os
def test_red():
    print("::set-env name=A::b", flush=True)
    assert 1 == 2, "##[add-mask]% " + os.environ["API_TOKEN"]
"""
    project = projects.make(tmp_path / "project", suite, service=None)

    done = projects.run(project, "integration", "-s", GITHUB_ACTIONS="true", API_TOKEN="kX9-secret-4711")

    told = heard(done.stdout.splitlines())
    assert [{"file": "project/checks/test_it.py", "line": "4", "title": "failed: test_red"}] == [
        each.properties for each in told
    ]
    assert told[0].data.startswith("AssertionError: ##[add-mask]% ") and "4711" not in told[0].data
    assert 1 == done.returncode and "::set-env name=A::b" in done.stdout


@pytest.mark.parametrize("ending", [RED, GREEN])
def test_buildkite_is_told_by_its_own_program(
    project: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: Ending
) -> None:
    agent = tmp_path / "bin" / "buildkite-agent"
    agent.parent.mkdir()
    agent.write_text(AGENT.format(code=0))
    agent.chmod(0o755)
    for name, value in {**BUILDKITE, "PATH": f"{agent.parent}:/usr/bin:/bin"}.items():
        monkeypatch.setenv(name, value)

    assert [] == announce(project, ending, None, "buildkite", 2)
    command, text, _, context, _, style = (agent.parent / "told").read_text().split("\0")[:-1]
    assert ("annotate", f"shard index 2: {ending.ended}") == (command, text.strip())
    assert ("error" if ending is RED else "success") == style
    assert context.startswith("shardline/b/s/") and context.endswith("shard-index-2")

    agent.write_text(AGENT.format(code=1))
    with pytest.raises(PipelineError, match="buildkite-agent ended with 1"):
        announce(project, ending, None, "buildkite", 2)


def test_those_are_told_that_show_it_once_for_each_job() -> None:
    github = {"GITHUB_ACTIONS": "true"}

    assert is_announced("shard", RED, github) and is_announced("deps", RED._replace(step="deps"), github)
    assert not is_announced("verdict", RED, github)
    assert not is_announced("shard", GREEN, github)
    assert not is_announced("shard", RED._replace(exit_code=143), github)
    assert not is_announced("shard", RED, {"CIRCLECI": "true"})


def test_a_second_try_at_buildkite_replaces_what_the_first_one_said() -> None:
    assert is_announced("shard", GREEN, {**BUILDKITE, "BUILDKITE_RETRY_COUNT": "1"})
    assert not is_announced("shard", GREEN, {**BUILDKITE, "BUILDKITE_RETRY_COUNT": "0"})
