"""What is installed is what stands there: past all caches, from whatever folder, in a lock too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import List, Mapping

import pytest

from scripts.environments import environments, installation, installers, orders, pip_config, pip_settings
from scripts.environments.environments import Recipe
from scripts.errors import InstallError
from scripts.system.programs import ProgramFailed
from tests.unit.environments.local_packages import committed, package
from tests.unit.wheels import make_wheel


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a package in ./pkg; no index is asked, and the caches are its own."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(pip_config, "find_pip", lambda: None)  # to ask pip takes half a second
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "我的 project"
    package(folder / "pkg")
    return folder


def recipe(project: Path, text: str = "", file: str = "requirements.txt") -> Recipe:
    if text:
        (project / file).write_text(text)
    return environments.recipe("service", project / file, project / ".pipeline", project)


def value(project: Path, text: str = "") -> str:
    """What the package that the requirements install has for VALUE."""
    return printed(environments.make(recipe(project, text)), "import talkie; print(talkie.VALUE)")


def printed(made: environments.Environment, code: str) -> str:
    # -B: an edit of the same size in the same second leaves a compiled file that Python takes for its own
    done = subprocess.run(
        [str(made.python), "-B", "-c", code], cwd=str(made.folder), encoding="utf-8", capture_output=True
    )
    return (done.stdout or done.stderr).strip().splitlines()[-1]


def test_a_folder_is_installed_as_it_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    before = value(project, "talkie @ file:./pkg\n")
    package(project / "pkg", 2)

    assert ("1", "2") == (before, value(project))
    assert recipe(project) == recipe(project)


def test_pip_is_given_the_same(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installers, "find_uv", lambda: None)
    said: List[str] = []
    monkeypatch.setattr(installation, "_run", lambda step, *_: said.extend([*step[1:3], Path(step[-1]).name]))
    order = orders.Order(project / "e", project / "requirements.txt", project / "r", project)
    found = recipe(project, "x==1 --hash=a\n./pkg\n").sources
    installation.install(order._replace(requirements=order.source, sources=found), 0)
    monkeypatch.setattr(orders, "check", lambda command, *_: said.extend(command[1:]))
    installation.install(order._replace(sources=found), 0)

    once = ["-m", "venv", "e", "-m", "pip", "0-requirements.txt"]
    check = ["-m", "pip", "--disable-pip-version-check", "check"]
    assert [*once, *once, "-m", "pip", "0-requirements.txt", *check] == said


def test_wheels_that_were_built_anew_are_installed_anew(project: Path) -> None:
    (project / "links").mkdir()
    for found in ("1", "2"):
        wheel = make_wheel(project, "talkie", "1", {"talkie.py": b"VALUE = " + found.encode()})
        linked = make_wheel(project / "links", "linked", "1", {"linked.py": b"VALUE = " + found.encode()})
        os.utime(str(wheel), (1, 1))
        os.utime(str(linked), (1, 1))
        made = environments.make(recipe(project, f"-f links\nlinked==1\n./{wheel.name}\n"))
        assert f"{found} {found}" == printed(made, "import talkie, linked; print(talkie.VALUE, linked.VALUE)")


def test_a_branch_is_installed_at_its_commit(project: Path, tmp_path: Path) -> None:
    repository = committed(package(tmp_path / "repo"))
    before = value(project, f"-e git+{repository.as_uri()}@main#egg=talkie\n")
    committed(package(repository, 2))

    assert ("1", "2") == (before, value(project))


def test_an_editable_package_is_the_project_s_and_made_anew_with_its_metadata(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "the folder in which the command is typed")
    monkeypatch.chdir(tmp_path)
    wheel = make_wheel(tmp_path, "tiny", "1", {"tiny.py": b"VALUE = 3"})
    package(project / "lib" / "own")
    (project / "lib" / "base.txt").write_text("-e ./own\n")
    first = value(project, f"-f {wheel.parent.as_uri()}\n-r lib/base.txt\n")
    folder = recipe(project).folder
    package(project / "lib" / "own", 2)
    edited = (value(project), recipe(project).folder)
    package(project / "lib" / "own", 2, needs='["tiny"]')

    assert ("1", ("2", folder)) == (first, edited)
    assert "3" == printed(environments.make(recipe(project)), "import tiny; print(tiny.VALUE)")


def test_what_a_local_package_itself_has_from_a_path_is_seen_too(project: Path) -> None:
    package(project / "dep", name="dep")
    package(project / "pkg", needs=f'["dep @ {(project / "dep").as_uri()}"]')
    code = "import dep; print(dep.VALUE)"
    before = environments.make(recipe(project, "./pkg\n"))
    package(project / "dep", 2, name="dep")
    after = environments.make(recipe(project))

    assert ("1", "2") == (printed(before, code), printed(after, code))
    assert ["./pkg", "./dep"] == [each.label for each in after.sources]


def test_what_changes_during_each_build_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(9))
    monkeypatch.setattr(installation, "install", lambda *_: package(project / "pkg", next(count)) and "uv")

    with pytest.raises(InstallError, match=r"changed during each of 3 builds: ./pkg, not in git"):
        environments.make(recipe(project, "./pkg\n"))


def test_requirements_that_are_edited_during_the_installation_are_installed(project: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        edit = "-e ./pkg\n"
        patch.setattr(installation, "install", lambda *_: (project / "requirements.txt").write_text(edit) and "uv")
        before = recipe(project, "# nothing yet\n")
        made = environments.make(before)

    assert (False, recipe(project).folder) == (before.folder.exists(), made.folder)


def test_a_state_that_is_gone_is_not_said_of_what_is_built_now(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "install", lambda *_: "uv")
    first = recipe(project, "./pkg\n")
    known = {each.identity: each.state for each in first.sources}
    package(project / "pkg", 2)
    asked = environments.recipe("service", first.requirements, project / ".pipeline", project, known)
    made = environments.make(asked)

    assert (first.folder, recipe(project).folder) == (asked.folder, made.folder)
    assert not first.folder.exists()


def test_what_a_build_leaves_is_in_the_next_one_only_if_it_is_still_there(project: Path) -> None:
    order = orders.Order(project / "e", project / "r", project / "r", project, recipe(project, "./pkg\n").sources)
    with orders.apart_from_earlier_builds(order, {}) as environ:
        (name,) = environ
        folder = project / "pkg" / Path(environ[name]).read_text().split()[-1]
        folder.mkdir(parents=True)

    assert ("DIST_EXTRA_CONFIG", False) == (name, (project / "pkg" / "build").exists())
    with orders.apart_from_earlier_builds(order, {name: "a person's own"}) as environ:
        assert {name: "a person's own"} == environ


def test_a_folder_that_cannot_be_written_is_built_in_a_copy(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders.os, "access", lambda path, mode: "pkg" not in str(path))
    order = orders.Order(project / "e", project / "requirements.txt", project / "requirements.txt", project)
    with orders.steps(order._replace(sources=recipe(project, "./pkg\n-e ./pkg\n").sources)) as (steps, _):
        copy, itself = steps[0].file.read_text().split("\n")[:2]
        assert (Path(copy[len("file://") :]) / "talkie" / "__init__.py").is_file()

    assert f"-e {(project / 'pkg').as_uri()}" == itself
    assert not Path(copy[len("file://") :]).exists()


@pytest.mark.parametrize("output, offline", [("error sending request for url", True), ("no such version", False)])
def test_without_a_network_an_edited_source_is_built_from_the_cache(output: str, offline: bool) -> None:
    runs: List[bool] = []

    def run(words: List[str], environ: Mapping[str, str]) -> None:
        runs.append("--offline" in words)
        raise ProgramFailed("uv ended with 1", 1, f"{output} {len(runs)}")

    with pytest.raises(ProgramFailed) as caught:
        installation._install_with_uv(["uv"], orders.Step(Path("r"), fresh=["--reinstall"]), {}, run)
    assert ([False, True] if offline else [False], f"{output} 1") == (runs, caught.value.output)


def test_a_lock_installs_paths_beside_what_has_hashes_and_refuses_to_lack_something(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"no-index": "1", "require-hashes": "true"}  # as one line with a hash means for all
    monkeypatch.setattr(pip_settings, "options", lambda *_: options)
    monkeypatch.setattr(installation, "_with_venv", lambda work: pytest.fail("pip had to do it"))
    wheel = make_wheel(project, "tiny", "1", {"tiny.py": b""})
    package(project / "pkg", needs='["tiny"]')
    recipe(project, "-e ./pkg\n")
    (project / "requirements.lock").write_text(
        f"-f {wheel.parent.as_uri()}\n-e ./pkg\ntiny==1 --hash=sha256:{'0' * 64}\n"
    )
    with pytest.raises(InstallError, match=r"(?i)hash.*tiny|tiny.*hash"):
        environments.make(recipe(project))
    digest = subprocess.check_output(["sha256sum", str(wheel)], encoding="utf-8").split()[0].lstrip("\\")
    (project / "requirements.lock").write_text(
        f"-f {wheel.parent.as_uri()}\n-e ./pkg\ntiny==1 --hash=sha256:{digest}\n"
    )
    assert "1" == value(project)

    (project / "requirements.lock").write_text("-e ./pkg\n")
    with pytest.raises(
        InstallError, match=r"requirements\.lock does not have all .*\n.*talkie.* requires .*tiny"
    ) as caught:
        environments.make(recipe(project))
    assert "nox -s lock" in caught.value.hint


def test_a_pyproject_means_what_its_project_needs_and_only_uv_can_do_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(project, "tiny", "1", {"tiny.py": b"VALUE = 3"})
    monkeypatch.setenv("UV_FIND_LINKS", project.as_uri())
    package(project, needs='["tiny"]')
    made = environments.make(recipe(project, file="pyproject.toml"))
    monkeypatch.setattr(installers, "find_uv", lambda: None)
    package(project, needs="[]")

    assert "3" == printed(made, "import tiny; print(tiny.VALUE)")
    assert "No module named 'talkie'" in printed(made, "import talkie")
    with pytest.raises(InstallError, match=r"pyproject\.toml: only uv") as caught:
        environments.make(recipe(project, file="pyproject.toml"))
    assert "pip install uv" in caught.value.hint


def test_an_installer_s_failure_names_the_person_s_file(project: Path) -> None:
    with pytest.raises(InstallError, match=r"我的 project/requirements\.txt`?") as caught:
        environments.make(recipe(project, "./pkg\n= nonsense\n"))
    assert "shardline-" not in caught.value.message
