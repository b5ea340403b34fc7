from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import SettingsError
from scripts.planning.together import Group
from scripts.runner import subset
from scripts.runner.subset import Part
from scripts.settings import Settings, Suite
from tests.unit.steps import projects

SUITE = """
import os, pytest

@pytest.mark.parametrize("number", range(3))
def test_number(number):
    assert number != 1 or not os.environ.get("BROKEN")

class TestClass:
    def test_in_it(self): pass

def test_other(): pass
"""
IDS = [f"checks/test_it.py::test_number[{number}]" for number in range(3)]
IN_IT, OTHER = "checks/test_it.py::TestClass::test_in_it", "checks/test_it.py::test_other"


def ran(project: Path) -> List[str]:
    """What the shards that left a result had to run."""
    found = [json.loads(file.read_text()) for file in sorted(project.glob("reports/shard-*/receipt.json"))]
    return [test["nodeid"] for result in found for test in result["tests"]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return projects.make(tmp_path, SUITE, service=None)


@pytest.mark.parametrize(
    "entry, named",
    [
        (IDS[1], [IDS[1]]),
        ("checks/test_it.py::test_number", IDS),
        ("checks/test_it.py::TestClass", [IN_IT]),
        ("checks/test_it.py", [*IDS, IN_IT, OTHER]),
        ("checks/", [*IDS, IN_IT, OTHER]),
        ("checks/test_it.py::test_num", []),
    ],
)
def test_an_entry_names_a_test_function_class_file_or_folder(entry: str, named: List[str]) -> None:
    taken, unknown = subset.chosen([*IDS, IN_IT, OTHER], [entry])

    assert (named, [] if named else [entry]) == (taken, unknown)


@given(st.lists(st.text(min_size=1).filter(lambda text: text == text.rstrip("/")), unique=True))
def test_any_id_names_itself(nodeids: List[str]) -> None:
    assert (nodeids, []) == subset.chosen(nodeids, nodeids)


def test_a_file_of_tests_runs_sharded_and_the_merge_proves_it(project: Path, tmp_path: Path) -> None:
    listed = tmp_path / "some tests.txt"
    listed.write_text(f"{IDS[0]}\n{IDS[2]}\n\n  checks/test_it.py::TestClass  \n")

    done = projects.run(project, "integration", "--nodes", "2", "--tests", str(listed))

    assert 0 == done.returncode, done.stdout
    assert sorted([IDS[0], IDS[2], IN_IT]) == sorted(ran(project))
    assert {IDS[0], IDS[2], IN_IT} == set(json.loads((project / "reports/merge.json").read_text())["outcomes"])


def test_the_merge_knows_from_the_shards_which_part_they_ran(project: Path, tmp_path: Path) -> None:
    listed = tmp_path / "tests.txt"
    listed.write_text(OTHER)
    done = projects.run(project, "shard", "0", "1", "--tests", str(listed))

    assert f"nox -s merge -- --tests {listed}" in done.stdout
    for words in (["merge"], ["merge", "--tests", str(listed)]):
        merged = projects.run(project, *words)
        assert (0, True) == (merged.returncode, "1 test: 1 passed" in merged.stdout), merged.stdout


def test_a_shard_of_a_part_and_one_of_the_whole_are_incomplete(project: Path, tmp_path: Path) -> None:
    listed = tmp_path / "tests.txt"
    listed.write_text(OTHER)
    projects.run(project, "shard", "0", "2", "--tests", str(listed))
    projects.run(project, "shard", "1", "2")

    assert 6 == projects.run(project, "merge").returncode


def test_a_listed_test_that_is_not_there_is_an_error_and_nothing_runs(project: Path, tmp_path: Path) -> None:
    listed = tmp_path / "tests.txt"
    listed.write_text(f"{OTHER}\nchecks/test_it.py::test_gone\n")

    done = projects.run(project, "integration", "--nodes", "2", "--tests", str(listed))
    alone = projects.run(project, "shard", "0", "1", "--tests", str(listed))

    assert (2, True) == (done.returncode, f"for 1 of the entries in {listed}" in done.stdout), done.stdout
    assert "checks/test_it.py::test_gone" in done.stdout
    assert 2 == alone.returncode
    assert f"  selection: no test is collected for 1 of the entries in {listed}" in alone.stdout, alone.stdout
    assert [] == ran(project)


def test_a_file_that_is_not_there_is_said(project: Path) -> None:
    done = projects.run(project, "integration", "--tests", "gone.txt")

    assert (2, True) == (done.returncode, "--tests: expected a file, got 'gone.txt'" in done.stdout)


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_file_that_lists_nothing_is_an_error_however_many_shards(project: Path, tmp_path: Path, nodes: str) -> None:
    listed = tmp_path / "tests.txt"
    listed.write_text("\n")

    done = projects.run(project, "integration", "--nodes", nodes, "--tests", str(listed))

    assert (5, True) == (done.returncode, f"--tests: {listed} lists no test" in done.stdout), done.stdout


def test_two_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a.py")

    with pytest.raises(SettingsError, match=r"expected a file, got '.*/a' and 'b'"):
        subset.take(Settings(Suite("tests"), file=tmp_path / "pipeline.yml"), ["--tests", f"{tmp_path}/a", "--tests=b"])


def test_lines_of_an_editor_on_windows_are_read(tmp_path: Path) -> None:
    file = tmp_path / "tests.txt"
    file.write_bytes(b"\xef\xbb\xbfa.py::test_a\r\n\r\nb.py\r\n")

    assert ["a.py::test_a", "b.py"] == subset.entries(file)


def test_an_id_may_be_copied_from_what_we_print() -> None:
    nodeid = "a.py::test_a[\\u4f60\\u597d\n]"

    assert ([nodeid], []) == subset.chosen([nodeid], ["a.py::test_a[你好\\n]"])


def test_what_failed_last_is_run_again_until_it_is_green(project: Path) -> None:
    assert 1 == projects.run(project, "integration", "--nodes", "2", BROKEN="1").returncode
    projects.run(project, "integration", "-k", "other")  # a part of the suite settles nothing about the rest

    again = projects.run(project, "integration", "--nodes", "2", "--last-failed")
    ran_again = ran(project)
    all_again = projects.run(project, "integration", "--last-failed")

    assert (0, [IDS[1]]) == (again.returncode, ran_again), again.stdout
    assert "only what failed in the last run here: 1 test" in again.stdout
    assert "no test failed in the last run here: all are run" in all_again.stdout
    assert 5 == len(ran(project))


def test_what_failed_and_is_there_no_more_does_not_stop_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "failed.json"
    file.write_text('{"schema": 1, "tests": ["gone.py::test_a"]}')

    assert ["b.py::test_b"] == subset.of(Part(file, strict=False), ["b.py::test_b"])


OUTCOMES = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from(["passed", "failed", "error", "not-run", "skipped"])
)


