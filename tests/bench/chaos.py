"""Runs of real processes that claim pieces, with what goes wrong in a real night: `nox -s bench -- chaos`.

Shards sleep instead of testing. Some are killed, suspended and woken, or come late; the store answers late, twice, half
or not at all, or is down for a while, through a proxy (Redis), or is a folder. Then each process's own record says what
it ran, and the results say what a merge would see: no piece without a result, and none with two unless one of them
names the takeover. All times are of a silence of half a second instead of a minute.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple
from typing import Counter as Counts

from scripts.ci import Node
from scripts.console import human_seconds, say
from scripts.distribution.folder import FolderStore
from scripts.distribution.opening import probe
from scripts.distribution.queue import Queue
from scripts.distribution.redis_store import RedisStore
from scripts.distribution.sight import MOST_TAKEOVERS, read_owner
from scripts.distribution.store import Store, StoreError
from scripts.planning.pieces import Piece, named
from scripts.proof.claimed import TAKEN_OVER
from tests.unit.distribution.proxy import Fault, Proxy

from .measuring import Table

LONGEST_RUN_S = 60.0
TICK_S = 0.02
AT_ONCE = 8
FAULTS = ("lose", "refuse", "truncate", "double", "late", "late", "stall")
HEADER = (
    "store",
    "runs",
    "pieces",
    "killed",
    "again",
    "asleep",
    "faults",
    "no store",
    "taken over",
    "twice",
    "left",
    "wrong",
    "time",
)
NOTES = (
    "again: killed shards that were started again, as a container is; sometimes when all is over",
    "no store: shards that lost it for good, or did not reach it at the start and ran what the plan gives them",
    "taken over, twice: pieces that a silent shard had claimed, and those of them which both have a result of",
    "left: without a result, for a reason that the merge sees: nobody stayed, or three shards fell silent with it",
    "wrong: lost or doubled without a reason, run twice by one process, or a process that never ends",
)


class Kind(NamedTuple):
    """A kind of store: how it is opened, on which port it listens, and what silence is there, in seconds."""

    name: str
    open: Callable[[str, int], Store]  # by the place of the run and a port
    port: int
    silence_s: float


class Result(NamedTuple):
    """What a shard that ended by itself has run, as (piece, how, whose) in order, and why it had no store."""

    shard: int
    ran: List[Tuple[str, str, int]]
    gone: str


class Run(NamedTuple):
    """What came of a run: the results, who claimed each piece in turn, who never ended."""

    pieces: List[Piece]
    results: List[Result]
    owners: Dict[str, List[int]]
    hung: List[int]


def tables(runs: int) -> Iterator[Table]:
    """Make runs over each kind of store that this machine has, and count what became of their pieces."""
    with tempfile.TemporaryDirectory() as name, _redis(Path(name)) as kinds:
        folder = Path(name)
        kinds.append(Kind("folder", lambda at, _: FolderStore(folder / "store", at), 0, 0.5))
        rows = [_row(kind, folder, max(1, runs // len(kinds) // AT_ONCE)) for kind in kinds]
    yield Table("shards that are killed, sleep and come late, and a store that fails", HEADER, rows, NOTES)


def _row(kind: Kind, folder: Path, each: int) -> List[str]:
    """Make runs in as many processes as there are at once: shards sleep, most of the time."""
    began = time.monotonic()
    workers = [_worker(kind, folder / f"{kind.name[:5]}{number}", each) for number in range(AT_ONCE)]
    counts: Counts[str] = Counter()
    for pid, told in workers:
        os.waitpid(pid, 0)
        counts.update(json.loads(told.read_text()))
    words = [str(counts[word]) for word in HEADER[1:-1]]
    return [kind.name, *words, human_seconds(time.monotonic() - began)]


def _worker(kind: Kind, folder: Path, runs: int) -> Tuple[int, Path]:
    told = folder.with_suffix(".json")
    pid = os.fork()
    if pid:
        return pid, told
    try:
        counts: Counts[str] = Counter()
        for number in range(runs):
            _judged(kind, folder / str(number), random.randrange(2**32), counts)
        told.write_text(json.dumps(counts))
    finally:
        os._exit(0)


def _judged(kind: Kind, folder: Path, seed: int, counts: Counts[str]) -> None:
    run = _run(kind, random.Random(seed), f"{folder.parent.name}/{folder.name}", folder, counts)
    for text in judge(run, counts):
        say(f"{kind.name}, seed {seed}: {text}")
        sys.stdout.flush()
    shutil.rmtree(folder)


def judge(run: Run, counts: Counts[str]) -> List[str]:
    """Count what became of the pieces of a run, and say what is wrong, as a merge would from the results alone."""
    wrong = [f"shard {index} never ended" for index in run.hung]
    ran = [(result, *piece) for result in run.results for piece in result.ran]
    times = Counter(name for _, name, _, _ in ran)
    simply = Counter(name for result, name, how, _ in ran if how != TAKEN_OVER and not result.gone)
    wrong += [f"{name} was claimed by two" for name, count in simply.items() if count > 1]
    wrong += [
        f"a shard ran {name} twice"
        for (_, name), n in Counter((r.shard, name) for r, name, _, _ in ran).items()
        if n > 1
    ]
    stayed = any(result.shard == 0 and not result.gone for result in run.results)  # the first idle one waits longest
    for name in {piece.name for piece in run.pieces} - times.keys():
        counts["left"] += 1
        if stayed and len(run.owners.get(name, [])) <= MOST_TAKEOVERS:
            wrong.append(f"{name} has no result; claimed by {run.owners.get(name)}")
    counts["runs"] += 1
    counts["pieces"] += len(run.pieces)
    counts["no store"] += sum(bool(result.gone) for result in run.results)
    counts["taken over"] += sum(len(owners) > 1 for owners in run.owners.values())
    counts["twice"] += sum(count > 1 for count in times.values())
    counts["wrong"] += len(wrong)
    return wrong


def _run(kind: Kind, chance: random.Random, place: str, folder: Path, counts: Counts[str]) -> Run:
    """Make one run: start its shards, do to them and to the store what chance says, and read what they left."""
    folder.mkdir(parents=True)
    total = chance.randint(2, 5)
    pieces = [
        named(shard, number, [f"t{shard}.py::t{number}"], cost, cost)
        for shard in range(total)
        for number, cost in enumerate(
            sorted((chance.randint(1, 150) for _ in range(chance.randint(0, 5))), reverse=True)
        )
    ]
    nodes = [Node(index, total) for index in range(total)]
    lives, again = (
        {node.index: _forked(kind, place, node, pieces, folder) for node in nodes} for _ in ("first", "again")
    )
    proxy = Proxy(("127.0.0.1", kind.port)) if kind.port else None  # its threads begin when all shards are forked
    for process in lives.values():
        process.go(proxy.port if proxy else 0)
    _disturb(lives, again, proxy, chance, kind, counts)
    if proxy:
        proxy.close()
    for process in (*lives.values(), *again.values()):
        process.end()
    results = [Result(*json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))]
    return Run(pieces, results, _owners(kind, place), sorted(lives))


class _Process(NamedTuple):
    """A shard's process, which begins when it is told the port of its store."""

    pid: int
    told: int  # a pipe

    def go(self, port: int) -> None:
        os.write(self.told, f"{port:05}".encode())

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.told)


