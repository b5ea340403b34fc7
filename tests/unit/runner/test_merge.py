"""What a merge makes of the files that shards left; what it decides is verify's."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Tuple

import pytest

from scripts.errors import BudgetError, CoverageError, IncompleteError, PipelineError, ServiceDied, SuiteError
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.proof import findings as f
from scripts.proof import junit, receipt
from scripts.proof.findings import Finding, Verdict
from scripts.proof.outcomes import Attempt
from scripts.proof.receipt import ExtraError, Receipt, Selected
from scripts.proof.results import Results, gather
from scripts.runner import merge, sharing
from scripts.runner.collection import Collected
from scripts.runner.decisions import UNNAMED
from scripts.runner.sharing import Generation
from scripts.settings import Budgets, Service, Settings, Suite
from scripts.typed_yaml import Bytes

IDS = ["t.py::test_a", "t.py::test_b"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def result(index: int, outcome: str = "passed", total: int = 2, **more: object) -> Receipt:
    nodeid = IDS[index]
    tests = (Selected(nodeid, outcome, (Attempt(nodeid, 0, outcome, call_s=1.5, own_s=1.5),)),)
    made = Receipt("r", "p", index, total, receipt.digest(IDS), 2, "t", tests, start=f"5f3{index}", files_digest="f")
    return replace(made, exit_codes=(int(outcome != "passed"),), **more)  # type: ignore[arg-type]


def leave(settings: Settings, *results: Receipt) -> None:
    """Write results as shards do, journal and report beside them."""
    for made in results:
        folder = settings.reports / f"{'repair' if made.repairs else 'shard'}-{made.index}"
        folder.mkdir(parents=True)
        lines = [json.dumps({"of": f"{made.start}.0", "n": 0, "event": "load"})]
        (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")
        junit.write(folder / "junit.xml", junit.of_tests(made.tests, {}, ""))
        receipt.write(folder / receipt.FILE_NAME, made)


def names(found: Results) -> Tuple[object, ...]:
    return [made.index for made in found.receipts], [each.index for each in found.damaged], list(found.changed)


def test_all_results_are_read(settings: Settings) -> None:
    leave(settings, result(0), result(1))

    assert ([0, 1], [], []) == names(gather(settings.reports))


def test_a_result_that_cannot_be_read_costs_only_itself(settings: Settings) -> None:
    leave(settings, result(0), result(1))
    (settings.reports / "shard-1" / receipt.FILE_NAME).write_text('{"schema": 2')

    assert ([0], [1], []) == names(gather(settings.reports))


@pytest.mark.parametrize("name", ["junit.xml", "journal.jsonl"])
def test_a_file_that_was_edited_after_the_shard_is_noticed(settings: Settings, name: str) -> None:
    leave(settings, result(0), result(1))
    with (settings.reports / "shard-1" / name).open("a") as file:
        file.write("\n")

    assert ([0, 1], [], ["shard index 1 of 2"]) == names(gather(settings.reports))


def test_a_result_in_the_place_of_another_is_none(settings: Settings) -> None:
    leave(settings, result(0), result(1))
    shutil.copytree(str(settings.reports / "shard-0"), str(settings.reports / "shard-7"))

    assert ([0, 1], [7], []) == names(gather(settings.reports))


def test_folders_that_are_no_shard_s_and_links_to_nowhere_do_not_stop_it(settings: Settings) -> None:
    leave(settings, result(0), result(1))
    for name in ("shard-x", "shard-", "shard-1234567890", "shard-3"):
        (settings.reports / name).mkdir()
    (settings.reports / "shard-4").mkdir()
    (settings.reports / "shard-4" / receipt.FILE_NAME).symlink_to("nowhere")
    (settings.reports / "shard-5" / receipt.FILE_NAME).mkdir(parents=True)
    os.mkfifo(str(settings.reports / "shard-3" / receipt.FILE_NAME))

    assert ([0, 1], [3, 4, 5], []) == names(gather(settings.reports))


def test_a_plan_counts_where_the_shards_went_by_it(settings: Settings) -> None:
    made = planning.make(IDS, Estimates({}), 2)
    planning.save(made, settings.reports / planning.FILE_NAME)
    by_it, by_another = Results([result(0, plan_id=made.id)]), Results([result(0)])

    assert (made.id, None) == (
        getattr(merge.plan_of(settings, by_it), "id", ""),
        merge.plan_of(settings, by_another),
    )


def test_a_damaged_plan_costs_a_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.reports.mkdir()
    (settings.reports / planning.FILE_NAME).write_text("[" * 100_000)

    assert None is merge.plan_of(settings, Results())
    assert "the merge goes on without it" in capsys.readouterr().out


def test_the_part_that_shards_ran_is_what_all_of_them_say(settings: Settings) -> None:
    part, whole = result(0, arguments=("-k", "a")), result(1)

    assert ["-k", "a"] == merge.arguments_of(settings, Results([part]))
    assert [] == merge.arguments_of(settings, Results([part, whole]))
    assert [] == merge.arguments_of(settings, Results())


def test_a_green_run_writes_its_verdict_and_one_report_and_learns(settings: Settings) -> None:
    leave(settings, result(0), result(1))

    assert 0 == merge.conclude(settings, Collected(IDS, "f"), [])
    assert "green" == json.loads((settings.reports / merge.FILE_NAME).read_text())["ended"]
    assert sorted(IDS) == sorted(each.nodeid for each in junit.read(settings.reports / "junit.xml") or [])
    assert '"t.py::test_a"' in next(settings.state.glob("timings*")).read_text()


@pytest.mark.parametrize("kind", f.ABOUT_COVERAGE)
def test_low_coverage_is_1_and_named_but_never_hides_what_is_worse(settings: Settings, kind: str) -> None:
    low = Verdict(2, (), {}, (Finding(kind, "coverage: 25 %"),), (), "")

    with pytest.raises(CoverageError) as told:
        merge.exit_code(low, settings)

    assert (1, "coverage too low") == (told.value.exit_code, told.value.ended)
    assert merge.teaches(low) and not low.green and not low.repairable
    for other, ended in ((f.RED_TEST, f.TESTS_FAILED), (f.LOST, f.INCOMPLETE)):
        assert ended == replace(low, findings=(*low.findings, Finding(other, "", "t.py::test_a"))).ended


@pytest.mark.parametrize("kind", f.ABOUT_BUDGETS)
def test_a_service_over_its_budget_is_1_and_what_was_seen_of_it_is_named(settings: Settings, kind: str) -> None:
    over = Verdict(2, (), {}, (Finding(kind, "memory 5 GB", shards=(1,)), Finding(f.COVERAGE_LOW, "25 %")), (), "")

    with pytest.raises(BudgetError) as told:
        merge.exit_code(over, settings)

    assert (1, "over budget", True) == (told.value.exit_code, told.value.ended, merge.teaches(over))
    assert (kind == f.OVER_BUDGET) == ("reports/shard-1/monitor.jsonl" in told.value.hint)
    assert (kind == f.BUDGET_UNKNOWN) == ("cannot be measured here" in told.value.hint)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("service: service not ready: http://h: it refused  (shard index 0 of 2)", 11, "http://h: it refused  (shard"),
        ("service: it ended with exit code 1  (shard index 0 of 2)", 10, "it ended with exit code 1  (shard"),
    ],
)
def test_a_service_says_once_how_it_ended_and_of_one_elsewhere_no_log_is_named(
    settings: Settings, text: str, code: int, message: str
) -> None:
    died = Verdict(2, (), {}, (Finding(f.SERVICE_DEATH, text, shards=(0,)),), (), "")
    told = []
    for service in (Service(("serve",)), Service(url="http://h")):
        with pytest.raises(PipelineError) as error:
            merge.exit_code(died, replace(settings, service=service))
        told.append(error.value)

    assert [(code, True)] * 2 == [(error.exit_code, error.message.startswith(message)) for error in told]
    assert [True, False] == ["service.log" in error.hint for error in told]


def test_of_shards_that_share_a_service_the_one_whose_test_ran_when_it_died_is_named(settings: Settings) -> None:
    deaths = [
        f"service: it died: {when}  (shard index {index} of 2)" for index, when in enumerate((UNNAMED, "t.py::a"))
    ]
    died = Verdict(2, (), {}, tuple(Finding(f.SERVICE_DEATH, text) for text in deaths), (), "")

    with pytest.raises(ServiceDied, match=r"t\.py::a"):
        merge.exit_code(died, settings)


def test_budgets_that_no_shard_was_judged_by_make_the_run_red(settings: Settings) -> None:
    leave(settings, result(0), result(1))
    granted = Service(command=("serve",), budgets=Budgets(memory_bytes=Bytes(5)))

    with pytest.raises(BudgetError):
        merge.conclude(replace(settings, service=granted), Collected(IDS, "f"), [])


def test_a_failed_test_is_1(settings: Settings) -> None:
    leave(settings, result(0, "failed"), result(1))

    assert 1 == merge.conclude(settings, Collected(IDS, "f"), [])


def test_a_missing_shard_is_incomplete(settings: Settings) -> None:
    leave(settings, result(0))

    with pytest.raises(IncompleteError):
        merge.conclude(settings, Collected(IDS, "f"), [])


def test_results_of_another_state_of_the_tests_are_not_green(settings: Settings) -> None:
    leave(settings, result(0), result(1))

    with pytest.raises(IncompleteError):
        merge.conclude(settings, Collected(IDS, "edited"), [])


def test_nothing_collected_and_nothing_run_is_no_success(settings: Settings) -> None:
    with pytest.raises((SuiteError, IncompleteError)):
        merge.conclude(settings, Collected([], "f"), [])


def test_the_death_of_the_service_has_an_exit_code_of_its_own(settings: Settings) -> None:
    died = ExtraError(receipt.SERVICE, "the service ended with signal SIGSEGV (11): t.py::test_a was running")
    leave(settings, result(0, "failed", errors=(died,)), result(1))

    with pytest.raises(ServiceDied, match="SIGSEGV"):
        merge.conclude(settings, Collected(IDS, "f"), [])


def test_what_cannot_be_kept_costs_a_line_and_not_the_verdict(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(settings, result(0), result(1))
    (settings.reports / merge.FILE_NAME).mkdir()
    (settings.reports / "junit.xml").mkdir()
    settings.state.write_text("a file in its place")

    assert 0 == merge.conclude(settings, Collected(IDS, "f"), [])
    assert "not kept: " in capsys.readouterr().out


def test_only_tests_that_ran_to_their_expected_end_teach() -> None:
    taught = merge.lesson_of(replace(result(0), tests=(*result(0).tests, *result(1, "failed").tests)))

    assert ["t.py::test_a"] == list(taught.tests)


@pytest.mark.parametrize(
    "number, more, ended",
    [
        (1, {}, "green"),
        (2, {}, "service died"),  # it was started again, and no shard says why
        (2, {"errors": (ExtraError(receipt.SERVICE, "it ended"),)}, "service died"),
        (2, {"run_id": "another"}, "green"),  # that shard ran again by itself
    ],
)
def test_what_shards_share_may_not_end_between_them_unseen(
    settings: Settings, number: int, more: Any, ended: str
) -> None:
    leave(settings, result(0), result(1, **more))
    (settings.reports / sharing.FOLDER).mkdir()
    sharing.publish(settings.reports / sharing.FOLDER / sharing.FILE_NAME, Generation(number))

    with suppress(ServiceDied):
        merge.conclude(settings, Collected(IDS, "f"), ())
    assert ended == json.loads((settings.reports / merge.FILE_NAME).read_text())["ended"]
