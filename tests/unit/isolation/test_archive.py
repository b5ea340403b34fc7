from __future__ import annotations

from pathlib import Path

from scripts.isolation.archive import Archive
from scripts.isolation.trials import Ran, Result, Run, Trial

TRIAL = Trial("serially", (("a",),))
RESULT = Result((Run(0, (Ran("a", "passed"),), {}, {}),), 1.0, 1.0)


def test_a_trial_that_was_made_is_recalled_until_the_study_has_ended(tmp_path: Path) -> None:
    Archive(tmp_path, ["suite"]).write(TRIAL, RESULT)

    again = Archive(tmp_path, ["suite"])
    assert RESULT == again.read(TRIAL)
    assert 1 == len(again)
    again.clear()
    assert Archive(tmp_path, ["suite"]).read(TRIAL) is None


def test_trials_of_another_state_of_the_suite_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "aside").mkdir()
    Archive(tmp_path, ["suite"]).write(TRIAL, RESULT)

    assert Archive(tmp_path, ["changed suite"]).read(TRIAL) is None
    assert ["aside"] == [path.name for path in tmp_path.iterdir()]


def test_what_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path, ["suite"])
    archive.write(TRIAL, RESULT)
    next(archive.folder.iterdir()).write_text('{"schema": 1, "seconds": 1}')

    assert archive.read(TRIAL) is None
