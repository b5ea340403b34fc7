from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

import pytest

from scripts import settings
from scripts.environments import environments, lock_files
from scripts.errors import InstallError
from scripts.steps import lock
from tests.unit.wheels import make_wheel, serving


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
    return settings.load(None, {}, tmp_path)


def test_a_lock_has_hashes_its_origin_and_the_size_of_the_download(project: settings.Settings) -> None:
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


def test_pins_that_still_fit_stay_unless_an_upgrade_is_asked_for(project: settings.Settings) -> None:
    lock.run(project)
    make_wheel(project.project, "tiny-thing", "2.0", {"tiny_thing.py": b""})
    file = project.project / "requirements.lock"

    lock.run(project)
    kept = "tiny-thing==1.0" in file.read_text()
    lock.run(project, upgrade=True)

    assert (True, True) == (kept, "tiny-thing==2.0" in file.read_text())


def test_what_cannot_be_had_leaves_the_old_lock(project: settings.Settings) -> None:
    lock.run(project)
    before = (project.project / "requirements.lock").read_text()
    (project.project / "requirements.txt").write_text("no-such-thing\n")

    with pytest.raises(InstallError, match="no-such-thing"):
        lock.run(project)
    assert before == (project.project / "requirements.lock").read_text()


def test_a_lock_is_stale_when_a_file_that_its_requirements_name_was_edited(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("one")
    requirements, made = tmp_path / "own.txt", tmp_path / "own.lock"
    requirements.write_text("-r base.txt  # why\ntwo\n")
    digest = lock_files.requirements_digest(lock_files.definition(requirements).decode())
    made.write_text(f"# requirements: sha256 {digest}\n")

    (tmp_path / "base.txt").write_text("# a comment\none\n")
    lock_files.check_lock(requirements, made)
    (tmp_path / "base.txt").write_text("one\nthree\n")
    with pytest.raises(InstallError, match=r"own\.txt was edited after own\.lock"):
        lock_files.check_lock(requirements, made)


def test_hosts_that_uv_wrote_are_taken_out() -> None:
    body = "--index-url https://user:secret@mirror.test/simple\n-f /home/me\nnox==1\n    --hash=sha256:00\n"

    assert "nox==1\n    --hash=sha256:00\n" == lock_files.without_hosts(body)


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
