"""What is made by `nox -s lock`: one file for all platforms, of what people have in their requirements."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import List

import pytest

from scripts import settings
from scripts.environments import environments, pip_config, requirements
from scripts.environments.locks import lock_files, resolution, uv_output
from scripts.environments.locks.lock_text import Request
from scripts.environments.locks.python_versions import OldestPython
from scripts.errors import InstallError
from scripts.steps import lock
from tests.unit.wheels import make_wheel, serving

FIND_PIP = pip_config.find_pip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    """A project that needs one package, which only a local folder has."""
    make_wheel(tmp_path, "tiny-thing", "1.0", {"tiny_thing.py": b""})
    (tmp_path / "requirements.txt").write_text("tiny-thing  # why\n")
    (tmp_path / "pipeline.yml").write_text("suite: {path: checks, requirements: checks/requirements.txt}")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(pip_config, "find_pip", lambda: None)  # its start takes half a second, several times
    return settings.load(None, {}, tmp_path)


def local_package(folder: Path, name: str, needs: str, more: str = "") -> None:
    """Write a package whose metadata uv reads without a build."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'[project]\nname = "{name}"\nversion = "1"\ndependencies = [{needs}]\n{more}'
    (folder / "pyproject.toml").write_text(text)
    (folder / f"{name}.py").write_text("X = 1\n")


def not_from_index(project: settings.Settings) -> List[str]:
    return lock_files.not_from_index((project.project / "requirements.lock").read_text())


def test_a_lock_has_hashes_its_origin_and_the_size_of_the_download(
    project: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_config, "find_pip", FIND_PIP)
    lock.run(project)

    text = (project.project / "requirements.lock").read_text()
    assert re.search(r"^tiny-thing==1\.0 \\\n +--hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    header = lock_files.header(project.project / "requirements.lock")
    assert re.match(r"1 package, \d+ bytes \(on Python ", header["download"])
    assert str(project.project) not in text


def test_no_python_is_fetched_for_the_oldest_one_that_a_lock_is_for(
    project: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.0)
        monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", f"http://127.0.0.1:{trap.getsockname()[1]}")
        monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
        monkeypatch.setenv("PATH", str(project.project))  # without the Pythons that are here
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(project.project))
        lock.run(project)

        with pytest.raises(BlockingIOError):
            trap.accept()


def test_a_fresh_lock_is_not_stale_and_installs(project: settings.Settings) -> None:
    lock.run(project)

    recipe = environments.recipe("own", project.project / "requirements.txt", project.state, project.project)
    assert environments.make(recipe).python.exists()


