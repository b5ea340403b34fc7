from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from scripts import settings
from scripts.__main__ import main
from scripts.errors import InstallError, SettingsError
from scripts.settings import Settings
from scripts.steps import audio
from scripts.system.programs import ProgramFailed
from tests.unit.audio.test_telling import spoken

MADE: Dict[str, Any] = {
    "clips": 60, "golden": 60, "size_bytes": 1e6, "alarms": 0, "differ": 3, "share_from": 0, "share_to": 0.049,
    "wrong": [], "skipped": {},
}  # fmt: skip


def project(tmp_path: Path, more: str = "") -> Settings:
    (tmp_path / "tests").mkdir()
    (tmp_path / "pipeline.yml").write_text(f"suite: {{path: tests}}\n{more}", encoding="utf-8")
    return settings.load(None, {}, tmp_path)


def recordings(folder: Path, **bodies: bytes) -> Path:
    folder.mkdir()
    for name, body in bodies.items():
        (folder / f"{name}.wav").write_bytes(body)
    return folder


def test_a_set_is_judged_by_its_exit_code_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = project(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.wav").write_bytes(spoken(gap_s=1.5))
    words = ["audio", "judge", "--settings", str(made.file), str(tmp_path / "set")]

    assert 1 == main(words)
    assert "a.wav: 1.50 s of silence in the middle" in capsys.readouterr().out
    assert "of silence in the middle" in (tmp_path / "reports" / "audio.html").read_text(encoding="utf-8")


def test_two_recordings_get_a_page_in_a_step_of_its_own(tmp_path: Path) -> None:
    made = project(tmp_path)
    one, other = (recordings(tmp_path / name, a=spoken(hertz)) for name, hertz in (("old", 200), ("new", 210)))
    audio.listen(made, one, other)

    assert "data-pair" in (tmp_path / "reports" / "listen.html").read_text(encoding="utf-8")


def test_pairs_are_two_files_or_the_same_names_of_two_folders(tmp_path: Path) -> None:
    one, other = recordings(tmp_path / "a", x=b"1", y=b"2"), recordings(tmp_path / "b", y=b"3", z=b"4")

    assert [(one / "y.wav", other / "y.wav")] == audio.pairs_of(one, other)
    assert [(one / "x.wav", other / "z.wav")] == audio.pairs_of(one / "x.wav", other / "z.wav")
    for wrong in ((one, other / "z.wav"), (one, tmp_path / "none"), (recordings(tmp_path / "c"), one)):
        with pytest.raises(SettingsError):
            audio.pairs_of(*wrong)


def test_without_a_baseline_nothing_is_spoken_and_it_is_said_how_to_record_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no baseline in tests/audio") as raised:
        audio.judge(project(tmp_path), audio.Wish())
    assert raised.value.hint.endswith("invoke audio.baseline")


def test_without_a_list_of_texts_it_is_said_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"tests/audio/texts\.txt: No such file"):
        audio.baseline(project(tmp_path), audio.Wish())


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "false alarms: 0 of 60 by limits of the others, so at most 4.9 %"),
        ({"clips": 5}, "too few: limits of 5 recordings are no more than a guess"),
        ({"differ": 0}, "add its recordings: --takes FOLDER"),
        ({"wrong": [{"text": "a\x1b[31m", "faults": ["hums"]}]}, "listen to it before you keep it: a\\x1b[31m: hums"),
        ({"skipped": {"f0_range_st": "praat"}}, "not measured: f0_range_st (needs praat"),
    ],
)
def test_what_a_person_should_doubt_of_a_baseline_is_said(changes: Dict[str, Any], words: str) -> None:
    assert words in "\n".join(audio.told_of_baseline({**MADE, **changes}, "tests/audio"))


def test_an_environment_without_the_packages_is_said_with_what_to_add() -> None:
    with pytest.raises(InstallError) as raised:
        audio._check_packages(ProgramFailed("x", 1, "ModuleNotFoundError: No module named 'numpy'\n"))
    assert "praat-parselmouth" in str(raised.value.hint)


def test_a_page_of_what_was_spoken_keeps_the_runs_before(tmp_path: Path) -> None:
    made = project(tmp_path)
    target = tmp_path / "tests" / "audio"
    target.mkdir()
    (target / "baseline.json").write_text("{}")
    found = {"clips": [{"verdicts": [], "faults": []}]}

    assert [1, 2] == [len(audio._remember(made, found, [audio.Wanted("a")], target)) for _ in range(2)]
    assert 1 == len(audio._remember(made, found, [audio.Wanted("b")], target))
    assert 3 == len(json.loads((tmp_path / ".pipeline" / "audio.json").read_text())["runs"])
