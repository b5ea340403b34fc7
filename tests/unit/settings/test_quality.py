"""What may stand below `quality:`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.audio import baseline
from scripts.errors import SettingsError
from scripts.runner.service_session import quality_variables
from scripts.settings import Settings, load
from scripts.settings.quality import Bounds
from scripts.steps import audio


def loaded(folder: Path, text: str) -> Settings:
    (folder / "pipeline.yml").write_text(f"suite: {{path: .}}\nquality:\n{text}", encoding="utf-8")
    return load(str(folder / "pipeline.yml"), {}, folder)


def test_limits_by_measure_are_handed_to_the_suite(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "  longest_gap_s: {high: 0.9}\n  level_db: {low: -30, high: -14}\n")

    assert {"longest_gap_s": Bounds(None, 0.9), "level_db": Bounds(-30, -14)} == settings.quality
    told = json.loads(quality_variables(settings)["SHARDLINE_QUALITY"])
    assert {"longest_gap_s": {"low": None, "high": 0.9}, "level_db": {"low": -30, "high": -14}} == told


@pytest.mark.parametrize(
    "text, problem", [("  level_db: {low: 3, high: -3}\n", "expected low up to high"), ("  x: {most: 3}\n", "most")]
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        loaded(tmp_path, text)


def test_a_suite_of_several_engines_names_the_baseline_of_each(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t, baseline: voices/one}")
    project = load(None, {}, tmp_path)
    given = {"SHARDLINE_BASELINE": str(tmp_path / "voices" / "one")}

    assert given == quality_variables(project)
    assert tmp_path / "voices" / "one" == audio.place(project) == baseline.given_folder(given)
    assert baseline.given_folder({}) is None
