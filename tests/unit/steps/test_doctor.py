from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import pytest

from scripts import settings
from scripts.steps import doctor
from tests.unit.steps import projects

HANGS = "#!/bin/sh\ntrap '' TERM INT\nsleep 600 &\nwait\nwait\n"


def report(project: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = doctor.run(settings.load(None, {}, project), ["3.8", "9.9"], "9.9")
    return status, capsys.readouterr().out


def test_a_ready_machine_is_told_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = report(projects.make(tmp_path), capsys)

    assert 0 == status
    assert re.search(r"ready: \S*nox -s integration", text)


def test_a_missing_python_is_a_note_with_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text = report(projects.make(tmp_path), capsys)

    assert re.search(r"^note +python", text, re.MULTILINE)
    assert "CI uses 9.9" in text


def test_a_taken_port_is_wrong_and_says_by_whom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        text = f"service: {{command: [x], port: {port}}}\nsuite: {{path: checks}}\n"
        status, text = report(projects.make(tmp_path, settings=text), capsys)

    assert 1 == status
    assert re.search(rf"^wrong +port +.*{port} is in use by pid \d+", text, re.MULTILINE)


def test_weights_to_fetch_are_told_with_their_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = f"{{path: a.bin, size: 2 kB, sha256: '{'0' * 64}', sources: ['file:a']}}"
    _, text = report(projects.make(tmp_path, settings=f"models: {{files: [{file}]}}\nsuite: {{path: c}}"), capsys)

    assert re.search(r"^note +weights +to fetch: 1 file, 2.0 kB", text, re.MULTILINE)


def test_weights_that_do_not_fit_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = f"{{path: a.bin, size: 900000 GiB, sha256: '{'0' * 64}', sources: ['file:a']}}"
    status, text = report(projects.make(tmp_path, settings=f"models: {{files: [{file}]}}\nsuite: {{path: c}}"), capsys)

    assert 1 == status
    assert re.search(r"^wrong +weights .* needed", text, re.MULTILINE)


def test_weights_that_nobody_has_looked_up_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "suite: {path: checks}\nmodels: {wanted: [{sources: [hf://org/a]}]}"
    status, text = report(projects.make(tmp_path, settings=text), capsys)

    assert 1 == status
    assert re.search(r"^wrong +weights .*:2: models.wanted: .*:\n {20}hf://org/a\n {18}-> ", text, re.MULTILINE)
    assert re.search(r"^ {23}\S*invoke models.add hf://org/a$", text, re.MULTILINE)


def test_requirements_without_a_lock_are_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = projects.make(tmp_path)
    (project / "requirements.txt").write_text("requests\n")

    _, text = report(project, capsys)

    assert re.search(r"^note +packages +requirements.txt: no lock", text, re.MULTILINE)


def test_a_stale_lock_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = projects.make(tmp_path)
    (project / "requirements.txt").write_text("requests\n")
    (project / "requirements.lock").write_text("# requirements: sha256 0\n")

    status, text = report(project, capsys)

    assert (1, True) == (status, "nox -s lock" in text)


@pytest.mark.parametrize("name", ["nvidia-smi", "python3.8", "uv"])
def test_a_program_that_hangs_costs_its_time_limit_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    program.write_text(HANGS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(doctor, "ANSWERS_IN_S", 0.5)
    monkeypatch.setattr("scripts.environments.installers.find_uv", lambda: str(program) if name == "uv" else None)
    began = time.monotonic()

    status, text = report(projects.make(tmp_path / "project"), capsys)

    assert time.monotonic() - began < 15
    assert (0, name == "nvidia-smi") == (status, bool(re.search(r"^note +gpu +nvidia-smi timed out", text, re.M)))


def test_each_line_is_there_before_the_next_check_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> doctor.Check:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "gpu", interrupted)

    with pytest.raises(KeyboardInterrupt):
        report(projects.make(tmp_path), capsys)
    assert {"settings", "python", "installer", "port"} <= set(re.findall(r"^\w+ +(\w+)", capsys.readouterr().out, re.M))


def test_a_store_that_keeps_its_word_is_named_with_what_a_claim_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"distribution: {{store: {tmp_path}/shared}}\nsuite: {{path: checks}}\n"
    status, text = report(projects.make(tmp_path, settings=text), capsys)

    assert 0 == status
    assert re.search(rf"^ok +store +{tmp_path}/shared: a claim takes \d+ ms, and only one can win", text, re.MULTILINE)


def test_a_store_that_cannot_be_asked_is_a_note_since_the_plan_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "distribution: {store: 'redis://:$NOBODY_SET_IT@host'}\nsuite: {path: checks}\n"
    status, text = report(projects.make(tmp_path, settings=text), capsys)

    assert 0 == status
    assert re.search("^note +store +.*NOBODY_SET_IT is not set; until then shards run", text, re.MULTILINE)
