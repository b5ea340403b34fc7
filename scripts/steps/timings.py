"""Show what is known about how long the tests take, learn it from other tools' reports, and write it for them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import List, Sequence

from ..console import at_most, counted, human_bytes, human_seconds, say, table
from ..errors import PipelineError, SettingsError
from ..planning import forecast, history, timings
from ..planning.timings import Sample, Source, Timings
from ..proof import junit
from ..proof.receipt import shown
from ..runner import collection, preparation
from ..settings import Settings
from ..system.files import write_text
from ..system.machine import machine_class


def run(settings: Settings, count: int = 10) -> None:
    """Collect the tests and lay the history of durations beside them; `count` of each kind are named.

    Raises:
        PipelineError: the suite cannot be collected, or the history cannot be read.
    """
    past = timings.load(history.file_of(settings))
    environment = preparation.install(settings, with_service=False).suite
    for line in lines(past, collection.collect(settings, environment, []).nodeids, count):
        say(line)


def learn(settings: Settings, file: Path) -> None:
    """Add the durations of a JUnit report (.xml), or of pytest-split's .test_durations, to the history.

    Raises:
        PipelineError: the file is neither.
    """
    try:
        state = file.stat()
        if not stat.S_ISREG(state.st_mode):
            raise OSError("it is no regular file")
        source = Source(max(0, int(state.st_mtime)), file.name, 0, machine_class())
        taught = _of_junit(source, file) if file.suffix == ".xml" else _of_pytest_split(source, file)
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error}", "Name a JUnit report or a .test_durations file.") from error
    history.learn(settings, taught)
    say(f"learned from {file}: {counted(len(taught.tests), 'test')}")


def _of_junit(source: Source, file: Path) -> Timings:
    try:
        results = junit.parse(file)
    except junit.Unreadable as error:
        raise SettingsError(f"{file} is no JUnit report: {error}", "Write one with pytest --junitxml.") from error
    ran = [result for result in results if timings.teaches(result.outcome)]
    timed = [Sample(result.nodeid, round(result.seconds * 1000)) for result in ran if result.timed]
    if not timed:
        what = f"{file} times no test that passed: it has {counted(len(results), 'test case')}"
        raise SettingsError(what, "Write one with pytest --junitxml.")
    if len(timed) < len(ran):
        say(f"left out, since their time cannot be read: {counted(len(ran) - len(timed), 'test')}")
    return timings.learned(source, timed)


def _of_pytest_split(source: Source, file: Path) -> Timings:
    if file.stat().st_size > junit.MOST_BYTES:
        raise OSError(f"expected at most {human_bytes(junit.MOST_BYTES)}")
    try:
        return timings.from_pytest_split(source, file.read_bytes())
    except PipelineError as error:
        raise SettingsError(
            f"{file}: {error.message}", "Name a JUnit report (.xml) or a .test_durations file."
        ) from error


def export(settings: Settings, file: Path) -> None:
    """Write what is known as pytest-split's .test_durations.

    Raises:
        PipelineError: it cannot be written.
    """
    known, _ = history.estimates(settings)
    write_text(file, timings.to_pytest_split(known))
    say(f"{file}: {counted(len(known.tests_ms), 'test')}")


def lines(past: Timings, nodeids: Sequence[str], count: int) -> List[str]:
    """Word the history for people."""
    known = forecast.estimates(past, machine_class())
    slowest = timings.slowest(known, count)
    jumps = forecast.jumped(past)
    rows = [(human_seconds(cost / 1000), shown(nodeid)) for nodeid, cost in slowest]
    return [
        f"{counted(len(nodeids), 'test')}, {len(set(nodeids) & set(past.tests))} with timings",
        *(["", *table(("about", "the slowest"), rows)] if rows else []),
        *_named("never timed", timings.unknown(past, nodeids), count),
        *_named("timed, and not collected any more", timings.stale(past, nodeids), count),
        *_named("jumped", [_jump(jump) for jump in jumps], count),
    ]


def _jump(jump: forecast.Jump) -> str:
    before, now = human_seconds(jump.before_ms / 1000), human_seconds(jump.now_ms / 1000)
    return f"{jump.nodeid}: {before} before, {now} in the last run"


def _named(title: str, nodeids: Sequence[str], count: int) -> List[str]:
    """Word a heading with the number, and the first few; nothing where there is none."""
    if not nodeids:
        return []
    return ["", f"{title}: {len(nodeids)}", *(f"  {line}" for line in at_most(count, list(map(shown, nodeids))))]
