"""A baseline is a file that a person can read and change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.audio import baseline
from scripts.audio.baseline import Baseline, BaselineError
from scripts.audio.catalogue import Limit

KNOWN = Baseline({"longest_gap_s": Limit(None, 0.62)}, {"pace": [0.3, 0.15, 0.2]}, "tts", "她", 60, 1)


def test_what_is_written_is_read_again() -> None:
    assert KNOWN == baseline.from_json(baseline.to_json(KNOWN))


def test_a_limit_has_a_line_of_its_own() -> None:
    assert '    "longest_gap_s": {"low": null, "high": 0.62}' in baseline.to_json(KNOWN).splitlines()


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"schema": 2}, '"schema": 1, got 2'),
        ({"limits": {"gap": {}}}, "no measure is called 'gap'"),
        ({"limits": {"longest_gap_s": {"high": "0.6"}}}, "longest_gap_s: expected low, high or both"),
        ({"limits": {"longest_gap_s": {"most": 0.6}}}, "longest_gap_s: expected low, high or both"),
        ({"limits": {"longest_gap_s": {"high": True}}}, "longest_gap_s: expected low, high or both"),
        ({"limits": []}, "expected limits by measure"),
    ],
)
def test_a_mistake_is_named(change: Any, problem: str) -> None:
    changed = {**json.loads(baseline.to_json(KNOWN)), **change}

    with pytest.raises(BaselineError, match=problem):
        baseline.from_json(json.dumps(changed))


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(BaselineError):
        baseline.from_json(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"baseline.json: No such file"):
        baseline.load(tmp_path)


def test_a_golden_recording_is_found_by_its_text_and_how_it_was_spoken(tmp_path: Path) -> None:
    sad = baseline.golden_name("你好。", {"emotion": "sad"})
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / f"{sad}.flac").touch()

    assert tmp_path / "golden" / f"{sad}.flac" == baseline.golden_file(tmp_path, sad)
    assert None is baseline.golden_file(tmp_path, baseline.golden_name("你好。"))


def test_quality_is_read_from_the_environment() -> None:
    assert {"longest_gap_s": Limit(None, 0.9)} == baseline.own_limits(
        {"SHARDLINE_QUALITY": '{"longest_gap_s": {"low": null, "high": 0.9}}'}
    )
    assert {} == baseline.own_limits({})
