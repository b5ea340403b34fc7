"""Say what a run was of, so that its outcomes can be compared with those of other runs."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Sequence

from .. import ci
from ..proof import outcome_history, receipt
from ..proof.findings import INCOMPLETE, NO_TESTS, Verdict
from ..proof.outcome_history import Run
from ..proof.outcomes import NOT_RUN
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import programs

GIT_ANSWERS_IN_S = 4.0


def run_of(settings: Settings, receipts: Sequence[Receipt], verdict: Verdict, arguments: Sequence[str]) -> Run:
    """Describe a run as it is remembered.

    Args:
        arguments: those that chose a part of the suite, or changed how it ran.
    """
    is_whole = not (arguments or verdict.ended in (INCOMPLETE, NO_TESTS) or verdict.counts.get(NOT_RUN))
    key, began_s = outcome_history.key_of(receipts), outcome_history.began_s(receipts)
    return Run(key, began_s, _state(settings, receipts), is_whole)


def _state(settings: Settings, receipts: Sequence[Receipt]) -> str:
    """Compute a digest of all that is tested; empty where that is of no commit, and so may differ unseen."""
    commits = {result.commit for result in receipts}
    if commits == {""} or len(commits) != 1 or not (ci.commit(os.environ) or _is_clean(settings)):
        return ""
    sources = sorted(f"{name} {state.content}" for result in receipts for name, state in result.sources.items())
    return receipt.digest([*commits, *{result.files_digest for result in receipts}, *dict.fromkeys(sources)])[:16]


def _is_clean(settings: Settings) -> bool:
    """Tell whether nothing of the project was edited since the last commit, or is in none."""
    with suppress(OSError, programs.ProgramFailed):
        words = ["git", "-C", str(settings.project), "status", "--porcelain"]
        return not programs.output(words, GIT_ANSWERS_IN_S).strip()
    return False
