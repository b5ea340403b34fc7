from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.service import records
from scripts.service.records import Record
from scripts.system.processes import Identity

RECORD = Record(
    run_id="a1",
    service=Identity(40, 100.25),
    owner=Identity(30, 90.5),
    command=("serve", "--voice", "你好"),
    port=7860,
    url="http://127.0.0.1:7860",
    log="reports/service.log",
)


@pytest.mark.parametrize("detached", [True, False])
def test_a_record_is_read_as_it_was_written(tmp_path: Path, detached: bool) -> None:
    record = replace(RECORD, detached=detached)
    records.write(tmp_path, record)

    assert [record] == records.read_all(tmp_path)


def test_each_start_has_a_file_of_its_own(tmp_path: Path) -> None:
    records.write(tmp_path, RECORD)
    records.write(tmp_path, replace(RECORD, run_id="b2"))

    assert ["a1.json", "b2.json"] == sorted(path.name for path in (tmp_path / "services").iterdir())


def test_a_removed_record_is_gone(tmp_path: Path) -> None:
    records.write(tmp_path, RECORD)
    records.remove(tmp_path, RECORD)

    assert [] == records.read_all(tmp_path)


def test_removing_what_somebody_else_removed_is_fine(tmp_path: Path) -> None:
    records.remove(tmp_path, RECORD)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"pid": 0},  # killpg(0) is our own group,
        {"pid": -1},  # and kill(-1) everybody
        {"pid": "x"},
        {"owner": None},
        {"command": None},
        {"run_id": "../../elsewhere"},
    ],
)
def test_what_is_no_record_of_ours_is_passed_over(tmp_path: Path, change: Any) -> None:
    records.write(tmp_path, RECORD)
    path = tmp_path / "services" / "a1.json"
    path.write_text(json.dumps({**records.to_json(RECORD), **change}))

    assert [] == records.read_all(tmp_path)


def test_half_a_file_is_passed_over(tmp_path: Path) -> None:
    records.write(tmp_path, RECORD)
    path = tmp_path / "services" / "a1.json"
    path.write_text(path.read_text()[:50])

    assert [] == records.read_all(tmp_path)


@pytest.mark.parametrize(
    "service_runs, owner_runs, detached, expected",
    [
        (True, False, False, "stop"),  # left over from a killed run
        (True, True, False, "keep"),  # another run uses it
        (False, True, False, "keep"),  # another run will remove it
        (False, False, False, "forget"),
        (True, False, True, "keep"),  # nobody watches it, by design
        (True, True, True, "keep"),
        (False, False, True, "forget"),
        (False, True, True, "forget"),
    ],
)
def test_what_becomes_of_a_record(service_runs: bool, owner_runs: bool, detached: bool, expected: str) -> None:
    record = replace(RECORD, detached=detached)

    assert expected == records.verdict(record, service_runs=service_runs, owner_runs=owner_runs)
