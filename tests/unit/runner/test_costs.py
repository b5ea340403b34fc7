"""What a node pays beside its tests is known where it ran, and where the merge's memory of it comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.proof import receipt
from scripts.runner import costs
from scripts.settings import Settings, Suite
from tests.unit.proof.results import ran, shard


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def test_it_is_all_but_the_tests_averaged_over_the_shards_that_ran(settings: Settings) -> None:
    took = [{"packages": 1.0, "service ready": 4.0, "tests": 90.0}, {"packages": 3.0, "tests": 9.0}, {}]
    shards = [shard(index, ran("a"), seconds=seconds) for index, seconds in enumerate(took)]

    assert 4.0 == costs.mean_s([*shards, shard(3, seconds={"packages": 0.1})])
    assert 0.0 == costs.mean_s([])


def test_what_is_remembered_counts_where_nothing_ran(settings: Settings) -> None:
    costs.remember(settings, [shard(0, ran("a"), seconds={"packages": 7.04, "tests": 1.0})])
    costs.remember(settings, [shard(0)])  # that says nothing
    remembered = costs.known_s(settings)
    folder = settings.reports / "shard-0"
    folder.mkdir(parents=True)
    receipt.write(folder / receipt.FILE_NAME, shard(0, ran("a"), seconds={"packages": 2.0}))

    assert (7.0, 2.0) == (remembered, costs.known_s(settings))


@pytest.mark.parametrize("text", ["{", '{"schema": 1, "fixed_s": []}', '{"schema": 1, "fixed_s": "x"}', "{}"])
def test_what_cannot_be_read_hinders_nothing(settings: Settings, text: str) -> None:
    for file in (settings.state / costs.FILE_NAME, settings.reports / "shard-0" / receipt.FILE_NAME):
        file.parent.mkdir(parents=True)
        file.write_text(text)

    assert 0.0 == costs.known_s(settings)
