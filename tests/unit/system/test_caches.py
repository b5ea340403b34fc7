"""Where caches go, and what a user without a usable home is told."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Iterator

import pytest

from scripts.system import caches, locks
from tests.unit.users import as_user, needs_root, open_folder

NAMELESS = 54321  # a uid that no system gives a name


@pytest.fixture(autouse=True)
def _told_anew() -> Iterator[None]:
    yield
    caches._tell.cache_clear()
    caches._refusal.cache_clear()


@pytest.fixture
def unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder that cannot be written, by root neither."""
    home = tmp_path / "home"
    home.touch()
    monkeypatch.setenv("HOME", str(home))
    return home


def test_what_a_person_names_comes_first(tmp_path: Path) -> None:
    environ = {"SHARDLINE_CACHE": str(tmp_path / "named"), "XDG_CACHE_HOME": str(tmp_path / "xdg")}

    assert tmp_path / "named" == caches.folder("shardline", "SHARDLINE_CACHE", environ, tmp_path / ".pipeline")
    assert tmp_path / "xdg" / "uv" == caches.folder("uv", "UV_CACHE_DIR", environ, tmp_path / ".pipeline")


def test_the_cache_folder_is_below_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert tmp_path / ".cache" / "uv" == caches.folder("uv", "UV_CACHE_DIR", {}, tmp_path / ".pipeline")
    assert {} == caches.for_uv({"XDG_CACHE_HOME": "relative/does/not/count"}, tmp_path / ".pipeline")


def test_where_it_cannot_be_written_caches_lie_beside_the_project_in_one_line(
    tmp_path: Path, unusable: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / ".pipeline"
    for _ in range(2):
        assert state / "cache" / "shardline" == caches.folder("shardline", "SHARDLINE_CACHE", {}, state)
        assert {"UV_CACHE_DIR": str(state / "cache" / "uv")} == caches.for_uv({}, state)

    assert f"caches: .pipeline/cache, since {unusable} cannot be written (Not a directory)\n" == (
        capsys.readouterr().out
    )


def test_without_locks_anywhere_pip_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)

    assert caches.for_uv({"XDG_CACHE_HOME": str(tmp_path)}, tmp_path / ".pipeline") is None
    why = f"the disk of {tmp_path}/uv has no locks (No locks available)"
    assert f"packages are installed by pip: uv needs a cache, and {why}\n" == capsys.readouterr().out


def test_a_person_without_a_cache_for_uv_has_it_so(tmp_path: Path, unusable: Path) -> None:
    assert {} == caches.for_uv({"UV_NO_CACHE": "1"}, tmp_path / ".pipeline")


@needs_root
@pytest.mark.parametrize("home", [None, "/", "/nonexistent"])
def test_a_user_without_name_and_home_has_caches_beside_the_project(home: str) -> None:
    with open_folder() as project:

        def choose() -> str:
            return str(caches.folder("uv", "UV_CACHE_DIR", {}, project / ".pipeline"))

        assert str(project / ".pipeline" / "cache" / "uv") == as_user(NAMELESS, choose, HOME=home)


@needs_root
def test_a_cache_that_is_another_user_s_in_part_is_not_used() -> None:
    with open_folder() as project:
        own = project / "uv"
        own.mkdir()
        own.chmod(0o777)
        (own / "wheels").mkdir()

        def choose() -> str:
            return str(caches.folder("uv", "UV_CACHE_DIR", {"UV_CACHE_DIR": str(own)}, project / ".pipeline"))

        assert str(project / ".pipeline" / "cache" / "uv") == as_user(NAMELESS, choose)
