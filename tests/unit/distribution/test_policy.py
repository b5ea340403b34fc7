"""Which piece comes next: own ones in order, what would end too late, then some of those who have most left."""

from __future__ import annotations

from typing import Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.distribution.policy import CLOSED, IDLE, RUNS, STOPPED, End, Peer, Take, View, Wait, decide, pace_permille
from scripts.planning.pieces import Piece
from scripts.proof.claimed import OWN, STOLEN, TAKEN_OVER

MINUTE = 60_000


def pieces_of(*shards: str) -> List[Piece]:
    """Pieces "00", "01" ... of the first shard, "10" ... of the next, by their minutes."""
    return [
        Piece(f"{shard}{number}", shard, (f"{shard}{number}",), int(minutes) * MINUTE, int(minutes) * MINUTE)
        for shard, each in enumerate(shards)
        for number, minutes in enumerate(each.split())
    ]


def view(index: int, pieces: List[Piece], claimed: str = "", pace: int = 1000, **peers: Peer) -> View:
    """What shard `index` sees: "00:0 01:1" are claims, peers are s0=..., s1=..."""
    claims = {name: int(owner) for name, _, owner in (each.partition(":") for each in claimed.split())}
    known = {int(name[1:]): peer for name, peer in peers.items()}
    return View(index, pieces, claims, known, 50, pace)


def taken(view: View) -> str:
    step = decide(view)
    return f"{step.piece.name} {step.how} {step.whose}" if isinstance(step, Take) else type(step).__name__


def test_own_pieces_come_in_their_order() -> None:
    pieces = pieces_of("3 2 1", "3 2 1")

    assert f"00 {OWN} 0" == taken(view(0, pieces))
    assert f"01 {OWN} 0" == taken(view(0, pieces, "00:0 10:1", s1=Peer(RUNS, "10", 3 * MINUTE)))


def test_who_has_none_takes_the_largest_that_is_half_of_what_another_has_left() -> None:
    pieces = pieces_of("1", "9 5 3 2 1", "1 1")

    assert f"11 {STOLEN} 1" == taken(view(0, pieces, "00:0 10:1 20:2", s1=Peer(RUNS, "10"), s2=Peer(RUNS, "20")))


def test_who_has_none_leaves_what_its_owner_ends_as_soon() -> None:
    pieces = [*pieces_of("1"), Piece("10", 1, ("a",), MINUTE, MINUTE), Piece("11", 1, ("b",), 1000, 30_000)]

    assert "Wait" == taken(view(0, pieces, "00:0 10:1", s1=Peer(RUNS, "10", MINUTE - 1000)))
    assert f"11 {STOLEN} 1" == taken(view(0, pieces, "00:0 10:1", s1=Peer(RUNS, "10", 20_000)))


@pytest.mark.parametrize("peer", [Peer(), Peer(silent=True), Peer(CLOSED), Peer(STOPPED)])
def test_who_has_none_takes_first_from_those_who_would_never_end(peer: Peer) -> None:
    pieces = pieces_of("1", "9 9", "2 1")

    assert f"20 {STOLEN} 2" == taken(view(0, pieces, "00:0 10:1", s1=Peer(RUNS, "10"), s2=peer))


def test_what_a_silent_shard_claimed_is_taken_over_whoever_it_was_from() -> None:
    pieces = pieces_of("1", "1", "1")

    assert f"20 {TAKEN_OVER} 1" == taken(view(0, pieces, "00:0 10:0 20:1", s1=Peer(silent=True), s2=Peer(CLOSED)))


def test_what_would_end_too_late_where_it_is_goes_before_own_pieces() -> None:
    pieces = pieces_of("4 4 4", "8 7")

    assert f"01 {OWN} 0" == taken(view(0, pieces_of("4 4 4", "8 3"), "00:0 10:1", s1=Peer(RUNS, "10", 4 * MINUTE)))
    assert f"11 {STOLEN} 1" == taken(view(0, pieces, "00:0 01:0 10:1", s1=Peer(RUNS, "10", 4 * MINUTE)))


def test_a_piece_that_is_longer_than_what_would_end_too_late_elsewhere_does_not_wait_for_it() -> None:
    running = Peer(RUNS, "10")

    assert f"11 {STOLEN} 1" == taken(view(0, pieces_of("6", "8 7"), "10:1", s1=running))
    assert f"00 {OWN} 0" == taken(view(0, pieces_of("9", "8 7"), "10:1", s1=running))


