"""`audio measure` and `audio compare` print a line for each measure, and what a person hears."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scripts.audio.commands import main
from tests.unit.audio.signals import silence, wav_bytes
from tests.unit.audio.voices import spoken


@pytest.fixture
def good(tmp_path: Path) -> str:
    return written(tmp_path / "good.wav", spoken())


def written(path: Path, samples: object) -> str:
    path.write_bytes(wav_bytes(np.round(np.asarray(samples) * 32767).astype("<i2").tobytes()))
    return str(path)


def test_a_good_recording_ends_with_0(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["measure", good, "--text", "今天心情不好。"])

    lines = capsys.readouterr().out.splitlines()
    assert "good" == lines[-1]
    assert any(line.startswith("ok  syllables_per_s") and line.endswith("2 to 9") for line in lines)
    assert any(line.startswith("skipped: ") or "detector" in line for line in lines)


def test_a_bad_one_ends_with_1_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gap = written(tmp_path / "gap.wav", np.concatenate([spoken(), silence(2), spoken(seed=2)]))

    assert 1 == main(["measure", gap])
    assert "bad: 2.25 s of silence in the middle" in capsys.readouterr().out


def test_a_program_gets_every_verdict(tmp_path: Path, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = written(tmp_path / "other.wav", spoken(seed=2))

    assert 1 == main(["compare", other, good, "--json"])
    told = {each["measure"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["worst_distance"]["passed"] is False
    assert told["worst_distance"]["words"].startswith("something else is heard")
    assert told["pace_percent"]["value"] is None


def test_what_cannot_be_read_ends_with_2_and_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.wav").write_bytes(b"<html>")

    assert 2 == main(["measure", str(tmp_path / "page.wav")])
    assert 2 == main(["measure", str(tmp_path / "none.wav")])
    assert "page.wav: 6 bytes are too few" in capsys.readouterr().err
