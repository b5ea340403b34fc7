"""What a shard has claimed: what its processes get piece by piece, and what it has to answer for."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import pytest

from scripts.ci import Node
from scripts.distribution.desk import Claimed
from scripts.distribution.folder import FolderStore
from scripts.distribution.queue import Queue
from scripts.distribution.store import StoreError
from scripts.errors import SettingsError
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.planning.pieces import Piece, named
from scripts.proof.journal import Tail
from scripts.proof.outcomes import FAILED, Attempt, Fate
from scripts.proof.receipt import FINISHED, STOPPED
from scripts.runner import claims as module
from scripts.runner.claims import Claims, Late
from scripts.settings import Distribution, Settings, Suite

COLLECTED = ["t.py::c", "t.py::a", "t.py::b[7f]", "u.py::d", "u.py::e"]
NAMES = {"t.py::b[7f]": "t.py::b[2c]"}
PIECES = [
    named(0, 0, ["t.py::a", "t.py::c"], 9, 9),
    named(0, 1, ["t.py::b[2c]"], 9, 9),
    named(0, 2, ["u.py::d", "u.py::e"], 9, 9),
]  # all of one shard, whose order only the policy may change
PATIENCE_S = 20.0


class Run:
    """Shards of one run, by a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.journal = folder / "journal.jsonl"
        self._begun: List[Claims] = []

    def shard(self, index: int = 0, pieces: Sequence[Piece] = PIECES, **how: Any) -> Claims:
        """A shard whose first process has collected."""
        claims = Claims(FolderStore(self._folder / "store"), Node(index, 2), **how)
        self.begin(claims)
        claims.offer("plan", pieces, COLLECTED, NAMES)
        return claims

    def begin(self, claims: Claims, due: Sequence[str] = ()) -> None:
        claims.begin(due, Tail(self.journal, "5f3a"), lambda: True)
        self._begun.append(claims)

    def close(self) -> None:
        """End what speaks with the store: it would go on beside other tests."""
        for claims in self._begun:
            claims.close(())


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    shards = Run(tmp_path)
    yield shards
    shards.close()


def given(claims: Claims, after: str = "") -> List[List[str]]:
    """What a process is given from here on, up to the end."""
    found: List[List[str]] = []
    while True:
        told: Dict[str, Any] = claims.next(PATIENCE_S, after)
        if "end" in told:
            assert "" == told["end"]
            return found
        if "piece" in told:
            found.append(told["piece"]["ids"])
            after = told["piece"]["name"]


def test_pieces_come_as_collected_here_and_the_shard_answers_for_them_by_their_planned_ids(run: Run) -> None:
    claims = run.shard()

    assert [["t.py::c", "t.py::a"], ["t.py::b[7f]"], ["u.py::d", "u.py::e"]] == given(claims)
    assert ["t.py::c", "t.py::a", "t.py::b[2c]", "u.py::d", "u.py::e"] == claims.nodeids
    assert [("own", 0, 2), ("own", 0, 1), ("own", 0, 2)] == [
        (piece.how, piece.whose, piece.count) for piece in claims.pieces
    ]
    assert not claims.is_cut_off
    claims.close([])


def test_who_did_not_get_an_answer_gets_the_same_piece_again(run: Run) -> None:
    claims = run.shard()

    first, again = claims.next(PATIENCE_S, ""), claims.next(PATIENCE_S, "")

    assert (first, PIECES[0].name) == (again, first["piece"]["name"])
    assert 1 == len(claims.pieces)


def test_another_round_begins_with_what_remains_of_what_was_claimed(run: Run) -> None:
    claims = run.shard()
    claims.next(PATIENCE_S, "")

    assert claims.is_cut_off
    run.begin(claims, ["t.py::a"])
    claims.offer("plan", PIECES, COLLECTED, NAMES)

    assert [["t.py::a"], ["t.py::b[7f]"], ["u.py::d", "u.py::e"]] == given(claims)


