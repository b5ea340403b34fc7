"""By which variables a suite knows which shard it is in."""

from __future__ import annotations

from scripts.ci import Node
from scripts.runner.places import name_of, variables


def test_the_only_shard_is_plain_pytest() -> None:
    assert ({}, "") == (variables({"TOX_PARALLEL_ENV": "py311"}, Node(0, 1), "5f3a"), name_of(Node(0, 1)))


def test_each_shard_is_told_apart_by_every_name() -> None:
    first, second = (variables({}, Node(index, 3), f"5f3{index}") for index in (0, 1))

    shared = {"SHARDLINE_SHARDS", "PYTEST_XDIST_WORKER_COUNT"}
    assert shared == {name for name, value in first.items() if second[name] == value}
    assert ("1", "3", "gw1", "shard1") == tuple(
        second[name] for name in ("SHARDLINE_SHARD", "SHARDLINE_SHARDS", "PYTEST_XDIST_WORKER", "TOX_PARALLEL_ENV")
    )


def test_each_round_is_a_run_of_its_own() -> None:
    runs = {variables({}, Node(0, 2), "5f3a", number)["PYTEST_XDIST_TESTRUNUID"] for number in (0, 1, 1)}

    assert 2 == len(runs)
