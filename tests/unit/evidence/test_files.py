from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional

import pytest

from scripts.evidence import files
from scripts.evidence.allowlist import ARTIFACTS, WHOLE_BYTES, Rule, rules
from scripts.evidence.files import TIME_IS_UP, Matches, Note, Project, Weights, find

NAMES = ("files", "missing", "left_out")


def made(file: Path, content: bytes = b"x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def look(folder: Path, *listed: Rule, weights: Optional[Weights] = None, late: bool = False) -> Matches:
    project = Project(folder, folder / "reports", folder / "pipeline.yml", weights or Weights())
    each = [find(project, rule, lambda: late) for rule in listed]
    return Matches(*([one for matches in each for one in getattr(matches, name)] for name in NAMES))


def names(matches: Matches) -> List[str]:
    return [each.name for each in matches.files]


LOGS = Rule("logs/**/*", "logs", log=True)
EVERYTHING = Rule("**/*", "all", log=True)


def test_what_is_not_on_the_list_stays_out(tmp_path: Path) -> None:
    for name in ("receipt.json", "environment.json", "receipt.json.bak", "artifacts/sad.wav", "artifacts/model.bin"):
        made(tmp_path / "reports" / "shard-0" / name)
    made(tmp_path / "pipeline.yml")

    matches = look(tmp_path, *rules(["shard-0"], [], [], [], whole_run=True))

    assert ["reports/shard-0/receipt.json", "reports/shard-0/artifacts/sad.wav"] == names(matches)
    assert ["reports/shard-0/artifacts/model.bin"] == [note.name for note in matches.left_out]


def test_what_the_list_expects_is_missed_and_the_rest_is_not(tmp_path: Path) -> None:
    matches = look(tmp_path, Rule("a.json", "first", expected=True), Rule("b.json", "second"))

    assert [Note("a.json", "first")] == matches.missing


@pytest.mark.parametrize("target", ["secret", "../elsewhere/secret", "nowhere"])
def test_a_link_is_not_followed_wherever_it_leads(tmp_path: Path, target: str) -> None:
    project = tmp_path / "project"
    made(project / "secret")
    made(tmp_path / "elsewhere" / "secret")
    (project / "logs").mkdir()
    (project / "logs" / "a.log").symlink_to(Path("..") / target)

    matches = look(project, LOGS)

    assert [] == matches.files
    assert [Note("logs/a.log", "logs/a.log is a link, and none is followed")] == matches.left_out


def test_nothing_is_taken_from_a_folder_that_is_a_link(tmp_path: Path) -> None:
    made(tmp_path / "elsewhere" / "a" / "receipt.json")
    (tmp_path / "project" / "reports").mkdir(parents=True)
    (tmp_path / "project" / "reports" / "shard-0").symlink_to(tmp_path / "elsewhere" / "a")

    matches = look(tmp_path / "project", Rule("reports/shard-0/receipt.json", "", expected=True))

    assert [] == matches.files
    assert "reports/shard-0 is a link, and none is followed" == matches.left_out[0].why


def test_the_reports_may_lie_on_another_disk(tmp_path: Path) -> None:
    made(tmp_path / "disk" / "merge.json")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "reports").symlink_to(tmp_path / "disk")

    assert ["reports/merge.json"] == names(look(tmp_path / "project", Rule("reports/merge.json", "")))


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    made(tmp_path / "logs" / "a.log")
    (tmp_path / "logs" / "again").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "itself").symlink_to(tmp_path / "logs" / "itself")

    assert ["logs/a.log"] == names(look(tmp_path, LOGS))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_only_plain_files_are_taken(tmp_path: Path, make) -> None:
    make(str(tmp_path / "service.log"))

    matches = look(tmp_path, Rule("service.log", "", expected=True))

    assert ([], []) == (matches.files, matches.missing)
    assert matches.left_out[0].why.startswith("not a plain file")


def test_as_in_a_shell_a_star_finds_nothing_hidden(tmp_path: Path) -> None:
    for name in (".env", ".git/config", "a.log", ".cache/b.log"):
        made(tmp_path / name)

    assert ["a.log"] == names(look(tmp_path, EVERYTHING))
    assert [".cache/b.log"] == names(look(tmp_path, Rule(".cache/*.log", "", log=True)))


