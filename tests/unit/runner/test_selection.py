from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import List

from scripts.runner import selection

STRANGE = ["t.py::a[\ud800]", "t.py::b[\u2028]", "t.py::c[你好]", "t.py::--ids"]


def ask(command: List[str], collected: List[str], folder: Path) -> object:
    done = subprocess.run(
        command, input=json.dumps(collected).encode(), cwd=str(folder), capture_output=True, timeout=60
    )
    assert b"" == done.stderr
    return json.loads(done.stdout)


def test_what_is_no_longer_collected_is_left_out() -> None:
    assert ["b"] == selection.remaining_of(["a", "b"], ["b", "gone"])


def test_the_command_answers_strange_ids_in_a_folder_with_a_package_scripts_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "ids.json").write_text(json.dumps([*STRANGE[:3], "gone"]))

    answer = ask(selection.command("--ids", "ids.json"), list(reversed(STRANGE)), tmp_path)

    assert {"select": list(reversed(STRANGE[:3])), "ordered": False} == answer
