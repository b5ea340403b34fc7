"""Whatever happens to the journal of a red run, it never makes the run green: lines of real runs, torn and mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.errors import SuiteError
from scripts.proof import journal, outcomes, receipt
from scripts.runner.decisions import Exit, FinishedRound, Outcome, next_step
from scripts.runner.rounds import JOURNAL
from tests.unit.runner.shards import START, Shard

PASSES = "def test_before(): pass\n{}\ndef test_after(): pass\n"
RED_SUITES = {
    "fails": PASSES.format("def test_red(): assert 0"),
    "fails last": "def test_before(): pass\ndef test_red(): assert 0",
    "breaks in its teardown": PASSES.format(
        "import pytest\n@pytest.fixture\ndef db():\n    yield\n    assert 0\ndef test_red(db): pass"
    ),
    "breaks in its set-up": PASSES.format(
        "import pytest\n@pytest.fixture(scope='module')\ndef db(): assert 0\ndef test_red(db): pass"
    ),
    "kills its process": PASSES.format("import os\ndef test_red(): os._exit(0)"),
    "kills its process with a good word": "import os\ndef test_before(): pass\ndef test_red(): os._exit(0)",
    "stops pytest": PASSES.format("import pytest\ndef test_red(): pytest.exit('enough', 0)"),
}
HOOKS = {
    "dies at the end": "import os\ndef pytest_sessionfinish(): os._exit(0)",
    "loses a test": "def pytest_runtest_protocol(item): return item.name == 'test_red' or None",
}


class Ended(NamedTuple):
    """What a red run left: the lines of its journal, and how its processes ended."""

    lines: Tuple[bytes, ...]
    exits: Tuple[Exit, ...]


def is_green(outcome: Outcome) -> bool:
    reds = [test for test in outcome.tests if test.proven in outcomes.RED]
    return outcome.ended == receipt.FINISHED and not outcome.errors and not reds


def judged(content: bytes, exits: Sequence[Exit], file: Path) -> Optional[Outcome]:
    """What the runner makes of a journal; None where it refuses it."""
    file.write_bytes(content)
    try:
        rounds, _ = journal.read(file, START)
    except SuiteError:
        return None
    told = {round.number: round for round in rounds}
    return next_step([FinishedRound(exit, told.get(number)) for number, exit in enumerate(exits)])


def run(folder: Path, **modules: str) -> Ended:
    outcome = Shard(folder).write(**modules).run()
    lines = (folder / "shard" / JOURNAL).read_bytes().splitlines(keepends=True)
    return Ended(tuple(lines), tuple(ran.exit for ran in outcome.history))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Ended]:
    """Red runs by what is red in them, and one that is "green"."""
    green = PASSES.format("def test_red(): pass")
    suites = {**{name: {"test_it": text} for name, text in RED_SUITES.items()}, "green": {"test_it": green}}
    suites.update({name: {"test_it": green, "conftest": hook} for name, hook in HOOKS.items()})
    return {name: run(tmp_path_factory.mktemp("suite"), **modules) for name, modules in suites.items()}


def as_if_of(line: bytes, of: str) -> bytes:
    said = json.loads(line)
    return json.dumps([of, *said[1:]] if isinstance(said, list) else {**said, "of": of}).encode() + b"\n"


def strangers(runs: Dict[str, Ended], rounds: int) -> List[bytes]:
    """Lines of others: the green run's, under another start, and under a round of ours that never was."""
    lines = runs["green"].lines
    return [as_if_of(line, of) for of in ("0ther.0", f"{START}.{rounds}", f"{START}.x") for line in lines]


def test_untouched_they_are_what_they_are(runs: Dict[str, Ended], tmp_path: Path) -> None:
    verdicts = {name: judged(b"".join(told.lines), told.exits, tmp_path / "j") for name, told in runs.items()}

    assert {name: name == "green" for name in runs} == {
        name: verdict is not None and is_green(verdict) for name, verdict in verdicts.items()
    }


@pytest.mark.parametrize("name", [*RED_SUITES, *HOOKS])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_nothing_that_happens_to_a_red_journal_makes_it_green(
    runs: Dict[str, Ended], tmp_path: Path, name: str, data: st.DataObject
) -> None:
    red = runs[name]
    kept = list(red.lines)
    for _ in range(data.draw(st.integers(0, 3), "dropped")):
        if kept:
            del kept[data.draw(st.integers(0, len(kept) - 1))]
    others = data.draw(st.lists(st.sampled_from([*strangers(runs, len(red.exits)), *red.lines]), max_size=30), "added")
    for line in others:
        kept.insert(data.draw(st.integers(0, len(kept))), line)
    content = b"".join(kept)
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))), "cut at")]

    outcome = judged(content, red.exits, tmp_path / "j")

    assert outcome is None or not is_green(outcome)


@pytest.mark.parametrize("name", [*RED_SUITES, *HOOKS])
def test_no_single_cut_or_loss_of_a_red_journal_makes_it_green(
    runs: Dict[str, Ended], tmp_path: Path, name: str
) -> None:
    red, whole = runs[name], b"".join(runs[name].lines)
    cut = [whole[:size] for size in range(0, len(whole), 11)]
    lost = [
        b"".join(red.lines[:first] + red.lines[last:]) for last in range(len(red.lines) + 1) for first in range(last)
    ]

    for content in [*cut, *lost]:
        outcome = judged(content, red.exits, tmp_path / "j")
        assert outcome is None or not is_green(outcome), content


@pytest.mark.parametrize("name", [*RED_SUITES, *HOOKS])
def test_two_runs_that_write_line_by_line_into_one_journal_do_not_mix(
    runs: Dict[str, Ended], tmp_path: Path, name: str
) -> None:
    red = runs[name]
    green = [as_if_of(line, "0ther.0") for line in runs["green"].lines]
    mixed = [line for pair in zip(red.lines, [*green, *[b""] * len(red.lines)]) for line in pair]

    apart, together = (judged(b"".join(lines), red.exits, tmp_path / "j") for lines in (red.lines, mixed))

    assert apart == together


def test_a_wrapper_that_runs_pytest_again_after_a_failure_is_not_green(runs: Dict[str, Ended], tmp_path: Path) -> None:
    """As suite.command: sh -c 'pytest "$@" || pytest "$@"': two processes believe that they are the same round."""
    content = b"".join([*runs["fails"].lines, *runs["green"].lines])

    outcome = judged(content, (Exit(0),), tmp_path / "j")

    assert outcome is None or not is_green(outcome)
