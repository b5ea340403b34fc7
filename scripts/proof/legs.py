"""Read what one leg of a matrix left: the merge of a run on one Python, which has to prove that it is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Optional

from ..errors import (
    BudgetError,
    CoverageError,
    IncompleteError,
    PipelineError,
    ServiceDied,
    SuiteError,
    service_error,
)
from ..system import files
from . import findings as f
from . import merged, receipt, report_text
from . import outcomes as o
from .findings import Verdict
from .merged import Run
from .results import gather

MISSING, DAMAGED = "missing", "damaged"
UNPROVEN = IncompleteError.exit_code
CODES = {  # by how a verdict ended; a service's has its own
    f.GREEN: 0,
    f.TESTS_FAILED: 1,
    f.LOW_COVERAGE: CoverageError.exit_code,
    f.OVER: BudgetError.exit_code,
    f.NO_TESTS: SuiteError.exit_code,
    f.INCOMPLETE: UNPROVEN,
    f.SERVICE_DIED: ServiceDied.exit_code,
}


class Leg(NamedTuple):
    """What became of a run on one Python.

    Args:
        python: "3.8", by the name of its folder.
        ended: the word of its last line, or MISSING, or DAMAGED; `exit_code` the one that goes with it.
        why: what is wrong with it, beside red tests.
        verdict: None where there is none, or none that can be believed.
    """

    python: str
    ended: str = MISSING
    exit_code: int = UNPROVEN
    why: str = ""
    verdict: Optional[Verdict] = None
    run: Run = Run()


def read(folder: Path, python: str) -> Leg:
    """Read the merge of a leg; what cannot be read or believed is a leg that says why."""
    file = folder / report_text.FILE_NAME
    if not os.path.lexists(file):
        return Leg(python, why=f"no {report_text.FILE_NAME} in {folder.name}")
    try:
        data = files.read_json(file, report_text.SCHEMA, "", receipt.MOST_BYTES)
        run, verdict = merged.from_json(data), report_text.from_json(data)
        _check(str(data.get("ended")), verdict, run)
        _check_beside(folder, run)
    except (PipelineError, ValueError) as error:
        why = error.message if isinstance(error, PipelineError) else str(error)
        return Leg(python, DAMAGED, why=receipt.one_line(f"{report_text.FILE_NAME}: {why}"))
    return Leg(python, verdict.ended, code_of(verdict), verdict=verdict, run=run)


def code_of(verdict: Verdict) -> int:
    """Return the exit code that a verdict ends with."""
    deaths = [death.text.partition(": ")[2] for death in verdict.of(f.SERVICE_DEATH)]
    return service_error(deaths[0]).exit_code if verdict.ended == f.SERVICE_DIED and deaths else CODES[verdict.ended]


def _check(ended: str, verdict: Verdict, run: Run) -> None:
    """Refuse a merge that does not agree with itself.

    Raises:
        ValueError: it says what cannot be.
    """
    if ended != verdict.ended:
        raise ValueError(f'it says that it ended "{ended:.40}", and its findings say "{verdict.ended}"')
    unknown = {*verdict.outcomes.values(), *verdict.counts} - {*o.WORST_FIRST}
    if unknown:
        raise ValueError(f"{receipt.shown(min(unknown))} is no outcome")
    red = [nodeid for nodeid, outcome in verdict.outcomes.items() if outcome in o.RED]
    if verdict.green and (red or not verdict.tests):
        raise ValueError(f"it says green, and {receipt.shown(red[0]) if red else 'no test'} is in it")
    if sum(verdict.counts.values()) < len(verdict.outcomes):
        raise ValueError("it counts fewer tests than it names")
    if verdict.green and (len(run.results) < max(1, verdict.total) or not run.pythons):
        raise ValueError(f"it says green, and was made of {len(run.results)} results of {verdict.total} shards")


def _check_beside(folder: Path, run: Run) -> None:
    """Refuse a merge when a result that lies beside it, if one does, is not one that it was made of.

    Raises:
        ValueError: a result was changed, or left after the merge.
    """
    found = gather(folder)
    names = [*(f"{result.name}: {result.why}" for result in found.damaged), *found.changed]
    names += [result.name for result in found.receipts if run.results.get(result.name) != receipt.fingerprint(result)]
    if names:
        raise ValueError(f"it was not made of the results that lie beside it: {names[0]}")