@given(st.lists(OUTCOMES, max_size=5))
def test_red_is_what_was_red_when_it_last_ran(runs: List[Dict[str, str]]) -> None:
    known: List[str] = []
    for outcomes in runs:
        known = subset.still_red(known, outcomes)

    last = {nodeid: outcome for outcomes in runs for nodeid, outcome in outcomes.items()}
    assert {nodeid for nodeid, outcome in last.items() if outcome in ("failed", "error", "not-run")} == set(known)
    assert len(known) == len(set(known))


def test_a_whole_run_forgets_what_is_there_no_more(tmp_path: Path) -> None:
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml")
    subset.remember(settings, {"a": "failed", "b": "failed"}, whole=True)
    subset.remember(settings, {"b": "failed"}, whole=True)

    assert ["b"] == subset.entries(settings.state / subset.FAILED)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tests.txt"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match="cannot read"):
        subset.entries(file)


def test_what_failed_runs_with_the_tests_that_it_stays_together_with(tmp_path: Path) -> None:
    file = tmp_path / "failed"
    file.write_text("a.py::use\n")
    collected = ["a.py::other", "a.py::log_in", "a.py::use"]
    groups = [Group("a.py::use", "needs log_in", ("a.py::log_in", "a.py::use"))]

    assert collected[1:] == subset.of(Part(file, strict=False), collected, groups)
    assert collected[2:] == subset.of(Part(file, strict=True), collected, groups)  # as a person listed them
