"""Run the tests of one shard in rounds, one pytest process each, until none remains, and book what ended them.

`pytest_process` starts each; `decisions` decides after it, from what the journal tells and how the process ended.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Callable, List, Sequence

from .. import console
from ..errors import PipelineError
from ..proof import junit, receipt
from ..settings import Settings
from ..system.signals import let_through
from . import decisions, journal, plugin_loader, pytest_process
from . import selection as select_step
from .decisions import Exit, Outcome, Ran
from .pytest_process import Pulse, Say, Watch, pytest_words
from .service_session import Surroundings


def run(
    settings: Settings,
    around: Surroundings,
    folder: Path,
    select: Sequence[str],
    pytest_arguments: Sequence[str],
    signalled: Callable[[], bool],
    say: Say = console.say,
) -> Outcome:
    """Run the selected tests to their end, in as many rounds as it takes.

    To be called while signals are held back (`with held_back() as signalled`), so that the caller can write the
    receipt of an interrupted shard before the signal is raised.

    Args:
        around: the service that the tests need, which is started again where it dies, and their environment.
        folder: gets journal.jsonl and, after each round, junit.xml; an earlier run's are taken away.
        select: the command that answers "which tests next?" for the first round; empty to run all.
        signalled: whether somebody wants us to end; pytest then gets Ctrl-C and says where it was.

    Raises:
        SuiteError: pytest cannot be started, or the journal is not what the plugin writes.
    """
    record = _fresh(folder)
    limits = pytest_process.limits_for(pytest_arguments, settings.suite.test_timeout_s)
    words = pytest_words(settings, around.suite, pytest_arguments)
    watch = Watch(signalled, around.death)
    ended: List[Exit] = []
    while True:
        plugin = settings.state / "plugin"
        variables = plugin_loader.variables(
            around.variables(), plugin, record, len(ended), settings.suite.paths, select
        )
        exit = pytest_process.run(words, settings.suite_directory, variables, Pulse(record), limits, watch, say)
        if exit.hung_s and not exit.service:  # perhaps since the service does
            exit = replace(exit, service=around.silence())
        if exit.service:
            say(f"\n{exit.service}")
        ended.append(exit)
        told = {each.number: each for each in journal.read(record)}
        outcome = decisions.next_step([Ran(exit, told.get(index)) for index, exit in enumerate(ended)])
        if not outcome.ended and exit.service:
            outcome = _with_new_service(settings, around, outcome, say)
        junit.write(folder / "junit.xml", decisions.results(outcome, files_from(outcome, settings.project)))
        if outcome.ended:
            return outcome
        say(decisions.progress(outcome))
        select = _select_remaining(folder, outcome.remaining)


def _with_new_service(settings: Settings, around: Surroundings, outcome: Outcome, say: Say) -> Outcome:
    """Start the service again; where that fails, or somebody does not want to wait for it, this is the shard's end."""
    try:
        with let_through():
            around.start()
    except PipelineError as error:
        say(f"\n{error.shown(settings.command)}")
        return decisions.without_service(outcome, error.message)
    except (KeyboardInterrupt, SystemExit):
        return replace(outcome, ended=receipt.INTERRUPTED)
    return outcome


def files_from(outcome: Outcome, project: Path) -> str:
    """The folder that ids are relative to, from the project's: reports name files as the repository does.

    Empty where it is the project's own, or lies outside of it.
    """
    root = next((told.rootdir for told in outcome.rounds if told.rootdir), str(project))
    with suppress(ValueError):
        return "/".join(Path(root).resolve().relative_to(project.resolve()).parts)
    return ""


def _fresh(folder: Path) -> Path:
    """Where the journal will be; what an earlier run left is taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("journal.jsonl", "junit.xml", "remaining.json"):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    return folder / "journal.jsonl"


def _select_remaining(folder: Path, remaining: Sequence[str]) -> List[str]:
    """The command that answers "these"."""
    file = folder / "remaining.json"
    file.write_text(json.dumps(remaining), encoding="ascii")  # it escapes whatever the ids are made of
    return select_step.command("--ids", str(file.resolve()))
