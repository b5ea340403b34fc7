from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.planning import history
from tests.bench import replay


@given(st.integers(0, 10_000))
def test_the_suite_takes_26_minutes_in_files_of_4_to_120_s_and_one_of_a_fifth(seed: int) -> None:
    large, *others = (sum(tests) / replay.SCALE for tests in replay.suite(random.Random(seed)).values())

    assert pytest.approx(1560, abs=0.1) == large + sum(others)
    assert pytest.approx(312, abs=0.1) == large
    assert min(others) > 3.99
    assert max(others) < 120.01


def test_for_one_seed_it_is_always_the_same() -> None:
    assert replay.suite(random.Random(26)) == replay.suite(random.Random(26))


def test_every_test_is_known_from_a_run_before_that_took_about_as_long(tmp_path: Path) -> None:
    sleeps = {"test_a.py": [10.0, 20.0]}

    known, _ = history.estimates(replay.replayed(tmp_path, sleeps, seed=1))

    assert {"suite/test_a.py::test_0", "suite/test_a.py::test_1"} == set(known.tests_ms)
    assert 5_000 < known.tests_ms["suite/test_a.py::test_0"] < 15_000


def test_a_run_on_two_nodes_is_read_from_what_they_wrote(tmp_path: Path) -> None:
    settings = replay.replayed(tmp_path, {"test_a.py": [0.2], "test_b.py": [0.2, 0.1]}, seed=1)

    run = replay.run(settings, 2)

    assert 0.2 < run.tests_s < run.slowest_s < run.total_s
    assert 0 < run.first_s <= run.last_s < run.total_s
