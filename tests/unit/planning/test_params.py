"""Side by side: whatever the order was, equal beginnings stand together."""

from __future__ import annotations

from itertools import groupby
from typing import List, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.planning.params import side_by_side

paths = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple), max_size=12)


@settings(deadline=None, max_examples=40)
@given(paths)
def test_equal_beginnings_stand_together_and_what_came_first_stays_first(given_paths: List[Tuple[str, ...]]) -> None:
    ordered = side_by_side(given_paths)

    assert sorted(set(given_paths)) == sorted(ordered)
    assert given_paths[:1] == ordered[:1] or len(given_paths[0]) > len(ordered[0])
    for end in (1, 2, 3):
        beginnings = [key for key, _ in groupby(path[:end] for path in ordered)]
        assert len(set(beginnings)) == len(beginnings)
