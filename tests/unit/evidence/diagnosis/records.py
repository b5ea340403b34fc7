"""Records of runs, made by hand: a shard or several, with what went wrong in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence, Tuple

from scripts.evidence.ending import Ending
from scripts.evidence.record import Log, RunRecord, ShardRecord
from scripts.proof import outcomes as o
from scripts.proof.case import Reference
from scripts.proof.outcomes import Attempt, Ended, Round
from scripts.proof.receipt import ExtraError, Receipt, Selected
from scripts.proof.verify import verify

ENDED = Ended(o.FINISHED)


def selected(nodeid: str, outcome: str = o.PASSED, message: str = "", text: str = "", seconds: float = 1.0) -> Selected:
    attempts = (Attempt(nodeid, 0, outcome, call_s=seconds, message=message, text=text),)
    return Selected(nodeid, outcome, () if outcome == o.NOT_RUN else attempts)


def shard(
    *tests: Selected,
    index: int = 0,
    total: int = 1,
    errors: Sequence[Tuple[str, str]] = (),
    log: str = "",
    **facts: Any,
) -> ShardRecord:
    """A shard that left a result."""
    of_receipt = {name: value for name, value in facts.items() if name in Receipt.__dataclass_fields__}
    result = Receipt(
        **{
            "run_id": "r",
            "plan_id": "p",
            "index": index,
            "total": total,
            "collected_digest": "",
            "collected_count": len(tests),
            "timings_digest": "",
            "tests": tests,
            "errors": tuple(ExtraError(*error) for error in errors),
            "files_digest": "f",
            **of_receipt,
        }
    )
    attempts = tuple(attempt for each in tests for attempt in each.attempts)
    rounds = (Round(0, 1, 1000.0, "8", "3.11", ENDED, attempts=attempts),)
    logs = (Log("service.log", log),) if log else ()
    more = {name: value for name, value in facts.items() if name in ("samples", "ending")}
    return ShardRecord(index, Path(f"reports/shard-{index}"), result, rounds=rounds, logs=logs, **more)


def run(*shards: ShardRecord, missing: Sequence[str] = (), **facts: Any) -> RunRecord:
    """A run of these shards, merged; `missing` are tests that were collected and ran nowhere."""
    results = [each.result for each in shards if each.result]
    ids = [each.nodeid for result in results for each in result.tests]
    verdict = verify(results, Reference([*dict.fromkeys(ids), *missing], "f"))
    return RunRecord("tiny", verdict=verdict, shards=shards, **facts)


def ended(kind: str, message: str, exit_code: int = 10, **facts: Any) -> RunRecord:
    """A run that ended before a merge, by an error."""
    return RunRecord("tiny", ending=Ending("integration", "failed", exit_code, kind, message, **facts))