def _disturb(
    lives: Dict[int, _Process],
    again: Dict[int, _Process],
    proxy: Optional[Proxy],
    chance: random.Random,
    kind: Kind,
    counts: Counts[str],
) -> None:
    """Do harm until all have ended, or for long enough; `lives` keeps those that have not.

    Args:
        again: the processes that take the place of some that are killed, as a container is started again.
    """
    length_s = 2 * kind.silence_s
    dies = {index: chance.uniform(0, length_s) for index in lives if chance.random() < (0.4 if index else 0.1)}
    sleeps = {index: chance.uniform(0, length_s) for index in lives if chance.random() < 0.3}
    wakes: Dict[int, float] = {}
    starts: Dict[int, float] = {}
    bad = chance.choice([0.0, 0.01, 0.05])
    began = time.monotonic()
    while lives and time.monotonic() - began < LONGEST_RUN_S:
        now = time.monotonic() - began
        for index in _due(dies, lives, now):
            os.kill(lives[index].pid, signal.SIGKILL)
            counts["killed"] += 1
            if chance.random() < 0.4:
                starts[index] = now + chance.uniform(5 * TICK_S, 2 * kind.silence_s)
        for index in _due(sleeps, lives, now):
            os.kill(lives[index].pid, signal.SIGSTOP)
            wakes[index] = now + chance.uniform(0, 4 * kind.silence_s)
            counts["asleep"] += 1
        for index in _due(wakes, lives, now):
            os.kill(lives[index].pid, signal.SIGCONT)
        for index, process in list(lives.items()):
            if os.waitpid(process.pid, os.WNOHANG)[0]:
                os.close(lives.pop(index).told)
        for index in _due(starts, again, now):
            lives[index] = again.pop(index)
            lives[index].go(proxy.port if proxy else 0)
            counts["again"] += 1
        if proxy:
            _spoil(proxy, bad if now < length_s else 0.0, chance, kind, counts)
        time.sleep(TICK_S)


