"""Simulated runs end with every piece run, whoever is slow, late or dead, and are judged by a bound nobody beats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import PipelineError
from scripts.planning.estimates import Estimates
from scripts.planning.plan import make
from tests.bench.pieces import Nodes, Run, bound_ms, static_ms, tables

names = st.builds("{}.py::{}".format, st.sampled_from("abc"), st.integers(0, 9))


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(names, st.integers(1, 50), min_size=1, max_size=20),
    st.dictionaries(names, st.integers(1, 50)),
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 1.3]), st.integers(0, 90_000)), min_size=2, max_size=5),
    st.one_of(st.none(), st.integers(0, 200_000)),
    st.sampled_from([0, 20_000]),
)
def test_every_piece_is_run_and_no_run_beats_its_bound(
    real: Dict[str, int], known: Dict[str, int], each: List[Tuple[float, int]], dies_ms: Optional[int], set_up_ms: int
) -> None:
    times = {nodeid: 1000 * time for nodeid, time in real.items()}
    estimates = Estimates({nodeid: 1000 * time for nodeid, time in known.items()})
    nodes = Nodes([speed for speed, _ in each], [late_ms for _, late_ms in each], dies_ms)
    pieces = [piece for shard in make(times, estimates, len(each)).shards for piece in shard.pieces]

    outcome = Run(pieces, times, set_up_ms, nodes).outcome()

    assert len(pieces) == outcome.pieces
    if dies_ms is None:
        assert outcome.span_ms >= 0.999 * bound_ms(times, set_up_ms, nodes)


def test_the_bound_knows_speed_and_lateness() -> None:
    times = {f"a.py::{number}": 1000 for number in range(12)}

    assert 6000 == bound_ms(times, 0, Nodes([1, 1], [0, 0]))
    assert 4000 == bound_ms(times, 0, Nodes([1, 2], [0, 0]))
    assert 7000 == bound_ms(times, 0, Nodes([1, 1], [0, 2000]))
    assert 12_000 == bound_ms(times, 0, Nodes([1, 1], [0, 99_000]))
    assert 5000 == bound_ms({**times, "b.py::long": 9000}, 1000, Nodes([1, 2, 2], [0, 0, 0]))
    assert 14_000 == static_ms([["a.py::0", "a.py::1"], list(times)[2:]], times, 2000, Nodes([1, 1], [0, 2000]))


def test_a_late_node_costs_its_share_only() -> None:
    times = {f"{file}.py::{number}": 10_000 for file in range(8) for number in range(10)}
    made = make(times, Estimates(times), 4)
    pieces = [piece for shard in made.shards for piece in shard.pieces]
    nodes = Nodes([1, 1, 1, 1], [40_000, 0, 0, 0])

    assert 1.06 > Run(pieces, times, 0, nodes).outcome().span_ms / bound_ms(times, 0, nodes)


def test_the_tables_have_a_row_for_each_kind_of_nodes(tmp_path: Path) -> None:
    for number in (0, 1):
        file = tmp_path / "team" / f"0{number}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({f"{name}.py::x": 10.0 + number for name in "abcdefgh"}))

    found = list(tables(tmp_path))

    assert [24, 24] == [len(table.rows) for table in found]
    with pytest.raises(PipelineError, match="recorded suites"):
        next(tables(None))
