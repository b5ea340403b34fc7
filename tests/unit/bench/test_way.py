from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any, List

import pytest
import yaml

from tests.bench import way
from tests.bench.ci_jobs import Took, can_be_many
from tests.bench.measuring import ROOT
from tests.bench.way import Job

SMALL = """
jobs:
  caches: {steps: [checkout, {run: {name: make, command: touch made}}, {save_cache: {key: v1-made-, paths: [made]}}]}
  shard: {parallelism: 2, steps: [checkout, {restore_cache: {keys: [v1-made-]}}]}
  merge: {steps: [checkout, {restore_cache: {keys: [v1-made-]}}]}
workflows: {integration: {jobs: [caches, shard, {merge: {requires: [{shard: terminal}]}}]}}
"""


def names(job: Job) -> List[List[str]]:
    return [[step.name for step in node] for node in job.nodes]


def test_the_examples_are_true() -> None:
    assert 0 == doctest.testmod(way).failed


def test_the_verdict_is_there_when_the_slowest_of_the_jobs_before_it_and_it_have_ended() -> None:
    shards = Job("shard", 1.0, [[Took("a", 0, 2.0)], [Took("a", 0, 1.0), Took("b", 0, 3.0)]])

    assert 5.0 == shards.ended_s
    assert 6.5 == way.verdict_s([shards, Job("merge", shards.ended_s, [[Took("Merge", 0, 1.5)]])])


@pytest.mark.skipif(not can_be_many(), reason="needs namespaces")
def test_jobs_that_begin_together_have_nothing_of_each_other_s_and_those_after_them_have_all(tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    first, again = (
        {job.name: names(job) for job in way.walked(yaml.safe_load(SMALL), tmp_path, tmp_path / "checkout", run)}
        for run in "ab"
    )

    assert [len(first["shard"])] * 2 == [len(again["shard"]), way.NODES]
    assert {("checkout (a copy)",)} == {tuple(node) for node in first["shard"]}
    assert {("checkout (a copy)", "unpack made")} == {tuple(node) for node in [*first["merge"], *again["shard"]]}


def test_all_ways_come_from_our_config() -> None:
    ours: Any = yaml.safe_load((ROOT / ".circleci" / "config.yml").read_text(encoding="utf-8"))
    at_once, first, last = (
        [list(stage) for stage in way.stages(config["workflows"]["integration"]["jobs"])]
        for config in (ours, way.plan_first(ours), way.last_merges(ours))
    )

    assert [["caches", "shard"], ["merge"]] == at_once
    assert ([["caches"], ["shard"], ["merge"]], [["caches", "shard"]]) == (first, last)