def test_a_slow_shard_leaves_to_others_what_they_end_sooner() -> None:
    pieces = pieces_of("9 6 1", "9 1")

    ending = Peer(RUNS, "10", 9 * MINUTE - 1000)
    assert f"01 {OWN} 0" == taken(view(0, pieces, "00:0 10:1", s1=ending))
    assert f"02 {OWN} 0" == taken(view(0, pieces, "00:0 10:1", 2000, s1=ending))


def test_a_slow_shard_does_not_begin_what_would_end_last_and_a_faster_one_takes_it() -> None:
    pieces = pieces_of("30 4 4", "8 8 8 8")

    assert f"01 {OWN} 0" == taken(view(0, pieces, "10:1", 2000, s1=Peer(RUNS, "10")))
    assert f"00 {STOLEN} 0" == taken(view(1, pieces, "10:1 11:1 01:0", s0=Peer(RUNS, "01", pace_permille=2000)))


def test_a_slow_shard_waits_for_none_that_has_not_begun() -> None:
    pieces = pieces_of("30", "8", "8")

    assert f"00 {OWN} 0" == taken(view(0, pieces, "", 2000))


def test_a_broken_shard_runs_what_is_its_own_and_then_ends() -> None:
    pieces = pieces_of("4 4 4", "8 7")
    known = {1: Peer(RUNS, "10", 4 * MINUTE)}
    claims = {"00": 0, "01": 0, "10": 1}

    assert Take(pieces[2], OWN, 0) == decide(View(0, pieces, claims, known, keeps_to_own=True))
    assert End() == decide(View(0, pieces, {**claims, "02": 0}, known, keeps_to_own=True))


def test_the_first_idle_shard_stays_to_take_over_until_all_others_have_closed() -> None:
    pieces = pieces_of("1", "1", "1")
    claimed = "00:0 10:1 20:2"

    assert "Wait" == taken(view(0, pieces, claimed, s1=Peer(IDLE), s2=Peer(RUNS, "20")))
    assert "End" == taken(view(1, pieces, claimed, s0=Peer(IDLE), s2=Peer(RUNS, "20")))
    assert "Wait" == taken(view(1, pieces, claimed, s0=Peer(CLOSED), s2=Peer(STOPPED)))
    assert "End" == taken(view(2, pieces, claimed, s0=Peer(CLOSED), s1=Peer(CLOSED)))


def test_a_run_without_tests_ends_at_once() -> None:
    assert End() == decide(View(0, []))


def test_pace_is_what_pieces_took_by_their_estimates_once_they_say_something() -> None:
    pieces = pieces_of("10 10", "10 10")

    assert 1000 == pace_permille(pieces, 0, {})
    assert 1700 < pace_permille(pieces, 0, {"00": 20 * MINUTE}) < 1800
    assert 1000 == pace_permille([pieces[0]._replace(estimate_ms=0)], 1, {"00": 0})


def test_no_shard_counts_as_fast_because_its_tests_were_guessed_too_long() -> None:
    assert 1000 == pace_permille(pieces_of("10 10", "10 10"), 0, {"10": 1 * MINUTE})


peers = st.builds(
    Peer,
    st.sampled_from(["", RUNS, IDLE, CLOSED, STOPPED]),
    st.sampled_from(["", "00", "11", "20"]),
    st.integers(0, 10**7),
    st.booleans(),
    st.integers(1, 10_000),
)
minutes = st.lists(st.sampled_from("01359"), max_size=4).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(minutes, min_size=3, max_size=3),
    st.dictionaries(st.sampled_from(["00", "01", "10", "11", "20", "21"]), st.integers(0, 4)),
    st.dictionaries(st.integers(1, 4), peers),
    st.integers(1, 10_000),
)
def test_nothing_is_taken_that_is_not_free_and_nobody_ends_while_something_is(
    shards: List[str], claims: Dict[str, int], known: Dict[int, Peer], pace: int
) -> None:
    pieces = pieces_of(*shards)

    step = decide(View(0, pieces, claims, known, 50, pace))

    free = [piece for piece in pieces if piece.name not in claims]
    if isinstance(step, Take):
        owner = claims.get(step.piece.name, 0)
        assert (step.piece in free) or (step.how == TAKEN_OVER and known[owner].silent and step.whose == owner)
        assert (step.how == OWN) == (step.whose == 0 and step.piece in free)
    assert free == [] or not isinstance(step, End)
    others = {**{owner: Peer(RUNS) for owner in claims.values() if owner}, **known}
    gone = all(peer.silent or peer.state in (CLOSED, STOPPED) for peer in others.values())
    assert not (free and gone and isinstance(step, Wait))
