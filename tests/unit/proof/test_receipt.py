from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import PipelineError, SuiteError
from scripts.proof.claimed import OWN, STOLEN, TAKEN_OVER, ClaimedPiece
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, UNFINISHED, XFAILED, XPASSED, Attempt
from scripts.proof.receipt import (
    BESIDE,
    GAVE_UP,
    INTERRUPTED,
    STOPPED,
    ExtraError,
    Receipt,
    Selected,
    SetUpCosts,
    SourceState,
    changed_beside,
    digest,
    fingerprint,
    from_json,
    is_green,
    one_line,
    read,
    reasons,
    seal,
    shown,
    to_json,
    write,
)
from scripts.proof.watched import Breach, ServiceUse


def attempt(outcome: str, seconds: float = 0.0, message: str = "", nodeid: str = "a") -> Attempt:
    return Attempt(nodeid, 0, outcome, call_s=seconds, message=message)


RAN = (attempt(PASSED, 0.5),)


def receipt(*tests: Selected, **facts: Any) -> Receipt:
    own: Dict[str, Any] = {"run_id": "run", "plan_id": "plan", "index": 2, "total": 4, "timings_digest": "timings"}
    return Receipt(**{**own, "collected_digest": "ids", "collected_count": 9, "tests": tests, **facts})


ODD = "test_a.py::同\ud800\u2028\n"
FULL = receipt(
    Selected("a", PASSED, (attempt("rerun", 1.5, "no answer"), attempt(PASSED, 1))),
    Selected(ODD, ERROR, (attempt(ERROR, 0.0, "died: SIGKILL", ODD),), count=2, ran_as="b"),
    errors=(ExtraError("test_c.py", "cannot be collected"),),
    seconds={"packages": 1, "tests": 2.25},
    ended=STOPPED,
    python="3.8.18",
    machine="4 cores",
    peak_bytes=3_000_000_000,
    start="start",
    arguments=("-k", "x"),
    exit_codes=(1, -9),
    began_s=1.5,
    set_up=SetUpCosts(5, {"test_a.py": 7}, {"a": ("test_a.py",)}),
    services={"service": ServiceUse(samples=2, memory_bytes=5, budgets={"memory": 4.0})},
    breaches=(Breach("service", "memory", "memory 5 bytes, service.budgets.memory is 4 bytes"),),
    sources={"service: ./pkg": SourceState("a", " at a")},
    store="redis://here",
    store_gone="no answer",
    pieces=(ClaimedPiece("2-00-1a", OWN, 2, 1), ClaimedPiece("0-01-2b", STOLEN, 0, 1)),
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
    found = reasons(receipt(Selected("a", PASSED, RAN), Selected("b", outcome, (attempt(outcome, 1, "why\nso"),))))

    assert [f"{outcome}  b: why"] == found


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
        (STOPPED, "was stopped by -x, --maxfail or --fail-fast"),
        (GAVE_UP, "gave up before all its tests had run"),
    ],
)
def test_a_shard_that_did_not_finish_is_red_and_says_why(ended: str, said: str) -> None:
    assert [f"shard index 2 of 4 {said}"] == reasons(receipt(ended=ended))


def test_a_test_is_explained_by_its_last_attempt_that_says_something() -> None:
    attempts = (attempt("rerun", 1, "first"), attempt(FAILED, 1, "second"), attempt(FAILED, 1))

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
    again = receipt(Selected("a", PASSED, (attempt(PASSED, 0.25),)))

    assert fingerprint(receipt(Selected("a", PASSED, RAN))) != fingerprint(again)


# Files ---------------------------------------------------------------------------------------------


def test_a_receipt_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "reports" / "shard-2" / "receipt.json"

    write(file, FULL)

    assert FULL == read(file)
    assert [file] == list(file.parent.iterdir())


def test_the_digests_of_the_files_beside_it_are_written_with_it(tmp_path: Path) -> None:
    for name in BESIDE:
        (tmp_path / name).write_text(name)

    write(tmp_path / "receipt.json", FULL)
    result = read(tmp_path / "receipt.json")

    assert {name: hashlib.sha256(name.encode()).hexdigest() for name in BESIDE} == result.beside
    assert [] == changed_beside(result, tmp_path)


@pytest.mark.parametrize("edited", BESIDE)
def test_a_file_beside_it_that_changed_is_named_and_one_that_is_gone_is_not(tmp_path: Path, edited: str) -> None:
    for name in BESIDE:
        (tmp_path / name).write_text(name)
    write(tmp_path / "receipt.json", FULL)

    (tmp_path / edited).write_text("edited")
    changed = changed_beside(read(tmp_path / "receipt.json"), tmp_path)
    (tmp_path / edited).unlink()

    assert [edited] == changed
    assert [] == changed_beside(read(tmp_path / "receipt.json"), tmp_path)