@pytest.mark.parametrize("pattern", ["/etc/hostname", "../*", "logs/../../*", "", "/proc/self/environ"])
def test_a_pattern_does_not_lead_out_of_the_project(tmp_path: Path, pattern: str) -> None:
    made(tmp_path / "outside")
    made(tmp_path / "project" / "logs" / "a.log")

    matches = look(tmp_path / "project", Rule(pattern, "", log=True, expected=True), LOGS)

    assert ["logs/a.log"] == names(matches)
    assert [Note(pattern, "expected a pattern below the project's folder")] == matches.left_out


@pytest.mark.parametrize("pattern", ["a\0b", "x" * 5000, "**logs/[", "***"])
def test_a_pattern_that_makes_no_sense_costs_nothing_but_itself(tmp_path: Path, pattern: str) -> None:
    made(tmp_path / "logs" / "a.log")

    assert "logs/a.log" in names(look(tmp_path, Rule(pattern, ""), LOGS))


def test_weights_are_refused_by_folder_and_by_content_under_another_name(tmp_path: Path) -> None:
    made(tmp_path / "models" / "readme.txt")
    weight = made(tmp_path / "models" / "voice.bin")
    (tmp_path / "logs").mkdir()
    os.link(str(weight), str(tmp_path / "logs" / "voice.log"))
    status = weight.stat()

    weights = Weights((tmp_path / "models").resolve(), frozenset({(status.st_dev, status.st_ino)}))
    matches = look(tmp_path, EVERYTHING, weights=weights)

    assert [] == matches.files
    assert {
        "models/readme.txt": "in the folder of the weights",
        "models/voice.bin": "weights",
        "logs/voice.log": "weights",
    } == dict(matches.left_out)


def test_a_pattern_that_is_too_wide_takes_neither_settings_nor_weights_of_no_manifest(tmp_path: Path) -> None:
    for name in ("pipeline.yml", "checkpoints/gpt.PTH", "checkpoints/gpt.safetensors", "a.log"):
        made(tmp_path / name)

    assert ["a.log"] == names(look(tmp_path, EVERYTHING))


def test_a_file_that_is_no_log_must_fit_whole(tmp_path: Path) -> None:
    with made(tmp_path / "junit.xml").open("wb") as file:
        file.truncate(WHOLE_BYTES + 1)

    assert "20000001 bytes" in look(tmp_path, Rule("junit.xml", "")).left_out[0].why
    assert [6_000_000] == [each.size_bytes for each in look(tmp_path, Rule("junit.xml", "", log=True)).files]


def test_names_may_be_anything_a_disk_can_hold(tmp_path: Path) -> None:
    odd = ["你好 1.wav", "a\nb.wav", "a\x1b[31m.wav", os.fsdecode(b"\xff.wav"), "[x]*.wav"]
    for name in odd:
        made(tmp_path / "artifacts" / name)

    found = look(tmp_path, Rule("artifacts/**/*", "", suffixes=ARTIFACTS)).files

    assert sorted(f"artifacts/{name}" for name in odd) == sorted(each.name for each in found)


def test_when_it_is_late_the_rest_is_left_out_and_named(tmp_path: Path) -> None:
    made(tmp_path / "logs" / "a.log")

    assert [Note("logs/**/*", TIME_IS_UP)] == look(tmp_path, LOGS, late=True).left_out


def test_of_far_too_many_files_the_first_are_taken_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for place in range(5):
        made(tmp_path / "reports" / "shard-0" / "artifacts" / f"{place}.txt")

    matches = look(tmp_path, Rule("reports/shard-0/artifacts/**/*", ""))

    assert ["0.txt", "1.txt", "2.txt"] == [file.path.name for file in matches.files]
    assert ["2 more files, which were not looked at"] == [note.why for note in matches.left_out]


def test_folders_inside_each_other_beyond_what_a_path_can_name_are_told(tmp_path: Path) -> None:
    before = Path.cwd()
    deep = tmp_path / "reports" / "shard-0" / "artifacts"
    deep.mkdir(parents=True)
    try:
        os.chdir(deep)
        for _ in range(30):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.chdir(before)

    matches = look(tmp_path, Rule("reports/shard-0/artifacts/**/*", ""))

    assert ["File name too long"] == [note.why for note in matches.left_out]
