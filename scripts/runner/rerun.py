"""What is left to do where a CI tries a run again: the tests that the try before did not prove green.

The merge leaves them in `.pipeline/rerun.json`, CI's cache takes that to the next try, and `shard --rerun-failed`
heeds it there, as the merge does then. Whatever does not fit, or cannot be settled test by test, means all tests.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Iterable, List, Mapping, NamedTuple, Optional, Sequence

from .. import ci
from ..console import counted, say
from ..errors import PipelineError, SettingsError
from ..proof import findings as f
from ..proof.company import joined
from ..proof.findings import Verdict
from ..proof.outcomes import RED
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import files
from .subset import RERUN, RERUN_FAILED

SCHEMA = 1
CIRCLECI = "circleci"
# What running the tests that are red or have no result settles; of all else, none of the results may be worth its name.
SETTLED = {f.RED_TEST, f.NO_RESULT, f.CUT_SHORT, f.STOPPED, f.LOST, f.NOT_RUN, f.LEFT}
UNNAMED = {f.UNSTABLE, f.RENAMED, f.UNKNOWN}  # ids that the next try may not know


class Rest(NamedTuple):
    """What a try of a run has left.

    Args:
        run: what all its tries share; commit: what was tested.
        tests: the ids to run again; none where all are.
        whole: how many tests the first try had.
    """

    run: str
    commit: str
    tests: Sequence[str]
    whole: int


def of(verdict: Verdict, groups: Iterable[Sequence[str]] = ()) -> List[str]:
    """List the tests to run again, in the order of the collection; none where all have to.

    Args:
        groups: what stays together; one of them alone may skip, and would pass for healed.
    """
    red = {finding.kind for finding in verdict.findings if finding.red}
    if not red <= SETTLED or UNNAMED & {finding.kind for finding in verdict.findings}:
        return []
    due = set(joined([test.nodeid for test in verdict.tests if test.proven in RED], groups))
    return [test.nodeid for test in verdict.tests if test.nodeid in due]


def leave(
    settings: Settings,
    verdict: Verdict,
    receipts: Iterable[Receipt],
    groups: Iterable[Sequence[str]],
    arguments: Sequence[str],
    environ: Mapping[str, str],
) -> None:
    """Write what the next try has to do, where a CI names the run.

    Raises:
        PipelineError, OSError: it cannot be written.
    """
    run, commit = _run(environ), ci.commit(environ)
    if not run:
        return
    before = _read(settings.state / RERUN, run, commit) if RERUN_FAILED in arguments else None
    covered = any(result.coverage and result.coverage.wishes.fail_under > 0 for result in receipts)
    tests = [] if covered else of(verdict, groups)  # a part covers less
    told = Rest(run, commit, tests, before.whole if before else len(verdict.tests))
    files.write_text(settings.state / RERUN, json.dumps({"schema": SCHEMA, **told._asdict()}, indent=1) + "\n")
    if tests and ci.provider(environ) == CIRCLECI:
        say(f'or: "Rerun workflow from failed" in CircleCI runs {counted(len(tests), "test")} (shard --rerun-failed)')


def heeded(settings: Settings, arguments: Sequence[str], environ: Mapping[str, str]) -> List[str]:
    """Say what is run of a run that is tried again; where that is all, leave `--rerun-failed` out of the arguments."""
    if RERUN_FAILED not in arguments:
        return list(arguments)
    rest = _read(settings.state / RERUN, _run(environ), ci.commit(environ))
    if rest and rest.tests:
        count = f"{len(rest.tests)} of {counted(rest.whole, 'test')}"
        say(f"only what the try before left red or without a result: {count}; the others were proven green then")
        return list(arguments)
    if rest:
        say("all tests are run again: what the try before found is not settled by some of them")
    return [word for word in arguments if word != RERUN_FAILED]


def _run(environ: Mapping[str, str]) -> str:
    """Name what all tries of a run share, as their place in a store does; empty where no CI names it."""
    with suppress(SettingsError):
        return ci.place(environ, 1).rsplit("/", 2)[0]
    return ""


def _read(file: Path, run: str, commit: str) -> Optional[Rest]:
    """Read what the try before left; None where there is none of this run and commit, or it cannot be used."""
    with suppress(PipelineError, KeyError, TypeError, ValueError):
        data = files.read_json(file, SCHEMA, "")
        rest = Rest(str(data["run"]), str(data["commit"]), [str(test) for test in data["tests"]], int(data["whole"]))
        return rest if run and (rest.run, rest.commit) == (run, commit) else None
    return None
