"""What of a recorded shard can run here."""

from __future__ import annotations

from pathlib import Path

from scripts.evidence.reproduction import Recorded
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.runner import replay
from scripts.runner.collection import Collected
from scripts.settings import Settings, Suite

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
