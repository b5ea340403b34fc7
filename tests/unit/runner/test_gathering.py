"""What several shards left lies afterwards where plain pytest would have left it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Dict, List
from xml.etree import ElementTree

import pytest

from scripts.runner import gathering
from scripts.runner.shardline_pytest import places as plugin
from scripts.settings import Settings, Suite


class Run:
    """A run of two shards in a project, each with what it left for its options, by option."""

    def __init__(self, folder: Path, *outputs: str) -> None:
        self.settings = Settings(Suite(outputs=outputs), file=folder / "project" / "pipeline.yml")
        self.reports, self.said = self.settings.reports, []  # type: Path, List[str]
        self.folders: List[Path] = []
        self.settings.reports.mkdir(parents=True)
        (self.reports / "junit.xml").write_text("ours")

    def leave(self, option: str, named: str, *shards: Dict[str, str], start: int = 0, round: int = 0) -> Run:
        """Each shard's files below the place, by path; for an option that names a file, "" is that file."""
        kind = plugin.REPORTS[option]
        name = option if kind in (plugin.FOLDER, plugin.EMPTIED) else Path(named).name
        for index, texts in enumerate(shards, start):
            folder = self.reports / f"shard-{index}"
            own = folder / "own-reports" / str(round)
            self.folders = sorted({*self.folders, folder})
            for path, text in texts.items():
                file = own / option / (path or name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            said = [{"option": option, "kind": kind, "named": named, "name": name}]
            (own / plugin.FILE_NAME).write_text(json.dumps({"schema": plugin.SCHEMA, "places": said}))
        return self

    def gather(self, alone: bool = False) -> Dict[str, str]:
        gathering.gather(self.settings, self.folders, self.reports / "junit.xml", self.said.append, alone)
        files = (Path(folder, name) for folder, _, names in os.walk(str(self.settings.project)) for name in names)
        return {
            str(file.relative_to(self.settings.project)): file.read_text()
            for file in files
            if self.reports not in file.parents
        }

    def write(self, path: str, text: str) -> Path:
        file = self.settings.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_both_sides_know_the_same_kinds() -> None:
    assert set(gathering.KINDS) >= set(plugin.REPORTS.values()) | {plugin.EMPTIED}
    assert (plugin.FILE_NAME, plugin.SCHEMA) == (gathering.FILE_NAME, gathering.SCHEMA)


def test_a_log_that_is_appended_to_keeps_what_it_had_and_gets_each_line_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plugin.REPORTS, "log_file", plugin.APPENDED)
    run.write("log", "mine\n")
    run.leave("log_file", "log", {"": "a\n"}, {"": "b"})

    assert [{"log": "mine\na\nb\n"}] * 2 == [run.gather(), run.gather()]
    run.leave("log_file", "log", {"": "c\n"}, start=2)
    assert {"log": "mine\na\nb\nc\n"} == run.gather()


def test_the_junit_report_that_a_person_named_is_that_of_the_whole_run(run: Run) -> None:
    assert {"out/j.xml": "ours"} == run.leave("xmlpath", "out/j.xml", {"": "one"}, {"": "two"}).gather()
    assert ["gathered: out/j.xml"] == run.said


CASES = "<testsuites><testsuite name='{}'>{}</testsuite></testsuites>"


@pytest.mark.parametrize(("ours", "name"), [(2, "mine"), (3, "ours")])  # ours has more: a test is lost, say
def test_the_suite_s_own_junit_reports_are_joined_where_they_say_all(run: Run, ours: int, name: str) -> None:
    (run.reports / "junit.xml").write_text(CASES.format("ours", "<testcase/>" * ours))
    shard = {"": CASES.format("mine", "<testcase/>")}

    found = run.leave("xmlpath", "out/j.xml", shard, shard).gather()["out/j.xml"]

    assert [name] == [suite.get("name") for suite in ElementTree.fromstring(found)]


def test_the_junit_report_of_a_test_that_ran_in_a_later_round_is_that_of_the_whole_run(run: Run) -> None:
    run.leave("xmlpath", "out/j.xml", {"": CASES.format("mine", "<testcase/>")})
    run.leave("xmlpath", "out/j.xml", {"": CASES.format("mine", "<testcase/>")}, round=1)
    (run.reports / "junit.xml").write_text(CASES.format("ours", "<testcase/>" * 2))

    assert "ours" in run.gather()["out/j.xml"]


