"""Whatever lies in the place of a result or of the plan: no red run gets green; it costs what it held, by name."""

from __future__ import annotations

import copy
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.proof import findings as v
from scripts.proof import receipt
from scripts.proof.case import Reference
from scripts.proof.findings import Verdict
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, RERUN, SKIPPED, XFAILED, Attempt
from scripts.proof.receipt import INTERRUPTED, STOPPED, ExtraError, Receipt, Selected, SetUpCosts
from scripts.proof.results import gather
from scripts.proof.verify import verify
from scripts.runner import merge
from scripts.settings import Settings, Suite
from tests.unit.proof.results import ran, shard

COLLECTION = ["a.py::one", "a.py::two", "b.py::three", "b.py::three", "b.py::four[0x1]", "c.py::five"]
FILES = "0" * 64
PLAN = planning.make(COLLECTION, Estimates({}), 2)
BOUND_S = 20.0  # of any hostile file on a loaded machine; most take milliseconds


def share_of(index: int, **outcomes: str) -> List[Selected]:
    """The tests of a shard of PLAN, passed but for those whose function is named."""
    found = []
    for nodeid in dict.fromkeys(PLAN.shards[index].nodeids):
        function = nodeid.partition("::")[2].partition("[")[0]
        ran_as = "b.py::four[0x7]" if "four" in nodeid else ""
        found.append(ran(nodeid, outcomes.get(function, PASSED), COLLECTION.count(nodeid), "why", ran_as))
    return found


def result(index: int, *tests: Selected, **facts: Any) -> Receipt:
    own: Dict[str, Any] = {"plan_id": PLAN.id, "timings_digest": PLAN.timings, "files_digest": FILES}
    own.update(commit="c" * 40, exit_codes=(0,), seconds={"packages": 1, "tests": 2.5})
    own.update(set_up=SetUpCosts(5, {"a.py": 7}, {"a.py::one": ("a.py",)}))
    return shard(index, *tests, collected=COLLECTION, **{**own, **facts})


def failed(write: Callable[[Receipt], None]) -> None:
    """A test failed; another was repeated by a plugin, two more were skipped or failed as expected."""
    repeated = Selected("c.py::five", PASSED, tuple(Attempt("c.py::five", 0, outcome) for outcome in (RERUN, PASSED)))
    for index in (0, 1):
        outcomes = share_of(index, one=FAILED, two=SKIPPED, four=XFAILED)
        tests = [repeated if test.nodeid == repeated.nodeid else test for test in outcomes]
        write(result(index, *tests, exit_codes=(1,)))


def lost(write: Callable[[Receipt], None]) -> None:
    """A shard left no result."""
    write(result(0, *share_of(0)))


def broken(write: Callable[[Receipt], None]) -> None:
    """Pytest ended with an internal error, though each test passed; another shard stopped at a failure."""
    write(result(0, *share_of(0), exit_codes=(3,), errors=(ExtraError("pytest", "internal error"),)))
    first, *rest = share_of(1)
    red = replace(ran(first.nodeid, ERROR, first.count), ran_as=first.ran_as)
    tests = [red, *(ran(test.nodeid, NOT_RUN) for test in rest)]
    write(result(1, *tests, exit_codes=(1,), ended=STOPPED))


def repaired(write: Callable[[Receipt], None]) -> None:
    """A first repair of what a shard lost found an error and stopped; a second ran the rest."""
    shards = [result(0, *share_of(0))]
    missing = share_of(1)
    undone = [ran(test.nodeid, NOT_RUN, test.count) for test in missing]
    error = ExtraError("conftest.py", "broken")
    first = completing(shards, undone, errors=(error,), ended=INTERRUPTED, exit_codes=(2,))
    for written in (*shards, first, completing([*shards, first], missing)):
        write(written)


def completing(results: Sequence[Receipt], tests: Sequence[Selected], **facts: Any) -> Receipt:
    verdict = verify(results, reference(PLAN))
    index = verdict.repair_index
    return result(index, *tests, of=2 + index, repairs=verdict.repairs, plan_id="", **facts)


RUNS = (failed, lost, broken, repaired)


class Records:
    """A folder of reports with the records of a run, of which one can be replaced, judged as the merge does it."""

    def __init__(self, project: Path, make: Callable[[Callable[[Receipt], None]], None]) -> None:
        self.settings = Settings(Suite("tests"), file=project / "pipeline.yml")
        self.reports = self.settings.reports
        planning.save(PLAN, self.reports / planning.FILE_NAME)
        make(self._write)
        self.files = sorted(self.reports.rglob("*.json"))

    def _write(self, written: Receipt) -> None:
        kind = "repair" if written.repairs else "shard"
        receipt.write(self.reports / f"{kind}-{written.index}" / receipt.FILE_NAME, written)

    def judged(self) -> Verdict:
        results = gather(self.reports)
        plan = merge.plan_of(self.settings, results)
        return verify(results.receipts, reference(plan), results.damaged, results.changed)


