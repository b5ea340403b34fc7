"""What of a recorded shard can run here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.ci import Node
from scripts.console import command
from scripts.errors import SettingsError
from scripts.evidence.reproduction import Recorded
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.proof import receipt
from scripts.proof.claimed import OWN, STOLEN, ClaimedPiece
from scripts.proof.outcomes import FAILED, PASSED, Attempt
from scripts.proof.receipt import Selected
from scripts.runner import replay
from scripts.runner.collection import Collected
from scripts.settings import Settings, Suite
from tests.unit.proof.results import shard

HERE = Collected(["t.py::a[7f22]", "t.py::b", "t.py::new"])


def test_a_test_under_another_id_is_there_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    plan = planning.make(["t.py::a[2c11]", "t.py::b"], Estimates({}), 1)
    recorded = Recorded(1, 2, (("t.py::b",), ("t.py::a[2c11]", "t.py::gone")))
    settings = Settings(Suite("."), file=tmp_path / "pipeline.yml")

    chosen = replay.selection_of(settings, recorded)
    alone = replay.selection_of(settings, Recorded(0, 1, recorded.processes, plan=plan))

    assert (("t.py::b",), True, 1, 2) == (chosen.ids, chosen.ordered, chosen.index, chosen.total)
    assert ["t.py::a[2c11]", "t.py::gone"] == replay.missing(chosen, recorded.tests, HERE)
    assert ["t.py::gone"] == replay.missing(alone, recorded.tests, HERE)


def test_a_shard_that_chose_no_test_goes_by_its_plan_again(tmp_path: Path) -> None:
    plan = planning.make(["a", "b"], Estimates({}), 2)

    chosen = replay.selection_of(Settings(Suite("."), file=tmp_path / "pipeline.yml"), Recorded(1, 2, plan=plan))

    assert (None, False, plan) == (chosen.ids, chosen.ordered, planning.load(Path(chosen.plan)))


def ran(nodeid: str, process: int, at_s: float, outcome: str = PASSED) -> Selected:
    return Selected(nodeid, outcome, (Attempt(nodeid, process, outcome, at_s),))


SHARED_OUT = replace(
    shard(1, ran("d", 0, 0.5), ran("c", 0, 0.7, FAILED), ran("a", 1, 0.5), ran("b", 1, 0.6)),
    store="redis://here",
    pieces=(ClaimedPiece("1-00", OWN, 1, 2), ClaimedPiece("0-01", STOLEN, 0, 2)),
    arguments=("--color=no", "--password=(not shown)"),
)


def test_a_result_alone_says_which_tests_each_process_ran_and_in_which_order(tmp_path: Path) -> None:
    receipt.write(tmp_path / receipt.FILE_NAME, SHARED_OUT)

    for place in (tmp_path, tmp_path / receipt.FILE_NAME):
        recorded = replay.of_receipt(place, Node(1, 2))
        assert ((("d", "c"), ("a", "b")), ["c"]) == (recorded.processes, list(recorded.failures))


def test_the_result_of_another_shard_is_refused_with_the_command_for_that_one(tmp_path: Path) -> None:
    receipt.write(tmp_path / "r.json", SHARED_OUT)

    with pytest.raises(
        SettingsError, match=r"expected the result of shard index 0 of 2 .* of shard index 1 of 2"
    ) as no:
        replay.of_receipt(tmp_path / "r.json", Node(0, 2))
    assert f"-s shard -- 1 2 --replay {tmp_path / 'r.json'}" in no.value.shown(command)


def test_arguments_whose_values_are_secrets_have_to_be_given_again(tmp_path: Path) -> None:
    recorded, settings = Recorded(1, 2, arguments=SHARED_OUT.arguments), Settings(file=tmp_path / "pipeline.yml")

    with pytest.raises(SettingsError, match="what --password was") as caught:
        replay.arguments_of(settings, recorded, [])
    assert '--replay RECEIPT --password="$PASSWORD"' in caught.value.hint
    assert ["--color=no", "--password=x"] == replay.arguments_of(settings, recorded, ["--password=x"])
