from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import PipelineError, SuiteError
from scripts.proof.receipt import (
    ERROR,
    FAILED,
    GAVE_UP,
    INTERRUPTED,
    NOT_RUN,
    PASSED,
    SKIPPED,
    STOPPED,
    XFAILED,
    XPASSED,
    Attempt,
    ExtraError,
    Receipt,
    Selected,
    digest,
    fingerprint,
    from_json,
    is_green,
    one_line,
    read,
    reasons,
    shown,
    to_json,
    write,
)

RAN = (Attempt(PASSED, 0.5),)


def receipt(*tests: Selected, **facts: Any) -> Receipt:
    own: Dict[str, Any] = {"run_id": "run", "plan_id": "plan", "index": 2, "total": 4, "timings_digest": "timings"}
    return Receipt(**{**own, "collected_digest": "ids", "collected_count": 9, "tests": tests, **facts})


FULL = receipt(
    Selected("test_a.py::test_b", PASSED, (Attempt("rerun", 1.5, "no answer"), Attempt(PASSED, 1))),
    Selected("test_a.py::同\ud800\u2028\n", ERROR, (Attempt("unfinished", 0.0, "died: SIGKILL"),), count=2),
    errors=(ExtraError("test_c.py", "cannot be collected"),),
    seconds={"packages": 1, "tests": 2.25},
    ended=STOPPED,
    python="3.8.18",
    machine="4 cores",
    peak_bytes=3_000_000_000,
)

# JSON cannot tell two halves of a surrogate pair from the character that they make up.
anything = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=5).map(lambda text: json.loads(json.dumps(text)))


# Green or not --------------------------------------------------------------------------------------


def test_an_empty_shard_is_green() -> None:
    assert [] == reasons(receipt())
    assert is_green(receipt())


@pytest.mark.parametrize("outcome", [PASSED, SKIPPED, XFAILED, XPASSED])
def test_a_shard_is_green_whose_tests_are(outcome: str) -> None:
    assert is_green(receipt(Selected("a", outcome, RAN)))


@pytest.mark.parametrize("outcome", [FAILED, ERROR, NOT_RUN])
def test_a_red_test_makes_the_shard_red(outcome: str) -> None:
    told = reasons(receipt(Selected("a", PASSED, RAN), Selected("b", outcome, (Attempt(outcome, 1, "why\nso"),))))

    assert [f"{outcome}  b: why"] == told


def test_green_without_an_attempt_proves_nothing() -> None:
    assert ["not-run  a"] == reasons(receipt(Selected("a", PASSED)))


def test_of_two_tests_with_one_id_both_must_have_run() -> None:
    assert ["not-run  a"] == reasons(receipt(Selected("a", PASSED, RAN, count=2)))
    assert is_green(receipt(Selected("a", PASSED, RAN * 2, count=2)))


def test_what_died_outside_tests_makes_the_shard_red() -> None:
    died = ExtraError("after the last report", "killed by SIGSEGV")

    assert ["after the last report: killed by SIGSEGV"] == reasons(receipt(Selected("a", PASSED, RAN), errors=(died,)))


@pytest.mark.parametrize(
    "ended, said",
    [
        (INTERRUPTED, "was interrupted"),
        (STOPPED, "was stopped by -x or --maxfail"),
        (GAVE_UP, "gave up before all its tests had run"),
    ],
)
def test_a_shard_that_did_not_finish_is_red_and_says_why(ended: str, said: str) -> None:
    assert [f"shard index 2 of 4 {said}"] == reasons(receipt(ended=ended))


def test_a_test_is_explained_by_its_last_attempt_that_says_something() -> None:
    attempts = (Attempt("rerun", 1, "first"), Attempt(FAILED, 1, "second"), Attempt(FAILED, 1))

    assert "second" == Selected("a", FAILED, attempts).why


def test_what_is_no_shard_is_called_a_repair() -> None:
    assert "repair 2" == receipt(repairs="those").name


# Lines ---------------------------------------------------------------------------------------------


@given(anything)
def test_an_id_is_shown_in_one_line_that_any_terminal_takes(nodeid: str) -> None:
    line = shown(nodeid)

    assert line.isprintable()
    assert line == line.encode("utf-8").decode("utf-8")


def test_a_message_is_cut_to_a_line() -> None:
    assert "a" * 200 + "..." == one_line("\n" + "a" * 201 + "\nmore")
    assert "" == one_line("\n")


# Digests -------------------------------------------------------------------------------------------


