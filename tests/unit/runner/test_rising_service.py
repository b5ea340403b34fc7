"""A service comes up while pytest collects, where the suite asks nothing of it until then."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from scripts import settings
from scripts.ci import Node
from scripts.environments.environments import Environment
from scripts.errors import ServiceDied
from scripts.proof import receipt
from scripts.runner import rounds
from scripts.runner.decisions import Outcome
from scripts.runner.preparation import Environments
from scripts.runner.pytest_process import Supervision
from scripts.runner.rounds import ShardRun
from scripts.runner.selection import Selection
from scripts.runner.service_session import ServiceSession, comes_up_beside
from scripts.runner.shard import fresh
from scripts.runner.watchdog import watchdog
from scripts.settings import Settings
from tests.unit.service import children
from tests.unit.service.children import READY

# Each waits for the other: for what the module writes when it is imported, and for the answer of the service.
AFTER_COLLECTION = "while not os.path.exists('collected'): time.sleep(0.01)\n"
SUITE = """
import os, pathlib, urllib.request
pathlib.Path("collected").touch()
def test_it():
    assert b"fine" == urllib.request.urlopen(os.environ["SERVICE_URL"] + "/health").read()
"""


class Bench:
    def __init__(self, folder: Path, service: str, **words: Any) -> None:
        """A project whose suite asks for nothing while it is collected."""
        self.folder, self.said = folder / "shard", []  # type: Path, List[str]
        (folder / "service.py").write_text(children.service(service))
        (folder / "tests").mkdir()
        (folder / "tests" / "test_it.py").write_text(SUITE)
        (folder / "pytest.ini").write_text("[pytest]\n")
        served = {"command": [sys.executable, "service.py", "{port}"], "ready": {"path": "/health", "timeout": "60s"}}
        said = {"suite": {"path": "tests", "asks_while_collected": False}, "service": {**served, **words}}
        (folder / "pipeline.yml").write_text(json.dumps(said))
        self.settings: Settings = settings.load(None, {}, folder)

    def run(self, signalled: Callable[[], bool] = lambda: False) -> Outcome:
        nowhere = str(self.folder / "nowhere.json")
        chosen = Selection("5f3a", 0, 1, nowhere, nowhere, "m")
        run = ShardRun(self.settings, Node(0, 1), fresh(self.folder), chosen, ["-q", "-p", "no:cacheprovider"])
        here = Environments(Environment(Path(sys.prefix)))
        with watchdog() as dog, ServiceSession(
            self.settings, here, self.folder, dog, self.said.append, beside=True
        ) as session:
            outcome = rounds.run(run, session, Supervision(self.settings.state, dog), signalled, self.said.append)
            assert {"service ready", "warm-up"} == set(session.took) or not outcome.tests
            return outcome


def test_the_suite_is_collected_before_the_service_is_ready_and_its_tests_run_after(tmp_path: Path) -> None:
    outcome = Bench(tmp_path, AFTER_COLLECTION + READY).run()

    assert [("test_it", "passed")] == [(test.nodeid.split("::")[1], test.outcome) for test in outcome.tests]
    assert (receipt.FINISHED, ()) == (outcome.ended, outcome.errors)


def test_a_service_that_dies_meanwhile_is_told_as_where_it_is_waited_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, AFTER_COLLECTION + "print('no model here')\nraise SystemExit(3)")
    with pytest.raises(ServiceDied) as caught:
        bench.run()

    assert "the service ended with exit code 3" in caught.value.message
    assert "| no model here" in caught.value.message


def test_a_suite_that_asks_for_all_that_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, READY)
    asks = 'try:\n    urllib.request.urlopen(os.environ["SERVICE_URL"] + "/health")\nexcept OSError:\n    pass\n'
    (tmp_path / "tests" / "test_it.py").write_text(f"{SUITE}\n{asks}")
    outcome = bench.run()

    assert [("selection", rounds.EARLY)] == [(error.name, error.message) for error in outcome.errors]
    assert () == outcome.tests


def test_nobody_waits_for_a_service_when_the_run_is_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "time.sleep(60)")
    outcome = bench.run(signalled=(tmp_path / "collected").exists)

    assert receipt.INTERRUPTED == outcome.ended
    assert "service: stopped (signal SIGTERM (15))" in bench.said


def test_a_service_that_may_take_longer_than_pytest_waits_is_waited_for_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path, READY)
    (tmp_path / "slow").mkdir()
    slow = Bench(tmp_path / "slow", READY, ready={"path": "/health", "timeout": "10 min"})

    assert [True, False] == [comes_up_beside(each.settings) for each in (bench, slow)]
