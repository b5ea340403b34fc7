"""Disks that are full, small, read-only or another one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from scripts.errors import ModelError
from scripts.models import store
from tests.unit.models.loopback import files_below, serve
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Weights


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that holds 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.call(mount, stderr=subprocess.DEVNULL) != 0:
        pytest.skip("only root on Linux can make a small disk")
    yield folder
    subprocess.check_call(["umount", str(folder)])


def test_a_full_disk_is_said_and_what_came_is_of_use_when_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Weights(os.urandom(800_000))
    with serve({"/m.bin": weights}) as server:
        here = project(small_disk, entry(weights.data, f"{server.url}/m.bin"))
        monkeypatch.setattr(store, "check_room", lambda *_: None)  # somebody else fills the disk meanwhile
        (small_disk / "else").write_bytes(bytes(500_000))
        with pytest.raises(ModelError, match="No space left on device") as failure:
            store.fetch(here)
        assert not (here.models_directory / "m.bin").exists()
        (small_disk / "else").unlink()

        store.fetch(here)

    assert "Free some space" in failure.value.hint
    assert {"m.bin": weights.data} == files_below(here.models_directory)
    assert weights.sent_bytes < 2 * len(weights.data)


def test_a_small_disk_is_refused_before_the_first_byte(small_disk: Path) -> None:
    weights = Weights(bytes(2_000_000))
    with serve({"/m.bin": weights}) as server, pytest.raises(
        ModelError, match=r"need 2\.0 MB free, and .* has 1\.0 MB"
    ):
        store.fetch(project(small_disk, entry(weights.data, f"{server.url}/m.bin")))

    assert [] == weights.requests


def test_the_user_s_cache_may_lie_on_another_file_system(
    small_disk: Path, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDLINE_CACHE", str(small_disk))
    for name in ("a", "b"):
        store.fetch(project(tmp_path / name, entry(b"abc", f"file:../{source.name}")))
        source.unlink(missing_ok=True)

    assert (tmp_path / "b" / "cache_hub" / "models" / "m.bin").read_bytes() == b"abc"


def test_a_folder_that_may_only_be_read_is_named(small_disk: Path) -> None:
    here = project(small_disk, entry(b"abc", "file:none"))
    here.models_directory.mkdir(parents=True)
    subprocess.check_call(["mount", "-o", "remount,ro", str(small_disk)])

    with pytest.raises(
        ModelError, match=r"cannot write the weights to .*/small/cache_hub/models.*: Read-only"
    ) as failure:
        store.fetch(here)

    assert "name a folder on another disk" in failure.value.hint


def test_a_long_name_needs_no_longer_one_meanwhile(tmp_path: Path, source: Path) -> None:
    name = "音" * 83 + ".bin"  # 253 bytes; a name may have 255
    here = project(tmp_path, entry(b"abc", f"file:{source.name}", path=name))
    store.fetch(here)

    assert {name: b"abc"} == files_below(here.models_directory)
