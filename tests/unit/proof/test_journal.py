"""Journal lines to rounds; the lines are such as test_shardline_pytest.py sees real processes write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from scripts.errors import SuiteError
from scripts.proof import journal, outcomes
from scripts.proof.journal import Event, Tail, parse, read
from scripts.proof.outcomes import Attempt, Ended, Fate, Fixture, Round, Running, SharedCost, fates, not_run

START = "5f3a"  # of the shard whose lines count

LOAD: Event = {
    "event": "load",
    "schema": 3,
    "time": 5.0,
    "pid": 7,
    "round": 0,
    "pytest": "9.2.0",
    "python": "3.11.7",
}
SESSION: Event = {"event": "session", "rootdir": "/suite"}
FINISH: List[Event] = [{"event": "finishing", "status": 0, "reason": ""}, {"event": "finish", "status": 0}]


def numbered(*events: Event, of: str = START) -> List[Event]:
    """Mark events as one shard's processes do; each "load" begins another round."""
    marked: List[Event] = []
    number = first = 0
    for event in events:
        if event["event"] == "load" and marked:
            number, first = number + 1, len(marked)
            event = {**event, "round": number}
        marked.append({"of": f"{of}.{number}", "n": len(marked) - first, **event})
    return marked


def lines(*events: Event) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def rounds(events: List[Event]) -> Tuple[Round, ...]:
    return tuple(journal.rounds(numbered(*events)))


def start(nodeid: str, phase: str) -> Event:
    return {"event": "start", "at": 0.0, "id": nodeid, "phase": phase}


def end(nodeid: str, phase: str, outcome: str = "passed", seconds: float = 0.0, **more: str) -> Event:
    return {"event": "end", "at": 0.0, "id": nodeid, "phase": phase, "outcome": outcome, "seconds": seconds, **more}


def phase(nodeid: str, name: str, outcome: str = "passed", **more: Any) -> List[Event]:
    return [start(nodeid, name), end(nodeid, name, outcome, **more)]


def trial(nodeid: str, setup: str = "passed", call: str = "passed", teardown: str = "passed") -> List[Event]:
    middle = phase(nodeid, "call", call) if setup == "passed" else []
    return [*phase(nodeid, "setup", setup), *middle, *phase(nodeid, "teardown", teardown)]


def collected(*ids: str) -> List[Event]:
    return [SESSION, {"event": "collected", "count": len(ids), "digest": "d"}, {"event": "selected", "ids": list(ids)}]


def one_round(*events: Event) -> Round:
    (found,) = rounds([LOAD, *events])
    return found


def outcome_of(*events: Event) -> List[str]:
    return [attempt.outcome for attempt in one_round(*events).attempts]


def fixture(name: str) -> Dict[str, str]:
    return {"scope": "module", "base": "", "name": name, "node": "a.py"}


def fixture_start(name: str, step: str = "setup") -> Event:
    return {"event": "fixture start", "step": step, **fixture(name)}


def fixture_end(name: str, seconds: float, step: str = "setup", failed: bool = False) -> Event:
    return {"event": "fixture end", "step": step, "seconds": seconds, "failed": failed, **fixture(name)}


# Lines


def test_no_file_is_no_round(tmp_path: Path) -> None:
    assert ([], 0) == read(tmp_path / "journal.jsonl", START)


def test_a_file_is_read_round_by_round(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(lines(*numbered(LOAD, *trial("a"), LOAD, *trial("b"))))

    found, strangers = read(tmp_path / "journal.jsonl", START)

    assert [(0, "a"), (1, "b")] == [(told.number, told.attempts[0].nodeid) for told in found]
    assert 0 == strangers


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="Is a directory"):
        read(tmp_path, START)


@pytest.mark.parametrize("other", ["5f3b", "5f3a.5f3a", ""])
def test_lines_of_another_start_never_count_and_are_counted(tmp_path: Path, other: str) -> None:
    ours, theirs = numbered(LOAD, *trial("a", call="failed")), numbered(LOAD, *trial("a"), of=other)
    mixed = [event for pair in zip(ours, theirs) for event in pair]
    (tmp_path / "journal.jsonl").write_bytes(lines(*mixed))

    (told,), strangers = read(tmp_path / "journal.jsonl", START)

    assert (["failed"], len(theirs)) == ([attempt.outcome for attempt in told.attempts], strangers)