def sealed(**facts: Any) -> Dict[str, Any]:
    """What is written of a receipt that says these things instead, with a seal that fits: a writer's own mistake."""
    data = {**to_json(FULL), **facts}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return dict(json.loads(json.dumps({**data, "seal": hashlib.sha256(text.encode("ascii")).hexdigest()})))


def written(result: Receipt) -> Any:
    return sealed(**to_json(result))


@given(anything, anything)
def test_whatever_an_id_or_message_is_made_of_comes_back(nodeid: str, message: str) -> None:
    failed = Selected(nodeid, FAILED, (attempt(FAILED, 0.1, message, nodeid),))
    expected = receipt(failed, errors=(ExtraError(nodeid, message),))

    assert expected == from_json(written(expected))


def test_what_is_half_written_has_no_name_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path / "receipt.json", FULL)
    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(SuiteError, match=r"receipt.json: cannot be written: No space left on device"):
        write(tmp_path / "receipt.json", receipt())
    assert FULL == read(tmp_path / "receipt.json")


def test_a_missing_receipt_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read(tmp_path / "receipt.json")

    assert f"{tmp_path / 'receipt.json'}: no result of a shard: No such file or directory" == caught.value.message


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "Expecting value"),
        (b"\xff", "can't decode"),
        (b"[" * 100_000, "too many brackets"),
        (b'{"schema": 2, "total": Infinity}', "expected a number, got Infinity"),
        (b'{"schema": 2, "schema": 2}', "twice"),
        (b"[]", '"schema" is not there'),
        (b"{}", '"schema" is not there'),
        (b'{"schema": 3}', "expected schema 2, got 3: another version wrote it"),
        (b'{"schema": 1}', "expected schema 2, got 1: another version wrote it"),
        (b'{"schema": 2}', '"seal" is not there'),
        (b'{"schema": 2, "seal": ""}', "it was edited or damaged after it was written"),
    ],
)
def test_garbage_is_refused_in_a_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "receipt.json").write_bytes(content)

    with pytest.raises(SuiteError, match="no result of a shard: .*" + said) as caught:
        read(tmp_path / "receipt.json")
    assert 1 == len(caught.value.message.splitlines())


# The seal ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", sorted(to_json(FULL)))
def test_a_field_that_was_edited_or_taken_out_is_refused(field: str) -> None:
    data = written(FULL)

    for edited in ({**data, field: [data[field]]}, {name: data[name] for name in data if name != field}):
        with pytest.raises(ValueError, match=r"edited or damaged|schema|seal"):
            from_json(edited)


def test_a_version_that_did_not_watch_services_said_nothing_of_them() -> None:
    old = {name: value for name, value in sealed().items() if name not in ("services", "breaches", "sources", "seal")}
    read_now = from_json({**old, "seal": seal(old)})

    assert ({}, (), {}) == (read_now.services, read_now.breaches, read_now.sources)


def test_a_version_that_knew_no_store_said_nothing_of_one() -> None:
    old = {name: value for name, value in sealed().items() if name not in ("store", "store_gone", "pieces", "seal")}
    read_now = from_json({**old, "seal": seal(old)})

    assert ("", "", ()) == (read_now.store, read_now.store_gone, read_now.pieces)


def test_a_service_over_its_budget_is_not_green_and_its_figure_is_the_reason() -> None:
    over = receipt(breaches=FULL.breaches)

    assert (False, [FULL.breaches[0].text]) == (is_green(over), reasons(over))


def test_a_field_that_was_added_is_refused() -> None:
    with pytest.raises(ValueError, match="edited or damaged"):
        from_json({**written(FULL), "more": 1})


# It agrees with itself -----------------------------------------------------------------------------


def as_json(outcome: str) -> Dict[str, Any]:
    (test,) = to_json(receipt(Selected("a", outcome, (attempt(outcome),))))["tests"]
    return dict(test["attempts"][0])


def one_test(**facts: Any) -> Dict[str, Any]:
    own = {"nodeid": "a", "outcome": PASSED, "attempts": [as_json(PASSED)], "count": 1, "ran_as": ""}
    return sealed(tests=[{**own, **facts}], pieces=[{"name": "a", "how": OWN, "whose": 2, "count": 1}])


def claims(*pieces: Any) -> Dict[str, Any]:
    return sealed(pieces=[dict(zip(("name", "how", "whose", "count"), piece)) for piece in pieces])


GREEN: Dict[str, Any] = {"tests": [], "errors": [], "ended": "finished", "pieces": []}


