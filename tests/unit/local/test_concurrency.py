from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.local.concurrency import bearable, decide, learn, remembered
from scripts.proof.receipt import Receipt
from scripts.settings import Settings
from scripts.system.machine import Capacity, Memory

GB = 10**9
NO_HURRY = Memory(total=100 * GB, free=80 * GB)


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    (tmp_path / "pipeline.yml").write_text("suite: {path: tests}\nservice: {command: [serve], port: 7860}")
    return settings.load(None, {}, tmp_path)


def result(peak_bytes: int) -> Receipt:
    return Receipt("", "", 0, 1, "", 0, "", peak_bytes=peak_bytes)


@pytest.mark.parametrize(
    "nodes, cores, peak_gb, expected, why",
    [
        (4, 2, 0, 2, "one for each of 2 cores; memory was not measured yet"),
        (4, 8, 5, 4, "all of them on 8 cores; a shard took 5.0 GB of memory, 80.0 GB are free"),
        (0, 8, 5, 8, "one for each of 8 cores; a shard took 5.0 GB of memory, 80.0 GB are free"),
        (4, 8, 30, 2, "a shard took 30.0 GB of memory, 80.0 GB are free"),
        (4, 8, 35, 2, "a shard took 35.0 GB of memory, 80.0 GB are free"),
        (4, 8, 36, 1, "a shard took 36.0 GB of memory, 80.0 GB are free"),  # a tenth of 100 GB stays free
        (4, 8, 90, 1, "a shard took 90.0 GB of memory, 80.0 GB are free: even one may not fit"),
    ],
)
def test_cores_and_memory_decide_and_it_is_said_why(
    nodes: int, cores: int, peak_gb: int, expected: int, why: str
) -> None:
    assert (expected, why) == bearable(nodes, Capacity(cores, NO_HURRY), peak_gb * GB)


def test_a_gpu_bears_one() -> None:
    assert 1 == bearable(4, Capacity(8, NO_HURRY, gpus=1), GB).shards


@pytest.mark.parametrize("nodes, gpus, cores, expected", [(0, 2, 8, 2), (1, 2, 8, 1), (8, 4, 16, 4), (8, 8, 2, 2)])
def test_several_gpus_bear_one_each_where_there_are_cores_for_them(
    nodes: int, gpus: int, cores: int, expected: int
) -> None:
    assert expected == bearable(nodes, Capacity(cores, NO_HURRY, gpus), GB).shards


@pytest.mark.parametrize("nodes, at_once, expected", [(4, 3, 3), (2, 3, 2), (0, 3, 3)])
def test_a_person_knows_better(tmp_path: Path, nodes: int, at_once: int, expected: int) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: tests}")

    assert (expected, "as you said") == decide(settings.load(None, {}, tmp_path), nodes, at_once)


def test_services_that_want_one_port_run_one_after_the_other(project: Settings) -> None:
    assert (1, "all services want port 7860 (service.port)") == decide(project, 4, 0)
    assert 1 == decide(project, 4, 1).shards
    with pytest.raises(SettingsError, match=r"--at-once 2: .* port 7860"):
        decide(project, 4, 2)


def test_a_shared_service_has_its_port_for_itself(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}\nservice: {command: [serve], port: 7860, shared: true}")

    assert 2 == decide(settings.load(None, {}, tmp_path), 4, 2).shards


def test_a_service_that_somebody_else_runs_serves_several(project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_URL", "http://127.0.0.1:7860")

    assert 2 == decide(project, 4, 2).shards


@pytest.mark.parametrize(
    "runs, expected",
    [([(5, True)], 5), ([(5, True), (3, True)], 3), ([(5, True), (3, False)], 5), ([(5, True), (7, False)], 7)],
)
def test_the_last_whole_run_counts_and_a_part_only_when_it_took_more(
    project: Settings, runs: List[Tuple[int, bool]], expected: int
) -> None:
    for peak_bytes, whole in runs:
        learn(project, [result(peak_bytes), result(peak_bytes - 1)], whole=whole)

    assert expected == remembered(project)


def test_results_without_a_measurement_teach_nothing(project: Settings) -> None:
    learn(project, [result(0)], whole=True)

    assert (0, False) == (remembered(project), project.state.exists())


@pytest.mark.parametrize("value", ['"many"', "-1", "0", "true", "1.5", "Infinity", "1e400", "9" * 400, "null", "[]"])
def test_what_is_no_number_of_bytes_is_measured_anew_and_said(
    project: Settings, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project.state.mkdir()
    (project.state / "memory.json").write_text(f'{{"schema": 1, "peak_bytes": {value}}}')

    assert 0 == remembered(project)
    assert "memory counts as not measured" in capsys.readouterr().out
    learn(project, [result(5)], whole=False)
    assert 5 == remembered(project)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2}'])
def test_what_cannot_be_read_is_measured_anew(project: Settings, content: str) -> None:
    project.state.mkdir()
    (project.state / "memory.json").write_text(content)

    assert 0 == remembered(project)


@pytest.mark.parametrize(
    "at_once, expected", [(0, "one at a time: "), (2, "one at a time: "), (1, "one at a time: as you")]
)
def test_shards_that_write_into_one_folder_run_one_at_a_time(tmp_path: Path, at_once: int, expected: str) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {outputs: [made, 'own-{shard}']}")

    found = str(decide(settings.load(None, {}, tmp_path), 4, at_once))

    assert found.startswith(expected)
    assert at_once == 1 or "made-$SHARDLINE_SHARD" in found


def test_shards_that_rewrite_the_suite_run_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {outputs: ['own-{shard}']}")
    project = settings.load(None, {}, tmp_path)

    assert 1 == decide(project, 4, 2, ["-x", "--inline-snapshot=create"]).shards
    assert "2 at once: as you said" == str(decide(project, 4, 2, ["-x"]))