def reference(plan: Any) -> Reference:
    return Reference(COLLECTION, FILES, [part.nodeids for part in plan.shards] if plan else ())


# Values --------------------------------------------------------------------------------------------


class Mutation(NamedTuple):
    """One site of a record, and what became of it."""

    path: Tuple[Any, ...]
    what: str
    data: Any


OTHERS: Tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 10**6, 10**300, 0.5, -0.5, 1e308, "", "x", "0", [], {}, [[]], [{}], {"x": 1}),
    *(PASSED, NOT_RUN, SKIPPED, RERUN, "finished", PLAN.id, FILES, "a.py::one"),
)


def sites(data: Any, path: Tuple[Any, ...] = ()) -> Iterator[Tuple[Tuple[Any, ...], Any]]:
    """Each value in a record, itself included, with the keys that lead to it."""
    yield path, data
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield from sites(value, (*path, key))


def mutations_of(path: Tuple[Any, ...], value: Any) -> Iterator[Tuple[str, Callable[[Any], Any]]]:
    """What can become of the value at one site: a name, and what does it to the record's copy."""
    for other in OTHERS:
        if (type(other), other) != (type(value), value):
            yield f"= {other!r:.20}", lambda data, other=other: put(data, path, other)
    if path:
        yield "removed, or dropped", lambda data: put(data, path)
    if path and isinstance(path[-1], int):
        yield "doubled", lambda data: put(data, path[:-1], twice(at(data, path[:-1]), path[-1]))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield "+ 1", lambda data: put(data, path, value + 1)
    if isinstance(value, str):
        yield "+ x", lambda data: put(data, path, value + "x")
    if isinstance(value, dict):
        yield "one more key", lambda data: put(data, path, {**value, "more": 1})


def twice(values: List[Any], index: int) -> List[Any]:
    return [*values[: index + 1], *values[index:]]


