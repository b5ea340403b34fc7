from __future__ import annotations

import json
import os
from pathlib import Path

from scripts.runner.plugin_loader import put, variables


def test_the_folder_holds_the_plugin_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path / "plugin")
    put(tmp_path / "plugin")

    assert ["shardline_pytest.py"] == [path.name for path in (tmp_path / "plugin").iterdir()]


def test_the_variables_are_added_to_the_suites_own(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "PYTHONPATH": "/x"}

    found = variables(environ, tmp_path / "plugin", tmp_path / "j", 2, ["my tests", "b"], ["python", "a b"])

    expected = {
        "HOME": "/h",
        "PYTHONPATH": f"{tmp_path / 'plugin'}{os.pathsep}/x",
        "SHARDLINE_JOURNAL": str(tmp_path / "j"),
        "SHARDLINE_ROUND": "2",
        "SHARDLINE_PATH": "my tests\nb",
        "SHARDLINE_SELECT": json.dumps(["python", "a b"]),
    }
    assert expected == found


def test_without_a_command_nobody_is_asked(tmp_path: Path) -> None:
    found = variables({}, tmp_path / "plugin", tmp_path / "j", 0, ["tests"])

    assert {"PYTHONPATH", "SHARDLINE_JOURNAL", "SHARDLINE_PATH", "SHARDLINE_ROUND"} == set(found)
