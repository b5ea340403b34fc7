"""Each fault is started for real, and what is said first of it is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.evidence.diagnosis import faults
from tests.unit.evidence.diagnosis.faults import Fault

# Every second one: `python -m tests.unit.evidence.diagnosis.faults` starts all of them.
STARTED = [fault for fault in faults.ALL if fault.name not in faults.COSTLY][::2]


@pytest.mark.parametrize("fault", STARTED, ids=[fault.name for fault in STARTED])
def test_the_first_verdict_is_right(fault: Fault, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if fault.name in faults.IN_A_GROUP and not faults.has_groups():
        pytest.skip("no control group can be made here")

    found, printed = faults.run(fault, tmp_path)

    assert found, printed
    assert (fault.kind, True) == (found[0].kind, faults.right(fault, found)), f"{found[0].sentence}\n{printed}"
