"""`audio set` on a folder of tones; the models are not here, the recogniser is a real command."""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

import pytest

from scripts.audio import opinions, sets, speaker, words
from scripts.audio.commands import main
from tests.unit.audio.signals import RATE_HZ, sine

HALF_RIGHT = [sys.executable, "-c", "import sys\nfor path in sys.argv[1:]: print('你好')", "{wavs}"]


@pytest.fixture(autouse=True)
def _no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (opinions, speaker):
        monkeypatch.setattr(module, "installed_file", lambda *_: None)
    monkeypatch.setattr(words, "is_installed", lambda _: False)
    monkeypatch.delenv("SHARDLINE_RECOGNISER", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {f"{index:02}.wav": "你好" + "世界" * (index % 2) for index in range(20)}
    for name in texts:
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes((sine(200, 0.01) * 32767).astype("<i2").tobytes())
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    return tmp_path


def test_a_set_that_is_kept_is_compared_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHARDLINE_RECOGNISER", json.dumps(HALF_RIGHT))
    kept = folder / "set.json"

    assert 0 == main(["set", str(folder), "--keep", str(kept)])
    assert "word_errors           0.250   0.130 to 0.370" in " ".join(capsys.readouterr().out.split("\n"))

    better = json.loads(kept.read_text(encoding="utf-8"))
    for row in better["clips"].values():
        row["word_errors"] = 0.0
    kept.write_text(json.dumps(better), encoding="utf-8")

    assert 1 == main(["set", str(folder), "--before", str(kept)])
    assert "not recognised rose from 0.000 by 0.250, and not by chance" in capsys.readouterr().out


def test_what_is_skipped_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["set", str(folder), "--json"])

    skipped = json.loads(capsys.readouterr().out)["skipped"]
    assert {each.name for each in sets.TRENDS} == set(skipped)
    assert "pocketsphinx" in skipped["word_errors"]


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["set", str(tmp_path)])
    assert "expected recordings, found none" in capsys.readouterr().err


def test_the_texts_json_of_a_set_that_was_spoken_is_read_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHARDLINE_RECOGNISER", json.dumps(HALF_RIGHT))
    file = folder / "texts.json"
    texts = json.loads(file.read_text(encoding="utf-8"))
    spoken = {name: {"text": text, "options": {}, "problem": ""} for name, text in texts.items()}
    file.write_text(json.dumps(spoken), encoding="utf-8")

    assert 0 == main(["set", str(folder)])
    assert "word_errors           0.250   0.130 to 0.370" in " ".join(capsys.readouterr().out.split("\n"))


def test_what_is_no_text_or_no_sound_is_named_by_its_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "07.wav").write_bytes(b"RIFF")
    assert 2 == main(["set", str(folder)])
    assert f"error: {folder / '07.wav'}: " in capsys.readouterr().err

    (folder / "texts.json").write_text('{"03.wav": ["a"]}', encoding="utf-8")
    assert 2 == main(["set", str(folder)])
    assert f'{folder / "texts.json"}: 03.wav: expected a text, or {{"text": ...}}, got ["a"]' in capsys.readouterr().err
