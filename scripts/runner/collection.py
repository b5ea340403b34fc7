"""Collect the suite's node ids, or those of a part of it, without running anything, and without a trace.

Nothing that a person's arguments, addopts or plugins do at the start or end of a session happens here: the plugin ends
the process as soon as the tests are collected.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from types import MappingProxyType
from typing import List, Mapping, NamedTuple, NoReturn, Optional, Sequence, Tuple

from ..console import progress, visible
from ..environments.environments import Environment
from ..errors import SettingsError, Shown, SuiteError
from ..planning import params, together
from ..planning.params import Params
from ..planning.together import Group
from ..proof import journal, receipt
from ..proof.measured import Wishes
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import programs
from ..system.process_tree import MARKER
from ..system.processes import exit_words
from ..system.programs import ProgramFailed
from . import coverage, plugin_loader, subset
from .plugin_loader import Order
from .pytest_arguments import NO_TESTS, SEE_ABOVE, USAGE_ERROR, may_be_paths, nothing_selected
from .pytest_process import by_hand, cannot_start, paths_of, pytest_words
from .service_session import collection_variables, urls_of
from .watchdog import watchdog

LAST_LINES = 20
BROKEN_CONFTEST = "ImportError while loading conftest"  # ends pytest as a wrong argument does
START = "collection"  # what the lines of its journal say, which nobody else sees


class Collected(NamedTuple):
    """The ids, in collection order, the digest of their files, which of them stay together, and their Python.

    `coverage` is what pytest-cov is asked for here; None where that is nothing, or the suite was not collected only.
    `params` are those of shared fixtures, by id.
    """

    nodeids: List[str]
    files_digest: str = ""
    groups: Tuple[Group, ...] = ()
    python: str = sys.executable
    coverage: Optional[Wishes] = None
    params: Mapping[str, Params] = MappingProxyType({})


def collect(settings: Settings, environment: Environment, arguments: Sequence[str]) -> Collected:
    """Collect the tests.

    Args:
        arguments: those for pytest, and ours for a part of the suite (see `subset`).

    Raises:
        SuiteError: a file cannot be collected; pytest's own last lines say why.
        SettingsError: pytest does not know an argument, or the part names what is not there.
    """
    wanted, arguments = subset.take(settings, arguments)
    words = pytest_words(settings, environment, ["--collect-only", "-q", *arguments])
    with tempfile.TemporaryDirectory() as folder, progress("collecting the tests"):
        record = Path(folder) / "journal.jsonl"
        marks, named = together.marks_of(settings.suite.together), may_be_paths(arguments)
        order = Order(record, START, paths=paths_of(settings), collects_only=True, marks=marks, named=named)
        environ = collection_variables(settings, environment.variables(os.environ), Path(folder) / "artifacts")
        environ = plugin_loader.variables(environ, settings.state / "plugin", order)
        words, environ = coverage.measuring_into(words, environ, Path(folder) / "coverage")
        output, failure = _output(words, environ, settings.suite_directory)
        rounds, _ = journal.read(record, START)
    if failure == USAGE_ERROR and BROKEN_CONFTEST not in output and not (rounds and rounds[-1].collected):
        see = _see(settings, environment, arguments)
        raise SettingsError(f"pytest cannot use its arguments:\n{_last(output)}", see)
    if not rounds and "No module named pytest" in output:
        raise _no_pytest(settings, words[0])
    if not rounds or rounds[-1].selected is None or rounds[-1].collection_errors:
        why = _why(rounds[-1]) if rounds else f"{_last(output)}\n  ({plugin_loader.UNHEARD})"
        message = f"the suite cannot be collected:\n{why or _last(output)}"
        raise SuiteError(message, _see(settings, environment, arguments))
    found = _collected(settings, rounds[-1])
    return found._replace(nodeids=subset.of(wanted, found.nodeids, found.groups))


def of_shard(settings: Settings, folder: Path, result: Receipt) -> Optional[Collected]:
    """Take what a shard collected that could be given any test, from its journal; None where it tells of less.

    All results of a run have the digest of what their shards collected, so these tests are compared with those of all.
    """
    rounds, _ = journal.read(folder / receipt.BESIDE[0], result.start)
    first = next((told for told in rounds if told.listed), None)
    names = first.answer.get("names") if first else None
    known: Mapping[str, str] = names if isinstance(names, dict) else {}
    if first and receipt.digest(known.get(nodeid, nodeid) for nodeid in first.listed) == result.collected_digest:
        return _collected(settings, first)
    return None


def _collected(settings: Settings, told: Round) -> Collected:
    """Put together what a process tells of the tests that it has collected."""
    groups = (*together.heard(told.listed, told.groups), *together.wished(settings.suite.together, told.listed))
    return Collected(
        list(told.listed), told.files, groups, told.executable, told.coverage, params.heard(told.listed, told.params)
    )


def _output(words: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Tuple[str, Optional[int]]:
    """Run pytest, of which nothing goes on should we be killed; what it printed, and its exit code where not 0.

    Raises:
        PipelineError: it cannot be started.
    """
    mark = uuid.uuid4().hex[:12]
    with watchdog() as dog:
        dog.expect(mark)
        try:
            return programs.output(words, None, cwd=cwd, environ={**environ, MARKER: mark}, merged=True), None
        except ProgramFailed as failed:
            if isinstance(failed.__cause__, OSError):
                raise cannot_start(failed.__cause__) from failed
            return failed.output, failed.returncode
        finally:
            dog.forget(mark)


def _no_pytest(settings: Settings, python: str) -> SuiteError:
    requirements = settings.suite.requirements
    where = f"Add pytest to {requirements}" if requirements else "Install pytest there, or name suite.requirements"
    return SuiteError(f"the Python of the suite, {python}, has no pytest", f"{where}, and run again.")


def show(settings: Settings, environment: Environment, arguments: Sequence[str]) -> NoReturn:
    """Let pytest show what a person asks for, such as its fixtures; no test is run.

    Raises:
        Shown: it did.
        SettingsError: it cannot use its arguments.
        SuiteError: no test was selected, or there was another mistake; pytest has said which.
    """
    words = pytest_words(settings, environment, arguments)
    environ = plugin_loader.importable(environment.variables(os.environ), settings.state / "plugin")  # for its fixtures
    try:
        environ = collection_variables(settings, environ, settings.reports / "artifacts")
        code = subprocess.call(words, cwd=settings.suite_directory, env=environ)  # noqa: S603 - pytest
    except OSError as error:
        raise cannot_start(error) from error
    if code == NO_TESTS:
        raise nothing_selected(arguments)
    if code == USAGE_ERROR:
        raise SettingsError("pytest cannot use its arguments", SEE_ABOVE)
    if code:
        raise SuiteError(f"pytest ended with {exit_words(code)}", SEE_ABOVE)
    raise Shown


def _see(settings: Settings, environment: Environment, arguments: Sequence[str]) -> str:
    return f"See: {by_hand(settings, environment, ['--collect-only', '-q', *arguments], urls_of(settings))}"


def _why(round: Round) -> str:
    """Say which files could not be collected, with the end of pytest's own words for each."""
    errors = [f"{error.nodeid}: {error.message}\n{_last(error.text)}" for error in round.collection_errors]
    return "\n".join(f"  {line}" for error in errors for line in visible(error).splitlines())


def _last(output: str) -> str:
    return "\n".join(f"  {line}" for line in visible(output).splitlines()[-LAST_LINES:])
