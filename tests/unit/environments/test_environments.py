from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, List

import pytest

from scripts.environments import census, environments, installation, installers
from scripts.environments.environments import Recipe
from scripts.environments.locks import lock_files
from scripts.errors import InstallError
from scripts.system import locks, programs
from tests.unit.models.loopback import content, links, serve, then_wait
from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[3]
MAKE = """\
import pathlib, sys
from scripts.environments import environments
folder = pathlib.Path(sys.argv[1])
environments.make(environments.recipe("suite", folder / "requirements.txt", folder / ".pipeline", folder))
print("made", flush=True)
sys.stdin.read()
"""


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
    return environments.recipe("suite", project / "requirements.txt", project / ".pipeline", project)


def value(made: environments.Environment) -> str:
    code = "import tiny_thing; print(tiny_thing.VALUE)"
    return subprocess.check_output([str(made.python), "-c", code], encoding="utf-8").strip()


@pytest.mark.parametrize("uv", [True, False])
def test_requirements_without_a_lock_are_installed(project: Path, uv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not uv:
        monkeypatch.setattr(installers, "find_uv", lambda: None)

    assert "1" == value(environments.make(recipe(project)))


def test_a_ready_environment_is_not_touched(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = environments.make(recipe(project))
    monkeypatch.setattr(environments, "_build", None)

    assert first == environments.make(recipe(project))


def test_an_interrupted_install_is_made_anew(project: Path) -> None:
    made = environments.make(recipe(project))
    (made.folder / environments.STAMP).unlink()
    (made.folder / "leftover").touch()

    made = environments.make(recipe(project))

    assert "1" == value(made)
    assert not (made.folder / "leftover").exists()


def test_on_a_full_disk_nothing_is_left_and_the_disk_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(order: installation.Order, lock: int) -> str:
        (order.folder / "bin").mkdir(parents=True)
        raise programs.ProgramFailed("uv ended with 1", 1, "error: cannot write: No space left on device (os error 28)")

    with monkeypatch.context() as full:
        full.setattr(installation, "install", install)
        with pytest.raises(InstallError, match=r"^installing packages for the suite failed: the disk of .* is full"):
            environments.make(recipe(project))

    assert not recipe(project).folder.exists()
    assert "1" == value(environments.make(recipe(project)))


def test_on_a_disk_without_locks_an_environment_is_made_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    made = []

    def install(order: installation.Order, lock: int) -> str:
        made.append(order.folder)
        (order.folder / "bin").mkdir(parents=True)
        (order.folder / "bin" / "python").symlink_to(sys.executable)
        return "nobody"

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    monkeypatch.setattr(installation, "install", install)
    threads = [threading.Thread(target=environments.make, args=[recipe(project)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [recipe(project).folder] == made
    old = aged(project / ".pipeline" / "environments" / "suite-1", 31)
    assert [old] == environments.prune(old.parent)


def test_an_environment_whose_interpreter_is_gone_is_made_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = environments.make(recipe(project))
    made.python.unlink()
    made.python.symlink_to("/no/python3.1")

    assert "1" == value(environments.make(recipe(project)))
    assert f"{made.folder.name} is made anew: there is no /no/python3.1 any more\n" in capsys.readouterr().out


def test_an_environment_out_of_an_archive_is_counted_once_and_used_if_it_is_whole(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = environments.make(recipe(project))
    (made.folder / "lib" / "weights.bin").write_bytes(b"1")  # what programs add is not missing later
    through_an_archive(made.folder)
    first = recipe(project).ready
    monkeypatch.setattr(census, "take", None)

    assert first
    assert recipe(project).ready


def test_an_environment_out_of_an_archive_that_was_cut_off_is_made_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = environments.make(recipe(project))
    module = next(made.folder.rglob("tiny_thing.py"))
    module.unlink()  # it is one file with that in uv's cache
    module.touch()
    before = recipe(project).ready  # files that lie here since they were counted are not looked at again
    through_an_archive(made.folder)

    assert before
    assert "1" == value(environments.make(recipe(project)))
    assert re.search(r"suite-.* is made anew: (\d+) of \1 files are there, \d+ of \d+ bytes", capsys.readouterr().out)


def through_an_archive(folder: Path) -> None:
    """Make the files of a folder anew, with the times they had, as tar does."""
    shutil.copytree(str(folder), f"{folder}.copy", symlinks=True)
    shutil.rmtree(str(folder))
    Path(f"{folder}.copy").rename(folder)


def test_changed_requirements_get_another_environment(project: Path) -> None:
    before = recipe(project).folder
    (project / "requirements.txt").write_text("tiny-thing\n")

    assert before != recipe(project).folder


def test_what_a_variable_in_requirements_means_now_decides_and_no_password(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = project / "requirements.txt"
    requirements.write_text("--extra-index-url https://me:${SECRET}@localhost/\n-r ${PROJECT_ROOT}/${WHICH}.txt\n")
    (project / "a.txt").write_text("tiny-thing==${VERSION}\n")
    folders = []
    for variables in ("1.0 a p", "1.0 a other", "2.0 a p", "1.0 b p"):
        for name, text in zip(("VERSION", "WHICH", "SECRET"), variables.split()):
            monkeypatch.setenv(name, text)
        (project / "b.txt").write_text("tiny-thing==1.0  # as a.txt\n")
        folders.append(recipe(project).folder)

    assert [True, False, False] == [folders[0] == folder for folder in folders[1:]]


@pytest.mark.parametrize("line", ["-r {}", "-c{}", "--requirement={}", "--constraint {}", "-r \\\n {}", "-r '{}'"])
def test_a_change_in_a_file_that_the_requirements_name_is_one_too(project: Path, line: str) -> None:
    (project / "requirements.txt").write_text(f"tiny-thing\n{line.format('more/base.txt')}\n")
    (project / "more").mkdir()
    (project / "more" / "base.txt").write_text("-r ../requirements.txt\ntiny-thing==1.0\n")
    before = recipe(project)
    same = recipe(project)
    (project / "more" / "base.txt").write_text("tiny-thing>=1.0\n")

    assert (True, False) == (before == same, before == recipe(project))


def test_a_package_that_cannot_be_had_is_named(project: Path) -> None:
    (project / "requirements.txt").write_text("no-such-thing==9\n")

    with pytest.raises(InstallError, match="no-such-thing") as caught:
        environments.make(recipe(project))
    assert "pip config list" in caught.value.hint
    assert not recipe(project).ready


def test_a_wrong_digest_in_the_lock_is_refused(project: Path) -> None:
    lock(project, f"tiny-thing==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(InstallError, match=r"(?i)hash"):
        environments.make(recipe(project))


def lock(project: Path, body: str) -> None:
    digest = lock_files.requirements_digest((project / "requirements.txt").read_text())
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
        environments.recipe("suite", tmp_path / "gone.txt", tmp_path, tmp_path)


def test_a_state_folder_that_cannot_be_made_is_told_in_a_line(project: Path) -> None:
    (project / ".pipeline").write_text("a file where the folder should be")

    with pytest.raises(InstallError, match=r"\Acannot make [^\n]*: (File exists|Not a directory)\n"):
        environments.make(recipe(project))


@pytest.mark.parametrize("content", ["[]", "{", '{"schema": 2}', '{"schema": 1, "folder": 7}'])
def test_an_environment_whose_stamp_is_damaged_is_not_ready(project: Path, content: str) -> None:
    (recipe(project).folder / "bin").mkdir(parents=True)
    (recipe(project).folder / "bin" / "python").touch()
    (recipe(project).folder / environments.STAMP).write_text(content)

    assert not recipe(project).ready


def test_the_header_of_a_lock_is_read(project: Path) -> None:
    (project / "a.lock").write_text("# Made by hand.\n# download: 2 packages, 1 MB\n\nnox==1\n# via: nobody\n")

    assert {"download": "2 packages, 1 MB"} == lock_files.header(project / "a.lock")


def test_variables_put_the_environment_first_and_drop_the_outer_one(tmp_path: Path) -> None:
    outer = {"PATH": "/usr/bin", "PYTHONHOME": "/h", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "KEEP": "1"}

    expected = {"PATH": f"{tmp_path}/bin:/usr/bin", "PYTHONPATH": "/x", "VIRTUAL_ENV": str(tmp_path), "KEEP": "1"}
    assert expected == environments.Environment(tmp_path).variables(outer)


def test_the_reason_is_taken_from_the_installer_s_output() -> None:
    output = "Resolving\nerror: no network\n  Caused by: dns\n"

    assert "\n  error: no network\n    Caused by: dns" == installers.explain(output)


def test_the_stamp_says_what_made_it(project: Path) -> None:
    made = environments.make(recipe(project))

    stamp = json.loads((made.folder / environments.STAMP).read_text())
    assert (1, str(project / "requirements.txt")) == (stamp["schema"], stamp["installed_from"])


def test_a_locked_environment_needs_no_network_once_its_packages_are_cached(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(next(project.glob("*.whl")).read_bytes()).hexdigest()
    lock(project, f"tiny-thing==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("UV_CACHE_DIR", str(project / "cache"))
    shutil.rmtree(str(environments.make(recipe(project)).folder))
    runs: List[List[str]] = []
    really = installation._run
    monkeypatch.setattr(installation, "_run", lambda step, *rest: (runs.append(step), really(step, *rest)))

    environments.make(recipe(project))

    assert [False, True] == ["--offline" in step for step in runs]


def make_apart(project: Path) -> subprocess.Popen[str]:
    """`make` in a process of its own, which lives until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(project)], cwd=str(ROOT), encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def said(process: subprocess.Popen[str], *words: str) -> str:
    """The first of these words that the process prints."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        for word in words:
            if word in line:
                return word
    raise AssertionError("".join(lines))


def test_an_environment_that_was_moved_is_made_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environments.make(recipe(project))
    moved = project.with_name("moved")
    project.rename(moved)
    monkeypatch.setenv("PIP_FIND_LINKS", moved.as_uri())
    made = environments.make(recipe(moved))

    assert "1" == value(made)
    assert str(project) not in (made.bin / "activate").read_text()  # like all its programs, it names its place


def test_after_a_kill_the_next_run_waits_for_the_installer_that_lives_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = next(project.glob("*.whl"))
    released = threading.Event()
    monkeypatch.setenv("UV_CACHE_DIR", str(project / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    answers = {"/links": links(wheel.name), f"/{wheel.name}": then_wait(b"PK", released)}
    with serve(answers) as server:
        monkeypatch.setenv("PIP_FIND_LINKS", f"{server.url}/links")
        with make_apart(project) as first:
            wait_for(lambda: f"/{wheel.name}" in server.asked)
            first.kill()
        answers[f"/{wheel.name}"] = content(wheel.read_bytes())
        with make_apart(project) as second:
            assert "waiting for another run" == said(second, "waiting for another run", "made")
            released.set()
            assert "made" == said(second, "made")

    assert "1" == value(environments.make(recipe(project)))


def wait_for(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# Age ----------------------------------------------------------------------------------------------


def aged(folder: Path, days: float, complete: bool = True) -> Path:
    """A folder as an environment that was last used so many days ago."""
    folder.mkdir(parents=True)
    then = time.time() - days * 86400
    if complete:
        (folder / environments.STAMP).write_text("{}")
        os.utime(str(folder / environments.STAMP), (then, then))
    else:
        folder.with_name(folder.name + ".lock").touch()
    os.utime(str(folder), (then, then))
    return folder


@pytest.mark.parametrize("complete", [True, False])
def test_what_no_run_used_for_long_is_removed(tmp_path: Path, complete: bool) -> None:
    old, young = (aged(tmp_path / f"suite-{days}", days, complete) for days in (31, 29))

    assert [old] == environments.prune(tmp_path)
    assert (False, True) == (old.exists(), young.exists())


def test_an_environment_in_use_is_not_removed_however_old(project: Path) -> None:
    folder = recipe(project).folder
    with make_apart(project) as user:
        assert "made" == said(user, "made")
        os.utime(str(folder / environments.STAMP), (0, 0))
        while_used = environments.prune(folder.parent)
        user.communicate("")

    assert ([], [folder]) == (while_used, environments.prune(folder.parent))


def test_an_environment_that_is_being_made_is_not_removed(tmp_path: Path) -> None:
    folder = aged(tmp_path / "suite-1", 31, complete=False)
    with locks.acquire(tmp_path / "suite-1.lock"):
        assert [] == environments.prune(tmp_path)

    assert folder.exists()


def test_use_makes_an_environment_young_again(project: Path) -> None:
    stamp = environments.make(recipe(project)).folder / environments.STAMP
    os.utime(str(stamp), (0, 0))
    environments.make(recipe(project))

    assert time.time() - stamp.stat().st_mtime < 3600


def test_there_may_be_nothing_to_remove(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()

    assert [[], []] == [environments.prune(folder, 0) for folder in (tmp_path, tmp_path / "none")]


def python_in(folder: Path, stamp: str = "") -> Path:
    """A folder with a `python`; an environment where it has a stamp."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    if stamp:
        (folder / stamp).touch() if "." in stamp else (folder / stamp).mkdir()
    return folder


@pytest.mark.parametrize("stamp", ["pyvenv.cfg", "conda-meta"])
def test_python_is_that_of_the_active_environment_however_we_were_started(tmp_path: Path, stamp: str) -> None:
    own, active, system = (python_in(tmp_path / name, kind) for name, kind in zip("oas", ("pyvenv.cfg", stamp, "")))
    path = f"{active}/bin:{system}/bin"
    by_hand = environments.of_shell({"PATH": path}, own)
    by_nox = environments.of_shell({"PATH": f"{own}/bin:{path}", "SHARDLINE_SHELL_PATH": path}, own)

    assert (active, active) == (by_hand and by_hand.folder, by_nox and by_nox.folder)


def test_python_is_our_own_where_no_environment_is_active(tmp_path: Path) -> None:
    own, system = python_in(tmp_path / "own", "pyvenv.cfg"), python_in(tmp_path / "system")
    path = f"{system}/bin"
    starts = ({"PATH": path}, {"PATH": f"{own}/bin:{path}", "SHARDLINE_SHELL_PATH": path}, {"PATH": str(tmp_path)})
    chosen = [environments.of_shell(environ, own) for environ in starts]

    assert [own] * 3 == [environment and environment.folder for environment in chosen]
    assert environments.of_shell({"PATH": path}, system) is None
