"""A shard that runs on this machine, as a process of its own: start it, see how far it is, end it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from typing import AbstractSet, List, Mapping, Optional, Sequence

from .. import ci
from ..ci import Node
from ..errors import SuiteError
from ..planning.nodeids import file_of
from ..proof import receipt
from ..proof.journal import Failures, Progress, Tail
from ..runner import ownership, shard
from ..runner.rounds import JOURNAL
from ..service.command import SLOT
from ..settings import Settings
from ..system.files import end_of
from ..system.processes import tail
from .display import ENDED, RUNS, WAITS, Row

TAIL_BYTES = 64 * 1024


class LocalShard:
    """One of the shards that run here. `status` is its exit code, None before its end.

    Args:
        times: what each of its tests is expected to take, in any unit.
        estimate_s: what all of it is expected to take, set-ups included; inf where nothing is known.
        all_times: the same as `times` of the tests of all shards, where they are shared out while they run.
    """

    def __init__(
        self,
        settings: Settings,
        node: Node,
        times: Mapping[str, int],
        estimate_s: float = math.inf,
        all_times: Mapping[str, int] = {},
    ) -> None:
        self.node, self.estimate_s = node, estimate_s
        self.is_lost = False  # it ended without a result
        self.output = settings.reports / f"shard-{node.index}.log"
        self.status: Optional[int] = None
        self.slot: Optional[int] = None
        self._settings = settings
        self._folder = shard.folder_of(settings, node)
        self._start = ownership.new_start()
        self._progress = Progress(Tail(self._folder / JOURNAL, self._start), times, all_times=all_times)
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._began = self._ended = 0.0

    @property
    def stage(self) -> str:
        """Tell whether it waits, runs or has ended, as of the last look."""
        return WAITS if self._process is None else RUNS if self.status is None else ENDED

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], slot: Optional[int] = None) -> None:
        """Start it in a session of its own: a terminal's Ctrl-C comes to us, and we pass it on once.

        Args:
            slot: which of the places for shards at once it has, so that each takes a GPU of its own; None alone.
        """
        self.slot = slot
        words = [sys.executable, "-m", __package__.split(".")[0], "shard"]
        words += [*self._settings.addressed, "--defer-verdict"]  # so that the commands it offers can be pasted too
        words += [str(self.node.index), str(self.node.total), *arguments]
        own = {"PIPELINE_SETTINGS": str(self._settings.file)}
        own[ownership.START] = self._start
        own.update({} if slot is None else {SLOT: str(slot)})
        own[ci.OWNER] = own["SHARDLINE_PARENT"] = str(os.getpid())  # it ends with us, even when we are killed
        self._began = time.monotonic()
        with self.output.open("wb") as sink:
            self._process = subprocess.Popen(  # noqa: S603 - our own step
                words,
                env={**environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def look(self) -> Failures:
        """See how far it is; return the tests that failed since the last look, by outcome."""
        if self.stage != RUNS or self._process is None:
            return []
        self.status = self._process.poll()  # first, so that all it wrote before its end is read below
        failures = self._progress.read()
        if self.status is not None:
            self._ended = time.monotonic()
            try:
                failures += self._progress.settle(receipt.read(self._folder / receipt.FILE_NAME).tests)
            except SuiteError:  # the merge says so
                self.is_lost = True
        return failures

    @property
    def given(self) -> AbstractSet[str]:
        """The ids of what it was given so far, where tests are shared out; none where it left no result."""
        if self.is_lost and self._progress.given:
            self._progress.lose()
        return self._progress.given

    def expect(self, given: AbstractSet[str]) -> None:
        """Hear what all shards were given."""
        self._progress.expect(given)

    def row(self) -> Row:
        """Tell how far it is."""
        seen = self._progress
        return Row(
            name=f"shard {self.node.index}",
            stage=self.stage,
            tests=seen.tests,
            done=len(seen.done),
            failed=len(seen.failed),
            spent_s=(self._ended or time.monotonic()) - self._began,
            left_s=seen.left_s(self.estimate_s),
            now=self._now(),
        )

    def _now(self) -> str:
        """Name the test that runs, else the last that the shard said: which packages, which service."""
        if self.stage != RUNS:
            return WAITS if self.stage == WAITS else ending(self.status)
        nodeid = self._progress.now
        name = nodeid[len(file_of(nodeid)) :].lstrip(":")
        return receipt.shown(name or nodeid) or "".join(self.last_lines(1)).strip(" =")

    def last_lines(self, count: int) -> List[str]:
        """Read the last lines of its output."""
        return tail(end_of(self.output, TAIL_BYTES).decode("utf-8", "replace"), count)

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C would: it stops its tests and its service, and leaves its result."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, and kill it where that does not come."""
        if self._process:
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def ending(status: Optional[int]) -> str:
    """Word how a shard ended; that tests failed is no fault of the shard.

    >>> ending(0), ending(10)
    ('ended', 'failed, exit code 10')
    """
    return f"failed, exit code {status}" if status else "ended"
