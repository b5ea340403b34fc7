"""Whatever a store says, the verdict goes by what the shards ran: what a store that lies cost is found, and named."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Dict, List, Mapping, Optional

import pytest

from scripts.ci import Node
from scripts.distribution.desk import Desk
from scripts.distribution.store import StoreError
from scripts.proof import findings
from scripts.proof.claimed import ClaimedPiece
from scripts.proof.receipt import Receipt
from tests.unit.distribution.runs import SILENCE_S, MemoryStore, Shard, pieces_of
from tests.unit.proof.results import judged, ran, red_kinds, shard

PIECES = pieces_of(3, 3)
IDS = [nodeid for piece in PIECES for nodeid in piece.nodeids]
PLAN = [IDS[:3], IDS[3:6], IDS[6:]]


class Liar(MemoryStore):
    """Lets a second win, forgets what is there, and gives answers of earlier on, each once in a while."""

    def __init__(self, kept: Dict[str, str], random: Random, often: float) -> None:
        super().__init__()
        self.kept, self._chance, self._often = kept, random, often
        self._earlier: Dict[str, Dict[str, str]] = {}

    def _lies(self) -> bool:
        return self._chance.random() < self._often

    def _claim(self, key: str, value: str) -> str:
        if self._lies():
            self.kept[key] = value
        return super()._claim(key, value)

    def _get(self, key: str) -> Optional[str]:
        return None if self._lies() else super()._get(key)

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        if self._lies():
            return self._earlier.get(folder, {})
        self._earlier[folder] = super()._look(folder, known)
        return self._earlier[folder]


def results_of(random: Random, often: float) -> List[Receipt]:
    """Run three shards, of which some are slow, by a store that lies; one that finds out runs what it has begun."""
    kept: Dict[str, str] = {}
    shards = [Shard(Desk(Liar(kept, random, often), PIECES, Node(index, 3), SILENCE_S)) for index in range(3)]
    gone: Dict[int, str] = {}
    now = 0.0
    for one in shards:
        one.speed = random.choice([1.0, 7.0, 40.0])
    while not all(one.closed or index in gone for index, one in enumerate(shards)):
        now += 1
        assert now < 20 * SILENCE_S, "they wait for ever"
        for index, one in enumerate(shards):
            if not one.closed and index not in gone:
                try:
                    one.do(now)
                except StoreError as error:
                    gone[index] = error.message
                    one.ran += [one.running] if one.running else []
    return [_result(index, one, gone.get(index, "")) for index, one in enumerate(shards)]


def _result(index: int, one: Shard, gone: str) -> Receipt:
    pieces = {
        claimed.piece.name: ClaimedPiece(claimed.piece.name, claimed.how, claimed.whose, 1) for claimed in one.ran
    }
    tests = [ran(nodeid) for nodeid in dict.fromkeys(nodeid for each in one.ran for nodeid in each.piece.nodeids)]
    facts = {"store": "liar", "store_gone": gone, "pieces": tuple(pieces.values())}
    return shard(index, *tests, of=3, collected=IDS, **facts)


@pytest.mark.parametrize("often", [0.02, 0.3])
def test_nothing_is_lost_or_doubled_without_a_word(often: float) -> None:
    seen = set()
    for seed in range(20):
        results = results_of(Random(seed), often)
        times = Counter(test.nodeid for result in results for test in result.tests)

        verdict = judged(results, IDS, PLAN)

        told = {finding.nodeid: finding.kind for finding in verdict.findings}
        doubled = [nodeid for nodeid in IDS if times[nodeid] > 1]
        assert [findings.LOST] * (len(IDS) - len(times)) == [told.get(each) for each in IDS if not times[each]], seed
        assert all(told.get(nodeid) in (findings.DOUBLED, findings.RAN_AGAIN) for nodeid in doubled), seed
        seen.update(red_kinds(verdict) or ["green"])
    assert findings.DOUBLED in seen