@pytest.mark.parametrize(
    "data, said",
    [
        (sealed(index=4), "index 4 of 4: indices count from 0"),
        (sealed(index=-1), "index -1 of 4: indices count from 0"),
        (sealed(index=-1, repairs="those"), "index -1 of 4: indices count from 0"),
        (sealed(index=True), '"index": expected int, got True'),
        (sealed(total=0), "0 shards: expected 1 to 10000"),
        (sealed(total=1_000_000), "1000000 shards: expected 1 to 10000"),
        (sealed(plan_id=None), '"plan_id": expected str, got None'),
        (sealed(ended="well"), "\"ended\": expected one of finished, interrupted, stopped, gave up, got 'well'"),
        (sealed(seconds={"tests": "1"}), "\"tests\": expected float, got '1'"),
        (sealed(errors=["died"]), '"name" is not there'),
        (sealed(tests={}), '"tests": expected list, got {}'),
        (sealed(arguments=[1]), "expected texts, got [1]"),
        (sealed(exit_codes=["1"]), "expected whole numbers, got ['1']"),
        (sealed(collected_digest=""), "it has tests, and does not say which were collected"),
        (sealed(**GREEN, exit_codes=[0, 3]), "pytest ended with 3, and nothing in it is red"),
        (sealed(**GREEN, exit_codes=[-9]), "pytest ended with -9, and nothing in it is red"),
        (one_test(outcome="green"), "'a': 'green' 1 times"),
        (one_test(count=0), "'a': 'passed' 0 times"),
        (one_test(attempts=[{"outcome": PASSED, "message": ""}]), '"at_s" is not there'),
        (one_test(attempts=[as_json(FAILED)]), "'a': passed, and its attempts are failed"),
        (one_test(attempts=[as_json(PASSED), as_json(ERROR)]), "'a': passed, and its attempts are error"),
        (one_test(attempts=[as_json(UNFINISHED)]), "'a': passed, and its attempts are unfinished"),
        (one_test(attempts=[as_json("rerun")]), "'a': passed, and its attempts are not-run"),
        (one_test(attempts=[]), "'a': passed, and its attempts are not-run"),
        (one_test(attempts=[{**as_json(PASSED), "outcome": "well"}]), "'a': 'well' 1 times"),
        (one_test(outcome=NOT_RUN, attempts=[as_json(FAILED)]), "'a': not-run, and its attempts are failed"),
        (
            one_test(outcome=UNFINISHED, attempts=[as_json(UNFINISHED)]),
            "'a': unfinished, and its attempts are unfinished",
        ),
        (sealed(tests=one_test()["tests"] * 2), "an id is there twice"),
        (sealed(store=""), "it claimed pieces, and names no store"),
        (sealed(repairs="those"), "it names a store, and is repair 2"),
        (sealed(index=0, total=1), "it names a store, and is shard index 0 of 1"),
        (sealed(pieces=[]), "its pieces have 0 tests, and it has 2"),
        (sealed(pieces={}), '"pieces": expected list, got {}'),
        (
            sealed(pieces=[{"name": "a", "how": OWN, "whose": True, "count": 2}]),
            '"pieces": expected name, how, whose, count of each, '
            "got {'name': 'a', 'how': 'own', 'whose': True, 'count': 2}",
        ),
        (claims(("a", OWN, 2, 1), ("a", OWN, 2, 1)), "a piece is there twice"),
        (claims(("a", OWN, 2, 3), ("b", OWN, 2, -1)), "piece b: -1 tests"),
        (claims(("a b", OWN, 2, 2)), "a piece is called 'a b'"),
        (claims(("a", "given", 2, 2)), "piece a: \"how\": expected one of own, stolen, taken over, got 'given'"),
        (claims(("a", OWN, 1, 2)), "piece a of shard 2 of 4: own, and that of 1"),
        (claims(("a", STOLEN, 2, 2)), "piece a of shard 2 of 4: stolen, and that of 2"),
        (claims(("a", TAKEN_OVER, 4, 2)), "piece a of shard 2 of 4: taken over, and that of 4"),
    ],
)
def test_what_cannot_be_is_refused(data: Dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_json(data)

    assert said == str(caught.value)


@pytest.mark.parametrize("attempts", [[], [as_json(UNFINISHED)], [as_json(PASSED)]])
def test_a_test_may_have_been_left_undone(attempts: List[Dict[str, Any]]) -> None:
    assert NOT_RUN == from_json(one_test(outcome=NOT_RUN, attempts=attempts, count=2)).tests[0].proven


def test_a_repair_counts_repairs_and_not_shards() -> None:
    third = receipt(index=2, total=1, repairs="those")

    assert third == from_json(written(third))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda values: st.lists(values, max_size=2)))
def test_no_value_in_a_field_breaks_the_reader(value: Any) -> None:
    for key in to_json(FULL):
        try:
            from_json(sealed(**{key: value}))
        except ValueError:
            continue
