"""What a shard ran, and in which order, from what it left."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import SettingsError
from scripts.evidence import reproduction
from scripts.evidence.reproduction import Row
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.proof import journal, receipt
from scripts.proof import outcomes as o
from scripts.proof.outcomes import Attempt
from scripts.proof.receipt import ExtraError, Receipt, Selected


def attempt(nodeid: str, round: int, at_s: float, outcome: str = o.PASSED, message: str = "") -> Attempt:
    return Attempt(nodeid, round, outcome, at_s, message=message)


def result(*tests: Selected, index: int = 0, total: int = 1, **more: Any) -> Receipt:
    return Receipt("r", "", index, total, "digest", len(tests), "", tests=tests, **more)


def contents(*results: Receipt, **more: Any) -> Dict[str, bytes]:
    told = {f"reports/shard-{each.index}/receipt.json": {**receipt.to_json(each), "seal": "other"} for each in results}
    return {name: json.dumps(data).encode() for name, data in {**told, **more}.items()}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3), st.floats(0, 9)), max_size=20))
def test_every_test_is_run_again_in_each_process_that_began_it_and_in_the_order_of_its_beginning(
    ran: List[Tuple[str, int, float]],
) -> None:
    attempts = [attempt(nodeid, number, at_s) for nodeid, number, at_s in ran]

    found = reproduction.processes(attempts, "abcdef")

    began = {(number, nodeid): at_s for nodeid, number, at_s in sorted(ran, key=lambda each: -each[2]) if at_s > 0}
    numbers = sorted({number for number, _ in began})
    assert set("abcdef") == {nodeid for ids in found for nodeid in ids}
    assert len(found) == max(1, len(numbers))
    for number, ids in zip(numbers, found):
        own = [nodeid for nodeid in ids if (number, nodeid) in began]
        assert [began[number, nodeid] for nodeid in own] == sorted(began[number, nodeid] for nodeid in own)
        assert {nodeid for n, nodeid in began if n == number} == set(own)
        rest = [nodeid for nodeid in "abcdef" if nodeid not in {each for _, each in began}]
        assert list(ids) == [*own, *(rest if number == numbers[-1] else [])]


def test_a_process_that_only_repeats_what_skips_under_xdist_comes_by_itself() -> None:
    ran = [attempt("a", 0, 1.0), attempt("b", 0, 2.0, o.RERUN, o.AS_WORKER), attempt("b", 1, 1.0)]

    assert (("a", "b"),) == reproduction.processes(ran, "ab")


def test_a_result_from_which_secrets_were_taken_is_read_and_says_what_was_red() -> None:
    red = Selected("b", o.FAILED, (attempt("b", 0, 1.0, o.FAILED, "token (secret-3fa9c1)"),))
    left = Selected("c", o.NOT_RUN)
    errors = (ExtraError("service", "it died"),)
    told = result(Selected("a", o.PASSED, (attempt("a", 0, 2.0),)), red, left, errors=errors, ended=receipt.STOPPED)

    recorded = reproduction.read(contents(told), 0)

    assert (("b", "a", "c"),) == recorded.processes
    assert {"b": "token (secret-3fa9c1)", "service": "it died"} == recorded.failures
    assert not recorded.killed


def test_the_first_red_shard_is_chosen_and_the_others_are_named() -> None:
    red = Selected("a", o.FAILED, (attempt("a", 0, 1.0, o.FAILED),))
    shards = [result(*([red] if index else []), index=index, total=3) for index in range(3)]

    assert (1, [2]) == reproduction.choose(contents(*shards), None)
    assert (0, []) == reproduction.choose(contents(*shards), 0)
    with pytest.raises(SettingsError, match="no shard 3 is in it; here are 0, 1, 2"):
        reproduction.choose(contents(*shards), 3)
    with pytest.raises(SettingsError, match="no shard in it is red: 0, 1"):
        reproduction.choose(contents(*(replace(each, tests=()) for each in shards[:2])), None)


JOURNAL: List[Dict[str, Any]] = [
    {"event": "load", "schema": journal.SCHEMA, "time": 1.0, "pid": 1, "round": 0, "pytest": "8", "python": "3.8.1"},
    {"event": "session", "rootdir": "/r", "maxfail": 0},
    {"event": "collected", "count": 3, "digest": "d", "files": "f"},
    {"event": "selected", "ids": ["t.py::a[7f]", "t.py::b", "t.py::c"], "names": {"t.py::a[7f]": "t.py::a[2c]"}},
    {"event": "start", "id": "t.py::b", "phase": "call", "at": 0.1},
    {"event": "end", "id": "t.py::b", "phase": "call", "outcome": "passed", "seconds": 1},
    {"event": "end", "id": "t.py::b", "phase": "teardown", "outcome": "passed", "seconds": 1},
    {"event": "start", "id": "t.py::a[7f]", "phase": "setup", "at": 0.2},
]


def test_of_a_killed_shard_the_journal_tells_the_order_and_the_test_that_ran() -> None:
    plan = planning.make(["t.py::a[2c]", "t.py::b", "t.py::c"], Estimates({}), 1)
    lines = [json.dumps({"of": "5f3a.0", "n": number, **event}) for number, event in enumerate(JOURNAL)]
    told = {
        "reports/shard-0/selection.json": json.dumps({"start": "5f3a", "total": 1, "arguments": ["-x"]}).encode(),
        "reports/shard-0/journal.jsonl": "\n".join([*lines, '{"torn']).encode(),
        "reports/plan.json": planning.dump(plan).encode(),
    }

    recorded = reproduction.read(told, 0)

    assert (("t.py::b", "t.py::a[2c]", "t.py::c"),) == recorded.processes
    assert {"t.py::a[2c]": reproduction.KILLED} == recorded.failures
    assert (True, ("-x",), "3.8.1", plan) == (recorded.killed, recorded.arguments, recorded.python, recorded.plan)


def test_of_a_killed_shard_that_shared_out_tests_only_those_count_that_it_was_given() -> None:
    load, session, collected, chosen, *ran = JOURNAL
    piece = {"event": "piece", "name": "0-00", "ids": ["t.py::b", "t.py::a[7f]"]}
    later = {"event": "piece", "name": "1-00", "ids": ["t.py::d"]}
    offered = {**chosen, "ids": [*chosen["ids"], "t.py::d"], "by_piece": True}
    begun = [load, session, collected, offered]
    rounds: List[List[Dict[str, Any]]] = [[*begun, piece, *ran], [{**load, "round": 1}, *begun[1:], later]]
    lines = [
        json.dumps({"of": f"5f3a.{number}", "n": place, **event})
        for number, events in enumerate(rounds)
        for place, event in enumerate(events)
    ]
    told = {
        "reports/shard-0/selection.json": json.dumps({"start": "5f3a", "total": 2}).encode(),
        "reports/shard-0/journal.jsonl": "\n".join(lines).encode(),
    }

    assert (("t.py::b", "t.py::a[2c]", "t.py::d"),) == reproduction.read(told, 0).processes


def test_of_a_shard_that_left_nothing_the_plan_tells() -> None:
    plan = planning.make(["a", "b"], Estimates({}), 2)

    recorded = reproduction.read({"reports/plan.json": planning.dump(plan).encode()}, 1)

    assert ((("b",),), 2, True) == (recorded.processes, recorded.total, recorded.killed)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"schema": 2}', b"[" * 5000, b'{"tests": {"a": 1e999}}', b"\xff"]
)
def test_hostile_contents_are_as_good_as_none(content: bytes) -> None:
    names = ("receipt", "selection")
    files = [*(f"reports/shard-0/{name}.json" for name in names), "reports/plan.json", "reports/shard-0/journal.jsonl"]
    told = dict.fromkeys([*files, "settings.json", "commit.json", "machine.json", "weights.json"], content)

    reproduction.facts(told)  # raises nothing

    with pytest.raises(SettingsError, match="reports/shard-0 has no result that can be read"):
        reproduction.read(told, 0)
    assert set() == {*reproduction.settings_of(told)} - {"setting schema", "setting tests.a"}


def test_what_a_person_has_to_give_again_is_named_until_it_is_given() -> None:
    words = ["-k", "sad", "--password", "(secret-3fa9c1-github-token)", "--token=(not shown)", "-x"]

    assert ["--password", "--token"] == reproduction.lacking(words, [])
    assert ["--token"] == reproduction.lacking(words, ["--password", "abc"])
    assert (["-k", "sad", "-x"], ["--password", "--token"]) == reproduction.sorted_out(words)


@pytest.mark.parametrize(
    "words",
    [
        ["--basetemp=src"],
        ["--basetemp", "src"],
        ["-c", "/tmp/pytest.ini"],
        ["-c/tmp/pytest.ini"],
        ["--rootdir=~/x"],
        ["--html", "../../x.html"],
        ["-o", "cache_dir=/home/me"],
        ["--junitxml=a/../../x"],
        ["/etc/passwd"],
        ["--from", "https://host/x"],
    ],
)
def test_no_bundle_says_where_outside_of_the_project_pytest_writes_or_reads(words: List[str]) -> None:
    fine = ["tests/test_a.py::test_b[a/../b]", "-k", "a or b", "--reruns=2"]

    kept, asked = reproduction.sorted_out([*fine, *words])

    assert (fine, 1) == (kept, len(asked))
    assert ["-x", *words] == reproduction.sorted_out(["-x", *words], trusted=True)[0]


@pytest.mark.parametrize(
    "there, here, text",
    [
        ("ab", "b", "reproduced in part: 1 of 2 failures came again"),
        ("ab", "abc", "reproduced: 2 of 2 failures came again; 1 other failure"),
        ("a", "", "not reproduced: the failure did not come again"),
        ("ab", "c", "not reproduced: none of 2 failures came again; 1 other failure"),
        ("", "", "green, as it was there"),
        ("", "a", "nothing was red there; 1 other failure"),
    ],
)
def test_the_last_line_says_how_many_failures_came_again(there: str, here: str, text: str) -> None:
    assert text == reproduction.compare(dict.fromkeys(there, ""), dict.fromkeys(here, "")).text


def test_facts_of_both_sides_are_laid_beside_each_other() -> None:
    there = contents(
        **{
            "machine.json": {
                "python": "3.8.18 (default)",
                "system": "Linux",
                "cpus": 2,
                "memory": {"total": 8 * 10**9},
            },
            "commit.json": {"commit": "1a2b3c4d5e6f7a", "changed": ["M app.py"]},
            "weights.json": {"files": [{"path": "a.bin", "sha256": "0" * 64}]},
        }
    )
    packages = {"packages/suite.txt": b"# /somewhere\nnumpy==1.26.4\n"}

    facts = reproduction.facts({**there, **packages})

    assert {
        "Python": "3.8.18",
        "system": "Linux",
        "machine": "2 processors, 8 GB",
        "GPU": "none",
        "commit": "1a2b3c4d5e6f",
        "changed files": "M app.py",
        "package numpy": "1.26.4",
        "weights a.bin": "sha256 000000000000",
    } == facts
    assert [Row("a", "1", ""), Row("b", "2", "2")] == reproduction.rows({"a": "1", "b": "2"}, {"b": "2"})


def test_settings_are_compared_by_their_dotted_keys_and_not_by_where_they_lie() -> None:
    service = {"command": ["python", "a.py"], "port": None, "warm_up": [{"path": "/a"}]}
    told = contents(**{"settings.json": {"file": "/x/pipeline.yml", "service": service, "nodes": 1}})

    assert {
        "setting service.command": "['python', 'a.py']",
        "setting service.warm_up[0].path": "/a",
        "setting nodes": "1",
    } == reproduction.settings_of(told)