def test_an_id_that_tests_share_counts_as_often_and_once_as_a_piece(run: Run) -> None:
    claims = Claims(FolderStore(run.journal.parent), Node(0, 2))
    claims.offer("plan", PIECES[:1], ["t.py::a", "t.py::c", "t.py::a"], {})

    assert [["t.py::a", "t.py::c"]] == given(claims)
    assert (["t.py::a", "t.py::a", "t.py::c"], 2) == (claims.nodeids, claims.pieces[0].count)


def test_a_piece_of_which_nothing_is_collected_is_answered_for_and_not_given(run: Run) -> None:
    claims = run.shard(pieces=[named(0, 0, ["gone.py::test"], 9, 9), *PIECES])

    assert 3 == len(given(claims))
    assert "gone.py::test" in claims.nodeids


def test_a_piece_that_was_taken_over_and_comes_back_is_neither_run_nor_told_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = [Claimed(PIECES[0], "own", 0), Claimed(PIECES[0], "taken over", 1), Claimed(PIECES[1], "own", 0)]
    monkeypatch.setattr(Queue, "take", lambda queue, patience_s: come.pop(0) if come else None)
    monkeypatch.setattr(Queue, "ended", property(lambda queue: not come))
    claims = run.shard()

    assert [["t.py::c", "t.py::a"], ["t.py::b[7f]"]] == given(claims)
    assert [PIECES[0].name, PIECES[1].name] == [piece.name for piece in claims.pieces]


def test_a_dead_service_is_given_no_test(run: Run) -> None:
    claims = run.shard()
    claims.begin((), Tail(run.journal, "5f3a"), lambda: False)

    assert {"wait": True} == claims.next(0.0, "")


def line(number: int, **event: Any) -> str:
    return json.dumps({"of": "5f3a.0", "n": number, "at": 0.1, **event})


@pytest.mark.parametrize("scope, is_broken", [("session", True), ("module", False)])
def test_a_broken_node_runs_its_own_tests_and_drains_nothing(run: Run, scope: str, is_broken: bool) -> None:
    claims = run.shard(pieces=[PIECES[0], *(named(1, number, [COLLECTED[3 + number]], 9, 9) for number in (0, 1))])
    first = claims.next(PATIENCE_S, "")["piece"]["name"]
    fixture = {"event": "fixture end", "step": "setup", "scope": scope, "failed": True}
    run.journal.write_text(f'{line(0, **fixture)}\n["5f3a.0",1,"end",0.2,0,"setup","failed",0.1,{{}}]\n')

    given(claims, first)

    assert is_broken == ("stolen" not in [piece.how for piece in claims.pieces[1:]])


def test_the_first_red_test_stops_all_that_want_it(run: Run) -> None:
    first = run.shard(0, fail_fast=True, take_over_after_s=2.0)
    other = run.shard(1, fail_fast=True, take_over_after_s=2.0)
    begun = other.next(PATIENCE_S, "")["piece"]["name"]

    assert {"stop": ""} == first.ended("t.py::c", False)
    assert {"stop": "--fail-fast: t.py::a"} == first.ended("t.py::a", True)
    until = time.monotonic() + PATIENCE_S
    while not other.ended("u.py::d", False)["stop"]:
        assert time.monotonic() < until, "it never heard of it"
        time.sleep(0.02)
    assert {"end": "--fail-fast: t.py::a"} == other.next(PATIENCE_S, begun)
    assert other.is_cut_off


def test_a_red_test_stops_nobody_who_does_not_want_it(run: Run) -> None:
    claims = run.shard()

    assert {"stop": ""} == claims.ended("t.py::a", True)


def test_a_test_that_ended_its_process_stops_all_too(run: Run) -> None:
    claims = run.shard(fail_fast=True)

    claims.note([Fate("t.py::a", (Attempt("t.py::a", 0, FAILED),))], is_end=False)

    assert {"stop": "--fail-fast: t.py::a"} == claims.ended("t.py::c", False)


