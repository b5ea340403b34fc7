from __future__ import annotations

import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Dict

import pytest

from scripts import settings
from scripts.environments import environments, interpreters
from scripts.environments.pythons import find
from scripts.environments.running import HERE
from scripts.errors import InstallError, ModelError, SettingsError
from scripts.runner import preparation
from scripts.settings import Settings
from scripts.system import beside
from tests.unit.environments.local_packages import package
from tests.unit.steps import projects


def load(folder: Path, text: str) -> settings.Settings:
    (folder / "pipeline.yml").write_text(text)
    return settings.load(None, {}, folder)


def test_a_project_without_requirements_uses_the_environment_it_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDLINE_SHELL_PATH", str(tmp_path))  # a shell in which none is active
    project = load(tmp_path, "suite: {path: t}\nservice: {command: [x]}")
    made, outside = preparation.install(project), preparation.install(project, with_service=False)

    found = environments.of_shell({"PATH": str(tmp_path)}, Path(sys.prefix))
    assert Path(sys.prefix) == made.suite.folder
    assert ({"service": found} if found else {}, {}) == (made.services, outside.services)


def test_a_command_that_is_not_yet_written_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    project = load(tmp_path, "suite: {path: t, requirements: none}\nservice:\n  command: [x, --model, EDIT_ME]")

    with pytest.raises(SettingsError, match=r"pipeline.yml:3: service.command: EDIT_ME stands for what `adopt` could"):
        preparation.install(project)
    with pytest.raises(InstallError, match="none"):  # who says where the service runs needs no command
        preparation.install(project, environ={"SERVICE_URL": "http://h"})


def test_weights_that_nobody_has_looked_up_are_refused_before_anything_is_installed(tmp_path: Path) -> None:
    text = "suite: {path: t, requirements: none}\nservice: {command: [x]}\nmodels:\n  wanted: [{sources: [hf://org/a]}]"
    project = load(tmp_path, text)

    with pytest.raises(SettingsError, match=r"pipeline.yml:4: models.wanted: "):
        preparation.prepare(project, True, {})
    with pytest.raises(InstallError, match="none"):  # only a service of ours needs weights
        preparation.prepare(project, False, {})


def test_the_tests_of_a_project_without_a_service_want_its_weights(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    entry = f"{{path: b.bin, size: 7, sha256: {digest}, sources: ['file:a.bin']}}"
    project = load(tmp_path, f"suite: {{path: t}}\nmodels: {{directory: m, files: [{entry}]}}")
    preparation.prepare(project, False, {})

    assert b"weights" == (tmp_path / "m" / "b.bin").read_bytes()


def test_each_requirements_file_gets_its_own_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "suite.txt").write_text("# nothing\n")
    (tmp_path / "service.txt").write_text("# nothing at all\n")
    text = "suite: {path: t, requirements: suite.txt}\nservice: {command: [x], requirements: service.txt}"
    made = preparation.install(load(tmp_path, text))

    assert made.suite.python.exists()
    assert made.services["service"].folder != made.suite.folder
    assert "packages for the suite: suite.txt, into .pipeline/environments/suite-" in capsys.readouterr().out


def test_the_state_of_local_sources_is_told_and_handed_to_the_shards_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path / "pkg")
    (tmp_path / "service.txt").write_text("./pkg\n")
    project = load(tmp_path, "suite: {path: t}\nservices: {tts: {command: [x], requirements: service.txt}}")
    made = preparation.install(project)
    made.tell()
    package(tmp_path / "pkg", "edited, or written by a test, while the shards run")
    as_shard = {**made.seen, "SHARDLINE_OWNER": str(os.getppid())}
    handed, looked = (
        preparation.install(project, environ=environ).services["tts"] for environ in (as_shard, made.seen)
    )

    assert "service tts: ./pkg, not in git\n" in capsys.readouterr().out
    assert (True, False) == (handed == made.services["tts"], looked == made.services["tts"])
    assert {} == preparation.install(load(tmp_path, "suite: {path: t}")).seen


