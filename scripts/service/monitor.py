"""Watch the service once a second while its tests run: what it takes, and how fast it answers its probe.

The samples stay in our own memory, where no test can change them: what is judged is judged by those. Each is a line of
monitor.jsonl, too, appended at once, so that a run that is killed leaves them. Nothing here can end a run: where it is
not possible to watch, that is said in a line, and `why_not` has it.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Optional, Union
from urllib.parse import urlsplit

from .. import console
from ..settings import Probe
from ..system import gpu, process_tree, usage
from ..system.identity import Identity
from ..system.processes import Process
from ..system.usage import Paced, Sample
from .last_words import USER_AGENT

if TYPE_CHECKING:
    import psutil

FILE_NAME = "monitor.jsonl"
SAMPLE_S = 1.0
WAITS_S = 30.0  # for the answer to a probe; until then its age is the latency
SETTLE_S = 2.0  # for the first answer, where the tests took less
ENDS_IN_S = 2.0  # a look that hangs in the kernel is not waited for
MOST_BODY_BYTES = 1_000_000
NO_THREAD = "no thread could be started for it (ulimit -u)"
GPU_PAUSE_S = 10.0  # nothing else tells that it grew
HIGHER = 1.02  # memory that seems so much above all before is looked at exactly


class Watched(NamedTuple):
    """A process that another one has started."""

    identity: Identity
    run_id: str


class Monitor:
    """Watches the services of a shard, each start of each.

    Args:
        file: what the samples are appended to; it is opened here, before any test can put something else there.
        test: names the test that runs.
        say: tells in a line that watching is not possible.
    """

    def __init__(
        self, file: Path, test: Callable[[], str] = lambda: "", say: Callable[[str], None] = console.say
    ) -> None:
        self.samples: List[Sample] = []
        self.ready_s: Dict[str, float] = {}  # the longest, by service
        self.why_not: Dict[str, str] = {}
        self.unseen_s: Dict[str, float] = {}  # the longest time between two looks that came to an end, by service
        self._starts: Dict[str, int] = {}
        self._watches: Dict[str, _Watch] = {}
        self._test, self._say = test, say
        self._gpu = gpu.Reader()
        self._file: Optional[io.FileIO] = None
        with suppress(OSError):  # a full disk costs the file, not the watching
            self._file = io.FileIO(str(file), "a")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file:
            self._file.close()

    @property
    def why_no_gpu(self) -> str:
        """Say why nothing is known of GPU memory; empty where it is."""
        return self._gpu.why

    @contextmanager
    def watch(self, name: str, process: Union[Process, Watched]) -> Iterator[None]:
        """Watch a start of a service while the block runs, from the start of its process on."""
        start = self._starts.get(name, 0)
        self._starts[name] = start + 1
        watch = _Watch(name, start, process, self._test, self._gpu, self._take)
        try:
            watch.begin()
        except RuntimeError:
            self.why_not[name] = NO_THREAD
            self._say(f"service: not watched: {self.why_not[name]}")
            yield
            return
        self._watches[name] = watch
        try:
            yield
        finally:
            self._watches.pop(name).end()
            self._note_unseen(name, watch)

    def ready(self, name: str, url: str, ready_s: float, probe: Probe) -> None:
        """Take note that a service is ready, and ask its probe from now on."""
        self.ready_s[name] = max(ready_s, self.ready_s.get(name, 0.0))
        watch = self._watches.get(name)
        if watch:
            watch.prober = Prober(url, probe)
            try:
                watch.prober.begin()
            except RuntimeError:
                self.why_not[name] = NO_THREAD

    def settle(self) -> None:
        """Take a last look at what is watched, and wait for a first answer to each probe, but not long."""
        for name, watch in list(self._watches.items()):
            watch.settle()
            self._note_unseen(name, watch)

    def _note_unseen(self, name: str, watch: _Watch) -> None:
        self.unseen_s[name] = max(self.unseen_s.get(name, 0.0), watch.unseen_s())

    def _take(self, sample: Sample) -> None:
        self.samples.append(sample)
        if self._file:
            with suppress(OSError, ValueError):  # the latter: a look that hung, and came back after the end
                self._file.write((json.dumps(sample._asdict()) + "\n").encode("ascii"))


class _Watch:
    """One start of a service that is watched, by a thread."""

    def __init__(
        self,
        name: str,
        start: int,
        process: Union[Process, Watched],
        test: Callable[[], str],
        reader: gpu.Reader,
        take: Callable[[Sample], None],
    ) -> None:
        self.prober: Optional[Prober] = None
        self._name, self._start, self._test, self._take = name, start, test, take
        self._process = process
        self._tree = Paced(self._members)
        self._pages = Paced(lambda: usage.pages(self._tree()))
        self._reader = reader
        self._gpu = Paced(lambda: reader.held_bytes({process.pid for process in self._tree()}), most_s=GPU_PAUSE_S)
        self._doubled = self._highest = 0
        self._looked_at, self._longest_s = time.monotonic(), 0.0
        self._over, self._looking = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start watching.

        Raises:
            RuntimeError: the system allows no more threads.
        """
        self._thread.start()

    def end(self) -> None:
        """End watching."""
        if self.prober:
            self.prober.end()
        self._over.set()
        self._thread.join(ENDS_IN_S)

    def unseen_s(self) -> float:
        """Tell the longest time between two looks that came to an end, or since the last one."""
        return max(self._longest_s, time.monotonic() - self._looked_at)

    def settle(self) -> None:
        """See `Monitor.settle`."""
        if self.prober:
            self.prober.settle()
        self._look(last=True)

    def _run(self) -> None:
        self._reader.load()
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + SAMPLE_S, time.monotonic())
            self._look()

    def _look(self, last: bool = False) -> None:
        import psutil

        if not self._looking.acquire(timeout=ENDS_IN_S):
            return
        try:
            sample = self._sample(last)
            self._longest_s, self._looked_at = self.unseen_s(), time.monotonic()
            if sample:
                self._take(sample)
        except (psutil.Error, OSError, IndexError):  # the last: of an empty /proc
            pass
        finally:
            self._looking.release()

    def _members(self) -> List[psutil.Process]:
        """Find what runs of the service; who stops it is told."""
        found = process_tree.tree(self._process.identity, self._process.run_id)
        if isinstance(self._process, Process):
            self._process.note(found)
        return found

    def _sample(self, last: bool) -> Optional[Sample]:
        """Take a sample, the last one without regard to pauses; None where nothing of the service runs."""
        taken = usage.taken(self._tree(now=last)) or usage.taken(self._tree(now=True))
        if taken is None:
            return None
        higher = taken.rss - self._doubled > HIGHER * self._highest
        is_exact = higher or last or self._pages.is_due()
        pages = self._pages(now=higher or last)
        if pages and is_exact:
            self._doubled = taken.rss - pages.memory
        memory = max(0, taken.rss - self._doubled)
        self._highest = max(self._highest, memory)
        return Sample(
            t=round(time.time(), 3),
            name=self._name,
            start=self._start,
            test=self._test(),
            rss=taken.rss,
            memory=memory,
            uss=pages.uss if pages else None,
            cpu=round(taken.cpu, 2),
            threads=taken.threads,
            files=taken.files,
            gpu=self._gpu(now=last),
            latency_ms=self.prober.latency_ms() if self.prober else None,
        )


