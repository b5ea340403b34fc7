from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.environments.environments import Environment
from scripts.sonar import linters, scope

BASE = Path("/p")
PLACE = {"row": 3, "column": 1}


def test_findings_of_ruff_are_taken_over_by_paths_from_what_is_analysed_and_those_without_a_rule_get_one() -> None:
    told = [
        {
            "code": "F401",
            "filename": "/p/a.py",
            "message": "unused",
            "location": PLACE,
            "end_location": PLACE,
            "fix": 1,
        },
        {"code": None, "filename": "/p/b.py", "message": "SyntaxError", "location": PLACE, "end_location": None},
        {"code": "F401", "filename": "/q/a.py", "message": "elsewhere", "location": PLACE, "end_location": PLACE},
        {"code": "E902", "filename": "/p/c.py", "message": "no place", "location": None, "end_location": None},
        "no finding",
    ]
    found = linters.ruff(json.dumps(told), BASE)

    assert 2 == found.findings
    assert [("F401", "a.py", PLACE), ("invalid-syntax", "b.py", PLACE)] == [
        (each["code"], each["filename"], each["end_location"]) for each in json.loads(found.text)
    ]


@pytest.mark.parametrize("text", ["", "{}", "ruff failed"])
def test_what_is_no_list_of_findings_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        linters.ruff(text, BASE)


def test_lines_of_mypy_that_name_no_file_of_ours_are_left_out() -> None:
    told = "a.py:3: error: No  [misc]\n/q/b.py:1:2: error: x  [y]\na.py:3: note: see\nFound 1 error\n"

    assert linters.Found("a.py:3: error: No  [misc]\na.py:3: note: see\n", 1) == linters.mypy(told, BASE)


def test_the_tools_that_a_project_uses_look_and_a_report_of_its_own_counts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ruff")
    (tmp_path / "a.py").write_text("import os\n")
    (tmp_path / "ruff.toml").write_text("")
    chosen = scope.arranged(tmp_path, ["."], ["tests"])
    here = Environment(Path(sys.prefix))
    sent = linters.written(here, chosen, tmp_path, [])

    assert {"ruff": tmp_path / "ruff.json"} == sent
    assert ["F401 a.py"] == [f"{e['code']} {e['filename']}" for e in json.loads(sent["ruff"].read_text())]
    assert {} == linters.written(here, chosen, tmp_path, ["sonar.python.ruff.reportPaths"])
    assert "ruff: 1 finding\n" == capfd.readouterr().out


def test_a_tool_that_cannot_look_costs_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    tool = tmp_path / "bin" / "ruff"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho no such rule >&2\nexit 2\n")
    tool.chmod(0o755)
    sent = linters.written(Environment(tmp_path), scope.arranged(tmp_path, ["."], []), tmp_path, [])

    assert {} == sent
    assert "ruff: its findings are not sent: ruff ended with 2: no such rule\n" == capfd.readouterr().out


def test_mypy_is_given_the_sources_where_its_settings_name_no_files(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    alone = linters.mypy_words(tmp_path, ["src"])
    (tmp_path / "mypy.ini").write_text("[mypy]\nfiles = src\n")

    assert [*alone[:-1]] == linters.mypy_words(tmp_path, ["src"])
    assert "src" == alone[-1]