def test_the_digest_is_of_the_sorted_ids_with_those_that_are_there_twice() -> None:
    assert hashlib.sha256(b'"a"\n"a"\n"\\u4f60"\n').hexdigest() == digest(["a", "你", "a"])
    assert digest(["a", "你"]) != digest(["a", "你", "a"])


def test_ids_that_run_together_have_other_digests() -> None:
    assert digest(["a\n", "b"]) != digest(["a", "\nb"])


def test_a_fingerprint_changes_with_whatever_the_receipt_says() -> None:
    again = receipt(Selected("a", PASSED, (Attempt(PASSED, 0.25),)))

    assert fingerprint(receipt(Selected("a", PASSED, RAN))) != fingerprint(again)


# Files ---------------------------------------------------------------------------------------------


def test_a_receipt_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "reports" / "shard-2" / "receipt.json"

    write(file, FULL)

    assert FULL == read(file)
    assert [file] == list(file.parent.iterdir())


def test_one_from_before_memory_was_measured_is_read() -> None:
    data = {name: value for name, value in to_json(FULL).items() if name != "peak_bytes"}

    assert replace(FULL, peak_bytes=0) == from_json(data)


@given(anything, anything)
def test_whatever_an_id_or_message_is_made_of_comes_back(nodeid: str, message: str) -> None:
    told = receipt(Selected(nodeid, FAILED, (Attempt(FAILED, 0.1, message),)), errors=(ExtraError(nodeid, message),))

    assert told == from_json(json.loads(json.dumps(to_json(told))))


def test_what_is_half_written_has_no_name_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path / "receipt.json", FULL)
    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(SuiteError, match=r"receipt.json: cannot be written: No space left on device"):
        write(tmp_path / "receipt.json", receipt())
    assert FULL == read(tmp_path / "receipt.json")


def test_a_missing_receipt_says_how_to_do_without(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read(tmp_path / "receipt.json")

    assert f"{tmp_path / 'receipt.json'}: no result of a shard: No such file or directory" == caught.value.message
    assert "merge -- --run-missing" in caught.value.hint


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "Expecting value"),
        (b"\xff", "can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"[]", '"schema" is not there'),
        (b"{}", '"schema" is not there'),
        (b'{"schema": 2}', "expected schema 1, got 2: another version wrote it"),
        (b'{"schema": 1}', '"run_id" is not there'),
    ],
)
def test_garbage_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "receipt.json").write_bytes(content)

    with pytest.raises(SuiteError, match="no result of a shard: .*" + said) as caught:
        read(tmp_path / "receipt.json")
    assert "Run that shard again with this version, or delete the file" in caught.value.hint


def changed(**facts: Any) -> Dict[str, Any]:
    return {**to_json(FULL), **facts}


def one_test(**facts: Any) -> Dict[str, Any]:
    return changed(tests=[{"nodeid": "a", "outcome": PASSED, "attempts": [], "count": 1, **facts}])


@pytest.mark.parametrize(
    "data, said",
    [
        (changed(index=4), "index 4 of 4: indices count from 0"),
        (changed(index=-1), "index -1 of 4: indices count from 0"),
        (changed(index=-1, repairs="those"), "index -1 of 4: indices count from 0"),
        (changed(index=True), '"index": expected int, got True'),
        (changed(plan_id=None), '"plan_id": expected str, got None'),
        (changed(ended="well"), "\"ended\": expected one of finished, interrupted, stopped, gave up, got 'well'"),
        (changed(seconds={"tests": "1"}), "\"tests\": expected float, got '1'"),
        (changed(errors=["died"]), '"name" is not there'),
        (changed(tests={}), '"tests": expected list, got {}'),
        (one_test(outcome="green"), "'a': 'green' 1 times"),
        (one_test(count=0), "'a': 'passed' 0 times"),
        (one_test(attempts=[{"outcome": PASSED, "message": ""}]), '"seconds" is not there'),
        (changed(tests=one_test()["tests"] * 2), "an id is there twice"),
    ],
)
def test_what_cannot_be_is_refused(data: Dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_json(data)

    assert said == str(caught.value)


def test_a_repair_counts_repairs_and_not_shards() -> None:
    third = receipt(index=2, total=1, repairs="those")

    assert third == from_json(to_json(third))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each, max_size=2)))
def test_no_value_in_a_field_breaks_the_reader(value: Any) -> None:
    for key in to_json(FULL):
        try:
            from_json(changed(**{key: value}))
        except ValueError:
            continue
