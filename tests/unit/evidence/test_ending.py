from __future__ import annotations

from pathlib import Path

import pytest

from scripts.evidence import ending
from scripts.evidence.ending import Ending


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    told = Ending("shard", "crashed", 70, "KeyError", "'x' (a.py:1)", "Look.", "Traceback", 1000.5, ("merge.json",))

    ending.write(tmp_path, told)

    assert told == ending.read(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 1, "step": "", "ended": "", "at_s": "x"}'])
def test_what_is_no_ending_is_not_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "ending.json").write_text(content)

    assert ending.read(tmp_path) is None


@pytest.mark.parametrize("data, expected", [(["a", 1], ("a", "1")), ("abc", ()), (None, ()), ({"a": 1}, ())])
def test_names_are_read_whatever_stands_there(data: object, expected: object) -> None:
    assert expected == ending.names(data)
