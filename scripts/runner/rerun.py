"""What is left to do where a CI tries a run again: the tests that the try before did not prove green.

The merge leaves them in `.pipeline/rerun.json`, CI's cache takes that to the next try, and `shard --rerun-failed`
heeds it there, as the merge does then. Whatever does not fit, or cannot be settled test by test, means all tests. What
the try before proved counts only where this one tests the same: the same commit, files, sources and arguments.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from .. import ci
from ..console import counted, say, without_values
from ..errors import PipelineError, SettingsError
from ..proof import findings as f
from ..proof import receipt
from ..proof.company import joined
from ..proof.findings import Finding, Verdict
from ..proof.outcomes import ERROR, FAILED, RED, SKIPPED, UNFINISHED
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import files
from .subset import RERUN, RERUN_FAILED

SCHEMA = 2
COMMIT, FILES, ADDOPTS = "commit", "files of the tests", "PYTEST_ADDOPTS"
KINDS = {COMMIT: f.OTHER_FILES, FILES: f.OTHER_FILES, ADDOPTS: f.OTHER_ARGUMENTS}
CIRCLECI = "circleci"
FAILURES = (FAILED, ERROR, UNFINISHED)
# What running the tests that are red or have no result settles; of all else, none of the results may be worth its name.
SETTLED = {f.RED_TEST, f.NO_RESULT, f.CUT_SHORT, f.STOPPED, f.LOST, f.NOT_RUN, f.LEFT}
UNNAMED = {f.UNSTABLE, f.RENAMED, f.UNKNOWN}  # ids that the next try may not know


class Rest(NamedTuple):
    """What a try of a run has left.

    Args:
        run: what all its tries share.
        arguments: the digest of those that matter: jobs of one run may run different parts of a suite.
        ran_as: what the shards ran as, see `ran_as`; empty where that was not the same for all.
        tested: what the outcomes are of, by its name: the commit, the files of the tests, each source.
        tests: the ids to run again; none where all are. red: those that ran, and failed.
        whole: how many tests the first try had.
    """

    run: str
    arguments: str
    ran_as: str
    tested: Mapping[str, str]
    tests: Sequence[str]
    red: Sequence[str]
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
    receipts: Sequence[Receipt],
    groups: Iterable[Sequence[str]],
    arguments: Sequence[str],
    environ: Mapping[str, str],
) -> None:
    """Write what the next try has to do, where a CI names the run.

    Raises:
        PipelineError, OSError: it cannot be written.
    """
    run = _run(environ)
    if not run:
        return
    before = _before(settings, arguments, environ)
    covered = any(result.coverage and result.coverage.wishes.fail_under > 0 for result in receipts)
    tests = [] if covered else of(verdict, groups)  # a part covers less
    whole = before.whole if before else len(verdict.tests)
    red = [test.nodeid for test in verdict.tests if test.nodeid in tests and test.outcome in FAILURES]
    told = Rest(run, _digest(arguments), _ran_as(settings, receipts), tested(receipts), tests, red, whole)
    files.write_text(settings.state / RERUN, json.dumps({"schema": SCHEMA, **told._asdict()}, indent=1) + "\n")
    if tests and ci.provider(environ) == CIRCLECI:
        say(f'or: "Rerun workflow from failed" in CircleCI runs {counted(len(tests), "test")} (shard --rerun-failed)')


def heeded(
    settings: Settings, arguments: Sequence[str], environ: Mapping[str, str], commit: str, own: str = ""
) -> List[str]:
    """Say what is run of a run that is tried again; where that is all, leave `--rerun-failed` out of the arguments.

    Args:
        commit: that is checked out here.
        own: what a shard runs as, see `ran_as`; empty where all have run.
    """
    rest = _before(settings, arguments, environ)
    if rest and not (commit and rest.tested.get(COMMIT) == commit and own in ("", rest.ran_as)):
        rest = None
    if rest and rest.tests:
        count = f"{len(rest.tests)} of {counted(rest.whole, 'test')}"
        say(f"only what the try before left red or without a result: {count}; the others were proven green then")
        return list(arguments)
    if rest:
        say("all tests are run again: what the try before found is not settled by some of them")
    return [word for word in arguments if word != RERUN_FAILED]


def unlike(
    settings: Settings,
    verdict: Verdict,
    receipts: Sequence[Receipt],
    arguments: Sequence[str],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Find what the try before did not test as this one did: what it proved green is not proven of that.

    A test that was red and is skipped now may lack what others make, which nobody has said.
    """
    rest = _before(settings, arguments, environ)
    if rest is None:
        return
    for nodeid in rest.red:
        if verdict.outcomes.get(nodeid) == SKIPPED:
            yield Finding(f.NOT_RUN, "skipped, and red in the try before", nodeid)
    now = tested(receipts)
    for name in sorted(name for name in {*rest.tested, *now} if rest.tested.get(name) != now.get(name)):
        kind = KINDS.get(name, f.OTHER_SOURCE)
        yield Finding(kind, f"{receipt.shown(name)}: not as in the try before, which proved the other tests green")


def tested(receipts: Iterable[Receipt]) -> Dict[str, str]:
    """Say what outcomes are of, by its name; what differs between receipts is several, and like no other try's."""
    said: Dict[str, List[str]] = {}
    for result in receipts:
        if result.tests:
            own = {COMMIT: result.commit, FILES: result.files_digest, ADDOPTS: result.addopts}
            for name, state in {**own, **{name: each.content for name, each in result.sources.items()}}.items():
                said.setdefault(name, []).append(state)
    # One may have failed to find out.
    return {name: " ".join(sorted(set(filter(None, states)))) for name, states in said.items()}


def ran_as(settings: Settings, job: str, python: str) -> str:
    """Tell a job's shards from those of another one, which may run the same tests otherwise: in words, "shard, 3.11".

    Args:
        python: "3.11", or "3.11.4".
    """
    return ", ".join([job, ".".join(python.split(".")[:2]), settings.file.name])


def _ran_as(settings: Settings, receipts: Iterable[Receipt]) -> str:
    told = {ran_as(settings, result.job, result.python) for result in receipts if result.tests}
    return told.pop() if len(told) == 1 else ""


def _digest(arguments: Sequence[str]) -> str:
    """Compute the digest of the arguments that matter, without secrets; that a try is a second one is none."""
    words = receipt.that_matter(without_values([word for word in arguments if word != RERUN_FAILED]))
    return receipt.digest([json.dumps(words)])


def _run(environ: Mapping[str, str]) -> str:
    """Name what all tries of a run share, as their place in a store does; empty where no CI names it."""
    with suppress(SettingsError):
        return ci.place(environ, 1).rsplit("/", 2)[0]
    return ""


def _before(settings: Settings, arguments: Sequence[str], environ: Mapping[str, str]) -> Optional[Rest]:
    """Read what the try before left; None where there is none of this run and part, or it cannot be used."""
    if RERUN_FAILED not in arguments:
        return None
    run = _run(environ)
    with suppress(AttributeError, PipelineError, KeyError, TypeError, ValueError):
        data = files.read_json(settings.state / RERUN, SCHEMA, "")
        rest = Rest(
            **{name: str(data[name]) for name in ("run", "arguments", "ran_as")},
            tested={str(name): str(state) for name, state in data["tested"].items()},
            tests=[str(test) for test in data["tests"]],
            red=[str(test) for test in data["red"]],
            whole=int(data["whole"]),
        )
        return rest if run and (rest.run, rest.arguments) == (run, _digest(arguments)) else None
    return None
