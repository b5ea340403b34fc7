"""Runs of shards in memory, by a clock of their own: who claims, runs, dies, sleeps and wakes, step by step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from scripts.distribution.desk import Claimed, Desk
from scripts.distribution.policy import IDLE, RUNS, End
from scripts.distribution.store import Store, StoreError, T, Unreached
from scripts.planning.pieces import Piece, named

SILENCE_S = 60.0


def pieces_of(total: int, each: int) -> List[Piece]:
    """Cut a plan whose shards have as many pieces of a second and more."""
    ids = [[f"t/{shard}.py::t{number}" for number in range(each)] for shard in range(total)]
    return [
        named(shard, number, [nodeid], 1000 * (each - number), 1000 * (each - number))
        for shard, own in enumerate(ids)
        for number, nodeid in enumerate(own)
    ]


class MemoryStore(Store):
    """A store that is not reached as often as it is told: before a call has an effect, or after."""

    def __init__(self, random: Optional[Random] = None, fails: float = 0.0) -> None:
        super().__init__()
        self.kept: Dict[str, str] = {}
        self.where, self.down, self._random, self._fails = "memory", False, random or Random(0), fails

    def _fail(self) -> None:
        if self.down or (self._fails and self._random.random() < self._fails):
            raise Unreached("memory: no answer")

    def _in_time(self, act: Callable[[], T]) -> T:
        self._fail()
        done = act()
        self._fail()
        return done

    def _claim(self, key: str, value: str) -> str:
        return self.kept.setdefault(key, value)

    def _put(self, key: str, value: str) -> None:
        self.kept[key] = value

    def _get(self, key: str) -> Optional[str]:
        return self.kept.get(key)

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        below = f"{folder}/"
        return {key[len(below) :]: value for key, value in self.kept.items() if key.startswith(below)}


@dataclass
class Shard:
    """A shard that asks for a piece, runs it for its time, and writes its result and closes when none comes."""

    desk: Desk
    begins_s: float = 0.0
    speed: float = 1.0
    arrived: bool = False
    written: bool = False
    closed: bool = False
    due_s: float = 0.0
    beat_s: float = 0.0
    running: Optional[Claimed] = None
    ran: List[Claimed] = field(default_factory=list)

    def step(self, now: float) -> None:
        """Do what is due at this time; the store may not answer, then the next step does it."""
        with suppress(StoreError):
            self.do(now)

    def do(self, now: float) -> None:
        """Do what is due at this time.

        Raises:
            StoreError: the store did not answer, or has found itself out.
        """
        self._live(now)
        if now >= self.due_s:
            self._go_on(now)

    def _live(self, now: float) -> None:
        if not self.arrived:
            self.desk.arrive(now)
            self.arrived = True
        if now >= self.beat_s:
            self.desk.look(now)
            self.desk.say(state=RUNS if self.running else IDLE)
            self.beat_s = now + SILENCE_S / 4

    def _go_on(self, now: float) -> None:
        if self.running:
            self.ran.append(self.running)
            self.running = None
        found = End() if self.written else self.desk.next(now)
        if isinstance(found, Claimed):
            self.running, self.due_s = found, now + found.piece.alone_ms / 1000 * self.speed
        if isinstance(found, End):
            self.written = True
            self.desk.close(())
            self.closed = True


def run(shards: Sequence[Shard]) -> None:
    """Run shards to their end, none of which dies."""
    now = 0.0
    while not all(shard.closed for shard in shards):
        now += 1
        assert now < 20 * SILENCE_S, "they wait for ever"
        for shard in shards:
            if now >= shard.begins_s:
                shard.step(now)
