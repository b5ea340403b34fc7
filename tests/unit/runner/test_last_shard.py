"""Who says the verdict of a run that no job merges: exactly one, whatever the order in which shards end."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Dict, List

import pytest

from scripts.distribution.folder import FolderStore
from scripts.distribution.store import StoreError
from scripts.proof import receipt
from scripts.proof.claimed import OWN, STOLEN, ClaimedPiece
from scripts.proof.receipt import Receipt
from scripts.runner.last_shard import Left, is_ours, lay_out, leave, look, still_out
from scripts.settings import Settings, Suite
from tests.unit.proof.results import ran, shard

A, B = shard(0, ran("a"), start="first"), shard(1, ran("b"), start="second")


def left(*results: Receipt, attempt: str = "1", green: bool = True) -> Dict[int, Left]:
    return {result.index: Left(attempt, green, result) for result in results}


def sharer(index: int, *pieces: ClaimedPiece) -> Receipt:
    return shard(index, ran("a"), ran("b"), store="redis://here", pieces=pieces)


def test_in_whatever_order_shards_leave_and_look_exactly_one_merges(tmp_path: Path) -> None:
    orders = {(0, *order) for order in itertools.permutations([0, 1, 1, 2, 2])}  # of each: it leaves, then it looks
    for number, order in enumerate(sorted(orders)):
        store = FolderStore(tmp_path, str(number))
        merged: List[int] = []
        for place, index in enumerate(order):
            if index not in order[:place]:
                leave(store, Left("1", True, shard(index, of=3)))
                continue
            found = look(store, 3)
            if not still_out(found, "1", 3) and is_ours(store, found):
                merged.append(index)
        assert 1 == len(merged), order


def test_a_shard_that_ran_again_says_the_verdict_again(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for each in left(A, B, green=False).values():
        leave(store, each)

    assert is_ours(store, look(store, 2))
    leave(store, Left("2", True, shard(1, ran("b"), start="again")))
    assert is_ours(store, look(store, 2))
    assert not is_ours(store, look(store, 2))


def test_one_that_was_red_in_an_earlier_attempt_is_waited_for_and_one_that_was_green_is_not() -> None:
    again = left(B, attempt="2")

    assert [0] == still_out({**left(A, green=False), **again}, "2", 2)
    assert [] == still_out({**left(A), **again}, "2", 2)
    assert [] == still_out(left(A, B, green=False), "1", 2)


def test_a_dead_shard_is_not_waited_for_where_others_ran_what_was_its() -> None:
    all_run = sharer(0, ClaimedPiece("0-00", OWN, 0, 1), ClaimedPiece("1-00", STOLEN, 1, 1))

    assert [] == still_out(left(all_run), "1", 2)
    assert [1] == still_out(left(sharer(0, ClaimedPiece("0-00", OWN, 0, 2))), "1", 2)
    assert [1] == still_out(left(A), "1", 2)


def test_what_is_no_result_of_the_shard_is_refused(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for text in ("", "[]", "{}", '{"attempt": "1", "green": true, "result": "x"}'):
        store.put("receipts/1", text)
        with pytest.raises(StoreError, match="receipts/1 is no result of a shard"):
            look(store, 2)
    leave(store, Left("1", True, A))
    store.put("receipts/1", store.get("receipts/0") or "")
    with pytest.raises(StoreError, match="is the result of shard index 0 of 2"):
        look(store, 2)


def test_results_of_others_are_laid_out_in_place_of_those_of_earlier_runs(tmp_path: Path) -> None:
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml")
    folders = [settings.reports / f"shard-{index}" for index in (0, 1)]
    for folder, result in zip(folders, [A, shard(1, start="earlier")]):
        folder.mkdir(parents=True)
        (folder / "junit.xml").write_text("<testsuites/>")
        receipt.write(folder / receipt.FILE_NAME, result)

    lay_out(settings, left(A, B))

    assert ["first", "second"] == [receipt.read(folder / receipt.FILE_NAME).start for folder in folders]
    assert [True, False] == [(folder / "junit.xml").exists() for folder in folders]


def test_what_an_earlier_run_left_beside_them_is_taken_away_but_not_what_this_one_did(tmp_path: Path) -> None:
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml")
    earlier = {f"shard-{index}": shard(index, of=9, run_id="earlier") for index in (1, 7)}
    repair = shard(0, repairs="these", run_id="earlier")
    for name, result in {**earlier, "repair-0": repair, "shard-2": shard(2, of=3)}.items():
        (settings.reports / name).mkdir(parents=True)
        receipt.write(settings.reports / name / receipt.FILE_NAME, result)

    lay_out(settings, left(A))

    assert ["shard-0", "shard-2"] == sorted(folder.name for folder in settings.reports.iterdir())