def test_the_digest_changes_with_all_that_decides_the_environments_and_only_with_that(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        for name in ("suite.txt", "service.txt"):
            (folder / name).write_text("# nothing\n")
    text = "suite: {path: t, requirements: suite.txt}\nservice: {command: [x], requirements: service.txt}"
    first = preparation.digest(load(here, text))
    again = preparation.digest(load(here, text + "\nname: other\n"))
    (here / "service.txt").write_text("# something\n")

    assert first == again != preparation.digest(load(here, text))
    assert preparation.digest(load(there, text)) != first  # programs name their interpreter by its full path
    assert preparation.digest(load(here, text), {"SERVICE_URL": "http://h"}) != first
    assert [] == list(here.glob(".pipeline/environments/s*-*/"))


def test_the_pipeline_s_own_stale_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("nox\n")
    (tmp_path / "requirements.lock").write_text("# requirements: sha256 0\n")

    with pytest.raises(InstallError, match="edited after"):
        preparation.install(load(tmp_path, "suite: {path: t}"))


def test_a_new_environment_takes_the_place_of_those_that_nobody_used_for_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = unused(tmp_path)
    (tmp_path / "suite.txt").write_text("# nothing\n")
    made = preparation.install(load(tmp_path, "suite: {path: t, requirements: suite.txt}"))

    assert (False, True) == (old.exists(), made.suite.python.exists())
    assert "removed 1 environment not used for 30 days: suite-old\n" in capsys.readouterr().out


def test_environments_can_be_removed_by_age_alone(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}")
    old = unused(tmp_path)
    first, second = (projects.run(tmp_path, "deps", "--prune", "7").stdout for _ in range(2))

    assert not old.exists()
    assert "removed 1 environment not used for 7 days: suite-old\n" in first
    assert "no environment was unused for 7 days\n" in second


def unused(folder: Path) -> Path:
    """An environment of the project in `folder` that was last used in 1970."""
    old = folder / ".pipeline" / "environments" / "suite-old"
    old.mkdir(parents=True)
    (old / environments.STAMP).write_text("{}")
    os.utime(str(old / environments.STAMP), (0, 0))
    return old


def test_packages_are_made_while_weights_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=30)  # each waits until the other has begun
    monkeypatch.setattr(preparation, "install", lambda *given, **named: both.wait() and None)
    monkeypatch.setattr(preparation, "fetch_weights", lambda settings: both.wait())
    seconds: Dict[str, float] = {}

    preparation.prepare(load(tmp_path, "suite: {path: t}"), True, seconds)

    assert ["packages", "weights"] == list(seconds)


def test_where_packages_and_weights_fail_both_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(settings: Settings) -> None:
        raise ModelError("a.bin cannot be had")

    def install(settings: Settings, with_service: bool) -> None:
        for thread in threading.enumerate():
            if thread.name == beside.NAME:
                thread.join(30)
        raise InstallError("no such package")

    monkeypatch.setattr(preparation, "install", install)
    monkeypatch.setattr(preparation, "fetch_weights", fetch)
    with pytest.raises(InstallError, match="no such package"):
        preparation.prepare(load(tmp_path, "suite: {path: t}"), True, {})

    assert "weights: a.bin cannot be had\n" == capsys.readouterr().out


def test_the_digest_of_a_cache_knows_the_python_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("")
    text = "service: {{command: [a], requirements: r.txt, python: {}}}\nsuite: {{path: t}}"
    ours, same = preparation.digest(load(tmp_path, text.format("[]"))), text.format(f'"{HERE}"')
    others = [each for each in ("3.9", "3.10", "3.12") if each != HERE and find(each)]

    assert ours == preparation.digest(load(tmp_path, same))
    if others:
        assert ours != preparation.digest(load(tmp_path, text.format(f'"{others[0]}"')))


def test_the_digest_of_a_cache_knows_where_that_python_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.txt").write_text("")
    project = load(tmp_path, "service: {command: [a], requirements: r.txt}\nsuite: {path: t}")
    digests = []
    for program in ("/one/python", "/other/python"):
        python = interpreters.OURS._replace(program=program)
        monkeypatch.setattr(interpreters, "choose", lambda asked, who, python=python: python)
        digests.append(preparation.digest(project))

    assert digests[0] != digests[1]
