"""The short lines of a journal, which are lists and name tests by number, say what long ones do, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof import journal
from scripts.proof.journal import Following, Progress, Tail, parse

IDS = ["a.py::one", "a.py::two", "a.py::one"]
LOAD = {"event": "load", "schema": 3, "time": 5.0, "pid": 7, "round": 0, "pytest": "9", "python": "3.11"}
COLLECTED = [{"event": "collected", "count": 3, "digest": "d"}, {"event": "selected", "ids": IDS}]
FAILED = {"message": "no", "text": "E no"}


def written(*said: Any, of: str = "me.0") -> List[bytes]:
    """Lines as the plugin writes them, each with its number."""
    whole = [
        [of, n, each[0], n / 10, *each[1:]] if isinstance(each, list) else {"of": of, "n": n, "at": n / 10, **each}
        for n, each in enumerate(said)
    ]
    return [
        json.dumps(each, separators=(",", ":") if isinstance(each, list) else None).encode() + b"\n" for each in whole
    ]


def phase(test: Any, name: str, outcome: str = "passed", *more: Any) -> List[Any]:
    return [["start", test, name], ["end", test, name, outcome, 0.5, *more]]


def trial(test: Any, *more: Any) -> List[Any]:
    call = phase(test, "call", "failed", *more) if more else phase(test, "call")
    return [*phase(test, "setup"), *call, *phase(test, "teardown")]


WHOLE = written(LOAD, *COLLECTED, *trial(0, FAILED), *trial(1), *trial("late.py::x"))


def test_a_number_counts_the_selected_ids_and_an_id_stands_for_itself() -> None:
    events = parse(b"".join(WHOLE), "me").events

    assert ["a.py::one"] * 6 + ["a.py::two"] * 6 + ["late.py::x"] * 6 == [event["id"] for event in events[3:]]


def test_short_lines_say_what_long_ones_do() -> None:
    """Such as a plugin of an older suite, or a person, may write."""
    names = {"start": ("id", "phase"), "end": ("id", "phase", "outcome", "seconds")}
    long = [json.dumps(event) for event in parse(b"".join(WHOLE), "me").events]
    (told,) = journal.rounds(parse("\n".join(long).encode(), "me").events)

    assert all(set(names[json.loads(line)["event"]]) <= set(json.loads(line)) for line in long[3:])
    assert (told,) == tuple(journal.rounds(parse(b"".join(WHOLE), "me").events))
    assert ["failed", "passed", "passed"] == [attempt.outcome for attempt in told.attempts]
    assert ("no", "E no") == (told.attempts[0].message, told.attempts[0].text)


@pytest.mark.parametrize(
    "said",
    [
        ["start", 3, "setup"],
        ["start", -1, "setup"],
        ["start", True, "setup"],
        ["start", 1.0, "setup"],
        ["start", 0],
        ["start"],
        ["start", 0, "setup", "x"],
        ["finish", 0],
        ["end", 0, "call", {"message": "no"}],
    ],
)
def test_a_short_line_that_says_too_little_is_missed(said: List[Any]) -> None:
    lines = written(LOAD, *COLLECTED, said, {"event": "finish", "status": 0})

    (told,) = journal.rounds(parse(b"".join(lines), "me").events)

    assert (1, ()) == (told.missing_lines, told.attempts)


def test_without_the_list_of_ids_numbers_say_nothing() -> None:
    lines = written(LOAD, *COLLECTED, *trial(0), {"event": "finish", "status": 0})
    del lines[2]

    (told,) = journal.rounds(parse(b"".join(lines), "me").events)

    assert (7, ()) == (told.missing_lines, told.attempts)


def test_the_lists_of_others_and_of_later_collections_do_not_count() -> None:
    other = written({"event": "selected", "ids": ["x", "y"]}, ["start", 0, "setup"], of="other.0")
    again = written(*[{}] * 3, {"event": "selected", "ids": ["z"]}, ["start", 0, "setup"])[3:]

    found = parse(b"".join([*other, *WHOLE[:3], *again]), "me")

    assert ("a.py::one", 2) == (found.events[-1]["id"], found.strangers)


def test_the_latest_line_names_its_test_though_the_list_was_never_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "j"
    file.write_bytes(b"".join(WHOLE[:5]))
    tail = Tail(file, "me")
    tail.latest(("start",))

    file.write_bytes(b"".join(WHOLE[:10]))

    assert "a.py::two" == (tail.latest(("start",)) or {}).get("id")


@pytest.mark.parametrize("test", [0, 'b[{"x": ",call,"}]', 'c","call"]'])
@pytest.mark.parametrize("failing, outcome", [("setup", "error"), ("call", "failed"), ("teardown", "error"), ("", "")])
def test_progress_misses_nothing_by_what_it_passes_over(tmp_path: Path, test: Any, failing: str, outcome: str) -> None:
    said = [
        each
        for name in ("setup", "call", "teardown")
        for each in phase(test, name, "failed" if name == failing else "passed")
    ]
    (tmp_path / "j").write_bytes(b"".join(written(LOAD, *COLLECTED, *said)))
    nodeid = IDS[0] if test == 0 else test
    progress = Progress(Tail(tmp_path / "j", "me"), {nodeid: 1})

    assert ([(nodeid, outcome)] if failing else []) == progress.read()
    assert ({nodeid}, nodeid, 1.0) == (progress.done, progress.now, progress.share)


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, len(b"".join(WHOLE))), max_size=4).map(sorted), twice=st.integers(1, len(WHOLE)))
def test_who_follows_a_journal_knows_what_is_read_at_its_end(
    tmp_path_factory: pytest.TempPathFactory, cuts: List[int], twice: int
) -> None:
    file = tmp_path_factory.mktemp("following") / "j"
    content = b"".join([*WHOLE[:twice], WHOLE[twice - 1], *WHOLE[twice:]])
    following = Following(Tail(file, "me"))
    for cut in cuts:
        file.write_bytes(content[:cut])
        following.rounds()

    file.write_bytes(content)

    assert journal.rounds(parse(content, "me").events) == following.rounds()
