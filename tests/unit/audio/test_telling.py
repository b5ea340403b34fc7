from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

from scripts.audio import pictures, telling
from scripts.audio.baseline import FILE, golden_name
from scripts.audio.telling import as_wav
from scripts.audio.wav import Wav, parse_wav
from tests.unit.audio.signals import recording, silence, sine


def spoken(hertz: float = 200, gap_s: float = 0.0) -> bytes:
    tone = sine(hertz, 0.3) + sine(2 * hertz, 0.3, 0.2)
    return as_wav(recording(silence(0.05), tone, silence(gap_s), tone, silence(0.05)))


def told(tmp_path: Path, **order: Any) -> Dict[str, Any]:
    """Order it as the pipeline does: in files."""
    (tmp_path / "order.json").write_text(json.dumps(order))
    code = telling.main(str(tmp_path / "order.json"), str(tmp_path / "answer.json"))
    answer: Dict[str, Any] = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert (2 if "error" in answer else 0) == code
    return answer


def folder(tmp_path: Path, **bodies: bytes) -> Path:
    """A set as the pipeline leaves it; what has no body was not spoken."""
    made = tmp_path / "set"
    made.mkdir(exist_ok=True)
    texts = {}
    for name, body in bodies.items():
        (made / f"{name}.wav").write_bytes(body)
        problem = "" if body else "answered 500"
        texts[f"{name}.wav"] = {"text": name, "options": {"emotion": "sad"}, "problem": problem}
    (made / "texts.json").write_text(json.dumps(texts))
    return made


def test_a_set_is_judged_by_what_was_recorded_before(tmp_path: Path) -> None:
    suite = tmp_path / "audio"
    good = folder(tmp_path, a=spoken(), b=spoken(250))
    made = told(tmp_path, do="record", folder=str(good), baseline=str(suite), engine="tones")
    bad = folder(tmp_path, a=spoken(), b=spoken(250, gap_s=1.5), c=b"")
    found = told(tmp_path, do="judge", folder=str(bad), baseline=str(suite))

    assert (2, 2, 0) == (made["clips"], made["golden"], made["differ"])
    assert golden_name("a", {"emotion": "sad"}) == Path(found["clips"][0]["golden"]).stem
    gap = "1.50 s of silence in the middle"
    assert [False, True, False] == [gap in each["faults"] for each in found["clips"]]
    assert ["no recording: answered 500"] == found["clips"][2]["faults"]
    assert "tones" == found["baseline"]["engine"]


def test_a_recording_is_drawn_with_its_waveform_and_its_pitch(tmp_path: Path) -> None:
    clip = told(tmp_path, do="judge", folder=str(folder(tmp_path, a=spoken(200))), baseline="")["clips"][0]

    assert 0.7 == clip["picture"]["seconds"]
    assert 2 * pictures.COLUMNS == len(clip["picture"]["wave"])
    assert 200 in clip["picture"]["pitch_hz"]
    assert max(clip["picture"]["wave"]) > 50 > 0 > min(clip["picture"]["wave"])


def test_a_baseline_that_was_there_stays_where_a_recording_cannot_be_read(tmp_path: Path) -> None:
    suite = tmp_path / "audio"
    suite.mkdir()
    (suite / FILE).write_text("mine")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.wav").write_bytes(b"RIFF")
    answer = told(tmp_path, do="record", folder=str(tmp_path / "set"), baseline=str(suite))

    assert "a.wav" in answer["error"]
    assert "mine" == (suite / FILE).read_text()
    assert [FILE] == [path.name for path in suite.iterdir()]


def test_two_recordings_are_written_at_one_loudness_each_with_all_its_sides(tmp_path: Path) -> None:
    quiet, loud = recording(sine(200, 0.5, 0.05)), recording(sine(200, 0.5, 0.5))
    sides = Wav(loud.samples, loud.rate_hz, 2, loud.samples[:, None] * [1.0, 0.5])
    for name, wav in (("quiet", quiet), ("loud", sides)):
        (tmp_path / f"{name}.wav").write_bytes(as_wav(wav))
    pair = told(
        tmp_path, do="pair", pairs=[[str(tmp_path / "quiet.wav"), str(tmp_path / "loud.wav")]], to=str(tmp_path)
    )["pairs"][0]

    one, other = (parse_wav(Path(side["file"]).read_bytes()) for side in pair["sides"])
    assert (1, 2) == (one.channels, other.channels)
    assert 0.8 < one.samples.std() / other.samples.std() < 1.25
    assert {"000-a.wav", "000-b.wav"} == {Path(side["file"]).name for side in pair["sides"]}
