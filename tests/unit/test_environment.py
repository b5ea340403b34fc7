from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import List

import pytest

from scripts import environment
from scripts.environment import Recipe
from scripts.errors import InstallError
from tests.unit.wheels import make_wheel


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with requirements.txt naming one package, which only a local folder has."""
    project = tmp_path / "我的 project"
    project.mkdir()
    wheel = make_wheel(project, "tiny-thing", "1.0", {"tiny_thing.py": b"VALUE = 1\n"})
    (project / "requirements.txt").write_text("tiny-thing==1.0  # the one we need\n")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheel.parent.as_uri())
    return project


def recipe(project: Path) -> Recipe:
    return environment.recipe("suite", project / "requirements.txt", project / ".pipeline")


def value(made: environment.Environment) -> str:
    code = "import tiny_thing; print(tiny_thing.VALUE)"
    return subprocess.check_output([str(made.python), "-c", code], encoding="utf-8").strip()


@pytest.mark.parametrize("uv", [True, False])
def test_requirements_without_a_lock_are_installed(project: Path, uv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not uv:
        monkeypatch.setattr(environment, "find_uv", lambda: None)

    assert "1" == value(environment.make(recipe(project)))


def test_a_ready_environment_is_not_touched(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = environment.make(recipe(project))
    monkeypatch.setattr(environment, "_build", None)

    assert first == environment.make(recipe(project))


def test_an_interrupted_install_is_made_anew(project: Path) -> None:
    made = environment.make(recipe(project))
    (made.folder / environment.STAMP).unlink()
    (made.folder / "leftover").touch()

    made = environment.make(recipe(project))

    assert "1" == value(made)
    assert not (made.folder / "leftover").exists()


def test_an_environment_whose_interpreter_is_gone_is_made_anew(project: Path) -> None:
    made = environment.make(recipe(project))
    made.python.unlink()

    assert "1" == value(environment.make(recipe(project)))


def test_changed_requirements_get_another_environment(project: Path) -> None:
    before = recipe(project).folder
    (project / "requirements.txt").write_text("tiny-thing\n")

    assert before != recipe(project).folder


def test_a_package_that_cannot_be_had_is_named(project: Path) -> None:
    (project / "requirements.txt").write_text("no-such-thing==9\n")

    with pytest.raises(InstallError, match="no-such-thing") as caught:
        environment.make(recipe(project))
    assert "pip config list" in caught.value.hint
    assert not recipe(project).ready


def test_a_wrong_digest_in_the_lock_is_refused(project: Path) -> None:
    lock(project, f"tiny-thing==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(InstallError, match=r"(?i)hash"):
        environment.make(recipe(project))


def lock(project: Path, body: str) -> None:
    digest = environment.requirements_digest((project / "requirements.txt").read_text())
    (project / "requirements.lock").write_text(f"# requirements: sha256 {digest}\n{body}")


def test_a_lock_older_than_its_requirements_is_refused_with_the_command_that_mends_it(project: Path) -> None:
    lock(project, "")
    (project / "requirements.txt").write_text("tiny-thing==1.0\nanother\n")

    with pytest.raises(InstallError, match=r"edited after requirements\.lock") as caught:
        recipe(project)
    assert "nox -s lock" in caught.value.hint


def test_editing_a_comment_makes_no_lock_stale(project: Path) -> None:
    lock(project, "")
    (project / "requirements.txt").write_text("# why\ntiny-thing==1.0\n")

    assert project / "requirements.lock" == recipe(project).source


def test_a_missing_requirements_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"no requirements file .*gone\.txt for the suite"):
        environment.recipe("suite", tmp_path / "gone.txt", tmp_path)


def test_the_header_of_a_lock_is_read(project: Path) -> None:
    (project / "a.lock").write_text("# Made by hand.\n# download: 2 packages, 1 MB\n\nnox==1\n# via: nobody\n")

    assert {"download": "2 packages, 1 MB"} == environment.header(project / "a.lock")


def test_variables_put_the_environment_first_and_drop_the_outer_one(tmp_path: Path) -> None:
    outer = {"PATH": "/usr/bin", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "KEEP": "1"}

    expected = {"PATH": f"{tmp_path}/bin:/usr/bin", "VIRTUAL_ENV": str(tmp_path), "KEEP": "1"}
    assert expected == environment.Environment(tmp_path).variables(outer)


def test_the_reason_is_taken_from_the_installer_s_output() -> None:
    output = "Resolving\nerror: no network\n  Caused by: dns\n"

    assert "\n  error: no network\n    Caused by: dns" == environment.explain(output)


def test_the_stamp_says_what_made_it(project: Path) -> None:
    made = environment.make(recipe(project))

    stamp = json.loads((made.folder / environment.STAMP).read_text())
    assert (1, str(project / "requirements.txt")) == (stamp["schema"], stamp["installed_from"])


def test_a_locked_environment_needs_no_network_once_its_packages_are_cached(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(next(project.glob("*.whl")).read_bytes()).hexdigest()
    lock(project, f"tiny-thing==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("UV_CACHE_DIR", str(project / "cache"))
    shutil.rmtree(str(environment.make(recipe(project)).folder))
    runs: List[List[str]] = []
    really = environment._run
    monkeypatch.setattr(environment, "_run", lambda step, environ: (runs.append(step), really(step, environ)))

    environment.make(recipe(project))

    assert [False, True] == ["--offline" in step for step in runs]
