"""A service may be made on another Python than ours; without that wish nothing changes, and none is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest

from scripts.environments import environments, interpreters, pythons
from scripts.environments.interpreters import OURS, choose
from scripts.environments.locks import lock_files
from scripts.environments.running import HERE
from scripts.errors import InstallError

OTHERS = [each for each in ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13") if each != HERE]


def other() -> str:
    """A Python of this machine that is not ours."""
    found = next((each for each in OTHERS if pythons.find(each)), "")
    if not found:
        pytest.skip("this machine has no other Python")
    return found


def test_without_a_wish_it_is_ours_and_nobody_is_asked() -> None:
    assert OURS is choose((), "service", {"PATH": ""})
    assert (sys.executable, sys.version) == (OURS.program, OURS.build)
    assert OURS is choose((HERE,), "service")


def test_the_first_that_is_here_is_chosen() -> None:
    wanted = other()
    found = choose(("3.99", wanted, HERE), "service")

    assert wanted == found.version
    assert found.release in found.build and found.program != sys.executable


def test_where_none_is_here_it_says_how_to_get_one(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
    with pytest.raises(InstallError) as error:
        choose(("3.98", "3.99"), "service", environ)

    assert error.value.message.startswith("no Python 3.98 or 3.99 for the service: no python3.98 or python3.99 that")
    assert f"on PATH or in {tmp_path / 'versions'}" in error.value.message
    assert "pyenv install 3.98" in error.value.hint and HERE in error.value.hint
    assert 3 == error.value.exit_code


def test_an_inactive_shim_is_no_python(tmp_path: Path) -> None:
    shim = tmp_path / "python3.97"
    shim.write_text("#!/bin/sh\necho 'not active' >&2\nexit 127\n")
    shim.chmod(0o755)

    with pytest.raises(InstallError):
        choose(("3.97",), "service", {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)})


def test_a_shim_stands_for_the_python_that_it_starts(tmp_path: Path) -> None:
    """In the folder of a project it may start another one, or none."""
    wanted = other()
    real = choose((wanted,), "service")
    shim = tmp_path / f"python{wanted}"
    shim.write_text(f'#!/bin/sh\nexec "{real.program}" "$@"\n')
    shim.chmod(0o755)

    assert real == choose((wanted,), "service", {"PATH": str(tmp_path)})


def test_the_folder_is_the_interpreters_and_ours_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("")
    python = interpreters.Interpreter("/elsewhere/python", "3.10.99", "3.10.99 (elsewhere)", "linux-x86_64")
    here = environments.recipe("service", file, tmp_path, tmp_path)
    there = environments.recipe("service", file, tmp_path, tmp_path, {}, python)

    assert here.folder.name.startswith(f"service-{OURS.release}-")
    assert there.folder.name.startswith("service-3.10.99-")
    assert there.folder == there.now().folder
    for other in (python._replace(build="3.10.99 (by another compiler)"), python._replace(machine="of another kind")):
        assert there.folder != environments.recipe("service", file, tmp_path, tmp_path, {}, other).folder


@pytest.mark.parametrize("other_one", [("3.10.99 (another build)", "linux-x86_64"), ("3.10.99", "macosx-11-arm64")])
def test_builds_and_machines_have_folders_of_their_own(tmp_path: Path, other_one: Tuple[str, str]) -> None:
    file = tmp_path / "r.txt"
    file.write_text("")
    made = [
        environments.recipe("service", file, tmp_path, tmp_path, {}, interpreters.Interpreter("p", "3.10.99", *each))
        for each in (("3.10.99", "linux-x86_64"), other_one)
    ]

    assert made[0].folder != made[1].folder


def test_a_lock_is_checked_for_the_python_that_installs_it(tmp_path: Path) -> None:
    lock = tmp_path / "r.lock"
    lock.write_text("# python: 3.10 and newer\n")
    if not lock_files.oldest_python(lock):
        pytest.fail(f"the header of a lock reads otherwise now: {lock.read_text()}")

    lock_files.check_python(lock, "3.10", "/there/python")
    with pytest.raises(InstallError, match=r"this is 3\.9 \(/there/python\)") as error:
        lock_files.check_python(lock, "3.9", "/there/python")
    assert "nox -s lock" in error.value.hint and "--oldest-python" not in error.value.hint


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
def test_it_is_made_on_that_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_uv: bool) -> None:
    if not with_uv:
        monkeypatch.setattr("scripts.environments.installers.find_uv", lambda: None)
    file = tmp_path / "r.txt"
    file.write_text("")
    wanted = choose((other(),), "service")
    made = environments.make(environments.recipe("service", file, tmp_path, tmp_path, {}, wanted))

    words = [str(made.python), "-c", "import platform; print(platform.python_version())"]
    assert wanted.release == subprocess.check_output(words, encoding="utf-8").strip()
