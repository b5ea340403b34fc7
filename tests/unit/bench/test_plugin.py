from __future__ import annotations

import ast
from pathlib import Path

from tests.bench.measuring import project
from tests.bench.plugin import Size, sources, with_plugin


def test_the_generated_ids_have_the_length_and_number_that_was_asked_for() -> None:
    files = sources(Size(130, 60))
    ids = [
        f"{name}::test_it[{each}]"
        for name, text in files.items()
        for each in ast.literal_eval(text.partition("ids=")[2].partition(")\n")[0])
    ]

    assert (130, 130, {60}) == (len(ids), len(set(ids)), set(map(len, ids)))


def test_a_run_with_the_plugin_selects_and_records_every_test(tmp_path: Path) -> None:
    project(tmp_path, "suite:\n  path: suite\n", sources(Size(3, 40)))

    cost = with_plugin(tmp_path)

    assert 0 < cost.wall_s
    assert 3 == (tmp_path / "journal.jsonl").read_text(encoding="utf-8").count(',"call","passed",')
