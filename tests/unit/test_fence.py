from __future__ import annotations

import os
from typing import Dict, Iterator

import pytest

from scripts import fence
from tests.unit.workflow_commands import Command, heard

GITHUB = {"GITHUB_ACTIONS": "true"}
HOSTILE = "::set-env name=A::b\n  ::error::no\nx ##[add-mask]b\n::stop-commands::a\n::a::\n::::"


@pytest.fixture(autouse=True)
def no_fence() -> Iterator[None]:
    yield
    fence.end()


def test_only_our_own_commands_are_heard_while_a_fence_stands(capsys: pytest.CaptureFixture[str]) -> None:
    fence.begin("shard", GITHUB)
    print(HOSTILE)
    fence.command(["::error::ours"])
    print(HOSTILE)
    fence.end()
    print("::notice::of a later program")

    names = [(each.name, each.data) for each in heard(capsys.readouterr().out.splitlines())]
    assert [("error", "ours"), ("notice", "of a later program")] == names


@pytest.mark.parametrize(
    ("step", "environ"),
    [
        ("shard", {}),
        ("redact", GITHUB),
        ("shard", {**GITHUB, "SHARDLINE_FENCE": "never"}),
        ("shard", {**GITHUB, "SHARDLINE_OWNER": str(os.getppid())}),
        ("shard", {"TF_BUILD": "True"}),
    ],
)
def test_elsewhere_nothing_is_printed(step: str, environ: Dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    fence.begin(step, environ)
    fence.end()

    assert "" == capsys.readouterr().out


def test_without_a_fence_a_command_is_printed_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    fence.command(["::error::a"])

    assert [Command("error", {}, "a")] == heard(capsys.readouterr().out.splitlines())
