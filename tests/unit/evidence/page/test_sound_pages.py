"""Pages of sound: a set that was judged, two in blind order, and what a failed test kept of a recording."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import pytest

from scripts.audio import sets
from scripts.audio.catalogue import BY_NAME
from scripts.evidence import audio_history
from scripts.evidence.page import blind_page, kept, set_page, sound_words, sounding, verdicts
from scripts.evidence.page import page as run_page
from scripts.evidence.record import Artifact
from scripts.proof.outcomes import FAILED
from tests.unit.evidence.page.html import Page
from tests.unit.evidence.page.runs import attempt, run

PICTURE = {"seconds": 2.0, "rate_hz": 24000, "channels": 1, "wave": [-10, 20, -30, 40], "pitch_hz": [0, 200, 210]}
GAP = {"measure": "longest_gap_s", "value": 0.9, "low": None, "high": 0.6, "passed": False, "skipped": ""}
GAP["words"] = "0.90 s of silence in the middle"
GOOD = {**GAP, "value": 0.2, "passed": True, "words": ""}
HOSTILE = "</script><script>alert(1)</script>\u202e{{ view }}"


def clip(tmp_path: Path, name: str, *told: Dict[str, Any], **more: Any) -> Dict[str, Any]:
    file = tmp_path / f"{name}.wav"
    file.write_bytes(f"RIFF {name}".encode())
    found = [each["words"] for each in told if not each["passed"]]
    about = {"file": str(file), "text": name, "options": {}, "golden": "", "golden_picture": None, "picture": PICTURE}
    return {**about, "verdicts": list(told), "faults": found, **more}


def found(*clips: Dict[str, Any], baseline: Any = None, skipped: Any = ()) -> Dict[str, Any]:
    whole = {"verdicts": [], "skipped": {}, "has_before": False}
    return {"clips": list(clips), "baseline": baseline, "skipped": dict(skipped), "whole": whole}


def page(tmp_path: Path, told: Dict[str, Any], past: Any = (), allowed: int = 0) -> Page:
    return Page(set_page.render("tts", told, past, allowed, tmp_path))


def sounds(of: Page) -> Dict[str, str]:
    held = re.search(r'id="sounds">(.*?)</script>', of.html, re.DOTALL)
    assert held
    return dict(json.loads(held[1]))


def test_what_is_bad_stands_beside_its_golden_recording_with_what_is_heard(tmp_path: Path) -> None:
    golden = tmp_path / "golden.flac"
    golden.write_bytes(b"fLaC")
    bad = clip(tmp_path, "bad", GAP, golden=str(golden), golden_picture=PICTURE)
    told = found(clip(tmp_path, "good", GOOD), bad)
    made = page(tmp_path, told)

    assert [] == made.problems
    assert "1 of 2 recordings are bad" in made.text and "2 条录音中 1 条不合格" in made.text
    assert "0.90 s of silence in the middle" in made.text and "中间有 0.9 秒静音" in made.text
    assert 3 == len(sounds(made))
    assert {"audio/flac", "audio/wav"} == {each["data-embedded"] for each in made.of("audio")}


def test_what_a_page_has_no_room_for_is_linked_and_the_bad_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounding.Room.__init__, "__defaults__", (10,))
    made = page(tmp_path, found(clip(tmp_path, "good#1", GOOD), clip(tmp_path, "bad", GAP)))

    assert ["UklGRiBiYWQ="] == list(sounds(made).values())
    assert ["good%231.wav"] == [each["src"] for each in made.of("audio") if "src" in each]


@pytest.mark.parametrize(
    "baseline, words",
    [
        (None, "no baseline of this voice"),
        ({"clips": 5, "alarms": 0, "share_to": 0.4, "engine": "", "voice": ""}, "has 5 recordings only"),
        (
            {"clips": 60, "alarms": 1, "share_to": 0.077, "engine": "e", "voice": ""},
            "1 of 60 recordings, at most 7.7 %",
        ),
    ],
)
def test_a_reader_is_told_how_far_the_limits_can_be_trusted(tmp_path: Path, baseline: Any, words: str) -> None:
    made = page(tmp_path, found(clip(tmp_path, "a", GAP), baseline=baseline, skipped={"f0_median_hz": "praat"}))

    assert words in made.text
    assert "1 recordings are too few to tell a trend" in made.text
    assert "pitch, Hz: for want of praat" in made.text


def test_more_may_be_bad_where_a_person_allows_it(tmp_path: Path) -> None:
    made = page(tmp_path, found(clip(tmp_path, "a", GAP)), allowed=1)

    assert "green" == made.of("body")[0]["class"]
    assert "1 of 1 recordings are bad; 1 may be" in made.text


def test_a_set_that_fell_as_a_whole_is_red_though_each_recording_passes(tmp_path: Path) -> None:
    told = found(clip(tmp_path, "a", GOOD))
    fallen = {"measure": "mos_p808", "value": 2.9, "low": 3.2, "high": None, "passed": False, "words": "it fell"}
    told["whole"]["verdicts"] = [fallen]
    made = page(tmp_path, told)

    assert "red" == made.of("body")[0]["class"]
    assert "The set as a whole is worse than before; the recording is as good as it should be" in made.text
    assert "it fell" in made.text and "总体评分降至 2.9，至少 3.2" in made.text


def test_past_runs_are_drawn_and_what_moved_is_marked(tmp_path: Path) -> None:
    past: List[Any] = []
    for value in (0.2, 0.5):
        now = found(*(clip(tmp_path, name, {**GOOD, "value": value}) for name in "abc"))
        past = audio_history.add(past, now, 1e9, "abc", "set")
    made = page(tmp_path, now, past)

    assert "longest gap, s" in made.text and "0.2 → 0.5" in made.text and "moved" in made.text
    assert 2 * 2 == len(made.of("circle")) - 1  # two runs of two measures; one is of the state


def test_hostile_names_and_texts_are_shown_and_do_nothing(tmp_path: Path) -> None:
    verdict = {**GAP, "measure": HOSTILE, "words": HOSTILE, "skipped": HOSTILE}
    bad = clip(tmp_path, "a", verdict, text=HOSTILE, options={HOSTILE: HOSTILE})
    baseline = {"clips": 60, "alarms": 1, "share_to": 0.1, "engine": HOSTILE, "voice": HOSTILE}
    made = Page(set_page.render(HOSTILE, found(bad, baseline=baseline, skipped={HOSTILE: HOSTILE}), (), 0, tmp_path))

    assert [] == made.problems
    assert 2 == len(made.of("script"))
    assert "\u202e" not in made.html


@pytest.mark.parametrize("is_turned", [False, True])
def test_which_is_which_is_hidden_until_somebody_has_chosen(tmp_path: Path, is_turned: bool) -> None:
    sides = []
    for name in ("before", f"after{HOSTILE}"):
        (tmp_path / f"{name[:5]}.wav").write_bytes(name[:5].encode())
        sides.append({"name": name, "file": str(tmp_path / f"{name[:5]}.wav"), "gain_db": 1.5, "picture": PICTURE})
    told = {"pairs": [{"name": "x", "sides": sides}]}
    made = Page(blind_page.render(told, ("before", HOSTILE), lambda: is_turned))

    assert [] == made.problems
    assert [["a", "b"], ["b", "a"]][is_turned] == [each["data-whose"] for each in made.of("b") if "data-whose" in each]
    assert ["hidden" in each for each in made.of("div") if each.get("class") == "revealed"] == [True]
    assert not any("before" in str(each) or "after" in str(each) for each in made.of("audio"))
    assert 2 == len(sounds(made)) == len(made.of("audio"))


def test_a_failed_test_s_recording_stands_before_its_golden_one_and_its_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "shard-0"
    (folder / "artifacts").mkdir(parents=True)
    contents = {
        "test_x-1.audio.json": json.dumps({"schema": 1, "text": "x", "verdicts": [GOOD, GAP]}).encode(),
        "test_x-1.golden.wav": b"RIFFg",
        "test_x-1.wav": b"RIFFx",
    }
    for name, content in contents.items():
        (folder / "artifacts" / name).write_bytes(content)
    record = run([attempt("a.py::test_x", FAILED, message="0.9 s of silence")])
    artifacts = tuple(Artifact(f"artifacts/{name}", len(content)) for name, content in contents.items())
    record = replace(record, shards=(replace(record.shards[0], folder=folder, artifacts=artifacts),))
    made = Page(run_page.render(record, [], kept.read(record, ["a.py::test_x"])))

    assert [] == made.problems
    assert ["test_x-1.wav", "test_x-1.golden.wav"] == [each["aria-label"] for each in made.of("audio")]
    assert "中间有 0.9 秒静音" in made.text and '"verdicts"' not in made.text


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"verdicts": 1}', b'{"verdicts": [1, null]}', b"[" * 100_000, b'{"verdicts": [{"value": 1e999}]}'],
)
def test_what_is_no_list_of_verdicts_is_no_table(content: bytes) -> None:
    assert [] == verdicts.parse(content)


def test_every_measure_has_a_name_and_its_faults_have_words_in_chinese() -> None:
    missing = {
        name: (each.low, each.high)
        for name, each in BY_NAME.items()
        for words in [sound_words.MEASURES.get(name, ("", "", "", ""))]
        if not words[0] or (each.low and not words[2]) or (each.high and not words[3])
    }

    assert {} == missing
    for name, words in sound_words.MEASURES.items():
        [each.format(value=1, low=2, high=3) for each in words]
        assert name == "format" or name in BY_NAME or name in sets.BY_NAME
    assert set(sets.BY_NAME) <= set(sound_words.MEASURES)
