"""Several services around the tests of a shard: their order, their addresses, and the death of one of them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, List

import pytest

from scripts import settings
from scripts.environments.environments import Environment
from scripts.errors import ServiceDied
from scripts.runner import service_session
from scripts.runner.preparation import Environments
from scripts.runner.service_session import ServiceSession
from scripts.runner.watchdog import watchdog
from scripts.settings import Settings
from scripts.system import records
from tests.unit.service import children
from tests.unit.service.children import READY, eventually

HERE = Environments(Environment(Path(sys.prefix)))
SAYS = "print(sorted(name for name in os.environ if name.startswith('SERVICE_')), flush=True)\n"


class Bench:
    def __init__(self, folder: Path, **codes: str) -> None:
        """A project with a service for each code; the front needs the back."""
        self.said: List[str] = []
        self.folder = folder
        services: Any = {}
        for name, code in codes.items():
            (folder / f"{name}.py").write_text(children.service(code))
            services[name] = {"command": [sys.executable, f"{name}.py", "{port}"], "stop_timeout": "5s"}
        services["front"]["needs"] = ["back"]
        (folder / "pipeline.yml").write_text(json.dumps({"suite": {"path": "tests"}, "services": services}))
        self.settings: Settings = settings.load(None, {}, folder)

    def log(self, name: str) -> str:
        return (self.folder / f"service-{name}.log").read_text()

    def started(self) -> List[str]:
        return [line.partition(":")[0] for line in self.said if ": started" in line]

    def stopped(self) -> List[str]:
        return [line.partition(":")[0] for line in self.said if ": stopped" in line or ": had ended" in line]


def test_they_start_in_order_of_need_stop_in_reverse_and_each_has_its_address(tmp_path: Path) -> None:
    bench = Bench(tmp_path, front=SAYS + READY, back=SAYS + READY)
    with watchdog() as dog, ServiceSession(bench.settings, HERE, tmp_path, dog, bench.said.append) as session:
        variables = session.variables()
        front, back = session.services["front"], session.services["back"]
        os.kill(int(variables["SERVICE_BACK_PID"]), signal.SIGKILL)
        death = eventually(session.death)

    assert ["service back", "service front"] == bench.started() == bench.stopped()[::-1]
    assert ("['SERVICE_BACK_PID', 'SERVICE_BACK_URL']\n", "[]\n") == (bench.log("front"), bench.log("back"))
    assert (front.url, front.url, back.url) == tuple(
        variables[name] for name in ("SERVICE_URL", "SERVICE_FRONT_URL", "SERVICE_BACK_URL")
    )
    assert variables["SERVICE_PID"] == variables["SERVICE_FRONT_PID"] == str(front.pid)
    assert death.startswith("the service back ended with signal SIGKILL (9)")
    assert [tmp_path / "service-back.log"] == service_session.logs_of(bench.settings, tmp_path, death)


def test_where_one_dies_at_its_start_those_before_it_are_stopped_and_it_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path, back=READY, front="print('no model here')\nraise SystemExit(3)")
    with watchdog() as dog, pytest.raises(ServiceDied) as caught:
        ServiceSession(bench.settings, HERE, tmp_path, dog, bench.said.append).__enter__()

    assert "the service front ended with exit code 3" in caught.value.message
    assert "| no model here" in caught.value.message
    assert ["service front", "service back"] == bench.stopped()
    assert [] == records.read_all(bench.settings.state)
