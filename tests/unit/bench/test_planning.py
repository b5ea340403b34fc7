from __future__ import annotations

import json
from pathlib import Path
from typing import Dict

import pytest

from scripts.errors import PipelineError
from tests.bench import planning
from tests.bench.__main__ import main

FIRST = {"a.py::x": 3.0, "a.py::y": 1.0, "b.py::z": 2.0}
SECOND = {"a.py::x": 4.0, "a.py::y": 1.0, "b.py::new": 2.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "team" / "00.json", FIRST)
    write(tmp_path / "team" / "01.json", SECOND)
    write(tmp_path / "team" / "SOURCE.json", {"commit": 1.0})
    return tmp_path


def write(file: Path, seconds: Dict[str, float]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(seconds), encoding="utf-8")


def test_recordings_are_read_in_microseconds_oldest_first(folder: Path) -> None:
    first, second = planning.recorded(folder)["team"]

    assert (3_000_000, 4_000_000) == (first["a.py::x"], second["a.py::x"])


def test_drift_plans_with_one_recording_and_judges_by_the_next(folder: Path) -> None:
    (case,) = planning.drifts(planning.recorded(folder))

    assert "b.py::z" in case.known
    assert "b.py::new" in case.real


def test_every_regime_node_count_and_planner_has_a_row(folder: Path) -> None:
    suites = planning.recorded(folder)

    assert {("perfect", "4", "ours"), ("set-up 20 s", "8", "halving"), ("drift", "16", "LPT")} <= {
        tuple(row[:3]) for row in planning.quality(suites).rows
    }
    assert ["0 %", "as planned", "LPT"] == [planning.curve(suites).rows[place][0] for place in (0, -2, -1)]


def test_lpt_is_the_measure_of_the_curve(folder: Path) -> None:
    (*_, lpt) = planning.curve(planning.recorded(folder)).rows

    assert "1.000" == lpt[-2]


def test_a_suite_that_was_recorded_once_does_not_drift(tmp_path: Path) -> None:
    write(tmp_path / "team" / "00.json", FIRST)
    write(tmp_path / "team" / "01.json", {})

    assert {"perfect", "set-up 20 s"} == {row[0] for row in planning.quality(planning.recorded(tmp_path)).rows}


def test_what_is_no_recording_is_named(folder: Path) -> None:
    (folder / "team" / "02.json").write_text('["a.py::x"]', encoding="utf-8")

    with pytest.raises(PipelineError, match=r"02\.json: expected"):
        planning.recorded(folder)


def test_a_part_that_cannot_be_measured_fails_the_bench_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(["plan", "--suites", str(tmp_path)])
    assert "error: plan: no recorded suite" in capsys.readouterr().out


def test_a_part_that_is_none_is_refused_with_the_names_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replays"])

    assert "expected one of plan, pieces, plugin, runner" in capsys.readouterr().err
