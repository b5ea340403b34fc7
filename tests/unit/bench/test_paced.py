from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import paced
from tests.bench.measuring import NO_PLUGINS, project
from tests.bench.paced import Paced, Troubles

NODEIDS = st.sampled_from([f"{file}.py::test_{number}" for file in "abc" for number in range(5)])
TIMES = st.dictionaries(NODEIDS, st.integers(1, 100_000), min_size=1)
EVEN = Paced({f"suite/test_{number}.py::test": 1.0 for number in range(12)}, {})


@given(TIMES, TIMES)
def test_a_made_suite_sleeps_what_was_recorded_and_knows_no_test_that_it_has_not(
    known: Dict[str, int], real: Dict[str, int]
) -> None:
    made = paced.paced(known, real, 1.0)

    assert pytest.approx(sum(real.values()) / 1e6, abs=1e-4 * len(real)) == sum(made.real_s.values())
    assert made.known_s.keys() <= made.real_s.keys()


def test_short_tests_of_a_file_are_one() -> None:
    real = {"a.py::long": 90_000, "a.py::short": 5_000, "a.py::shorter": 4_000, "b.py::short": 3_000}

    made = paced.paced({"a.py::shorter": 8_000}, real, 1.0)

    assert [0.09, 0.009, 0.003] == list(made.real_s.values())
    assert {"suite/test_000.py::test_1": 0.008} == made.known_s


@pytest.mark.parametrize(
    ("troubles", "bound_s"),
    [
        (Troubles(), 4.0),
        (Troubles(slow={"gw1": 2.0}), 4.8),
        (Troubles(late_s={"gw2": 1.5}), 4.5),
        (Troubles(late_s={"gw2": 9.0}), 6.0),
        (Troubles(dies_s={"gw1": 2.0}), 6.0),
    ],
    ids=["none", "a node at half speed", "a late node", "a node that is too late", "a node that dies"],
)
def test_no_order_beats_the_bound(troubles: Troubles, bound_s: float) -> None:
    assert pytest.approx(bound_s) == paced.bound_s(EVEN, 3, troubles)


def test_the_bound_holds_one_set_up_a_file_and_the_longest_test_with_its_own() -> None:
    assert pytest.approx(6.0) == paced.bound_s(EVEN._replace(set_up_s=0.5), 3, Troubles())
    assert pytest.approx(1.5) == paced.bound_s(EVEN._replace(set_up_s=0.5), 100, Troubles())


def test_nodes_begin_together_and_what_they_ran_is_read_from_what_they_wrote(tmp_path: Path) -> None:
    project(tmp_path, "", paced.sources(Paced({"suite/test_a.py::test_0": 0.2}, {}, set_up_s=0.1)))
    told = paced.variable(tmp_path / "seen", 2, Troubles(slow={"gw1": 2.0}))

    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "suite"]
    nodes = [
        subprocess.Popen(words, cwd=tmp_path, env={**os.environ, **NO_PLUGINS, **told, "PYTEST_XDIST_WORKER": name})
        for name in ("gw0", "gw1")
    ]

    assert [0, 0] == [node.wait(30) for node in nodes]
    run = paced.seen(tmp_path / "seen", Troubles())
    assert (2, 2) == (run.tests, run.set_ups)
    assert run.span_s > 0.6
    assert 0 < run.between_s < run.span_s - 0.3
