"""One service for all shards of a run: it dies in the middle, and each test has its one outcome all the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts import settings
from scripts.system import records
from tests.unit.steps import projects

SETTINGS = """
service: {{command: [{python}, service.py, "{{port}}"], shared: true, budgets: {{open_files: 1000}}}}
suite: {{path: checks}}
"""
# Both shards are in their first test when one of them kills the service; the others need it alive.
SUITE = """
import os, pathlib, time, urllib.request, pytest
URL = os.environ["SERVICE_URL"]

def meets(name):
    pathlib.Path(name).touch()
    until = time.monotonic() + 60
    while len(list(pathlib.Path().glob("met-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)

def test_kills():
    meets("met-one")
    os.kill(int(os.environ["SERVICE_PID"]), 9)
    time.sleep(60)

def test_last():
    assert urllib.request.urlopen(URL).status == 200
"""
OTHER = SUITE.replace("test_kills", "test_waits").replace("met-one", "met-two").replace("os.kill", "id or os.kill")


def test_a_death_is_seen_by_all_shards_and_one_new_start_serves_them(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, settings=SETTINGS.format(python=sys.executable))
    (project / "checks" / "test_other.py").write_text(OTHER)
    done = projects.run(project, "integration", "--nodes", "2", "--at-once", "2", "-q")

    shared = project / "reports" / "shared-service"
    assert (10, ["service.1.log", "service.log"]) == (done.returncode, sorted(log.name for log in shared.glob("*.log")))
    assert "the service that all shards share ended with signal SIGKILL (9)" in done.stdout
    for name in ("test_it.py::test_kills", "test_other.py::test_waits"):
        assert re.search(rf"{name}  \(failed in .*: ran when the service that all shards share ended", done.stdout)
    assert "cannot be watched" not in done.stdout  # each shard watches what they share
    assert "4 tests in 2 shards (indices 0-1): 2 failed, 2 passed" in done.stdout
    assert [] == records.read_all(settings.load(None, {}, project).state)


def test_what_does_not_come_up_ends_the_run_before_any_shard(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service="raise SystemExit(3)", settings=SETTINGS.format(python=sys.executable))
    done = projects.run(project, "integration", "--nodes", "2")

    assert (10, False) == (done.returncode, (project / "reports" / "shard-0.log").exists())
    assert "the service ended with exit code 3" in done.stdout
