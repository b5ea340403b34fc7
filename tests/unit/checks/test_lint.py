from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.checks import lint
from tests.checks.running import REQUIREMENTS, ROOT, UNCHECKED, absent, find

PATHS = [ROOT / name for name in (".circleci/config.yml", ".circleci/examples/github.yml", "scripts/bootstrap.sh")]
WORKFLOW = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ matrix.x }}'}]}}\n"


@pytest.mark.parametrize(
    "name, file, text, found",
    [
        ("circle-ci", "config.yml", "version: 2.1\njobs: {a: {dokcer: []}}\n", "dokcer"),
        ("actionlint", "a.yml", WORKFLOW, 'property "x" is not defined'),
        ("yamllint", "a.yml", "a: 1\na: 2\n", "duplication of key"),
        ("shellcheck", "a.sh", "#!/bin/bash\nrm -r $1/*\n", "SC2086"),
    ],
)
def test_each_tool_finds_what_it_is_there_for(tmp_path: Path, name: str, file: str, text: str, found: str) -> None:
    (tmp_path / file).write_text(text)
    check = next(check for check in lint.checks(PATHS) if check.name == name)
    program, *options = [word for word in check.words if not word.startswith(str(ROOT))]
    path = find(program)
    if path is None:
        assert UNCHECKED == absent(check, REQUIREMENTS.read_text(encoding="utf-8")).state
        pytest.skip(f"{program} is not for this Python")

    done = subprocess.run([path, *options, str(tmp_path / file)], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")

    assert (True, True) == (done.returncode > 0, found in done.stdout)


def test_fix_mends_what_ruff_can(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\nx = {  'a':1 }\n")

    lint.fix(tmp_path)

    assert 'x = {"a": 1}\n' == (tmp_path / "a.py").read_text()


def test_hooks_run_the_commands_of_ci() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]

    assert {
        "scripts/bootstrap.sh nox -s lint -- --fast",
        "scripts/bootstrap.sh python -m scripts secrets --staged",
    } == {hook["entry"] for hook in hooks}
    assert {"mypy"} == {check.name for check in lint.checks([])} - {check.name for check in lint.checks([], False)}