@pytest.mark.parametrize("rest", [(), (LOAD,)])
def test_a_line_that_a_kill_tore_is_passed_over(rest: List[Event]) -> None:
    content = lines(*numbered(LOAD, SESSION)) + b'{"of": "5f3a.0", "event": "sta\n' + lines(*numbered(LOAD, *rest)[1:])

    assert ["/suite"] == [told.rootdir for told in journal.rounds(parse(content, START).events)][:1]


@pytest.mark.parametrize(
    "line", [b"no JSON", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"of": 1, "n": 0, "event": "end"}']
)
def test_a_line_that_is_no_event_is_passed_over_and_what_it_said_is_missed(line: bytes) -> None:
    first, second, third = numbered(LOAD, SESSION, *FINISH[:1])

    events = parse(lines(first) + line + b"\n" + lines(third), START).events

    assert ([first, third], 1) == (events, journal.rounds(events)[0].missing_lines)
    assert 0 == journal.rounds([first, second, third])[0].missing_lines


def test_a_line_that_was_written_twice_counts_once() -> None:
    marked = numbered(LOAD, *trial("a"))

    assert journal.rounds(marked) == journal.rounds([event for event in marked for _ in range(2)])


def test_the_order_of_lines_is_that_of_their_numbers() -> None:
    marked = numbered(LOAD, *trial("a"), *trial("b"))

    assert journal.rounds(marked) == journal.rounds(marked[::-1])


def test_two_lines_that_claim_one_number_are_refused() -> None:
    marked = numbered(LOAD, *trial("a", call="failed"))
    forged = numbered(LOAD, *trial("a"))[4]

    with pytest.raises(SuiteError, match="journal: two lines say that they are number 4 of round 0"):
        journal.rounds([*marked, forged])


@pytest.mark.parametrize(
    "events, complaint",
    [
        ([SESSION], "journal: round 0 is not .*it does not begin with its own start"),
        ([{**LOAD, "round": 1}], "journal: round 0 is not .*it does not begin with its own start"),
        ([{**LOAD, "schema": 2}], "journal: round 0 is not .*schema 2, this version reads 3"),
        ([{**LOAD, "schema": 4}], "journal: round 0 is not .*schema 4, this version reads 3"),
        ([LOAD, {"event": "start"}], "journal: round 0 is not .*'id'"),
    ],
)
def test_an_event_that_lacks_something_is_named(events: List[Event], complaint: str) -> None:
    with pytest.raises(SuiteError, match=complaint):
        rounds(events)


@pytest.mark.parametrize("number", ["", "x", "-1", "\u00b2"])
def test_a_round_without_a_number_is_refused(number: str) -> None:
    with pytest.raises(SuiteError, match="is not as the pytest plugin writes it"):
        journal.rounds([{**LOAD, "of": f"{START}.{number}", "n": 0}])


def test_events_that_this_version_does_not_know_are_passed_over() -> None:
    assert Ended(outcomes.ENDED_BEFORE_COLLECTION) == one_round({"event": "news"}).ended


def test_one_line_without_an_end_is_no_event_yet(tmp_path: Path) -> None:
    """A process that was killed while it wrote its first line has not said anything."""
    file = tmp_path / "journal.jsonl"
    file.write_bytes(lines(*numbered(LOAD))[:-1])

    assert [] == Tail(file, START).look()
    assert [0] == [told.number for told in read(file, START)[0]]  # at the end of the round it is all there