def at(data: Any, path: Tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def put(data: Any, path: Tuple[Any, ...], *values: Any) -> Any:
    """Put a value at a place, or nothing; returns the record."""
    if not path:
        return values[0]
    holder = at(data, path[:-1])
    if values:
        holder[path[-1]] = values[0]
    else:
        del holder[path[-1]]
    return data


def mutations(data: Any) -> Iterator[Mutation]:
    """Every mutation of a single site of a record."""
    for path, value in sites(data):
        for what, mutate in mutations_of(path, value):
            yield Mutation(path, what, mutate(copy.deepcopy(data)))


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: run.__name__)
def records(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Records:
    return Records(tmp_path_factory.mktemp(request.param.__name__), request.param)


def test_these_runs_are_red_and_as_they_say(records: Records) -> None:
    assert not records.judged().green
    assert v.DAMAGED not in {finding.kind for finding in records.judged().findings}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mutation_of_a_record_makes_a_red_run_green(records: Records, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(records.files))
    content = file.read_bytes()
    path, value = data.draw(st.sampled_from(list(sites(json.loads(content)))))
    what, mutate = data.draw(st.sampled_from(list(mutations_of(path, value))))
    try:
        file.write_text(json.dumps(mutate(json.loads(content))))

        assert not records.judged().green, (file.parent.name, path, what)
    finally:
        file.write_bytes(content)


# Files ---------------------------------------------------------------------------------------------


def text(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


def large(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(100 << 20)


def lists(file: Path) -> None:
    with file.open("wb") as stream:
        stream.writelines([b"[", b"[]," * (35 << 20), b"[]]"])


def own_but(**facts: Any) -> Callable[[Path], object]:
    """The record as it was, with other facts in it, unsealed."""
    return lambda file: file.write_text(json.dumps({**RECORD, **facts}))


RECORD = {**receipt.to_json(result(1, *share_of(1))), "seal": "0" * 64}
IN_ITS_PLACE: Dict[str, Callable[[Path], object]] = {
    "nothing in it": text(b""),
    "a pipe": lambda file: os.mkfifo(str(file)),
    "a folder": lambda file: file.mkdir(),
    "a dangling link": lambda file: file.symlink_to("nowhere"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "a link to a device": lambda file: file.symlink_to("/dev/zero"),
    "100 MB": large,
    "100 MB of lists": lists,
    "100,000 brackets": text(b"[" * 100_000),
    "100,000 objects": text(b'{"a":' * 100_000),
    "not UTF-8": text(b'{"schema": "\xff"}'),
    "two of a key": text(b'{"schema": 2, "schema": 2}'),
    "a million shards": own_but(total=1_000_000),
    "a newer schema": own_but(schema=99),
    "Infinity": text(json.dumps({**RECORD, "began_s": float("inf")}).encode()),
    "a long number": text(b'{"schema": ' + b"9" * 1_000_000 + b"}"),
    "lone surrogates": text(b'{"schema": 2, "seal": "\\ud800"}'),
    "the result of another": lambda file: file.write_bytes((file.parent.parent / "shard-0" / file.name).read_bytes()),
}


@pytest.mark.parametrize("name", IN_ITS_PLACE)
@pytest.mark.parametrize("index", [1, 3])
def test_what_lies_in_the_place_of_a_result_costs_what_it_held_by_name(tmp_path: Path, name: str, index: int) -> None:
    records = Records(tmp_path, lambda write: [write(result(number, *share_of(number))) for number in (0, 1)])
    file = records.reports / f"shard-{index}" / receipt.FILE_NAME
    assert records.judged().green
    file.parent.mkdir(exist_ok=True)
    if file.exists():
        file.unlink()
    IN_ITS_PLACE[name](file)

    began = time.monotonic()
    verdict = records.judged()

    assert BOUND_S > time.monotonic() - began
    (damage,) = verdict.of(v.DAMAGED)
    assert (True, (index,), 1) == (str(file) in damage.text, damage.shards, len(damage.text.splitlines()))
    held = set(PLAN.shards[1].nodeids) if index == 1 else set()
    assert held == set(verdict.to_run)
    assert (v.INCOMPLETE, True) == (verdict.ended, verdict.repairable)


@pytest.mark.parametrize("name", [name for name in IN_ITS_PLACE if name != "the result of another"])
def test_what_lies_in_the_place_of_a_repair_is_red_by_name_and_can_be_made_again(tmp_path: Path, name: str) -> None:
    records = Records(tmp_path, lambda write: [write(result(number, *share_of(number))) for number in (0, 1)])
    file = records.reports / "repair-0" / receipt.FILE_NAME
    file.parent.mkdir()
    IN_ITS_PLACE[name](file)

    verdict = records.judged()

    (damage,) = verdict.of(v.UNFIT_REPAIR)
    assert (True, (0,)) == (f"repair 0: {file}" in damage.text, damage.shards)
    assert (False, True, ()) == (verdict.green, verdict.repairable, verdict.to_run)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_record_that_ends_early_never_makes_a_run_green(records: Records, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(records.files))
    content = file.read_bytes()
    try:
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])  # the last is a newline

        assert not records.judged().green
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("name", [name for name in IN_ITS_PLACE if name != "the result of another"])
def test_what_lies_in_the_place_of_the_plan_costs_the_plan(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(tmp_path, lambda write: [write(result(number, *share_of(number))) for number in (0, 1)])
    file = records.reports / planning.FILE_NAME
    file.unlink()
    IN_ITS_PLACE[name](file)

    began = time.monotonic()
    verdict = records.judged()

    assert BOUND_S > time.monotonic() - began
    assert verdict.green
    assert "the merge goes on without it" in capsys.readouterr().out


def test_an_old_plan_of_another_number_of_shards_makes_nothing_red(tmp_path: Path) -> None:
    records = Records(tmp_path, lambda write: [write(result(number, *share_of(number))) for number in (0, 1)])
    old = planning.make(COLLECTION, Estimates({}), 3)
    planning.save(old, records.reports / planning.FILE_NAME)

    assert merge.plan_of(records.settings, gather(records.reports)) is None
    assert (True, 2) == (records.judged().green, records.judged().total)


@pytest.mark.parametrize("name", receipt.BESIDE)
def test_a_journal_or_report_that_changed_afterwards_is_red_by_name(tmp_path: Path, name: str) -> None:
    for index in (0, 1):
        (tmp_path / "reports" / f"shard-{index}").mkdir(parents=True)
        (tmp_path / "reports" / f"shard-{index}" / name).write_text("as it was")
    records = Records(tmp_path, lambda write: [write(result(number, *share_of(number))) for number in (0, 1)])
    assert records.judged().green

    (records.reports / "shard-1" / name).write_text("edited")

    (finding,) = records.judged().of(v.CHANGED)
    assert ((1,), False) == (finding.shards, records.judged().green)
    assert f"{name} of shard index 1 of 2 changed after it had ended" == finding.text
