from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from scripts.evidence import audio_history
from scripts.system import files


def judged(*values: Optional[float]) -> Dict[str, Any]:
    clips = [
        {"verdicts": [{"measure": "level_db", "value": value}], "faults": ["x"][: value is None]} for value in values
    ]
    return {"clips": clips}


def test_only_the_newest_run_of_a_set_keeps_the_values_of_each_recording() -> None:
    runs: List[Any] = []
    for name in ("one", "other", "one"):
        runs = audio_history.add(runs, judged(-20.0, -22.0, None), 5.4, "c", name)

    assert [{}, {"level_db": [-20.0, -22.0, None]}, {"level_db": [-20.0, -22.0, None]}] == [r["values"] for r in runs]
    assert [(5, 3, 1)] * 3 == [(run["at"], run["clips"], run["bad"]) for run in runs]


@pytest.mark.parametrize("values, moved", [((-20.1, -22.1, -25.1), ["level_db"]), ((-20.0, -22.0, -25.0), [])])
def test_a_small_step_of_all_recordings_is_seen_however_they_differ(values: Any, moved: List[str]) -> None:
    runs = audio_history.add([], judged(-20.0, -22.0, -25.0), 0, "", "set")

    assert moved == audio_history.add(runs, judged(*values), 1, "", "set")[1]["moved"]


def test_what_was_written_is_read_again_and_what_is_damaged_costs_only_the_trend(tmp_path: Path) -> None:
    file = tmp_path / "audio.json"
    runs = audio_history.add([], judged(-20.0), 0, "abc", "set")
    files.write_text(file, audio_history.written([*runs, {"at": "x"}]))

    assert runs == audio_history.read(file)
    file.write_text("{")
    assert [] == audio_history.read(file) == audio_history.read(tmp_path / "none")
