"""What the run of all shards tells them of the service that they share, and what a shard does with that."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import pytest

from scripts import ci, settings
from scripts.errors import ServiceDied
from scripts.runner import sharing
from scripts.runner.sharing import Generation, Shared
from scripts.service.running_service import RunningService
from scripts.settings import Settings
from scripts.system import records
from scripts.system.identity import Identity, identify

HERE = identify(os.getpid()) or Identity(os.getpid(), 0.0)
GONE = Identity(HERE.pid, HERE.create_time - 1000)  # the number is another's by now


def service(process: Identity = HERE, url: str = "http://127.0.0.1:7860") -> RunningService:
    record = replace(records.started("service", "5f3a", process, ("serve",), log="service.log", url=url), name="tts")
    return RunningService(url, 1.5, 0.5, name="tts", record=record)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ci.OWNER, str(os.getppid()))
    return tmp_path / sharing.FILE_NAME


def load(folder: Path, text: str) -> Settings:
    (folder / "pipeline.yml").write_text(f"suite: {{path: t}}\n{text}")
    return settings.load(None, {}, folder)


def test_what_is_told_is_what_is_heard(file: Path) -> None:
    told = Generation(3, (service(),), "it died", "and nobody came")
    sharing.publish(file, told)

    assert told == sharing.read(file)


def test_a_shard_takes_what_runs(file: Path) -> None:
    sharing.publish(file, Generation(1, (service(),)))

    assert {"tts": service()} == Shared(file, 0.0).join(is_unfit=False)
    assert not sharing.is_asked(file, 1)


@pytest.mark.parametrize(
    "first, is_unfit, death",
    [(GONE, False, ""), (HERE, True, ""), (HERE, False, "it died")],
    ids=["gone", "silent", "said to be dead"],
)
def test_a_shard_asks_for_another_and_takes_it_when_it_is_there(
    file: Path, first: Identity, is_unfit: bool, death: str
) -> None:
    sharing.publish(file, Generation(1, (service(),)))
    shard = Shared(file, 10.0)
    shard.join(is_unfit=False)
    sharing.publish(file, Generation(1, (service(first),), death))
    another = service(url="http://127.0.0.1:7861")

    def answer() -> None:
        while not sharing.is_asked(file, 1):
            time.sleep(0.01)
        sharing.publish(file, Generation(2, (another,)))

    owner = threading.Thread(target=answer)
    owner.start()
    joined = shard.join(is_unfit)
    owner.join()

    assert {"tts": another} == joined
    assert not sharing.is_asked(file, 2)


def test_a_shard_is_content_with_another_that_somebody_else_asked_for(file: Path) -> None:
    sharing.publish(file, Generation(1, (service(),)))
    shard = Shared(file, 0.0)
    shard.join(is_unfit=False)
    sharing.publish(file, Generation(2, (service(),)))
    shard.join(is_unfit=True)

    assert not sharing.is_asked(file, 2)


@pytest.mark.parametrize(
    "told, why",
    [
        (Generation(1, (service(GONE),)), "was not started again within 0 s"),
        (Generation(1, (service(GONE),), failure="the port is taken"), "could not be started again: the port is taken"),
    ],
)
def test_a_shard_for_which_none_comes_says_why(file: Path, told: Generation, why: str) -> None:
    sharing.publish(file, told)

    with pytest.raises(ServiceDied, match=why):
        Shared(file, 0.0).join(is_unfit=False)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1, "number": 1, "services": [{"record": {}}]}', None])
def test_a_file_that_cannot_be_used_tells_of_no_service(file: Path, text: Any) -> None:
    if text is not None:
        file.write_text(text)

    with pytest.raises(ServiceDied, match=r"services\.json does not tell where"):
        Shared(file, 0.0).join(is_unfit=False)


def test_how_it_died_is_told_by_who_knows(file: Path) -> None:
    sharing.publish(file, Generation(1, (service(),)))
    shard = Shared(file, 0.0)
    shard.join(is_unfit=False)
    sharing.publish(file, Generation(1, (service(GONE),), "signal SIGKILL (9)"))

    assert ["seen", "signal SIGKILL (9)"] == [shard.death("seen"), shard.death("seen")]


@pytest.mark.parametrize(
    "owner, expected",
    [(os.getppid(), Path("a")), (os.getpid(), None), ("", None)],
    ids=["our parent", "ourselves", "nobody"],
)
def test_only_the_shards_of_a_run_share(owner: Any, expected: Any) -> None:
    environ: Dict[str, str] = {sharing.VARIABLE: "a", ci.OWNER: str(owner)}

    assert expected == sharing.handed(environ)


def test_what_shared_ones_need_comes_with_them_in_order_of_need(tmp_path: Path) -> None:
    shared = "{command: [x], shared: true, needs: [db]}"
    project = load(tmp_path, f"services: {{own: {{command: [x]}}, tts: {shared}, db: {{url: 'http://a'}}}}")

    assert ["db", "tts"] == sharing.names(project)
    assert [] == sharing.names(sharing.apart(project))
