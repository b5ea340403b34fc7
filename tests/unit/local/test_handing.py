"""Shards of this machine share out their tests: real runs, in which tests move, a shard is killed, a test is red."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

from scripts.local.concurrency import Concurrency
from scripts.local.handing import is_shared_out
from scripts.settings import Distribution, Settings, Suite
from tests.unit.steps import projects

SHARED = {"SHARDLINE_STORE": ""}
SUITE = """
import os, pathlib, pytest, signal, time

@pytest.mark.parametrize("each", range(8))
def test_it(each):
    with pathlib.Path("ran").open("a") as ran:
        ran.write(str(each) + " ")
"""
# The runner of the shard to which the first test is given, once.
KILLS = """\
    if each == 0 and not pathlib.Path("killed").exists():
        pathlib.Path("killed").touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(20)
"""


def results(project: Path) -> List[Dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(project.glob("reports/shard-*/receipt.json"))]


def test_a_shard_that_is_killed_costs_its_share_and_not_the_run(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE + KILLS, service=None)

    done = projects.run(project, "integration", "--nodes", "3", "--at-once", "3", **SHARED)

    taken = [piece for result in results(project) for piece in result["pieces"] if piece["how"] == "taken over"]
    assert ["0"] * 2 == [each for each in (project / "ran").read_text().split() if each == "0"]
    assert (0, 2, True) == (done.returncode, len(results(project)), bool(taken)), done.stdout
    assert re.search(r"^8 tests in 3 shards \(indices 0-2\): 8 passed", done.stdout, re.MULTILINE)
    assert "reports/.claims" == results(project)[0]["store"]
    assert not (project / "reports" / ".claims").exists()


def test_the_first_red_test_stops_all_shards_also_one_that_comes_later(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE + "    assert 0", service="raise SystemExit('not for this one')")
    settings = project / "pipeline.yml"
    settings.write_text("suite: {path: checks}")

    done = projects.run(project, "integration", "--nodes", "2", "--at-once", "1", "--fail-fast", **SHARED)

    assert 1 == done.returncode
    assert "left unrun after a failure, as you asked (-x, --maxfail, --fail-fast)" in done.stdout
    assert ["stopped"] * 2 == [result["ended"] for result in results(project)]
    assert [] == results(project)[1]["tests"]
    assert 1 == len((project / "ran").read_text().split())


@pytest.mark.parametrize(
    "store, at_once, fail_fast, expected",
    [(None, 2, False, True), (None, 1, False, False), (None, 1, True, True), ("none", 2, True, False)],
)
def test_shards_that_run_at_once_share_out_unless_the_settings_say_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Any, at_once: int, fail_fast: bool, expected: bool
) -> None:
    monkeypatch.delenv("SHARDLINE_STORE")
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml", distribution=Distribution(store))

    assert expected == is_shared_out(settings, Concurrency(at_once, ""), fail_fast)
    monkeypatch.setenv("SHARDLINE_STORE", "none")
    assert not is_shared_out(settings, Concurrency(at_once, ""), fail_fast)
