from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.errors import SettingsError
from scripts.proof import report_text
from scripts.proof.findings import Verdict
from scripts.proof.receipt import Selected
from tests.release import trying

README = """\
# Ours

## Your own service

    python3 -m venv .venv
    pip install nox git+https://H/ours@main     # any copy
    COMMAND

## More

    false
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins of a Python and of pip, which say their words."""
    for name, text in (("python3.9", "echo $0 $*"), ("pip", "env; echo pip $*")):
        program = tmp_path / "programs" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"), prepend=os.pathsep)
    return tmp_path / "programs"


def try_out(folder: Path, command: str) -> int:
    return trying.try_out(
        README.replace("COMMAND", command),
        folder / "ours.whl",
        str(folder / "programs" / "python3.9"),
        folder / "tried",
    )


@pytest.mark.parametrize("command", ["exit 3", "true"])
def test_what_fails_or_tests_nothing_is_no_proof_and_what_it_said_is_shown(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://mirror")
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    with pytest.raises(SettingsError, match=r"does not work: ours\.whl with .*python3\.9"):
        try_out(tmp_path, command)
    told = capsys.readouterr().out.splitlines()

    assert {f"{programs}/python3.9 -m venv .venv", f"pip install nox {tmp_path}/ours.whl"} <= set(told)
    assert {f"PIP_CACHE_DIR={tmp_path}/tried/caches/pip_cache_dir", "PIP_INDEX_URL=http://mirror"} <= set(told)
    assert not any(line.startswith("PYTHONPATH=") for line in told)


@pytest.mark.parametrize("outcome, is_green", [("passed", True), ("failed", False)])
def test_a_green_run_there_is_the_proof(programs: Path, tmp_path: Path, outcome: str, is_green: bool) -> None:
    verdict = Verdict(1, (Selected("test_it.py::test_it", outcome),), {outcome: 1}, (), (), "")
    report_text.write(tmp_path / "merge.json", verdict)
    command = f"mkdir reports; cp {tmp_path}/merge.json reports; grep -q 200 app.py"
    if is_green:
        assert 1 == try_out(tmp_path, command)
    else:
        with pytest.raises(SettingsError):
            try_out(tmp_path, command)