def test_shards_without_a_plan_go_by_that_of_the_first(run: Run) -> None:
    own, other = (planning.make(ids, Estimates({}), 2) for ids in (COLLECTED, COLLECTED[1:]))
    first, second = run.shard(0), run.shard(1)

    assert own == first.agreed(own)
    assert own.id == second.agreed(other).id


def test_what_was_agreed_holds_for_later_rounds_also_where_the_store_is_gone(run: Run) -> None:
    own, other = (planning.make(ids, Estimates({}), 2) for ids in (COLLECTED, COLLECTED[1:]))
    claims = run.shard(0)
    claims.agreed(own)
    shutil.rmtree(str(run.journal.parent / "store"))

    assert own.id == claims.agreed(other).id


def test_a_shard_with_another_plan_is_refused(run: Run) -> None:
    run.shard(0)
    claims = Claims(FolderStore(run.journal.parent / "store"), Node(1, 2))

    with pytest.raises(SettingsError, match="expected the plan of the shards that came first"):
        claims.offer("another", PIECES, COLLECTED, NAMES)
    assert not claims.is_on


# Opened ---------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SHARDLINE_RUN", "monday")
    monkeypatch.setenv("SHARDLINE_STORE", str(tmp_path / "handed"))
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml", distribution=Distribution(str(tmp_path / "store")))


def opened(project: Settings, total: int = 2, index: int = 0, **how: Any) -> Optional[Claims]:
    plan = planning.make(COLLECTED, Estimates({}), 2)
    return module.of_run(project, Node(index, total), plan, **how)[0]


def test_one_shard_and_one_without_a_store_share_out_nothing(project: Settings) -> None:
    without = replace(project, distribution=Distribution())

    assert [None, None] == [opened(project, total=1), opened(without)]


def test_a_store_that_cannot_be_reached_leaves_the_plan_as_it_stands(
    project: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreached(*arguments: Any) -> None:
        raise StoreError("redis://here cannot be reached")

    monkeypatch.setattr(module.opening, "open_store", unreached)

    plan = planning.make(COLLECTED, Estimates({}), 2)

    assert module.of_run(project, Node(0, 2), plan) == (None, "redis://here cannot be reached")
    assert "cannot be reached: tests are not shared out while they run, the plan holds as it stands" in (
        capsys.readouterr().out
    )


def test_who_finds_all_claimed_is_late_unless_it_had_claimed_some_itself(project: Settings) -> None:
    plan = planning.make(COLLECTED, Estimates({}), 2)
    first = opened(project)
    assert first
    assert first.late is None
    first.offer(plan.id, [piece for shard in plan.shards for piece in shard.pieces], COLLECTED, {})
    given(first)

    late = [claims.late for claims in (opened(project, index=index) for index in (0, 1)) if claims]

    assert [None, Late("all tests were claimed before it came", FINISHED)] == late


def test_who_comes_after_a_red_test_is_late(project: Settings) -> None:
    first = opened(project, fail_fast=True)
    assert first
    first.offer("plan", PIECES, COLLECTED, NAMES)
    first.ended("t.py::a", True)
    first.close([])

    late = [claims.late for claims in (opened(project, index=1, fail_fast=fast) for fast in (True, False)) if claims]

    assert [Late("--fail-fast: t.py::a", STOPPED), None] == late


def test_where_the_ci_does_not_count_tries_the_store_does_for_each_shard(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    def attempt(index: int, job: str) -> str:
        return module.attempt_of(store, index, {"GITLAB_CI": "true", "CI_JOB_ID": job})

    assert ["1", "1", "2", "2", "1"] == [
        attempt(0, "7"),
        attempt(1, "8"),
        attempt(0, "9"),
        attempt(0, "9"),
        attempt(0, "7"),
    ]
    assert "3" == module.attempt_of(store, 0, {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ATTEMPT": "3"})
