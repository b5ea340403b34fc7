from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List, Mapping, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.typed_yaml import Bytes, Problem, Seconds, checked, read, seconds, size, suggest


def refuse_zero(number: int) -> None:
    if number == 0:
        raise ValueError("expected anything but 0")


@dataclass(frozen=True)
class Inner:
    wait_s: Seconds = Seconds(1)
    room_bytes: Bytes = Bytes(2)


@dataclass(frozen=True)
class Outer:
    name: str
    words: Tuple[str, ...] = ()
    count: int = checked(refuse_zero, default=3)
    share: float = 0.5
    flag: bool = False
    inner: Inner = Inner()
    inners: Tuple[Inner, ...] = ()
    table: Mapping[str, int] = field(default_factory=dict)
    maybe: Optional[str] = None
    anything: Any = None


def problems(text: str) -> List[Problem]:
    return read(text, Outer)[1]


def test_defaults_fill_what_is_not_said() -> None:
    assert (Outer(name="a"), []) == read("name: a", Outer)


def test_every_kind_of_value_is_read() -> None:
    text = """
name: 服务
words: [a, "3"]
count: 4
share: 1
flag: true
inner: {wait: 1.5 min, room: 2 KiB}
inners: [{wait: 500 ms}]
table: {x: 1}
maybe: yes, please
anything: {json: [1, null]}
"""
    expected = Outer(
        name="服务",
        words=("a", "3"),
        count=4,
        share=1,
        flag=True,
        inner=Inner(Seconds(90.0), Bytes(2048)),
        inners=(Inner(Seconds(0.5)),),
        table={"x": 1},
        maybe="yes, please",
        anything={"json": [1, None]},
    )

    assert (expected, []) == read(text, Outer)


def test_all_mistakes_are_named_at_once_by_line() -> None:
    text = "nmae: a\ncount: four\ninner: {wait: soon}\nwords: a\nflag: 1\ncount: 5\n"

    assert [
        Problem(1, "missing key name"),
        Problem(1, "unknown key nmae; did you mean 'name'?"),
        Problem(2, "count: expected a whole number, got 'four'"),
        Problem(3, """inner.wait: expected a duration such as "60s", "1.5 min" or "500 ms", got 'soon'"""),
        Problem(4, "words: expected a list, got 'a'"),
        Problem(5, "flag: expected true or false, got '1'"),
        Problem(6, "count stands twice, first in line 2"),
    ] == problems(text)


def test_a_field_s_own_check_names_its_line() -> None:
    assert [Problem(2, "count: expected anything but 0")] == problems("name: a\ncount: 0\n")


@pytest.mark.parametrize(
    "text, line, part",
    [
        ("name: [a", 1, "not valid YAML"),
        ("name: a\n\tcount: 1", 2, "not valid YAML"),
        ("", 1, "empty"),
        ("- a", 1, "expected a mapping"),
        ("name:", 1, "expected text, got nothing"),
        ("name: a\ninner: 3", 2, "inner: expected a mapping"),
        ("name: a\ntable: {x: y}", 2, "table.x: expected a whole number"),
        ("name: a\ninner: {room: 3 parsecs}", 2, "expected a size"),
        ("name: a\n1: 2", 2, "unknown key 1"),
        ("name: a\ncount: 2024-13-45", 2, "count: expected a whole number"),
        ("name: a\nanything: !!bool x", 2, "anything: not a value YAML can read"),
        ("name: a\n? [1, 2]\n: 3", 2, "expected a plain word as key"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, part: str) -> None:
    value, found = read(text, Outer)

    assert value is None
    assert [line] == [problem.line for problem in found]
    assert part in found[0].message


@given(st.text(max_size=60))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    value, found = read(text, Outer)

    assert (value is None) == bool(found)


def test_durations_have_units() -> None:
    assert [0.5, 60, 90, 7200] == [seconds(text) for text in ("500ms", "60 s", "1.5 min", "2h")]


def test_sizes_are_bytes_decimal_or_binary() -> None:
    assert [12, 20_000_000, 1_610_612_736] == [size(text) for text in ("12", "20 MB", "1.5 GiB")]


@pytest.mark.parametrize("text", ["", "60", "s", "-1s", "1 s 2", "1e3s", "1,5 s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


def test_only_a_near_word_is_suggested() -> None:
    assert ["; did you mean 'port'?", ""] == [suggest(word, ["port"]) for word in ("prot", "xyz")]
