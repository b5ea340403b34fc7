"""The digest of a source follows what a build would take from it, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from scripts.environments.sources import source_trees
from scripts.environments.sources.digests import Memory
from scripts.environments.sources.source_trees import Tree
from tests.unit.environments.local_packages import committed, git, package


def read(folder: Path) -> Tree:
    return source_trees.read(folder, Memory(folder.parent / "memory.json"))


def key(folder: Path) -> str:
    return source_trees.digest(read(folder).digests)


@pytest.fixture(params=["in git", "not in git"])
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A package, in git and not."""
    folder = package(tmp_path / "pkg")
    (folder / "talkie" / "old.py").write_text("1\n")
    (folder / ".gitignore").write_text("data/\n")
    return committed(folder) if request.param == "in git" else folder


CHANGES: Dict[str, Callable[[Path], object]] = {
    "edited": lambda folder: (folder / "talkie/__init__.py").write_text("VALUE = 2\n"),
    "new": lambda folder: (folder / "talkie/new.py").touch(),
    "deleted": lambda folder: (folder / "talkie/old.py").unlink(),
    "renamed": lambda folder: (folder / "talkie/old.py").rename(folder / "talkie/other.py"),
    "runnable": lambda folder: (folder / "talkie/old.py").chmod(0o755),
    "data": lambda folder: (folder / "talkie/voice.bin").write_bytes(b"\0"),
    "a package called build": lambda folder: package(folder / "talkie", name="build"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_build_would_see_changes_the_digest(source: Path, change: str) -> None:
    before = key(source)
    os.utime(str(source / "talkie/old.py"), (0, 0))
    touched = key(source)
    CHANGES[change](source)

    assert (True, False) == (before == touched, before == key(source))


def test_what_builds_and_tests_leave_does_not(source: Path) -> None:
    before = key(source)
    litter = (
        "build/lib/talkie/a.py dist/t.whl talkie.egg-info/PKG-INFO talkie/__pycache__/a.pyc x.log .pytest_cache/v/a"
    )
    for name in (*litter.split(), "env/pyvenv.cfg", "env/lib/a.py", "talkie/x.cpython-311-x86_64-linux-gnu.so"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()

    assert before == key(source)


def test_the_same_files_have_the_same_digest_in_git_and_elsewhere(tmp_path: Path) -> None:
    one, two = package(tmp_path / "one"), committed(package(tmp_path / "two"))

    assert key(one) == key(two)


def test_what_git_ignores_does_not_count_but_for_code_in_a_package(tmp_path: Path) -> None:
    folder = package(tmp_path / "pkg")
    (folder / ".gitignore").write_text("data/\n*_pb2.py\nmade/\n_version.py\n")
    before = key(committed(folder))
    (folder / "data").mkdir()
    (folder / "data" / "huge.bin").touch()
    (folder / "talkie" / "_version.py").touch()  # which builds write
    unchanged = before == key(folder)
    (folder / "talkie" / "tts_pb2.py").touch()
    generated = key(folder)
    (folder / "talkie" / "made").mkdir()
    (folder / "talkie" / "made" / "a.py").touch()

    assert (True, 3) == (unchanged, len({before, generated, key(folder)}))


@pytest.mark.parametrize("name", ["made/__init__.py", "conversion.py", "voice.bin", "made/voice.bin", "../grafted/x"])
def test_what_a_build_takes_counts_though_git_ignores_it(tmp_path: Path, name: str) -> None:
    folder = package(tmp_path / "pkg")
    (folder / ".gitignore").write_text("made/\nconversion.py\n*.bin\ngrafted/\n")
    (folder / "MANIFEST.in").write_text("graft grafted\nrecursive-include talkie *.bin\n")
    file = folder / "talkie" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("1\n")
    before = key(committed(folder))
    file.write_text("2\n")

    assert before != key(folder)


def test_a_package_that_is_generated_as_a_whole_counts(tmp_path: Path) -> None:
    folder = package(tmp_path / "pkg")
    (folder / ".gitignore").write_text("talkie/\n")
    before = key(committed(folder))
    package(folder, 2)

    assert before != key(folder)


def test_outside_git_a_package_counts_whatever_its_own_gitignore_says(tmp_path: Path) -> None:
    folder = package(tmp_path / "pkg")
    (folder / "talkie" / ".gitignore").write_text("*\n")
    before = key(folder)
    package(folder, 2)

    assert before != key(folder)


def test_a_folder_that_git_ignores_as_a_whole_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("pkg/\n")
    committed(tmp_path)
    folder = package(tmp_path / "pkg")
    before = key(folder)
    package(folder, 2)

    assert before != key(folder)
    assert ", not in git" == read(folder).head


def test_where_git_trusts_nobody_s_repository_the_files_count_as_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = committed(package(tmp_path / "pkg"))
    trusted = key(folder)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)

    assert trusted == key(folder)
    assert "dubious ownership" in read(folder).head


def test_without_git_the_files_count_as_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = committed(package(tmp_path / "pkg"))
    before = key(folder)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert before == key(folder)
    assert "git cannot be started" in read(folder).head


def test_a_repository_inside_and_code_that_a_link_leads_to_count(tmp_path: Path) -> None:
    folder, outside = package(tmp_path / "pkg"), package(tmp_path / "outside")
    committed(package(folder / "inner"))
    (folder / "talkie" / "more").symlink_to(outside / "talkie")
    committed(folder)
    before = key(folder)
    package(folder / "inner", 2)
    inside = key(folder)
    package(outside, 2)

    assert 3 == len({before, inside, key(folder)})


def test_data_that_a_link_in_a_package_leads_to_count_and_other_data_do_not(tmp_path: Path) -> None:
    folder, (assets, weights) = package(tmp_path / "pkg"), (tmp_path / "assets", tmp_path / "weights")
    for outside, link in ((assets, folder / "talkie" / "assets"), (weights, folder / "weights")):
        outside.mkdir()
        link.symlink_to(outside)
    committed(folder)
    keys = [key(folder)]
    for outside in (weights, assets):
        (outside / "a.bin").write_text("changed")
        keys.append(key(folder))

    assert [True, False] == [keys[0] == each for each in keys[1:]]


def test_what_a_build_takes_from_beside_the_folder_counts(tmp_path: Path) -> None:
    folder, shared = package(tmp_path / "pkg"), tmp_path / "shared" / "voices.py"
    shared.parent.mkdir()
    package(tmp_path / "another package")
    with (folder / "pyproject.toml").open("a") as file:
        file.write('[tool.x]\ninclude = {"../shared" = "talkie"}\nreadme = "../README.md"\n')
    keys = [key(folder)]
    for file_beside in (shared, tmp_path / "README.md", tmp_path / "not named"):
        file_beside.touch()
        keys.append(key(folder))

    assert (3, keys[2]) == (len(set(keys)), keys[3])


def test_odd_entries_do_no_harm(source: Path) -> None:
    (source / "loop").symlink_to(source)
    (source / "up").symlink_to(source.parent)
    (source / "nowhere").symlink_to("not there")
    os.mkfifo(str(source / "pipe"))
    odd = Path(os.fsdecode(os.fsencode(str(source / "talkie")) + b"/\xff\n.py"))
    odd.touch()
    before = key(source)
    odd.write_text("1")

    assert before != key(source)


def test_the_state_is_said_in_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = committed(package(tmp_path / "pkg"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "of another"))  # as in a hook of another repository
    clean = read(folder).head
    (folder / "talkie" / "__init__.py").write_text("2")
    (folder / "new.py").touch()
    (folder / "build").mkdir()
    (folder / "build" / "x").touch()

    commit = git(folder, "rev-parse", "--short=7", "HEAD")
    assert [f" at {commit} (main)", f" at {commit} (main), 2 files changed"] == [clean, read(folder).head]
    assert ", not in git" == read(package(tmp_path / "other")).head


# Editable installations ---------------------------------------------------------------------------


def test_an_editable_installation_is_decided_by_metadata_and_not_by_code(tmp_path: Path) -> None:
    folder = package(tmp_path / "pkg")
    (folder / "pyproject.toml").write_text('[project]\nname = "talkie"\ndynamic = {file = "needs.txt"}\n')
    keys: List[str] = []
    for name, text in (("talkie/x.c", "1"), ("talkie/__init__.py", "2"), ("needs.txt", "a"), ("needs.txt", "b")):
        (folder / name).write_text(text)
        keys.append(source_trees.metadata(read(folder), folder))
    (folder / "pyproject.toml").write_text('[project]\nname = "talkie"\n')
    keys.append(source_trees.metadata(read(folder), folder))
    (folder / "talkie" / "x.c").write_text("2")
    keys.append(source_trees.metadata(read(folder), folder))

    assert keys[0] == keys[1]
    assert len(keys) - 1 == len(set(keys))


@pytest.mark.parametrize(
    "file, settings",
    [
        ("talkie/about.py", '[tool.setuptools.dynamic]\nversion = {attr = "talkie.about.VERSION"}\n'),
        ("src/talkie/about.py", '[tool.hatch.version]\npath = "src/talkie/about.py"\n'),
        ("talkie/about.py", "# open(os.path.join('talkie', 'about.py'))\n"),
        ("talkie/__init__.py", '[project]\ndynamic = ["version"]\n'),
    ],
)
def test_the_version_of_an_editable_installation_is_read_where_its_build_does(
    tmp_path: Path, file: str, settings: str
) -> None:
    folder = package(tmp_path / "pkg")
    (folder / "pyproject.toml").write_text(settings)
    keys: List[str] = []
    for text in ("VERSION = '1'\nx = 1\n", "VERSION = '1'\nx = 2\n", "VERSION = '2'\nx = 2\n"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
        keys.append(source_trees.metadata(read(folder), folder))

    assert (True, False) == (keys[0] == keys[1], keys[1] == keys[2])


def test_what_is_tested_is_code_and_not_what_else_a_machine_leaves(tmp_path: Path) -> None:
    folder = committed(package(tmp_path / "pkg"))
    before = source_trees.content(read(folder))
    (folder / "node-3.txt").write_text("of this machine")
    same = source_trees.content(read(folder))
    (folder / "talkie" / "new.py").touch()

    assert (True, False) == (before == same, before == source_trees.content(read(folder)))