def test_reports_that_cannot_be_joined_lie_side_by_side_and_none_of_an_older_run(run: Run) -> None:
    run.write("out/r.html", "older")
    run.write("out/r.shard-7.html", "older")
    run.leave("htmlpath", "out/r.html", {"": "one", "assets/s.css": "s"}, {"": "two", "assets/s.css": "s"})

    found = run.gather()

    assert {"out/r.shard-0.html": "one", "out/r.shard-1.html": "two", "out/assets/s.css": "s"} == found


def test_reports_that_can_be_joined_are_one(run: Run) -> None:
    assert {"log": "a\nb\n"} == run.leave("log_file", "log", {"": "a\n"}, {"": "b"}).gather()


def test_durations_are_added_to_those_that_were_known(run: Run) -> None:
    run.write(".test_durations", '{"a": 9, "c": 3}')

    found = run.leave("durations_path", ".test_durations", {"": '{"a": 1}'}, {"": '{"b": 2}'}).gather()

    assert {"a": 1, "b": 2, "c": 3} == json.loads(found[".test_durations"])


def test_folders_are_united_and_what_differs_has_the_shard_in_its_name(run: Run) -> None:
    run.leave("allure_report_dir", "made", {"a/x": "0", "same": "s"}, {"a/x": "1", "same": "s", "b": "b"})

    assert {"made/a/x.shard-0": "0", "made/a/x.shard-1": "1", "made/same": "s", "made/b": "b"} == run.gather()


def test_a_folder_that_is_emptied_at_the_start_keeps_what_the_tests_wrote_past_the_option(run: Run) -> None:
    os.utime(str(run.write("shots/deep/older", "o")), (1, 1))
    run.leave("output", "shots", {"a": "0"}, {"b": "1"})
    run.write("shots/by-hand", "h")

    assert {"shots/a": "0", "shots/b": "1", "shots/by-hand": "h"} == run.gather()


def test_a_project_is_never_emptied(run: Run) -> None:
    os.utime(str(run.write("source.py", "s")), (1, 1))

    assert {"source.py": "s", "a": "0"} == run.leave("output", ".", {"a": "0"}).gather()


def test_what_each_round_left_is_kept(run: Run) -> None:
    run.leave("htmlpath", "r.html", {"": "one"}).leave("htmlpath", "r.html", {"": "again"}, round=1)

    assert {"r.shard-0.html": "one", "r.shard-0-round-1.html": "again"} == run.gather()


def test_names_that_a_person_gave_each_shard_stay(run: Run) -> None:
    run.leave("xmlpath", "j-0.xml", {"": "one"}).leave("xmlpath", "j-1.xml", {"": "two"}, start=1)

    assert {"j-0.xml": "one", "j-1.xml": "two"} == run.gather()


def test_a_repair_adds_to_what_the_only_shard_wrote_itself(run: Run) -> None:
    run.write("r.html", "whole")

    assert {"r.html": "whole"} == run.leave("htmlpath", "r.html", {"": "repair"}).gather(alone=True)


def test_outputs_are_gathered_by_the_names_of_the_settings(tmp_path: Path) -> None:
    run = Run(tmp_path, "made", "own-{shard}")
    for index, name in enumerate(["made/a", "own-1/b"]):
        run.folders.append(run.reports / f"shard-{index}")
        file = run.folders[-1] / "outputs" / name
        file.parent.mkdir(parents=True)
        file.write_text(name)

    assert {"made/a": "made/a", "own-1/b": "own-1/b"} == run.gather()


def test_nothing_is_written_through_a_link(run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run.write("made/kept", "k")
    (run.settings.project / "made" / "link").symlink_to(outside)
    (run.settings.project / "made" / "file").symlink_to(outside / "file")
    run.leave("allure_report_dir", "made", {"file": "f"}, {"link/x": "x"}).gather()

    assert [] == list(outside.iterdir())
    assert "f" == (run.settings.project / "made" / "file").read_text()
    assert "leads through a link out of the folder" in run.said[0]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 1, "places": 3}', '{"schema": 1, "places": [3, {"option": "x"}]}']
)
def test_what_is_damaged_is_passed_over(run: Run, text: str) -> None:
    run.leave("log_file", "log", {"": "a"})
    (run.reports / "shard-0" / "own-reports" / "0" / plugin.FILE_NAME).write_text(text)

    assert ({}, []) == (run.gather(), run.said)


def test_a_place_that_cannot_be_written_costs_a_line(run: Run) -> None:
    run.write("out", "a file where a folder should be")

    run.leave("htmlpath", "out/r.html", {"": "one"}).gather()

    assert ["not gathered: out/r.html: File exists"] == run.said or "Not a directory" in run.said[0]
