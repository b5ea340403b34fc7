from __future__ import annotations

import json
from pathlib import Path
from typing import Dict

import pytest

from tests.bench import queue, stores
from tests.bench.paced import Seen
from tests.bench.queue import Ran


def test_of_recorded_suites_the_pairs_that_leave_something_to_share_are_run_least_drift_first(tmp_path: Path) -> None:
    def times(first_s: float) -> Dict[str, float]:
        return {"a.py::test": first_s, **{f"b.py::test[{number}]": 1.0 for number in range(40)}}

    for number, first_s in enumerate((1.0, 1.0, 3.0, 3.0, 30.0)):  # the last leaves nothing to share
        file = tmp_path / "recorded" / f"{number:02}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(times(first_s)), encoding="utf-8")

    found = queue.pairs_of(tmp_path)

    assert ["the article's", "recorded"] == list(found)
    assert 3 == len(found["recorded"])
    worst = found["recorded"][-1]
    assert (1_000_000, 3_000_000) == (worst.known["a.py::test"], worst.real["a.py::test"])


def test_without_recordings_the_articles_suite_is_run() -> None:
    assert ["the article's"] == list(queue.pairs_of(None))


@pytest.mark.parametrize(
    ("sharer", "case", "expected"),
    [
        (queue.BY_PLAN, "killed", True),
        ("xdist load", "late", True),
        ("xdist load", "killed", False),
        (stores.S3, "drift", True),
        (stores.S3, "late", False),
    ],
)
def test_each_takes_part_where_it_says_something(sharer: str, case: str, expected: bool) -> None:
    assert expected == queue.takes_part(sharer, queue.CASES[case])


def test_claims_are_counted_by_how_the_pieces_came(tmp_path: Path) -> None:
    for index, hows in enumerate((["own", "own", "stolen"], ["taken over"])):
        (tmp_path / f"shard-{index}").mkdir()
        pieces = [{"how": how} for how in hows]
        (tmp_path / f"shard-{index}" / "receipt.json").write_text(json.dumps({"pieces": pieces}), encoding="ascii")

    assert "2 + 1 + 1" == queue.claims(tmp_path)


def test_a_run_that_was_not_green_is_measured_all_the_same() -> None:
    assert ("1.500", "5.0", "10.0", "2", "0", "red", "-", "-", "-") == queue.row(
        [Ran(Seen(3.0, 12, 0, 0.1, 0.2), trouble="red")], 2.0, 10
    )
