from __future__ import annotations

from typing import List

import pytest

from scripts.evidence import allowlist


@pytest.mark.parametrize("shards, expected", [([], False), (["shard-0"], False), (["shard-0", "shard-1"], True)])
def test_a_merge_is_expected_where_there_are_shards_to_merge(shards: List[str], expected: bool) -> None:
    rules = {rule.pattern: rule for rule in allowlist.rules(shards, [], whole_run=True)}

    assert expected == rules["reports/merge.json"].expected


def test_of_one_shard_only_its_own_files_are_listed() -> None:
    patterns = [rule.pattern for rule in allowlist.rules(["shard-1"], [], whole_run=False)]

    assert "reports/shard-1/receipt.json" in patterns
    assert [] == [pattern for pattern in patterns if "shard-1" not in pattern]


def test_results_of_all_shards_stand_before_the_journal_of_any() -> None:
    patterns = [rule.pattern for rule in allowlist.rules(["shard-0", "shard-1"], ["logs/*"], whole_run=True)]

    results = [pattern for pattern in patterns if pattern.endswith("/receipt.json")]
    journal, log, artifacts = "reports/shard-1/journal.jsonl", "logs/*", "reports/shard-0/artifacts/**/*"
    assert patterns[:2] == results
    assert patterns.index(journal) < patterns.index(log) < patterns.index(artifacts)
