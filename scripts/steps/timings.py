"""What is known about how long the tests take: the slowest, the unknown, the stale, and those that jumped."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence

from ..console import at_most, counted, human_seconds, say, table
from ..errors import SettingsError
from ..planning import forecast, history, timings
from ..planning.timings import Sample, Source, Timings
from ..proof import junit
from ..proof.outcomes import PASSED
from ..proof.receipt import shown
from ..runner import collection, preparation
from ..settings import Settings
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
        source = Source(int(file.stat().st_mtime), file.name, 0, machine_class())
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {file}: {error}", "Name a JUnit report or a .test_durations file.") from error
    if file.suffix == ".xml":
        results = junit.read(file)
        if results is None:
            raise SettingsError(f"{file} is no whole JUnit report", "Write one with pytest --junitxml.")
        passed = (result for result in results if result.outcome == PASSED)
        taught = timings.learned(source, (Sample(each.nodeid, round(each.seconds * 1000)) for each in passed))
    else:
        taught = timings.from_pytest_split(source, text)
    history.learn(settings, taught)
    say(f"learned from {file}: {counted(len(taught.tests), 'test')}")


def export(settings: Settings, file: Path) -> None:
    """Write what is known as pytest-split's .test_durations."""
    known, _ = history.estimates(settings)
    file.write_text(timings.to_pytest_split(known), encoding="utf-8")
    say(f"{file}: {counted(len(known.tests_ms), 'test')}")


def lines(past: Timings, nodeids: Sequence[str], count: int) -> List[str]:
    """The history for people."""
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
    """A heading with the number, and the first few; nothing where there is none."""
    if not nodeids:
        return []
    return ["", f"{title}: {len(nodeids)}", *(f"  {line}" for line in at_most(count, list(map(shown, nodeids))))]
