from __future__ import annotations

from typing import List

import pytest

from scripts.evidence import allowlist


@pytest.mark.parametrize("shards, expected", [([], False), (["shard-0"], False), (["shard-0", "shard-1"], True)])
def test_a_merge_is_expected_where_there_are_shards_to_merge(shards: List[str], expected: bool) -> None:
    rules = {rule.pattern: rule for rule in allowlist.rules(shards, [], [], [], whole_run=True)}

    assert expected == rules["reports/merge.json"].expected


def test_of_one_shard_only_its_own_files_are_listed() -> None:
    patterns = [rule.pattern for rule in allowlist.rules(["shard-1"], [], [], [], whole_run=False)]

    assert "reports/shard-1/receipt.json" in patterns
    assert [] == [pattern for pattern in patterns if "shard-1" not in pattern]


def test_of_red_shards_the_results_stand_before_the_journal_of_any_and_all_before_what_is_green() -> None:
    listed = allowlist.rules(["shard-1", "shard-3"], ["shard-0"], ["logs/*"], ["needs.txt"], whole_run=True)
    patterns = [rule.pattern for rule in listed if rule.pattern.startswith("reports/shard-")]

    names = [pattern.partition("/")[2] for pattern in patterns]
    assert ["shard-1/receipt.json", "shard-3/receipt.json"] == names[:2]
    assert names.index("shard-3/receipt.json") < names.index("shard-1/journal.jsonl")
    assert names.index("shard-3/artifacts/**/*") < names.index("shard-0/receipt.json")
