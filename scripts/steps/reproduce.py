"""Run a shard again as a bundle or its folder recorded it: do its failures come again? `invoke reproduce`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from .. import settings as settings_module
from ..ci import Node
from ..console import INSTALLED, at_most, counted, printable, quoted, say, table
from ..errors import IncompleteError, OtherFailures, SettingsError
from ..evidence import archive, facts, reproduction
from ..evidence.archive import Contents
from ..evidence.reproduction import Comparison, Recorded, Row
from ..models import store
from ..proof import outcomes, receipt, report_text
from ..proof.receipt import Receipt
from ..runner import checkout, ownership, preparation, replay, shard
from ..runner.service_session import starts_service
from ..settings import Settings
from ..system.programs import ProgramFailed
from . import integration

FOLDER = "reproduced"  # in the reports
MOST_ROWS, MOST_CHARACTERS = 25, 60
SHOWN = 20


class Wish(NamedTuple):
    """What a person asks for.

    Args:
        place: a bundle, a reports folder, or that of a shard; None for the reports of the last run here.
        shard: its index; None for the first red one.
        on_this_code: run the tests on the working tree, whatever commit was tested.
        any_python: run them on this Python, whatever the other was.
        arguments: more for pytest: what was taken out of the result as it may be a secret.
    """

    place: Optional[Path] = None
    shard: Optional[int] = None
    on_this_code: bool = False
    any_python: bool = False
    arguments: Sequence[str] = ()


def run(settings: Settings, wish: Wish) -> int:
    """Run the tests of a shard as they ran: the same ones in the same order, in as many processes.

    Returns:
        1 when a recorded failure came again, 0 when none did and nothing else is red.

    Raises:
        SettingsError: what is needed to run them is not here; with the command that brings it.
        OtherFailures: none came again, and something else is red.
        IncompleteError: none came again, and not all tests ran.
        PipelineError: a step could not do its work.
    """
    place = found(settings, wish.place)
    wish = wish._replace(place=place) if wish.place else wish
    contents = archive.read(place)
    index, others = reproduction.choose(contents, wish.shard)
    recorded = reproduction.read(contents, index)
    for line in introduction(recorded, settings.shown(place.resolve()), others):
        say(line)
    _check_python(settings, recorded, wish)
    arguments = _arguments(settings, recorded, wish)
    own = _placed(_on_code(settings, recorded, contents, wish), settings)
    with_weights = preparation.wants_weights(own, starts_service(own))
    if with_weights:
        own.check_weights()
    with ownership.of_all(own):
        integration.clear(own)
        environments = preparation.install(own, with_service=starts_service(own))
        if with_weights:
            preparation.fetch_weights(own)  # a suite may look at them while it is collected
        for line in difference_lines(contents, recorded, _here(own, contents)):
            say(line)
        recorded = replay.check(own, environments.suite, recorded, arguments, may_lack=wish.on_this_code)
        result = replay.run(own, recorded, arguments)
    return _concluded(settings, own, recorded, result)


def found(settings: Settings, place: Optional[Path]) -> Path:
    """Find what a person named, from here or from the project; the folder of the run where it has no bundle yet."""
    if place is None or (place.parent.resolve() == settings.reports.resolve() and not place.exists()):
        return settings.reports
    return place if place.exists() else settings.project / place


# What is run --------------------------------------------------------------------------------------------


def introduction(recorded: Recorded, place: str, others: Sequence[int] = ()) -> List[str]:
    """Say which shard is run again, and what it was."""
    red = counted(len(recorded.failures), "failure")
    killed = ", and was killed" if recorded.killed else ""
    processes = f" in {len(recorded.processes)} processes" if len(recorded.processes) > 1 else ""
    name = f"shard index {recorded.index} of {recorded.total}"
    ran = f"{counted(len(recorded.tests), 'test')}{processes}" if recorded.processes else "no test was chosen"
    lines = [f"{place}: {name}: {ran}; it had {red}{killed}"]
    if others:
        lines.append(f"also red: {', '.join(f'--shard {index}' for index in others)}")
    return lines


def _check_python(settings: Settings, recorded: Recorded, wish: Wish) -> None:
    """Refuse another Python: packages and much of what tests see come with it."""
    minor, here = ".".join(recorded.python.split(".")[:2]), "{}.{}".format(*sys.version_info)
    if minor in ("", here) or wish.any_python:
        return
    place = [str(wish.place)] if wish.place else []
    anyway = settings.command("invoke", "reproduce", *place, "--any-python")
    message = f"the shard ran on Python {recorded.python}, and this is {here}"
    if __package__.split(".")[0] == INSTALLED:
        hint = f"Install Shardline for Python {minor}, and run this there; or on this one: {anyway}"
    else:
        hint = f"Run it there: {{command}}    (or on this one: {anyway})"
    raise SettingsError(message, hint, ("nox", "-s", f"reproduce-{minor}", "--", *place))


def _arguments(settings: Settings, recorded: Recorded, wish: Wish) -> List[str]:
    """Put the arguments for pytest together, and say which were recorded.

    Raises:
        SettingsError: one has to be given again, since its value was taken out of the result, or since a bundle may
            come from a stranger, and it leads out of the project.
    """
    is_own = wish.place is None or _lies_in(settings.reports, wish.place)
    lacking = reproduction.lacking(recorded.arguments, wish.arguments, is_own)
    if lacking:
        place = [str(wish.place)] if wish.place else []
        words = (f"{name}=VALUE" if name.startswith("-") else name for name in lacking)
        again = settings.command("invoke", "reproduce", *place, "--", *words)
        message = f"what {' and '.join(lacking)} was is not taken from it: a secret, or a place outside of the project"
        raise SettingsError(message, f"Give it again: {again}")
    kept, _ = reproduction.sorted_out(recorded.arguments, is_own)
    if kept:  # what a person adds may be a secret
        say(f"run with: {' '.join(map(quoted, kept))}")
    return [*kept, *wish.arguments]


def _lies_in(reports: Path, place: Path) -> bool:
    """Tell whether a folder is that of the reports here, or below it; a bundle may have come from anywhere."""
    return place.is_dir() and reports.resolve() in (place.resolve(), *place.resolve().parents)


def _placed(settings: Settings, here: Settings) -> Settings:
    """Give what the replay leaves a place of its own, so that the results of the run stay."""
    folder = here.reports / FOLDER
    named = here.addressed[: here.addressed.index("--reports")] if "--reports" in here.addressed else here.addressed
    return replace(settings, reports_directory=folder, addressed=(*named, "--reports", here.shown(folder)))


# On which code ------------------------------------------------------------------------------------------


def _on_code(settings: Settings, recorded: Recorded, contents: Contents, wish: Wish) -> Settings:
    """Find the code to run the tests on: the settings of this project, or of the commit that was tested."""
    commit, changed = "", []
    try:
        told = facts.commit(settings)
        commit, changed = str(told["commit"]), [str(name) for name in told["changed"]]
    except ProgramFailed as failed:
        say(f"which code this is is not known: {failed}")
    if wish.place:
        changed = [name for name in changed if not _is_of(name, wish.place, settings)]
    there = reproduction.changed_files(contents)
    is_here, why = on_which(recorded.commit, there, commit, changed, wish.on_this_code)
    if is_here:
        say(f"code: {printable(why)}")
        return settings
    project = checkout.project_at(settings, recorded.commit)
    say(f"code: {printable(why)}")
    loaded = settings_module.load(str(project / settings.file.name), {}, Path.cwd())
    checkout.share_weights(loaded, settings)
    return loaded


def _is_of(change: str, place: Path, settings: Settings) -> bool:
    """Tell whether a file that git does not know is the bundle itself, or the folder that it lies in."""
    path = (settings.project / change.partition(" ")[2].rstrip("/")).resolve()
    return change.startswith("?? ") and path in (place.resolve(), *place.resolve().parents)


def on_which(
    commit: str, changed: Optional[Sequence[str]], here: str, changed_here: Sequence[str], on_this_code: bool
) -> Tuple[bool, str]:
    """Decide whether to run on the code that is here, and say why.

    Args:
        commit: that was tested, empty where that is not known; `changed`: what differed from it there, None where only
            the folder of the run is there, which does not tell.
        here: the commit that is checked out, and `changed_here` what differs from it.

    >>> on_which("1a2b3c4", [], "1a2b3c4", [], False), on_which("1a2b3c4", [], "5d6e7f8", [], False)[0]
    ((True, 'commit 1a2b3c4, as it was there'), False)
    """
    name = f"commit {commit[:12]}"
    if on_this_code:
        return True, f"what is here, as asked{f'; there it was {name}' if commit != here else ''}"
    if not commit:
        return True, "what is here; which commit was tested is not recorded"
    if changed is None and commit == here:
        more = f", with {counted(len(changed_here), 'file')} changed" if changed_here else ""
        return True, f"what is here: {name}, as it was then{more}"
    changed = changed or ()
    files = f"{counted(len(changed), 'file')} that differed from it there ({', '.join(at_most(3, changed))})"
    if commit == here and sorted(changed) == sorted(changed_here):
        return True, f"{name}, {'with the same files changed' if changed else 'as it was there'}"
    lacking = f", without {files}: they are not in the bundle, and results may differ" if changed else ""
    if commit == here and not changed_here:
        return True, f"{name}{lacking}"
    return False, f"{name}, checked out beside this{lacking}"


# What differs -------------------------------------------------------------------------------------------


def _here(settings: Settings, there: Contents) -> Dict[str, bytes]:
    """Find here what a bundle says of its machine and project, in the same form; nothing else."""
    if not {"machine.json", "settings.json", "commit.json"} & set(there):
        return {}
    members, _ = facts.gather(settings, "", facts.Asked(weights=lambda: store.inventory(settings)))
    return {member.name: member.content for member in members if member.name in there}


def difference_lines(there: Contents, recorded: Recorded, here: Contents) -> List[str]:
    """Lay out in a table what differs here, and say what is the same."""
    known = {"Python": recorded.python, "PYTEST_ADDOPTS": recorded.addopts and f"digest {recorded.addopts[:8]}"}
    words = receipt.digest_of_words(shard.added(os.environ))
    ours = {"Python": "{}.{}.{}".format(*sys.version_info), "PYTEST_ADDOPTS": words and f"digest {words[:8]}"}
    facts_rows = reproduction.rows({**known, **reproduction.facts(there)}, {**ours, **reproduction.facts(here)})
    set_there, set_here = reproduction.settings_of(there), reproduction.settings_of(here)
    settings = reproduction.rows(set_there, set_here) if set_there and set_here else []
    hidden = [row for row in settings if reproduction.HIDDEN.search(row.there)]
    compared = [row for row in facts_rows if row.there or row.here]
    compared += [row for row in settings if row not in hidden]
    lines = ["", *_table([row for row in compared if not row.same]), *_same(compared)]
    if hidden:
        lines.append(f"not compared, since the bundle does not show them: {counted(len(hidden), 'setting')}")
    if "machine.json" not in there:
        lines.append("packages, settings and machine are not compared: only a bundle says what they were")
    return lines


def _table(rows: Sequence[Row]) -> List[str]:
    """Lay out what differs, packages last: they may be many."""
    packages = [row for row in rows if row.name.startswith("package ")]
    shown = [*(row for row in rows if row not in packages), *packages][:MOST_ROWS]
    cells = [tuple(_cell(text) for text in row) for row in shown]
    more = [f"and {len(rows) - len(shown)} more"] if len(rows) > len(shown) else []
    return [*table(("differs", "there", "here"), cells), *more] if rows else ["nothing that is known differs here"]


def _cell(text: str) -> str:
    told = printable(text)
    return told if 0 < len(told) <= MOST_CHARACTERS else f"{told[: MOST_CHARACTERS - 3]}..." if told else "-"


def _same(rows: Sequence[Row]) -> List[str]:
    """Say in a line what is the same; packages, weights and settings by their number."""
    same = [row.name for row in rows if row.same]
    many = {kind: sum(name.startswith(f"{kind} ") for name in same) for kind in ("package", "weights", "setting")}
    few = [name for name in same if name.partition(" ")[0] not in many]
    counts = [f"{count} {kind.rstrip('s')}{'s' * (count != 1)}" for kind, count in many.items() if count]
    return [f"the same: {', '.join([*few, *counts])}"] if same else []


# The end ------------------------------------------------------------------------------------------------


def _concluded(settings: Settings, own: Settings, recorded: Recorded, result: Receipt) -> int:
    """Say what came again; the exit code, and errors, as in `run`."""
    comparison = reproduction.compare(recorded.failures, reproduction.failures_of(result))
    say(f"\n{result.name}: {report_text.summary(result)}")
    for line in comparison_lines(comparison, recorded, result):
        say(line)
    folder = shard.folder_of(own, Node(result.index, result.total))
    say(f"results: {settings.shown(folder)}")
    say(comparison.text)
    if comparison.again:
        return 1
    hint = f"What differs stands above; its results are in {settings.shown(folder)}."
    if comparison.new:
        raise OtherFailures(comparison.text, hint)
    not_run = [test for test in result.tests if test.proven == outcomes.NOT_RUN]
    if result.ended != receipt.FINISHED or not_run:
        raise IncompleteError(f"{counted(len(not_run), 'test')} did not run: {receipt.ENDINGS[result.ended]}", hint)
    return 0


def comparison_lines(comparison: Comparison, recorded: Recorded, result: Receipt) -> List[str]:
    """List the failures: those that came again, those that did not, with what became of them, and new ones."""
    here, now = reproduction.failures_of(result), {test.nodeid: test.proven for test in result.tests}
    lines = [
        *(f"again  {receipt.shown(name)}: {receipt.one_line(here[name])}" for name in comparison.again),
        *(f"{now.get(name, 'not')} here  {receipt.shown(name)}; there: {receipt.one_line(recorded.failures[name])}"
          for name in comparison.gone),
        *(f"new  {receipt.shown(name)}: {receipt.one_line(here[name])}" for name in comparison.new),
    ]  # fmt: skip
    return [f"  {line}" for line in at_most(SHOWN, lines)]
