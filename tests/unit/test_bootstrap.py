"""scripts/bootstrap.sh on a machine with nothing but a Python."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The first run in a clone; it ends with a line of the environment it made."""
    clone = make_clone(tmp_path_factory.mktemp("ready"))
    code = "import os, tiny_thing; print(tiny_thing.VALUE, os.getcwd())"
    return bootstrap(clone, "python", "-c", code, LC_ALL="C")


@pytest.fixture(scope="module")
def ready(first: subprocess.CompletedProcess[str]) -> Path:
    """A clone that was set up before."""
    assert 0 == first.returncode, first.stdout
    return Path(first.args[0]).parents[1]


def make_clone(folder: Path) -> Path:
    """A clone under a hard name, whose lock asks for one package that a local folder has."""
    clone = folder / "我的 clone"
    (clone / "scripts").mkdir(parents=True)
    shutil.copy(str(ROOT / "scripts" / "bootstrap.sh"), str(clone / "scripts"))
    (clone / "scripts" / "environments").mkdir()
    shutil.copy(str(ROOT / "scripts" / "environments" / "safe_path.py"), str(clone / "scripts" / "environments"))
    wheel = make_wheel(folder, "tiny-thing", "1.0", {"tiny_thing.py": b"VALUE = 1\n"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"# download: 1 packages, 1 kB\n\ntiny-thing==1.0 --hash=sha256:{digest}\n"
    (clone / "requirements.lock").write_text(lock)
    return clone


def bootstrap(clone: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "VIRTUAL_ENV"))}
    own = {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": clone.parent.as_uri()}
    done = subprocess.run(
        [str(clone / "scripts" / "bootstrap.sh"), *command],
        cwd=str(clone.parent),
        env={**inherited, "PIP_CONFIG_FILE": os.devnull, **own, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    print(done.stdout)  # pytest shows it where a test fails
    return done


def test_the_command_runs_in_the_environment_and_in_the_clone(
    ready: Path, first: subprocess.CompletedProcess[str]
) -> None:
    assert f"setting up .venv: 1 packages, 1 kB\n1 {ready}" in first.stdout


def test_a_second_run_installs_nothing(ready: Path) -> None:
    done = bootstrap(ready, "true", PIP_FIND_LINKS="/nowhere")

    assert (0, "") == (done.returncode, done.stdout)


def test_a_changed_lock_is_installed(ready: Path) -> None:
    with open(ready / "requirements.lock", "a") as lock:
        lock.write("# changed\n")

    assert "setting up .venv" in bootstrap(ready).stdout


def test_without_a_command_it_says_how_to_go_on(ready: Path) -> None:
    assert "ready. Activate it: . .venv/bin/activate    Then: nox -l\n" in bootstrap(ready).stdout


def test_the_exit_code_is_the_command_s(ready: Path) -> None:
    assert 7 == bootstrap(ready, "bash", "-c", "exit 7").returncode


def test_a_user_without_a_home_gets_that_of_the_system(ready: Path) -> None:
    done = bootstrap(ready, "bash", "-c", 'echo "home: $HOME"', HOME="")

    home = next((user.pw_dir for user in pwd.getpwall() if user.pw_uid == os.getuid()), "/")
    assert f"home: {home}\n" == done.stdout


def test_packages_that_cannot_be_had_are_one_error_and_no_stamp_of_theirs(ready: Path) -> None:
    lock, stamp, begun = (
        ready / "requirements.lock",
        ready / ".venv/requirements.sha256",
        ready / ".venv/installation-begun",
    )
    before = lock.read_text(), stamp.read_text()
    lock.write_text(f"{before[0]}nosuch-thing==1.0 --hash=sha256:{'0' * 64}\n")

    done = bootstrap(ready, "true")
    lock.write_text(before[0])

    assert 3 == done.returncode
    assert "error: the packages of requirements.lock could not be installed" in done.stdout
    assert "nosuch-thing" in done.stdout
    assert (before[1], True) == (stamp.read_text(), begun.exists())
    begun.unlink()  # nothing was installed, so the environment is as it was


def test_a_python_without_ensurepip_names_the_package_to_install(clone: Path) -> None:
    bare = clone.parent / "python-without-ensurepip"
    bare.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    bare.chmod(0o755)

    done = bootstrap(clone, "true", PYTHON=str(bare))

    assert 3 == done.returncode
    assert "sudo apt install python{}.{}-venv".format(*sys.version_info) in done.stdout


def test_no_python_at_all_says_which_is_needed(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))

    done = bootstrap(clone, "true", PYTHON="", PATH=str(tools))

    assert 3 == done.returncode
    assert "error: no Python 3.8 or newer found" in done.stdout


def test_an_installation_that_was_killed_is_made_anew(ready: Path) -> None:
    (ready / ".venv" / "requirements.sha256").unlink()
    (ready / ".venv" / "installation-begun").touch()
    module = next((ready / ".venv").glob("lib/python*/site-packages/tiny_thing.py"))
    module.unlink()  # pip takes the package for installed all the same

    done = bootstrap(ready, "python", "-c", "import tiny_thing")

    assert (0, False) == (done.returncode, (ready / ".venv" / "installation-begun").exists()), done.stdout


def test_in_a_copied_project_the_environment_is_made_anew(ready: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(str(ready), str(copy), symlinks=True)

    done = bootstrap(copy, "python", "-c", "import sys; print(sys.prefix)", PIP_FIND_LINKS=ready.parent.as_uri())

    assert (0, str(copy / ".venv")) == (done.returncode, done.stdout.splitlines()[-1])
    assert str(copy) in (copy / ".venv" / "bin" / "pip").read_text()


def test_an_environment_whose_interpreter_is_gone_is_made_anew(ready: Path, tmp_path: Path) -> None:
    program, asked = ready / ".venv" / "bin" / "python", tmp_path / "asked"
    interpreter = os.readlink(str(program))
    maker = tmp_path / "python-that-notes-what-it-is-asked"
    maker.write_text(
        f'#!/bin/sh\ncase "$*" in *--clear*) echo "$*" >"{asked}"; exit 1;; esac\nexec "{sys.executable}" "$@"\n'
    )
    maker.chmod(0o755)
    program.unlink()
    program.symlink_to("/nowhere/python")

    done = bootstrap(ready, PYTHON=str(maker))
    program.unlink()
    program.symlink_to(interpreter)

    assert (3, "-m venv --clear .venv\n") == (done.returncode, asked.read_text())
