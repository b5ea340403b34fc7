"""Every command that is offered names the project and the reports it is about."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import List

from tests.unit.steps import projects

RED = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(number):
    assert number != 3
"""


def offered(output: str) -> List[str]:
    """The commands in an output, each to the end of its words."""
    return re.findall(r"(?:nox -s|invoke \w).*?(?=  |$)", output, re.MULTILINE)


def strays(output: str, *address: str) -> List[str]:
    """The commands that do not name what they are about."""
    return [command for command in offered(output) if not all(words in command for words in address)]


def test_every_command_of_a_run_names_the_project_and_its_reports(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project", RED, service=None)
    reports = tmp_path / "own reports"
    address = (f"--settings {project}/pipeline.yml", f"--reports '{reports}'")
    own = ("--reports", str(reports))

    ran = projects.run(project, "integration", "--nodes", "2", *own)
    shard_logs = "".join(log.read_text(encoding="utf-8") for log in reports.glob("shard-*.log"))
    others = [
        projects.run(project, *words, *own).stdout
        for words in (
            ["plan"],
            ["shard", "0", "2"],
            ["shard", "1", "2"],
            ["verdict", "1", "2"],
            ["merge"],
            ["integration"],
        )
    ]
    (reports / "shard-0" / "receipt.json").write_text("[")
    others.append(projects.run(project, "verdict", "0", "1", *own).stdout)

    assert 1 == ran.returncode, ran.stdout
    outputs = [ran.stdout, shard_logs, *others]
    assert [] == [stray for output in outputs for stray in strays(output, *address)]
    assert all(offered(output) for output in (ran.stdout, shard_logs))
    assert not (project / "reports").exists()


def test_the_bundle_of_a_run_with_a_place_of_its_own_holds_that_run(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project", RED, service=None)
    own = ("--reports", str(tmp_path / "own"))
    projects.run(project, "integration", *own)

    done = projects.run(project, "debug-bundle", *own)

    assert 0 == done.returncode, done.stdout
    with tarfile.open(tmp_path / "own" / "debug-bundle.tar.gz") as bundle:
        names = {name.partition("/")[2] for name in bundle.getnames()}
    assert {"reports/shard-0/receipt.json", "reports/shard-0/journal.jsonl"} <= names


def test_a_project_whose_path_is_not_utf_8_runs_and_its_commands_can_be_copied(tmp_path: Path) -> None:
    project = projects.make(Path(os.fsdecode(os.fsencode(tmp_path) + b"/pro\xff ject")), RED, service=None)

    ran = projects.run(project, "integration", "--nodes", "2", PYTHONIOENCODING="utf-8")
    merged = json.loads((project / "reports" / "merge.json").read_bytes())
    bundle = next(line for line in offered(ran.stdout) if line.startswith("invoke debug-bundle"))
    named = subprocess.check_output(["bash", "-c", f"printf %s {bundle.partition('--settings ')[2]}"])

    assert (1, "tests failed") == (ran.returncode, merged["ended"]), ran.stdout
    assert os.fsencode(project / "pipeline.yml") == named
    for words in (["plan", "--nodes", "2"], ["merge"], ["debug-bundle"]):
        done = projects.run(project, *words)
        assert done.returncode in (0, 1) and "Traceback" not in done.stdout, done.stdout
