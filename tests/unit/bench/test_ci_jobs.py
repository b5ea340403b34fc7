from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest
import yaml

from scripts.errors import PipelineError
from tests.bench import ci_cache, ci_jobs
from tests.bench.ci_cache import Node
from tests.bench.ci_jobs import Machine, Took, job_steps
from tests.bench.measuring import ROOT

KEY = 'v1-things-{{ checksum "key.txt" }}'


def machine(folder: Path, saves: str = "store") -> Machine:
    (folder / "checkout").mkdir(exist_ok=True)
    (folder / "checkout" / "key.txt").write_text("1")
    values = {"parameters.shards": "2", "parameters.store": "", "id": "7f", "Branch": "main"}
    return Machine(folder, folder / "checkout", {"PATH": "/usr/bin:/bin"}, values, saves)


def test_the_examples_are_true() -> None:
    assert 0 == doctest.testmod(ci_jobs).failed


def test_a_second_machine_has_what_the_first_one_saved_and_nothing_else(tmp_path: Path) -> None:
    first = machine(tmp_path)
    first.do(("checkout", {}))
    first.do(("run", {"name": "make", "command": "mkdir made; echo << pipeline.parameters.shards >> | tee made/a b"}))
    saved = first.do(("save_cache", {"key": KEY, "paths": ["made", "none"]}))
    first.throw_away()
    second = machine(tmp_path)
    second.do(("checkout", {}))
    restored = second.do(("restore_cache", {"keys": [KEY]}))

    assert saved and restored and (saved.name, restored.name) == ("pack things", "unpack things")
    assert saved.archive_bytes == restored.archive_bytes > 0
    assert ("2\n", False) == ((second.project / "made" / "a").read_text(), (second.project / "b").exists())


def test_a_machine_is_below_its_folder_alone_and_so_is_what_is_thrown_away(tmp_path: Path) -> None:
    for own in ("", "node-1"):
        one = Machine(tmp_path / "here", tmp_path, {}, {}, own=own)

        assert (tmp_path / "here" / own / "home").is_dir()
        assert (tmp_path / "here" / own) in one.project.parents
    assert ["here"] == [path.name for path in tmp_path.iterdir()]


def test_nothing_is_restored_under_another_checksum(tmp_path: Path) -> None:
    here = machine(tmp_path)
    here.do(("checkout", {}))
    here.do(("save_cache", {"key": KEY, "paths": ["key.txt"]}))
    (here.project / "key.txt").write_text("2")

    assert here.do(("restore_cache", {"keys": [KEY]})) is None


def test_what_a_job_beside_saves_is_not_seen_yet(tmp_path: Path) -> None:
    first, beside = machine(tmp_path, "saves-a"), machine(tmp_path, "saves-b")
    first.do(("checkout", {}))
    first.do(("save_cache", {"key": KEY, "paths": ["key.txt"]}))

    restore = ("restore_cache", {"keys": [KEY]})
    assert (None, "unpack things") == (beside.do(restore), getattr(first.do(restore), "name", None))


@pytest.mark.parametrize("before", ["before\n", ""], ids=["known", "none yet"])
def test_nodes_have_one_history_though_another_run_ends_between_their_starts(tmp_path: Path, before: str) -> None:
    config = yaml.safe_load((ROOT / ".circleci" / "config.yml").read_text(encoding="utf-8"))
    steps = [step for step in job_steps(config, "shard") if "history" in str(step)]
    save = ("save_cache", {"key": "v1-timings-{{ .Branch }}-{{ epoch }}", "paths": [".pipeline/timings.json"]})
    found = []
    for known in (before, "between\n"):
        here = machine(tmp_path)
        here.do(("checkout", {}))
        here.do(
            ("run", {"name": "another run", "command": f"mkdir .pipeline; printf '{known}' >.pipeline/timings.json"})
        )
        here.do(save if known else ("run", {"name": "nothing", "command": "rm .pipeline/timings.json"}))
        here.throw_away()
        node = machine(tmp_path)
        for step in [("checkout", {}), ("run", {"name": "x", "command": "mkdir .pipeline"}), *steps]:
            node.do(step)
        found.append((node.project / ".pipeline" / "timings.json").read_text())
        node.throw_away()

    assert [before, before] == found


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    here = machine(tmp_path)
    here.do(("checkout", {}))

    with pytest.raises(PipelineError, match=r"(?s)ended with 3:.*no luck"):
        here.do(("run", {"name": "x", "command": "echo no luck; exit 3"}))


def test_the_parts_of_a_node_s_time_are_all_of_it_but_unpacking() -> None:
    took = [Took("unpack weights", 0, 7, 100), Took("Which weights", 7, 1), Took(ci_cache.STEP, 8, 30)]
    parts = ci_cache.phases(Node(took, {"weights": 2, "service ready": 9, "tests": 5}, 21, 22.5))

    assert 1 + (22.5 - 8) == sum(seconds for _, seconds in parts)
    assert ("Shard: start of nox and Shardline", 21 - 8 - 2 - 9) in parts


def test_links_that_lead_out_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, target in (("inside", "a"), ("python", sys.executable), ("out", str(tmp_path))):
        (folder / name).symlink_to(target)

    assert ["out"] == ci_cache.links_out(folder)