class Prober:
    """Asks a service its probe once a second, in a thread of its own: what never answers must not hide what it takes.

    Where the probe is none over HTTP, it connects only. What comes as an answer is not judged here.
    """

    def __init__(self, url: str, probe: Probe, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._probe, self._clock = urlsplit(url), probe, clock
        self._finished: List[float] = []  # ms, since the last question for it
        self._asked_at: Optional[float] = None  # while no answer is there
        self._answered, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start asking.

        Raises:
            RuntimeError: the system allows no more threads.
        """
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._over.set()

    def settle(self) -> None:
        """Wait for the first answer, but not long."""
        if self._thread.ident:
            self._answered.wait(SETTLE_S)

    def latency_ms(self) -> Optional[float]:
        """Give the longest since the last call, or the age of a question without an answer; None where neither is."""
        asked_at = self._asked_at
        finished, self._finished = self._finished, []
        age_ms = (self._clock() - asked_at) * 1000 if asked_at is not None else 0.0
        if age_ms > SAMPLE_S * 1000:
            finished = [*finished, age_ms]
        return round(max(finished), 2) if finished else None

    def _run(self) -> None:
        while not self._over.is_set():
            self._asked_at = began = self._clock()
            with suppress(OSError, http.client.HTTPException, ValueError):  # refused, closed: no latency
                self._ask()
                self._finished.append((self._clock() - began) * 1000)
            self._asked_at = None
            self._answered.set()
            self._over.wait(max(0.0, began + SAMPLE_S - self._clock()))

    def _ask(self) -> None:
        host, port = self._url.hostname or "", self._url.port or 80
        if self._probe.tcp or self._probe.log is not None:
            socket.create_connection((host, port), WAITS_S).close()
            return
        connection = http.client.HTTPConnection(host, port, timeout=WAITS_S)
        try:
            path = "/".join([self._url.path.rstrip("/"), self._probe.path.lstrip("/")])
            connection.request("GET", path, headers={"User-Agent": USER_AGENT, "Connection": "close"})
            connection.getresponse().read(MOST_BODY_BYTES)
        finally:
            connection.close()
