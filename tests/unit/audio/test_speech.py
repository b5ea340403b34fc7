"""`speech.check` fails a test with what a person would hear, and keeps the evidence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scripts.audio import baseline, speech
from scripts.audio.baseline import Baseline
from scripts.audio.catalogue import Limit
from tests.unit.audio.signals import silence, wav_bytes
from tests.unit.audio.voices import spoken

TEXT = "今天心情不好。"


def body(samples: Any, channels: int = 1) -> bytes:
    """The samples as a WAV."""
    return wav_bytes(np.round(samples * 32767).astype("<i2").tobytes(), channels=channels)


GOOD = body(spoken())
GAP = body(np.concatenate([spoken(), silence(1.5), spoken(seed=2)]))


@pytest.fixture(autouse=True)
def no_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHARDLINE_QUALITY", raising=False)
    monkeypatch.delenv("SHARDLINE_ARTIFACTS", raising=False)


@pytest.mark.parametrize(
    "response",
    [GOOD, SimpleNamespace(content=GOOD), SimpleNamespace(body=GOOD), io.BytesIO(GOOD)],
    ids=["bytes", "requests", "body", "read"],
)
def test_good_speech_passes_in_whatever_it_comes(response: Any) -> None:
    assert all(verdict.passed for verdict in speech.check(response, TEXT))


def test_what_a_person_hears_is_said() -> None:
    with pytest.raises(speech.SpeechError, match=r"1\.7\d s of silence in the middle") as caught:
        speech.check(GAP)

    assert "longest_gap_s" in [each.measure for each in caught.value.verdicts if not each.passed]


def test_what_is_no_recording_is_said() -> None:
    with pytest.raises(speech.SpeechError, match="no recording: starts with"):
        speech.check(b'{"error": "no such emotion"}')


def test_what_is_neither_bytes_nor_an_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="expected bytes, or an answer"):
        speech.check(42)


def test_a_dead_side_is_heard() -> None:
    both = np.stack([spoken(), 0 * spoken()], axis=1)

    with pytest.raises(speech.SpeechError, match=r"one side is .* quieter"):
        speech.check(body(both, channels=2))


def test_limits_of_the_call_come_before_those_of_quality_and_baseline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = Baseline({"longest_gap_s": Limit(None, 0.5)})
    (tmp_path / "baseline.json").write_text(baseline.to_json(known), encoding="utf-8")
    speech._loaded.cache_clear()
    with pytest.raises(speech.SpeechError):
        speech.check(GAP, baseline=tmp_path)
    monkeypatch.setenv("SHARDLINE_QUALITY", '{"longest_gap_s": {"high": 3}}')
    assert speech.check(GAP, baseline=tmp_path)
    with pytest.raises(speech.SpeechError):
        speech.check(GAP, baseline=tmp_path, limits={"longest_gap_s": {"high": 1}})


def test_the_golden_recording_of_the_text_is_found_beside_the_baseline(tmp_path: Path) -> None:
    folder = tmp_path / "audio"
    (folder / "golden").mkdir(parents=True)
    (folder / "baseline.json").write_text(baseline.to_json(Baseline()), encoding="utf-8")
    (folder / "golden" / f"{baseline.golden_name(TEXT, {'emotion': 'sad'})}.wav").write_bytes(GOOD)
    other = body(spoken(seed=3))

    assert speech.check(other, TEXT, baseline=folder)
    with pytest.raises(speech.SpeechError, match="golden"):
        speech.check(other, TEXT, baseline=folder, emotion="sad")


def test_the_baseline_lies_in_a_folder_above_the_test(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "baseline.json").touch()

    assert tmp_path / "audio" == speech.nearest(tmp_path / "voices" / "test_it.py")
    assert None is speech.nearest(None)


def test_what_failed_is_kept_with_its_golden_one_and_the_verdicts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHARDLINE_ARTIFACTS", str(tmp_path / "kept"))
    with pytest.raises(speech.SpeechError, match="sound: "):
        speech.check(GAP, TEXT, golden=GOOD)
    kept = {path.name.partition(".")[2]: path for path in (tmp_path / "kept").iterdir()}
    told = json.loads(kept["audio.json"].read_text(encoding="utf-8"))

    assert {"wav", "golden.wav", "audio.json"} == set(kept)
    assert (GAP, GOOD) == (kept["wav"].read_bytes(), kept["golden.wav"].read_bytes())
    assert kept["wav"].name.startswith("test_what_failed_is_kept")
    assert TEXT == told["text"]
    assert [False] == [each["passed"] for each in told["verdicts"] if each["measure"] == "longest_gap_s"]


def test_that_evidence_cannot_be_kept_does_not_hide_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SHARDLINE_ARTIFACTS", str(tmp_path / "file"))

    with pytest.raises(speech.SpeechError, match=r"(?s)silence in the middle.*not kept"):
        speech.check(GAP)
