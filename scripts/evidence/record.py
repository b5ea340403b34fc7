"""What is known of a run after its end, or while it goes on: data that the diagnosis, the page and the bundle share.

`reading.py` makes it from what lies in a reports folder. Whatever is missing there, or cannot be believed, is empty or
None here, and `unread` says why: nothing that is made from it may need all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple

from .. import console
from ..planning.plan import Plan
from ..proof.findings import Verdict
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..system.usage import Sample
from .ending import Ending

PAGE, MOMENT = "index.html", "moment.json"  # in the reports: the run on one page; facts of the moment, for bundles
Command = Callable[..., str]  # writes a command line about the project, as `Settings.command` does


class Request(NamedTuple):
    """One request of a test to its service, as requests.jsonl has it.

    Args:
        t: when it was answered, or given up, in seconds since 1970.
        test: the id of the test that asked.
        text: method, path, and what came of it, in a line.
        seconds: until the answer.
        status: of the answer; 0 for none.
    """

    t: float
    test: str
    text: str
    seconds: float
    status: int = 0


class Artifact(NamedTuple):
    """A file that a test left: its name below the shard's folder, its size, and whose it is as far as known.

    Args:
        changed_s: when it was written last, in seconds since 1970; 0 where that is not known.
    """

    name: str
    size_bytes: int
    test: str = ""
    changed_s: float = 0.0


class Log(NamedTuple):
    """The text of a log that was kept: how it began and how it ended, with `cut_bytes` of the middle left out."""

    name: str  # below the shard's folder, or the reports folder
    head: str
    tail: str = ""
    cut_bytes: int = 0

    @property
    def text(self) -> str:
        """Put both parts together."""
        return f"{self.head}\n[... {self.cut_bytes} bytes ...]\n{self.tail}" if self.cut_bytes else self.head


@dataclass(frozen=True)
class ShardRecord:
    """What one shard left, its result or only its journal.

    Args:
        index: from 0; of a repair its number.
        folder: where it lies here.
        result: its receipt; None where there is none that can be believed, and `why_no_result` says why.
        rounds: from its journal, oldest first; the last one's `ended.running` is the test that ran when it was killed.
        ending: how its step ended.
        samples: what its services took each second, in order.
        requests: what its suite asked, in order, where it recorded that.
        logs: of its services (`service*.log`), of `service.prepare`, and what the shard printed itself (`output.log`).
        artifacts: what tests left.
    """

    index: int
    folder: Path
    result: Optional[Receipt] = None
    why_no_result: str = ""
    rounds: Tuple[Round, ...] = ()
    ending: Optional[Ending] = None
    samples: Tuple[Sample, ...] = ()
    requests: Tuple[Request, ...] = ()
    logs: Tuple[Log, ...] = ()
    artifacts: Tuple[Artifact, ...] = ()
    is_repair: bool = False

    @property
    def name(self) -> str:
        """Name it as people do: "shard index 2"."""
        return self.result.name if self.result else f"{'repair' if self.is_repair else 'shard index'} {self.index}"


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run.

    Args:
        name: of the project.
        reports: the folder that it was read from.
        verdict: of the merge; None where none has been made. Read from merge.json, its tests have no attempts.
        plan: that was handed out, or None.
        shards: all that left something, by index; repairs after them.
        ending: how the run's own step ended, where it did so before or after the merge.
        logs: of what the shards shared, and of services that ran beside.
        machine: processors, memory, disk and limits of the control group, as `system.machine.describe` has them.
        changes: what is different from the runs before, by id: "new", "broke", "fixed" or "flaky" (`outcome_history`).
        command: writes a command about the project.
        arguments: those that chose a part of the suite.
        unread: files that could not be read, or not be believed, each with the reason.
    """

    name: str = ""
    reports: Path = Path("reports")
    verdict: Optional[Verdict] = None
    plan: Optional[Plan] = None
    shards: Tuple[ShardRecord, ...] = ()
    ending: Optional[Ending] = None
    logs: Tuple[Log, ...] = ()
    machine: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    command: Command = console.command
    arguments: Tuple[str, ...] = ()
    unread: Tuple[str, ...] = ()

    @property
    def results(self) -> Tuple[Receipt, ...]:
        """List the results that can be believed."""
        return tuple(shard.result for shard in self.shards if shard.result)
