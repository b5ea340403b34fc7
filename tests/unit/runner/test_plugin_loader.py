from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from scripts.runner.plugin_loader import ARGUMENTS, HASH_SEED, Order, put, variables


def test_the_folder_holds_the_plugin_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path / "plugin")
    put(tmp_path / "plugin")

    assert ["shardline_pytest"] == [path.name for path in (tmp_path / "plugin").iterdir()]


def test_a_copy_that_somebody_changed_is_replaced(tmp_path: Path) -> None:
    copy = Path(put(tmp_path / "plugin"), "shardline_pytest", "selector.py")
    copy.write_text("1 / 0")

    put(tmp_path / "plugin")

    assert "1 / 0" != copy.read_text(encoding="utf-8")


def test_the_variables_are_added_to_the_suites_own(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "PYTHONPATH": "/x"}
    order = Order(tmp_path / "j", "me", 2, ["my tests", "b"], tmp_path / "asked", tmp_path / "apart", True)

    found = variables(environ, tmp_path / "plugin", order)

    expected = {
        "HOME": "/h",
        "PYTHONHASHSEED": HASH_SEED,
        "PYTHONPATH": f"{tmp_path / 'plugin'}{os.pathsep}/x",
        "SHARDLINE_JOURNAL": str(tmp_path / "j"),
        "SHARDLINE_START": "me",
        "SHARDLINE_ROUND": "2",
        "SHARDLINE_PATHS": json.dumps(["my tests", "b"]),
        "SHARDLINE_ASK": str(tmp_path / "asked"),
        "SHARDLINE_APART": str(tmp_path / "apart"),
        "SHARDLINE_COLLECT": "1",
    }
    assert expected == found


def test_without_a_socket_nobody_is_asked(tmp_path: Path) -> None:
    found = variables({}, tmp_path / "plugin", Order(tmp_path / "j", "me"))

    always = {"PYTHONPATH", "SHARDLINE_JOURNAL", "SHARDLINE_PATHS", "SHARDLINE_ROUND", "SHARDLINE_START"}
    assert {"PYTHONHASHSEED", *always} == set(found)


def test_folders_are_absolute_since_pytest_starts_elsewhere(tmp_path: Path) -> None:
    found = variables({}, tmp_path / "plugin", Order(Path("j"), "me", apart=Path("apart")))

    assert (str(Path("j").resolve()), str(Path("apart").resolve())) == (
        found["SHARDLINE_JOURNAL"],
        found["SHARDLINE_APART"],
    )


def test_every_variable_is_one_that_the_plugin_takes_away(tmp_path: Path) -> None:
    order = Order(tmp_path / "j", "5f3a", 2, ["t"], tmp_path / "asked", tmp_path / "own", collects_only=True)
    ours = {name for name in variables({}, tmp_path / "plugin", order) if name.startswith("SHARDLINE_")}
    probe = tmp_path / "test_it.py"
    probe.write_text(f"import os\ndef test_it(): assert not [name for name in os.environ if name in {sorted(ours)}]")
    environ = variables(os.environ, tmp_path / "plugin", Order(tmp_path / "j", "5f3a", apart=tmp_path / "own"))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *ARGUMENTS, str(probe)],
        cwd=str(tmp_path),
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    assert 0 == done.returncode, done.stdout
