from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from scripts import settings
from scripts.environments import environments
from scripts.evidence import facts
from scripts.evidence.files import Member, Note
from scripts.models import store
from scripts.settings import Settings, Suite
from tests.unit.steps import projects

SHA256 = hashlib.sha256(b"abc").hexdigest()


def loaded(project: Path) -> Settings:
    return settings.load(None, {}, project)


def gather(project: Settings) -> Tuple[List[Member], List[Note]]:
    return facts.gather(project, "", facts.Asked(weights=lambda: store.inventory(project)))


def test_what_fetched_the_weights_left_is_what_their_state_is_told_from(tmp_path: Path) -> None:
    (tmp_path / "here.bin").write_bytes(b"abc")
    manifest = f"models: {{files: [{{path: a.bin, size: 3, sha256: {SHA256}, sources: ['file:here.bin']}}]}}"
    project = projects.make(tmp_path / "project", service=None, settings=f"suite: {{path: checks}}\n{manifest}")
    (project / "here.bin").write_bytes(b"abc")
    assert 0 == projects.run(project, "models").returncode

    members, _ = gather(loaded(project))

    weights = json.loads(next(member.content for member in members if member.name == "weights.json"))
    assert ["verified when it was fetched, unchanged since"] == [file["found"] for file in weights["files"]]


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, stdout=subprocess.DEVNULL)


def test_the_commit_and_the_names_of_changed_files_are_told_not_what_is_in_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a")
    (tmp_path / "a.py").write_text("hunter2")
    (tmp_path / "你 好").write_text("hunter2")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "of a run").touch()

    told = facts.commit(Settings(Suite("."), file=tmp_path / "pipeline.yml"))

    assert (40, ["M a.py", "?? 你 好"]) == (len(told["commit"]), told["changed"])


def test_a_project_that_is_no_repository_misses_only_its_commit(tmp_path: Path) -> None:
    members, missing = gather(loaded(projects.make(tmp_path, service=None)))

    assert {"settings.json", "machine.json"} < {member.name for member in members}
    why = {note.name: note.why for note in missing}
    assert why["commit.json"].startswith("git ended with 128: fatal: not a git repository")


def test_a_program_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nsleep 600 &\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(facts, "PROGRAM_S", 0.5)

    members, missing = gather(loaded(projects.make(tmp_path / "project", service=None)))

    assert ["gpu.txt"] == [note.name for note in missing if "timed out" in note.why]
    assert "machine.json" in {member.name for member in members}


def environment_of(project: Path, name: str, package: str, used_at: float) -> Path:
    folder = project / ".pipeline" / "environments" / name
    (folder / "lib" / "python3.11" / "site-packages" / f"{package}.dist-info").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / environments.STAMP).write_text("{}")
    os.utime(folder / environments.STAMP, (used_at, used_at))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    text = "suite: {path: checks, requirements: needs.txt}\nservice: {command: [python], requirements: needs.txt}\n"
    project = projects.make(tmp_path, settings=text)
    (project / "needs.txt").write_text("one\n")
    return project


def packages(project: Path, name: str) -> str:
    members, _ = gather(loaded(project))
    return "".join(member.content.decode() for member in members if member.name == f"packages/{name}.txt")


@pytest.mark.parametrize("name", ["suite", "service"])
def test_the_packages_are_those_of_the_environment_that_was_used_last_and_it_is_named(project: Path, name: str) -> None:
    environment_of(project, f"{name}-3.8.1-a", "one-1.0", used_at=2)
    environment_of(project, f"{name}-3.8.1-b", "two-2.0", used_at=1)

    assert f"# {project}/.pipeline/environments/{name}-3.8.1-a\none==1.0\n" == packages(project, name)


def test_a_suite_without_an_environment_of_its_own_has_the_pipelines(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    environment_of(project, "suite-3.8.1-old", "one-1.0", used_at=1)

    assert packages(project, "pipeline") == packages(project, "suite") != ""


def test_an_environment_that_was_never_made_is_missing(project: Path) -> None:
    _, missing = gather(loaded(project))

    why = {note.name: note.why for note in missing}
    assert "no such environment has been made" in why["packages/suite.txt"]


def test_the_packages_of_a_service_with_a_python_of_its_own_are_found_by_its_command(tmp_path: Path) -> None:
    own = environment_of(tmp_path / "elsewhere", "conda", "torch-2.0", used_at=1)
    text = f"service: {{command: ['{own / 'bin' / 'python'}', serve.py]}}\nsuite: {{path: checks}}\n"

    assert "torch==2.0" in packages(projects.make(tmp_path / "project", settings=text), "service")


def test_packages_are_read_off_the_names_on_the_disk(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in (
        "b_c-2.0.dist-info",
        "A-1.0rc1.dist-info",
        "old_one-0.1-py3.8.egg-info",
        "b_c",
        "b_c.py",
        "x.dist-info",
    ):
        (site / name).mkdir(parents=True)

    assert ["A==1.0rc1", "b_c==2.0", "old_one==0.1"] == facts.packages(tmp_path)


def test_the_packages_of_this_environment_are_found() -> None:
    listed = facts.packages(Path(sys.prefix))

    assert [f"pytest=={pytest.__version__}"] == [line for line in listed if re.match("pytest==", line)]


def test_a_folder_without_packages_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        facts.packages(tmp_path)
