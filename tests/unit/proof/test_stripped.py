from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.proof.claimed import OWN, ClaimedPiece
from scripts.proof.outcomes import FAILED
from scripts.proof.receipt import SERVICE, ExtraError, is_green
from scripts.proof.stripped import packed, stripped, unpacked
from tests.unit.proof.results import ran, shard

FULL = replace(
    shard(1, ran("你", FAILED, message="the secret is hunter2"), ran("b")),
    errors=(ExtraError(SERVICE, "warm-up failed: it said hunter2"), ExtraError("test_c.py", "it said hunter2")),
    beside={"junit.xml": "digest"},
    store="redis://here",
    pieces=(ClaimedPiece("1-00", OWN, 1, 2),),
)


def test_what_tests_and_services_wrote_is_not_in_it_and_how_the_service_ended_is() -> None:
    left = stripped(FULL)

    assert "hunter2" not in str(left)
    assert ["warm-up failed: see that shard's own results", "see that shard's own results"] == [
        error.message for error in left.errors
    ]
    assert not is_green(left)


def test_a_result_is_unpacked_as_it_was_packed() -> None:
    left = stripped(FULL)

    assert left == unpacked(packed(left))


@pytest.mark.parametrize("word", ["", "?", "你", "AAAA", packed(FULL)[:40], packed(FULL)[:-8]])
def test_a_word_that_is_no_result_is_refused(word: str) -> None:
    with pytest.raises(ValueError):
        unpacked(word)