def _due(times: Dict[int, float], processes: Dict[int, _Process], now: float) -> List[int]:
    """Take out those whose time has come, and which are there."""
    due = [index for index, at in times.items() if now >= at and index in processes]
    for index in due:
        del times[index]
    return due


def _spoil(proxy: Proxy, bad: float, chance: random.Random, kind: Kind, counts: Counts[str]) -> None:
    if chance.random() < bad:
        proxy.faults.append(Fault(chance.choice(FAULTS), chance.uniform(0, kind.silence_s / 4)))
        counts["faults"] += 1
    proxy.down = bad > 0 and chance.random() < (0.9 if proxy.down else bad / 4)


def _forked(kind: Kind, place: str, node: Node, pieces: Sequence[Piece], folder: Path) -> _Process:
    hears, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(hears)
        return _Process(pid, told)
    try:
        _shard(kind, place, node, pieces, folder, int(os.read(hears, 5)))
    finally:
        os._exit(1)


def _shard(kind: Kind, place: str, node: Node, pieces: Sequence[Piece], folder: Path, port: int) -> None:
    """Run pieces until none comes, and leave a result; where there is no store at the start, those of the plan."""
    if random.random() < 0.2:
        time.sleep(random.uniform(0, kind.silence_s))
    store = kind.open(place, port)
    store.deadline_s = kind.silence_s / 6
    ran: List[Tuple[str, str, int]] = []
    try:
        probe(store)
    except StoreError as error:
        for piece in pieces:
            if piece.shard == node.index:
                time.sleep(piece.estimate_ms / 1000)
                ran.append((piece.name, "own", node.index))
        _write(folder, Result(node.index, ran, error.message))
        return
    queue = Queue(store, pieces, node, take_over_after_s=kind.silence_s, say=lambda line: None)
    while not queue.ended:
        claimed = queue.take(kind.silence_s / 10)
        if claimed:
            queue.began(claimed.piece)
            time.sleep(claimed.piece.estimate_ms / 1000)
            ran.append((claimed.piece.name, claimed.how, claimed.whose))
    _write(folder, Result(node.index, ran, queue.gone))
    queue.close()


def _write(folder: Path, result: Result) -> None:
    file = folder / f"{result.shard}.part"
    file.write_text(json.dumps(result))
    file.rename(file.with_suffix(".json"))


def _owners(kind: Kind, place: str) -> Dict[str, List[int]]:
    owners: Dict[str, List[int]] = {}
    claims = kind.open(place, kind.port).look("claims")
    for key in sorted(claims, key=lambda key: int(key.rpartition(".")[2])):
        owners.setdefault(key.rpartition(".")[0], []).append(read_owner(claims[key]).shard)
    return owners


@contextmanager
def _redis(folder: Path) -> Iterator[List[Kind]]:
    """Run a Redis for the block, where this machine has one."""
    server = shutil.which("redis-server")
    if not server:
        say("no redis-server here: only over a folder")
        yield []
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        for _ in range(500):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(TICK_S)
        yield [Kind("Redis, through a proxy", lambda at, to: RedisStore(f"redis://127.0.0.1:{to}", at), port, 3.0)]
        process.terminate()