@pytest.mark.parametrize("cut", [1, 40])
def test_a_torn_first_line_is_a_round_that_said_nothing(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(lines(*numbered(LOAD))[:cut])

    assert ([], 0) == read(file, START)


# Attempts


@pytest.mark.parametrize(
    "expected, setup, call, teardown",
    [
        ("passed", "passed", "passed", "passed"),
        ("failed", "passed", "failed", "passed"),
        ("failed", "passed", "failed", "skipped"),
        ("error", "failed", "", "passed"),
        ("error", "passed", "passed", "failed"),
        ("error", "passed", "failed", "failed"),
        ("error", "skipped", "", "failed"),
        ("skipped", "skipped", "", "passed"),
        ("skipped", "passed", "skipped", "passed"),
        ("xfailed", "xfailed", "", "passed"),
        ("xfailed", "passed", "xfailed", "passed"),
        ("xpassed", "passed", "xpassed", "passed"),
        ("failed", "passed", "a plugin's own word", "passed"),
    ],
)
def test_an_attempt_has_one_outcome(expected: str, setup: str, call: str, teardown: str) -> None:
    assert [expected] == outcome_of(*trial("a", setup, call, teardown))


def test_an_attempt_keeps_its_seconds() -> None:
    found = one_round(
        *phase("a", "setup", seconds=1.0), *phase("a", "call", seconds=2.0), *phase("a", "teardown", seconds=4.0)
    )

    assert (Attempt("a", 0, "passed", setup_s=1.0, call_s=2.0, teardown_s=4.0, own_s=7.0),) == found.attempts


def test_an_attempt_knows_when_it_began() -> None:
    found = one_round({**start("a", "setup"), "at": 2.5}, *trial("a")[1:])

    assert [2.5] == [attempt.at_s for attempt in found.attempts]


def test_the_message_is_that_of_the_phase_that_decided() -> None:
    call = end("a", "call", "failed", message="call", text="text of call")
    teardown = end("a", "teardown", "failed", message="teardown", text="text of teardown")

    (attempt,) = one_round(*phase("a", "setup"), call, teardown).attempts

    assert ("teardown", "text of call\n\ntext of teardown") == (attempt.message, attempt.text)


def test_what_fails_to_end_after_the_last_test_is_that_tests_error_and_no_other_attempt() -> None:
    late = end("a", "teardown", "failed", message="after all")

    (attempt,) = one_round(*trial("a"), late, *FINISH).attempts

    assert ("error", "after all") == (attempt.outcome, attempt.message)


def test_a_failed_subtest_fails_its_test() -> None:
    subtest = end("a", "call", "failed", subtest="i=2", message="two")
    passed = end("a", "call", subtest="i=3")

    (attempt,) = one_round(*phase("a", "setup"), start("a", "call"), subtest, passed, *trial("a")[3:]).attempts

    assert ("failed", "two") == (attempt.outcome, attempt.message)


def test_a_test_without_a_report_of_its_call_has_not_passed() -> None:
    assert ["unfinished"] == outcome_of(*phase("a", "setup"), *phase("a", "teardown"))


def test_a_plugin_that_repeats_a_failed_test_leaves_attempts() -> None:
    """As pytest-rerunfailures reports: after the phases, and up to the failure."""
    began = [start("a", "setup"), start("a", "call"), start("a", "teardown")]
    first = [*began, end("a", "setup"), end("a", "call", "rerun")]
    second = [*began, end("a", "setup"), end("a", "call"), end("a", "teardown")]

    found = one_round(*collected("a"), *first, *second, *FINISH)

    assert ["rerun", "passed"] == [attempt.outcome for attempt in found.attempts]
    assert ["passed"] == [fate.outcome for fate in fates([found])]


def test_a_plugin_that_repeats_a_test_without_a_word_leaves_attempts() -> None:
    """As flaky reports: nothing of a failure that it repeats."""
    began = [*phase("a", "setup"), start("a", "call"), *phase("a", "teardown")]

    assert ["rerun", "passed"] == outcome_of(*began, *trial("a"))


def test_a_plugin_that_repeats_a_test_in_words_of_its_own_leaves_attempts() -> None:
    """As pytest-retry reports: the first failure by a word that may be chosen, and nothing of those that follow."""
    first = [*phase("a", "setup"), start("a", "call"), start("a", "teardown"), end("a", "call", "retried")]
    second = [start("a", "setup"), start("a", "call"), start("a", "teardown")]
    third = [start("a", "setup"), start("a", "call"), end("a", "call"), *phase("a", "teardown")]

    assert ["rerun", "rerun", "passed"] == outcome_of(*first, *second, *third)
    assert ["rerun", "rerun", "failed"] == outcome_of(*first, *second, *third[:2], end("a", "call", "failed"))


def test_an_unknown_word_that_nothing_follows_is_a_failure() -> None:
    assert ["failed", "passed"] == outcome_of(*trial("a", call="retried"), *trial("b"))


def test_tests_that_share_an_id_have_an_attempt_each_and_the_worst_counts() -> None:
    found = one_round(*trial("a", call="failed"), *trial("a"))

    assert ["failed", "passed"] == [attempt.outcome for attempt in found.attempts]
    assert [Fate("a", found.attempts)] == fates([found])
    assert "failed" == fates([found])[0].outcome


def test_tests_that_ran_in_forked_children_have_ends_only() -> None:
    ends = [end("a", "setup"), end("a", "call"), end("a", "teardown")]
    crash = end("b", "???", "failed", message="crashed with signal 9")

    assert ["passed", "passed", "error"] == outcome_of(*ends, *ends, crash)


# Shared fixtures


def test_a_fixture_that_asks_for_another_is_counted_without_it() -> None:
    found = one_round(
        start("a", "setup"),
        fixture_start("outer"),
        fixture_start("inner"),
        fixture_end("inner", 2.0),
        fixture_end("outer", 5.0),
        end("a", "setup", seconds=6.0),
        *trial("a")[2:],
    )

    inner, outer = (Fixture("module", "", name, "a.py") for name in ("inner", "outer"))
    assert (SharedCost(inner, 1, 2.0, 0.0), SharedCost(outer, 1, 3.0, 0.0)) == found.shared
    assert [1.0] == [attempt.own_s for attempt in found.attempts]


def test_teardowns_and_repeated_set_ups_add_up() -> None:
    found = one_round(
        fixture_start("x"),
        fixture_end("x", 1.0),
        fixture_start("x", "teardown"),
        fixture_end("x", 2.0, "teardown"),
        fixture_start("x"),
        fixture_end("x", 4.0),
    )

    assert (SharedCost(Fixture("module", "", "x", "a.py"), 2, 5.0, 2.0),) == found.shared


def test_a_set_up_that_failed_is_marked() -> None:
    found = one_round(fixture_start("x"), fixture_end("x", 1.0, failed=True), fixture_start("x"), fixture_end("x", 2.0))

    assert (SharedCost(Fixture("module", "", "x", "a.py"), 2, 3.0, 0.0, failed=True),) == found.shared


# How it ended


def test_the_running_fixture_is_the_innermost() -> None:
    found = one_round(*collected("a"), start("a", "setup"), fixture_start("outer"), fixture_start("inner"))

    inner = Fixture("module", "", "inner", "a.py")
    assert Ended(outcomes.DIED_IN_TEST, running=Running("a", "setup", inner)) == found.ended


def test_a_fixture_that_was_torn_down_after_the_tests_is_named() -> None:
    found = one_round(*collected("a"), *trial("a"), FINISH[0], fixture_start("x", "teardown"))

    assert Ended(outcomes.DIED_AFTER_LAST, running=Running("", "teardown", Fixture("module", "", "x", "a.py"))) == (
        found.ended
    )


@pytest.mark.parametrize("done", [1, 2, 3, 4, 5])
def test_a_test_runs_until_its_teardown_has_ended(done: int) -> None:
    found = one_round(*collected("a"), *trial("a")[:done])

    phase = ["setup", "setup", "call", "call", "teardown"][done - 1]
    assert Ended(outcomes.DIED_IN_TEST, running=Running("a", phase)) == found.ended
    assert ["unfinished"] == [attempt.outcome for attempt in found.attempts]


@pytest.mark.parametrize("ids, kind", [(["a", "b"], outcomes.DIED_BETWEEN_TESTS), (["a"], outcomes.DIED_AFTER_LAST)])
def test_a_death_outside_a_test_is_between_two_or_after_the_last(ids: List[str], kind: str) -> None:
    assert Ended(kind) == one_round(*collected(*ids), *trial("a")).ended


def test_a_death_after_pytest_stopped_is_no_reason_to_go_on() -> None:
    finishing = {**FINISH[0], "reason": "stopping after 1 failures"}

    ended = one_round(*collected("a", "b"), *trial("a", call="failed"), finishing).ended

    assert Ended(outcomes.STOPPED, "stopping after 1 failures") == ended


def test_a_death_at_the_end_of_a_run_that_left_tests_out_is_after_the_last() -> None:
    assert Ended(outcomes.DIED_AFTER_LAST) == one_round(*collected("a", "b"), *trial("a"), FINISH[0]).ended


def test_a_death_while_a_failed_test_waits_to_be_repeated_is_between_two_tests() -> None:
    began = [start("a", "setup"), start("a", "call"), start("a", "teardown")]

    found = one_round(*collected("a", "b"), *began, end("a", "setup"), end("a", "call", "rerun"))

    assert Ended(outcomes.DIED_BETWEEN_TESTS) == found.ended
    assert ["a", "b"] == not_run(["a", "b"], [found])


# Over rounds


def test_what_ran_in_any_round_is_not_run_again() -> None:
    first, second = rounds([LOAD, *trial("a"), start("b", "setup"), LOAD, *trial("c")])

    assert ["d"] == not_run(["a", "b", "c", "d"], [first, second])


def test_of_tests_that_share_an_id_all_must_run() -> None:
    once, twice = rounds([LOAD, *trial("a"), LOAD, *trial("a"), *trial("a")])

    assert (["a"], []) == (not_run(["a", "a"], [once]), not_run(["a", "a"], [twice]))


def test_of_tests_that_share_an_id_none_runs_again_after_one_ended_the_process() -> None:
    assert [] == not_run(["a", "a"], [one_round(start("a", "setup"))])


def test_a_test_has_its_attempts_of_all_rounds() -> None:
    first, second = rounds([LOAD, start("a", "setup"), {**LOAD, "round": 1}, *trial("a")])

    (fate,) = fates([first, second])

    assert [(0, "unfinished"), (1, "passed")] == [(attempt.round, attempt.outcome) for attempt in fate.attempts]
    assert "unfinished" == fate.outcome


def test_a_fixture_is_needed_by_the_tests_below_its_node() -> None:
    ids = ("p/a.py::x", "p/a.py::y", "p/ab.py::x", "p2/a.py::x")
    needs: Event = {"event": "needs", "scope": "module", "base": "", "name": "f", "tests": [[0, 0], [2, 3]]}
    found = one_round(*collected(*ids), needs)

    below = {
        node: outcomes.needing(Fixture("module", "", "f", node), found) for node in ("", "p/a.py", "p", "p/__init__.py")
    }

    expected = {"": [ids[0], ids[2], ids[3]], "p/a.py": [ids[0]], "p": [ids[0], ids[2]]}
    assert {**expected, "p/__init__.py": expected["p"]} == below


def test_a_test_that_failed_has_failed_though_its_teardown_did_not_end() -> None:
    cut = [*phase("a", "setup"), *phase("a", "call", "failed"), start("a", "teardown")]

    assert [outcomes.FAILED] == [attempt.outcome for attempt in one_round(*collected("a"), *cut).attempts]


def test_a_second_selection_in_a_process_changes_nothing_of_what_is_to_run() -> None:
    assert ("a", "b") == one_round(*collected("a", "b"), *collected("a"), *FINISH).selected


def test_the_python_of_the_tests_is_that_of_the_first_round_of_this_start(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    starts = (("other.0", "/other/python"), (f"{START}.0", "/first/python"), (f"{START}.1", "/second/python"))
    file.write_text("".join(json.dumps({**LOAD, "of": of, "n": 0, "executable": it}) + "\n" for of, it in starts))

    assert ["/first/python", ""] == [journal.interpreter(each, START) for each in (file, tmp_path / "none")]


def given(*ids: str, name: str = "0-00-1a2b3c4d") -> Event:
    return {"event": "piece", "name": name, "ids": list(ids)}


def test_piece_by_piece_a_round_was_to_run_what_it_was_given_in_that_order() -> None:
    session, seen, chosen = collected("a", "b", "b", "c")
    told = one_round(session, seen, {**chosen, "by_piece": True}, given("c"), *trial("c"), given("b", name="1"))

    assert (("c", "b", "b"), ("a", "b", "b", "c")) == (told.selected, told.listed)
    assert (Ended(outcomes.DIED_BETWEEN_TESTS), ["b"]) == (told.ended, not_run(told.selected or (), [told]))


def test_a_process_that_was_given_nothing_more_has_run_all() -> None:
    session, seen, chosen = collected("a", "b")

    assert outcomes.DIED_AFTER_LAST == one_round(session, seen, {**chosen, "by_piece": True}).ended.kind


def test_progress_counts_what_moved_from_shard_to_shard(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    progress = journal.Progress(Tail(file, START), {"a": 1, "b": 3}, all_times={"a": 1, "b": 3, "x": 4})
    file.write_bytes(lines(*numbered(LOAD, *collected("a", "b", "x"), given("a", "x"), *trial("x"))))
    progress.read()
    progress.expect({"a", "x", "b"})  # another was given b

    assert (2, 0.8, {"x"}) == (progress.tests, progress.share, progress.done)
    progress.lose()
    progress.expect({"b"})
    assert (1, set()) == (progress.tests, progress.done)
