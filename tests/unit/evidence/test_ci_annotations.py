"""Failed tests stand beside their lines, the most telling ones, and nothing that they wrote is a command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence.ci_annotations import MOST, Annotation, azure, github, line_of, of_ending, of_run
from scripts.evidence.diagnosis import diagnosis
from scripts.evidence.diagnosis.diagnosis import Diagnosis
from scripts.evidence.ending import Ending
from scripts.evidence.record import RunRecord, ShardRecord
from scripts.proof.outcomes import COLLECTION_ERRORS, FINISHED, Attempt, CollectionError, Ended, Round
from scripts.proof.receipt import Receipt, Selected
from tests.unit.workflow_commands import Command, heard

DIED = Diagnosis("x", "the service was killed", next="give it more memory")


def run(texts: Mapping[str, str], **changes: str) -> RunRecord:
    """A run of one shard in which these tests failed, each with its traceback."""
    attempts = tuple(Attempt(name, 0, "failed", message="no", text=text) for name, text in texts.items())
    tests = tuple(Selected(attempt.nodeid, "failed", (attempt,)) for attempt in attempts)
    result = Receipt("r", "p", 0, 1, "d", len(tests), "t", tests)
    rounds = (Round(0, 1, 0.0, "8", "3", Ended(FINISHED), attempts=attempts),)
    return RunRecord(shards=(ShardRecord(0, Path("shard-0"), result, rounds=rounds),), changes=changes)


def titles(record: RunRecord, **wishes: Any) -> List[str]:
    return [each.title for each in of_run(record, [DIED], **wishes)]


def test_a_failed_test_is_told_beside_the_line_that_failed() -> None:
    text = ">       assert 1 == 2\nE       assert 1 == 2\nE        +  where\n\na/test_a.py:3: AssertionError"
    record = run({"a/test_a.py::test_b": text})

    told = of_run(record, diagnosis.diagnose(record), folder="project")

    message = "assert 1 == 2\n+  where\na/test_a.py::test_b"
    assert [Annotation("failed: test_b", message, "project/a/test_a.py", 3)] == told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tests/a.py:7: in test_x\n    check()\nhelp.py:1: in check\n", 7),
        ("help.py:1: in check\ntests/a.py:7: in test_x\n", 7),
        ("\x1b[1m\x1b[31mtests/a.py\x1b[0m:7: AssertionError", 7),
        ('  File "/home/me/repo/tests/a.py", line 7, in test_x\n', 7),
        ('E     File "/home/me/repo/tests/a.py", line 7\nE   SyntaxError: invalid syntax', 7),
        ("a.py:7: in test_x\n", 7),
        ("other/tests/b.py:7: in test_x\n", 0),
        ("they said tests/a.py:7: no", 0),
        ("", 0),
    ],
)
def test_the_line_is_that_of_the_test_in_any_style_of_traceback(text: str, expected: int) -> None:
    assert expected == line_of(text, "tests/a.py")


def test_of_many_failures_those_are_told_that_tell_most_and_how_many_more_there_are() -> None:
    of_one_file = {f"a.py::test_{number}": "" for number in range(20)}
    record = run({**of_one_file, "b.py::test_b": "", "c.py::test_c": ""}, **{"a.py::test_9": "broke"})

    told = of_run(record, [DIED])

    chosen = ["test_9", "test_0", "test_b", "test_c", "test_1"]
    assert ["what happened", *(f"failed: {name}" for name in chosen)] == [each.title for each in told][:6]
    assert "the service was killed\ngive it more memory\n13 red tests not told here: see the log" == told[0].message
    assert MOST == len(told)


def test_of_a_cause_and_few_failures_all_is_told() -> None:
    assert ["what happened", "failed: test_b"] == titles(run({"a.py::test_b": ""}))


def test_a_file_that_cannot_be_collected_is_told_once_at_its_line() -> None:
    error = CollectionError("a.py", "ModuleNotFoundError: no", "a.py:1: in <module>\nE   ModuleNotFoundError: no")
    rounds = (Round(0, 1, 0.0, "8", "3", Ended(COLLECTION_ERRORS), collection_errors=(error,)),)
    record = RunRecord(shards=(ShardRecord(0, Path("a"), rounds=rounds), ShardRecord(1, Path("b"), rounds=rounds)))

    assert [Annotation("error: a.py", "ModuleNotFoundError: no\na.py", "a.py", 1)] == of_run(record, [DIED])[1:]


def test_the_merge_tells_what_no_shard_has_told() -> None:
    first = run({"a.py::test_b": ""})
    again = replace(run({"a.py::test_c": ""}).shards[0], index=1, is_repair=True)
    without = ShardRecord(2, Path("shard-2"), rounds=run({"a.py::test_d": ""}).shards[0].rounds)
    record = replace(first, shards=(*first.shards, again, without))

    assert ["what happened", "failed: test_c", "failed: test_d"] == titles(record, told_by_shards=True)
    (head,) = of_run(first, [DIED], told_by_shards=True)
    assert "1 red test not told here: see the log" == head.message.splitlines()[-1]


def test_a_step_that_ended_before_the_tests_says_why() -> None:
    ending = Ending("models", "weights missing", 4, "ModelError", "a.bin: not there", "Put it there.")

    assert [Annotation("models: weights missing", "a.bin: not there\nPut it there.")] == of_ending(ending)


HOSTILE = st.text(st.sampled_from("a:,;%=]\r\n#[ 0123ADF你"), max_size=12)


@given(HOSTILE.map(str.strip).filter(bool), HOSTILE, HOSTILE.map(str.strip), st.integers(0, 9))
def test_github_reads_what_was_meant_and_nothing_else(title: str, message: str, file: str, line: int) -> None:
    written = github(Annotation(title, message, file, line))

    properties: Dict[str, str] = {"file": file, "line": str(line or ""), "title": title}
    expected = {name: value for name, value in properties.items() if value}
    assert [Command("error", expected, message)] == heard([written])
    assert 1 == len(written.splitlines())


@given(HOSTILE, HOSTILE, HOSTILE)
def test_azure_reads_one_command(title: str, message: str, file: str) -> None:
    written = azure(Annotation(title, message, file))

    properties, _, data = written[len("##vso[task.logissue ") :].partition("]")
    assert {"type", *(["sourcepath"] if file else [])} == {
        pair.partition("=")[0] for pair in properties.split(";")[:-1]
    }
    unescaped = data.replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")
    assert "\n".join(filter(None, [title, message])) == unescaped
    assert 1 == len(written.splitlines())
