from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.evidence import earlier
from scripts.evidence.ending import Ending
from scripts.evidence.record import RunRecord, ShardRecord
from scripts.proof.findings import Verdict


def record(folder: Path, ending: Ending, of_shard: Ending) -> RunRecord:
    shards = tuple(ShardRecord(index, folder / f"shard-{index}", ending=of_shard) for index in (0, 1))
    return RunRecord(reports=folder, verdict=Verdict(2, (), {}, (), (), ""), shards=shards, ending=ending)


def test_what_an_ending_names_is_left_out(tmp_path: Path) -> None:
    named = Ending("integration", "packages missing", 3, earlier=("merge.json", "shard-1"))
    result = Ending("shard", "packages missing", 3, earlier=("receipt.json",))

    left = earlier.left_out(record(tmp_path, named, result))

    assert (None, [0]) == (left.verdict, [shard.index for shard in left.shards])
    assert earlier.WHY == left.shards[0].why_no_result
    assert ("merge.json: of an earlier run",) == left.unread


@pytest.mark.parametrize("later_s, is_kept", [(-5, True), (1, True), (5, False)])
def test_a_verdict_is_not_of_a_shard_that_ran_again_after_it(tmp_path: Path, later_s: float, is_kept: bool) -> None:
    (tmp_path / "shard-1").mkdir()
    for name, written_s in (("merge.json", 1000.0), ("shard-1/receipt.json", 1000.0 + later_s)):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (1, written_s))

    left = earlier.left_out(record(tmp_path, Ending("merge", "green"), Ending("shard", "green")))

    assert is_kept is (left.verdict is not None)


@pytest.mark.parametrize("later_s, is_kept", [(-5, True), (1, True), (5, False)])
def test_an_ending_is_not_of_a_shard_that_ended_after_it(tmp_path: Path, later_s: float, is_kept: bool) -> None:
    of_run, of_shard = Ending("integration", "green", at_s=1000.0), Ending("shard", "green", at_s=1000.0 + later_s)

    assert is_kept is (earlier.left_out(record(tmp_path, of_run, of_shard)).ending is not None)
