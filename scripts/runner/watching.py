"""Watch the services of a shard, know which test runs, and judge at the end whether they kept to their budgets.

What is judged by is what this process saw itself (service/monitor.py), and the journal for which test ran when.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence

from ..errors import BudgetError
from ..proof import budgets, journal
from ..proof.budgets import Seen
from ..proof.findings import Finding
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..proof.watched import Breach, ServiceUse
from ..service import monitor
from ..service.monitor import Monitor
from ..settings import Settings
from ..system import files

MONITORED = monitor.FILE_NAME
REQUESTS = (
    "requests.jsonl"  # of the recorder that suites can use: a line for each request, with "t" in seconds since 1970
)
MOST_BYTES = 200_000_000
MOST_BRACKETS = 500  # in a line; to recover from thousands inside each other may end a Python 3.8 (SIGABRT)
NOT_OURS = "the service was not started by this shard, so that it cannot be watched"


class RunningTest:
    """Names the test that runs, by the last line of the journal that tells: cheap, and right but for a moment."""

    def __init__(self, tail: journal.Tail) -> None:
        self._tail, self._lock = tail, threading.Lock()
        self._name = ""

    def __call__(self) -> str:
        """Look for the last line, and name its test; empty between tests."""
        with self._lock:  # several services are watched by a thread each
            event = self._tail.latest(("load", "start", "end", "finishing"))
            if event:
                runs = event["event"] == "start" or event.get("phase") in ("setup", "call")
                self._name = str(event.get("id", "")) if runs else ""
            return self._name


def judged(settings: Settings, seen: Monitor, rounds: Sequence[Round], folder: Path) -> Dict[str, Any]:
    """Sum up what each service of a shard took, and which budgets it does not keep: fields of the shard's receipt."""
    seen.settle()
    spans, requests = budgets.spans_of(rounds), requests_in(folder / REQUESTS)
    services: Dict[str, ServiceUse] = {}
    breaches: List[Breach] = []
    for name, service in settings.all_services.items():
        facts = Seen(
            samples=[sample for sample in seen.samples if sample.name == name],
            ready_s=seen.ready_s.get(name),
            spans=spans,
            requests=requests,
            why=seen.why_not.get(name, "" if name in seen.ready_s else NOT_OURS),
            why_no_gpu=seen.why_no_gpu,
            unseen_s=seen.unseen_s.get(name, 0.0),
        )
        use, over = budgets.judge(name, service.budgets, facts)
        if use.samples or use.budgets:
            services[name] = use
        breaches += over
    return {"services": services, "breaches": tuple(breaches)} if spans else {}


def unjudged(settings: Settings, receipts: Sequence[Receipt]) -> List[Finding]:
    """Name the results that were not judged by the budgets that the settings have here."""
    return budgets.unjudged(receipts, {name: service.budgets for name, service in settings.all_services.items()})


def over_budget(settings: Settings, shards: Iterable[int], is_known: bool) -> BudgetError:
    """Make the error that ends a run whose tests passed, and whose service does not keep to its budgets.

    Args:
        shards: the indices of those over a budget.
        is_known: there is no budget of which nothing is known.
    """
    file = settings.file.name
    files = [settings.shown(settings.reports / f"shard-{index}" / MONITORED) for index in sorted(set(shards))]
    hints = ["The lines above say which."]
    if files:
        seen = f"What it took each second stands in {', '.join(files)}"
        hints.append(f"{seen}: find the test that costs it, or grant more in {file}.")
    if not is_known:
        hints.append(f"What cannot be measured here is not proven: run where it can be, or leave it out of {file}.")
    return BudgetError("the service is not proven to keep to its budgets", " ".join(hints))


def requests_in(file: Path) -> Optional[List[float]]:
    """Read when the requests were answered that the suite recorded, in order; None where it recorded none.

    Lines that cannot be read do not count: fewer requests make a growth larger.
    """
    try:
        content = files.read_bytes(file, MOST_BYTES)
    except (OSError, ValueError):
        return None
    times = [_time(line) for line in content.splitlines()]
    return sorted(t for t in times if t is not None) or None


def _time(line: bytes) -> Optional[float]:
    if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
        return None
    with suppress(ValueError, TypeError, KeyError):
        return float(json.loads(line)["t"])
    return None