def test_pins_that_still_fit_stay_unless_an_upgrade_is_asked_for_which_says_what_changed(
    project: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lock.run(project)
    make_wheel(project.project, "tiny-thing", "2.0", {"tiny_thing.py": b""})
    file = project.project / "requirements.lock"

    lock.run(project)
    kept = "tiny-thing==1.0" in file.read_text()
    capsys.readouterr()
    lock.run(project, upgrade=True)

    assert (True, True) == (kept, "tiny-thing==2.0" in file.read_text())
    assert "; 1 changed\n  tiny-thing  1.0 -> 2.0\n" in capsys.readouterr().out


def test_what_cannot_be_had_leaves_the_old_lock(project: settings.Settings) -> None:
    lock.run(project)
    before = (project.project / "requirements.lock").read_text()
    (project.project / "requirements.txt").write_text("no-such-thing\n")

    with pytest.raises(InstallError, match="no-such-thing"):
        lock.run(project)
    assert before == (project.project / "requirements.lock").read_text()


def test_a_further_index_with_some_files_of_a_release_does_not_take_the_others_out_of_the_lock(
    project: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = project.project / "main" / "simple" / "tiny-thing"
    wheels.mkdir(parents=True)
    wheel = make_wheel(wheels, "tiny-thing", "1.0", {"tiny_thing.py": b""})
    other = wheel.with_name(wheel.name.replace("none-any", "none-win_amd64"))
    other.write_bytes(wheel.read_bytes() + b"\0")
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (wheel, other)}
    links = [f'<a href="{name}#sha256={digest}">{name}</a>' for name, digest in digests.items()]
    (wheels / "index.html").write_text("\n".join(links))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_CACHE_DIR", str(project.project / "cache"))
    with serving(project.project / "main") as url:
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
        lock.run(project)

    assert 2 == (project.project / "requirements.lock").read_text().count("--hash=sha256:")


def test_a_package_of_a_further_index_alone_is_locked_all_the_same(
    project: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.project / "empty" / "simple").mkdir(parents=True)
    monkeypatch.delenv("PIP_NO_INDEX")
    with serving(project.project / "empty") as url:
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
        lock.run(project)

    assert "tiny-thing==1.0" in (project.project / "requirements.lock").read_text()


def test_paths_stay_as_they_stand_and_what_they_need_is_locked(project: settings.Settings) -> None:
    folder = project.project
    local_package(folder / "a", "a", '"tiny-thing"', "[project.optional-dependencies]\ndev = []\n")
    local_package(folder / "more" / "b b", "b", '"c"', "[tool.uv.sources]\nc = {path = '../../c', editable = true}\n")
    local_package(folder / "c", "c", "")
    wheel = make_wheel(folder, "d", "1", {}, "Requires-Dist: tiny-thing\n")
    (folder / "requirements.txt").write_text("-e ./a[dev] ; python_version > '3'  # why\n-r more/r.txt\n")
    (folder / "more" / "r.txt").write_text(f"./b b\nd @ file:{wheel.name} --hash=sha256:{'0' * 64}\n")
    lock.run(project)

    expected = ["-e ./a[dev] ; python_version > '3'", "./more/b b", f"d @ file:{wheel.name}", "-e ./c"]
    assert expected == not_from_index(project)
    text = (folder / "requirements.lock").read_text()
    assert {"tiny-thing": "1.0"} == lock_files.pins(text)
    assert str(folder) not in text


def test_a_path_that_leads_nowhere_is_told_with_its_line(project: settings.Settings) -> None:
    (project.project / "requirements.txt").write_text("tiny-thing\n./pgk\n")

    with pytest.raises(InstallError, match=r"requirements\.txt:2: \./pgk: /\S+/pgk is not an archive, or a folder"):
        lock.run(project)


def test_version_control_is_locked_to_a_commit_which_stays(project: settings.Settings) -> None:
    repository = project.project / "repository"
    local_package(repository, "a", "")

    def commit() -> str:
        subprocess.check_call(["git", "init", "-q", "-b", "main", str(repository)])
        git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@test"]
        subprocess.check_call([*git, "add", "."])
        subprocess.check_call([*git, "commit", "-q", "--allow-empty", "-m", "x"])
        return subprocess.check_output([*git, "rev-parse", "HEAD"], encoding="ascii").strip()

    first = commit()
    (project.project / "requirements.txt").write_text(f"-e git+{repository.as_uri()}@main#egg=a\n")
    lock.run(project)
    second = commit()
    lock.run(project)
    kept = not_from_index(project)
    lock.run(project, upgrade=True)

    url = f"git+{repository.as_uri()}"
    assert [f"{url}@{first}#egg=a  # main"] == kept
    assert [f"{url}@{second}#egg=a  # main"] == not_from_index(project)


def test_releases_before_the_final_one_are_locked_where_the_file_asks_for_them(project: settings.Settings) -> None:
    make_wheel(project.project, "tiny-thing", "2.0rc1", {})
    (project.project / "requirements.txt").write_text("--pre\ntiny-thing\n")
    lock.run(project)

    assert {"tiny-thing": "2.0rc1"} == lock_files.pins((project.project / "requirements.lock").read_text())


def test_a_password_is_not_written_into_a_lock(project: settings.Settings) -> None:
    (project.project / "requirements.txt").write_text("a @ git+https://me:hunter2@h.test/a\n")

    with pytest.raises(InstallError, match=r"requirements\.txt:1 holds a password") as caught:
        lock.run(project)
    assert "hunter2" not in str(caught.value)


def test_what_needs_a_newer_python_is_told_with_the_option(project: settings.Settings) -> None:
    make_wheel(project.project, "new-thing", "1.0", {}, "Requires-Python: >=3.10\n")
    (project.project / "requirements.txt").write_text("new-thing==1.0\n")

    with pytest.raises(InstallError, match=r"cannot lock [^\n]*: \n  error: No solution found") as caught:
        lock.run(project, oldest_python="3.8")
    expected = "new-thing==1.0 needs Python 3.10 or newer; the lock is for 3.8 and newer (--oldest-python says so)."
    assert caught.value.hint.startswith(expected)
    assert caught.value.hint.endswith(" Run: nox -s lock -- --oldest-python 3.10")
    lock.run(project, oldest_python="3.10")
    assert "3.10" == lock_files.oldest_python(project.project / "requirements.lock")


def test_what_only_an_index_of_the_requirements_has_is_locked_and_installed(
    project: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.project
    for index, version in (("main", "2"), ("extra", "1"), ("extra", "1.5+cpu")):
        for name in ("both", "engine") if version != "2" else ("both",):
            (folder / index / "simple" / name).mkdir(parents=True, exist_ok=True)
            make_wheel(folder / index / "simple" / name, name, version, {})
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("TOKEN", "sesame")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
    with serving(folder) as url:
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/main/simple")
        extra = url.replace("://", "://me:${TOKEN}@")
        (folder / "requirements.txt").write_text(f"--extra-index-url {extra}/extra/simple\nboth\nengine==1.5+cpu\n")
        lock.run(project)
        recipe = environments.recipe("own", folder / "requirements.txt", project.state, folder)
        made = environments.make(recipe)

    text = (folder / "requirements.lock").read_text()
    assert {"both": "2", "engine": "1.5+cpu"} == lock_files.pins(text)
    assert "requirements.txt names the one of engine==1.5+cpu" == lock_files.header_of(text)["indexes"]
    assert "127.0.0.1" not in text
    assert list(made.folder.glob("lib/*/site-packages/engine-1.5+cpu.dist-info"))


def test_the_dependencies_of_a_pyproject_are_locked(project: settings.Settings) -> None:
    local_package(project.project, "a", '"tiny-thing"', '[tool.uv.sources]\nb = {path = "b"}\n')
    file = project.project / "pyproject.toml"
    made = resolution.make(Request(file, project.project, OldestPython("3.8", "")))
    lock_files.check_lock(file, made, project.project)
    file.write_text(file.read_text() + "[tool.ruff]\n")
    lock_files.check_lock(file, made, project.project)
    file.write_text(file.read_text().replace('["tiny-thing"]', "[]"))

    assert {"tiny-thing": "1.0"} == lock_files.pins(made.read_text())
    with pytest.raises(InstallError, match=r"pyproject\.toml was edited"):
        lock_files.check_lock(file, made, project.project)


def test_hashes_that_the_requirements_state_are_the_only_ones_locked(project: settings.Settings) -> None:
    """uv alone writes all that an index has; the lock would install what the requirements refuse."""
    wheel = next(project.project.glob("tiny_thing*.whl"))
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirements_file = project.project / "requirements.txt"
    requirements_file.write_text(f"Tiny_Thing==1.0 --hash=sha256:{right} --hash=sha256:{'1' * 64}\n")
    entry = uv_output.Entry(
        f"tiny-thing==1.0 \\\n    --hash=sha256:{'2' * 64} \\\n    --hash=sha256:{right}\n    # via x\n", None, ""
    )
    kept = resolution.with_stated_hashes(entry, list(requirements.read(requirements_file)))

    assert kept.text == f"tiny-thing==1.0 \\\n    --hash=sha256:{right}\n    # via x\n"

    requirements_file.write_text(f"tiny-thing==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match=r"requirements.txt:1: no file of tiny-thing==1.0 on the index has a hash"):
        lock.run(project)
