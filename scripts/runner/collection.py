"""Collect the suite's node ids, or those of a part of it, without running anything."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import List, Mapping, Sequence

from ..console import progress
from ..environments.environments import Environment
from ..errors import SuiteError
from ..settings import Settings
from . import journal, plugin_loader, subset
from .pytest_process import by_hand, cannot_start, pytest_words

LAST_LINES = 20


def collect(settings: Settings, environment: Environment, arguments: Sequence[str]) -> List[str]:
    """Collect the node ids, in collection order.

    Args:
        arguments: those for pytest, and ours for a part of the suite (see `subset`).

    Raises:
        SuiteError: a file cannot be collected; pytest's own last lines say why.
        SettingsError: the part names what is not there.
    """
    wanted, arguments = subset.take(settings, arguments)
    arguments = ["--collect-only", "-q", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "journal.jsonl"
        words = pytest_words(settings, environment, arguments)
        environ = environment.variables(os.environ)
        variables = plugin_loader.variables(environ, settings.state / "plugin", record, 0, settings.suite.paths)
        with progress("collecting the tests"):
            try:
                output = _output(words, settings.suite_directory, variables)
            except OSError as error:
                raise cannot_start(error) from error
        rounds = journal.read(record)
    if not rounds or rounds[-1].selected is None or rounds[-1].collection_errors:
        unheard = "" if rounds else f"\n  ({plugin_loader.UNHEARD})"
        see = f"See: {by_hand(settings, environment, arguments)}"
        raise SuiteError(f"the suite cannot be collected:\n{_last(output)}{unheard}", see)
    return subset.of(wanted, rounds[-1].selected)


def _output(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout


def _last(output: str) -> str:
    return "\n".join(f"  {line}" for line in output.splitlines()[-LAST_LINES:])
