"""Is this suite fit to be sharded? Try its tests in other orders and at once, and say which depends on which."""

from __future__ import annotations

import shutil
from typing import List, Sequence

from .. import console
from ..console import counted, human_seconds, say
from ..errors import PipelineError
from ..isolation import findings, report, settings_edit
from ..isolation.archive import Archive
from ..isolation.findings import Findings
from ..isolation.leftovers import Leftovers
from ..isolation.running import Laboratory
from ..isolation.study import MOST_RUNS, Terms, study
from ..isolation.trials import Ids, Result, Trial
from ..local import concurrency
from ..runner import collection, ownership, preparation, pytest_arguments, shard, sharing, subset
from ..runner.collection import Collected
from ..runner.preparation import Environments
from ..runner.pytest_arguments import nothing_selected
from ..runner.service_session import starts_service
from ..runner.watchdog import watchdog
from ..settings import Settings
from ..system import files, records
from ..system.signals import held_back

FOLDER = "isolation"
AT_ONCE = 2  # enough to disturb each other


def run(settings: Settings, arguments: Sequence[str], seed: int = 0, minutes: float = 0.0, write: bool = False) -> int:
    """Study the suite, say what its tests depend on, and propose what keeps such tests in one shard.

    Args:
        seed: of the shards that are cut at random.
        minutes: what all trials may take at most, beside `MOST_RUNS` times the serial run; 0 for no other limit.
        write: write the proposal into the settings file.

    Returns:
        0 when the suite is fit to be sharded, 1 when tests depend on others.

    Raises:
        Shown: the arguments ask pytest to show something, and to run nothing.
        PipelineError: a step could not do its work.
    """
    if pytest_arguments.shows_only(arguments):
        collection.show(settings, preparation.install(settings, with_service=False).suite, arguments)
    shard.check_run(settings, arguments)
    with ownership.of_all(settings):
        records.sweep(settings.state)
        environments = preparation.install(settings, with_service=starts_service(settings))
        environments.tell()
        if preparation.wants_weights(settings, starts_service(settings)):
            preparation.fetch_weights(settings)
        collected = collection.collect(settings, environments.suite, arguments)
        if not collected.nodeids:
            raise nothing_selected(arguments)
        terms = Terms(
            seed=seed,
            kept=[frozenset(group.nodeids) for group in collected.groups],
            at_once=_at_once(settings),
            most_s=60 * minutes or float("inf"),
        )
        found = _studied(settings, environments, arguments, collected, terms)
    return _concluded(settings, arguments, found, collected.nodeids, write)


def _at_once(settings: Settings) -> int:
    """Decide how many shards run at once: several also on a small machine, unless each has a service of its own."""
    if not starts_service(settings):
        return AT_ONCE
    return min(AT_ONCE, concurrency.decide(sharing.apart(settings), AT_ONCE, 0).shards)


def _studied(
    settings: Settings, environments: Environments, arguments: Sequence[str], collected: Collected, terms: Terms
) -> Findings:
    """Make trial after trial until the study ends; what an interrupted one has learnt is taken up."""
    folder = settings.state / FOLDER
    rest = subset.take(settings, arguments)[1]
    subject = [
        *collected.nodeids,
        collected.files_digest,
        *arguments,
        str(environments.suite.python),
        settings.file.read_text(encoding="utf-8", errors="replace"),
        f"{terms.seed} {terms.at_once} {terms.most_s}",
    ]
    archive = Archive(folder, subject)
    leftovers = Leftovers(settings.project, settings.suite_directory, folder / "aside")
    if len(archive):
        say(f"{counted(len(archive), 'trial')} of an interrupted study are known already")
    try:
        with watchdog() as dog:
            laboratory = Laboratory(settings, environments, rest, folder / "trial", dog)
            found = _followed(collected, terms, laboratory, archive, leftovers)
    finally:
        leftovers.restore()
    archive.clear()
    shutil.rmtree(str(folder / "trial"), ignore_errors=True)
    return found


def _followed(
    collected: Collected, terms: Terms, laboratory: Laboratory, archive: Archive, leftovers: Leftovers
) -> Findings:
    steps = study(collected.nodeids, terms)
    spent_s = serial_s = 0.0
    trial, number = next(steps), 0
    while True:
        result = archive.read(trial) or _made(trial, laboratory, archive, leftovers)
        spent_s += result.elapsed_s
        if not number:
            serial_s = result.elapsed_s
            leftovers.learn(result)
        number += 1
        say(_line(number, trial, result, spent_s, serial_s))
        try:
            trial = steps.send(result)
        except StopIteration as stop:
            leftovers.clear()
            found: Findings = stop.value
            return found


def _made(trial: Trial, laboratory: Laboratory, archive: Archive, leftovers: Leftovers) -> Result:
    leftovers.clear()
    with console.progress(f"{trial.purpose}: {counted(trial.size, 'test')}"), held_back() as signalled:
        result = laboratory.result(trial, signalled)
    archive.write(trial, result)
    return result


def _line(number: int, trial: Trial, result: Result, spent_s: float, serial_s: float) -> str:
    runs = f"{spent_s / max(serial_s, 0.001):.1f} of at most {MOST_RUNS:.0f} runs"
    return f"  {number:2}. {trial.purpose}: {counted(trial.size, 'test')}, {human_seconds(result.elapsed_s)}; {runs}"


def _concluded(
    settings: Settings, arguments: Sequence[str], found: Findings, collected: Sequence[str], write: bool
) -> int:
    say()
    for line in report.lines(found):
        say(line)
    place = {nodeid: number for number, nodeid in enumerate(dict.fromkeys(collected))}
    items = findings.together(findings.groups(found.needs, found.clashes, place), collected)
    if items and write:
        _write(settings, items)
    elif items:
        command = settings.command("nox", "-s", "isolation", "--", "--write", *arguments)
        for line in report.proposal(items, settings_edit.section(items), command):
            say(line)
    return 0 if found.is_fit else 1


def _write(settings: Settings, items: List[Ids]) -> None:
    """Add the items to the settings file; where its form does not allow that, say what a person has to add.

    Raises:
        PipelineError: the file cannot be written.
    """
    file = settings.file.resolve()
    content = file.read_bytes()
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    text = content[len(mark) :].decode("utf-8")
    changed = settings_edit.edited(text, settings_edit.missing(text, items))
    say()
    if changed is None:
        say(f"{settings.file.name} is written in a form that is not safely changed by a program. Please add:")
        for line in settings_edit.section(items).splitlines():
            say(line)
        return
    try:
        mode = file.stat().st_mode
        files.write_bytes(file, mark + changed.encode("utf-8"))
        file.chmod(mode)
    except OSError as error:
        raise PipelineError(f"cannot write {file}: {error.strerror}", "Is there the right to write?") from error
    say(f"written into {settings.file.name}, suite.together:")
    for line in settings_edit.block(items, "  ").splitlines():
        say(line)
