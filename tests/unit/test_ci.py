from __future__ import annotations

from typing import List

import pytest

from scripts.ci import Node, resolve
from scripts.errors import SettingsError

CIRCLE = {"CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "8"}


def test_what_the_person_said_wins_over_the_ci() -> None:
    assert Node(2, 4) == resolve(["2", "4"], CIRCLE)


def test_the_ci_says_which_shard_this_is() -> None:
    assert Node(3, 8) == resolve([], CIRCLE)


def test_without_a_word_there_is_one_shard() -> None:
    assert Node(0, 1) == resolve([], {})


@pytest.mark.parametrize(
    "words",
    [
        ["4", "4"],
        ["2/4"],
        ["2"],
        ["-1", "4"],
        ["a", "4"],
        ["0", "0"],
        ["1", "2", "3"],
        ["²", "4"],
        ["0", "1001"],
        ["0", "9" * 5000],
        ["\udcff", "2"],
    ],
)
def test_anything_else_is_refused_with_the_third_of_four_as_example(words: List[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(words, {})

    assert "nox -s shard -- 2 4" in caught.value.hint


def test_half_of_what_the_ci_should_say_is_refused() -> None:
    with pytest.raises(SettingsError, match="CIRCLE_NODE_INDEX and CIRCLE_NODE_TOTAL"):
        resolve([], {"CIRCLE_NODE_INDEX": "0"})
