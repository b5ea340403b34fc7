"""What does not come from an index is found, with its state."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import List

import pytest

from scripts.environments.requirements import Line
from scripts.environments.sources import local_sources
from scripts.environments.sources.digests import Memory
from scripts.environments.sources.local_sources import LocalSource, State
from scripts.errors import InstallError
from tests.unit.environments.local_packages import committed, git, package
from tests.unit.wheels import make_wheel


def find(project: Path, *texts: str, known: object = None) -> List[LocalSource]:
    lines = [Line(project / "requirements.txt", number, text) for number, text in enumerate(texts, 1)]
    return local_sources.find(lines, project, Memory(project / "memory.json"), known or {})  # type: ignore[arg-type]


def test_only_what_comes_from_elsewhere_than_an_index_is_a_source(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    found = find(tmp_path, "a==1", "--pre", "-e ./pkg[x]", "talkie @ file:pkg", "b @ https://h/b-1.whl")

    assert ["./pkg, not in git"] * 2 == [str(each) for each in found]
    assert len({each.identity for each in found}) == 2


def test_a_path_that_leads_nowhere_is_told_with_the_places_that_were_looked_at(tmp_path: Path) -> None:
    line = Line(tmp_path / "deep" / "r.txt", 7, "-e ./pkg")

    with pytest.raises(InstallError) as caught:
        local_sources.find([line], tmp_path, Memory(tmp_path / "m.json"))
    where = f"neither {tmp_path}/pkg nor {tmp_path}/deep/pkg is an archive, or a folder with pyproject.toml"
    assert f"{tmp_path}/deep/r.txt:7: ./pkg: {where}" in caught.value.message


def test_a_path_for_another_machine_need_not_be_there(tmp_path: Path) -> None:
    assert [] == find(tmp_path, "./pkg ; sys_platform == 'win32'")


def test_an_archive_counts_by_its_bytes_and_is_tested_as_what_it_holds(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "talkie", "1", {"talkie.py": b"1"})
    (before,) = find(tmp_path, f"./{wheel.name}")
    with zipfile.ZipFile(wheel) as archive:
        held = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in held.items():
            archive.writestr(zipfile.ZipInfo(name, (2001, 1, 1, 0, 0, 0)), content)
    (later,) = find(tmp_path, f"./{wheel.name}")
    make_wheel(tmp_path, "talkie", "1", {"talkie.py": b"2"})
    (other,) = find(tmp_path, f"./{wheel.name}")

    assert 3 == len({each.state.key for each in (before, later, other)})
    assert before.state.content == later.state.content != other.state.content
    assert ["talkie"] == before.names


def test_a_folder_of_archives_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    make_wheel(tmp_path / "dist", "Tiny-Thing", "1", {"a.py": b"1"})
    (before,) = find(tmp_path, "--find-links ./dist")
    make_wheel(tmp_path / "dist", "Tiny-Thing", "1", {"a.py": b"2"})
    (after,) = find(tmp_path, "--find-links ./dist")

    assert ("./dist, 1 archive", ["tiny-thing"]) == (str(before), before.names)
    assert before.state.key != after.state.key


def test_what_the_run_has_seen_is_not_looked_at_again_but_for_the_code_of_an_editable(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    seen = State("seen", "seen", "seen")
    known = {each.identity: seen for each in find(tmp_path, "./pkg", "-e ./pkg")}
    built, editable = find(tmp_path, "./pkg", "-e ./pkg", known=known)

    assert seen == built.state
    assert ("seen", False) == (editable.state.key, editable.state.content == "seen")


# Version control ----------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = committed(package(tmp_path / "repo"))
    git(folder, "tag", "-a", "v1", "-m", "x")
    return folder


def test_a_branch_is_at_a_commit_and_a_tag_stays(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    package(repository, 2)
    second = git(committed(repository), "rev-parse", "HEAD")
    url = f"git+{repository.as_uri()}"
    named = [f"{url}@main", f"{url}", f"{url}@v1", f"{url}@{first}", f"{url}@{first[:8]}", f"{url}@refs/heads/main"]

    commits = [each.state.content for each in find(tmp_path, *(f"talkie @ {url}" for url in named))]
    assert [second, second, first, first, first[:8], second] == commits
    assert f"talkie at {second[:7]} (main of {repository.as_uri()})" == str(find(tmp_path, f"talkie @ {named[0]}")[0])


def test_a_branch_that_is_not_there_is_told(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"requirements\.txt:1: .* has no branch or tag nope"):
        find(tmp_path, f"git+{repository.as_uri()}@nope")


def test_a_server_that_cannot_be_asked_is_told_in_git_s_words_without_a_password(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"cannot ask https://127\.0\.0\.1:9/x\.git for .* main: fatal: ") as caught:
        find(tmp_path, "x @ git+https://me:secret@127.0.0.1:9/x.git@main")
    assert "secret" not in str(caught.value)
    assert "commit" in caught.value.hint


@pytest.mark.parametrize("revision, fine", [("@default", False), ("", False), ("@" + "a" * 40, True), ("@12", True)])
def test_of_other_version_control_only_what_cannot_move_is_taken(tmp_path: Path, revision: str, fine: bool) -> None:
    text = f"x @ hg+https://me:secret@h/x{revision}"
    if fine:
        (found,) = find(tmp_path, text)
        assert revision[1:] == found.state.content
        assert "secret" not in f"{found}{found.state}{found.identity}"  # which is said, written, and handed to shards
    else:
        with pytest.raises(InstallError, match=r"hg\+https://h/x: only git"):
            find(tmp_path, text)


def test_a_file_that_is_named_and_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-r gone.txt\n")

    with pytest.raises(InstallError, match=rf"cannot read {tmp_path}/gone\.txt, which {tmp_path}/r\.txt names"):
        local_sources.lines_of(tmp_path / "r.txt", tmp_path)


def test_the_project_s_folder_has_a_variable(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-e file://${PROJECT_ROOT}/pkg\n")

    assert [f"-e file://{tmp_path}/pkg"] == [line.text for line in local_sources.lines_of(tmp_path / "r.txt", tmp_path)]
    assert "PROJECT_ROOT" not in os.environ
