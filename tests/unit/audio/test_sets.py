"""Sets of recordings, by values that are made up."""

from __future__ import annotations

from typing import Dict

import pytest

from scripts.audio import sets
from scripts.audio.judging import Verdict
from scripts.audio.sets import Set, SetError


def rows(count: int, moved: float = 0.0, trend: str = "mos_overall", prefix: str = "") -> Set:
    """Make a set whose recordings differ by much more than the mean moves."""
    return Set({f"{prefix}{index}": {trend: 3.0 + 0.1 * (index % 9) + moved} for index in range(count)})


def verdict(now: Set, before: Set, trend: str = "mos_overall") -> Verdict:
    found: Dict[str, Verdict] = {each.measure: each for each in sets.judge(now, before)}
    return found[trend]


def test_a_mean_that_fell_is_said_with_its_confidence() -> None:
    found = verdict(rows(24, -0.3), rows(24))

    assert not found.passed
    assert "fell from 3.36 by 0.30, and not by chance" in found.words
    assert "24 texts, each beside itself" in found.words


@pytest.mark.parametrize("moved", [0.0, -0.09])
def test_nothing_and_what_nobody_minds_passes(moved: float) -> None:
    assert verdict(rows(24, moved), rows(24)).passed


def test_other_texts_are_compared_by_their_means_which_see_less() -> None:
    assert verdict(rows(24, -0.12, prefix="other"), rows(24)).passed
    assert not verdict(rows(24, -0.5, prefix="other"), rows(24)).passed


def test_fewer_than_twenty_recordings_are_not_judged_and_say_so() -> None:
    found = verdict(rows(19, -2.0), rows(24))

    assert found.passed
    assert "20 recordings: 19 are here" == found.skipped


def test_a_better_opinion_passes_with_a_warning() -> None:
    found = verdict(rows(24, +0.5), rows(24))

    assert found.passed
    assert "muffled" in found.words


def test_more_errors_are_worse() -> None:
    assert not verdict(rows(24, +0.3, "word_errors"), rows(24, 0.0, "word_errors"), "word_errors").passed
    assert verdict(rows(24, -0.3, "word_errors"), rows(24, 0.0, "word_errors"), "word_errors").passed


def test_a_first_set_has_means_only() -> None:
    (found,) = sets.judge(rows(24))

    assert found.passed
    assert pytest.approx(3.3625) == found.value
    assert 24 == sets.means(rows(24))["mos_overall"].number


def test_another_speaker_is_found_though_the_set_is_as_consistent() -> None:
    one = Set({}, {str(index): [1.0, 0.01 * (index % 5)] for index in range(24)})
    other = Set({}, {str(index): [0.01 * (index % 5), 1.0] for index in range(24)})

    assert verdict(other, one, "speaker_consistency").passed
    assert not verdict(other, one, "speaker_likeness").passed


def test_a_set_comes_back_from_its_file() -> None:
    taken = Set({"b": {"mos_p808": 3.25}, "a": {}}, {"a": [0.6, 0.8]})

    assert taken == sets.from_json(sets.to_json(taken))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2, "clips": {}}', '{"schema": 1, "clips": {"a": 1}}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SetError, match=r"set\.json: expected"):
        sets.from_json(text)
