from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import List

import pytest

from scripts.models import prune, store
from scripts.models.verified import stamp
from scripts.settings import ModelFile, Settings
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import files_below
from tests.unit.models.manifests import entry, project

DAY_S = 86400
NOW = 2_000_000_000
OLD = "deep/er/old.bin"


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A project that fetched deep/er/old.bin, long ago, and no longer wants it."""
    (tmp_path / "there.bin").write_bytes(b"abc")
    before = project(tmp_path, entry(b"abc", "file:there.bin", path="deep/er/old.bin"))
    store.fetch(before)
    use(before, NOW - 31 * DAY_S, NOW - 31 * DAY_S)
    return project(tmp_path, entry(b"abc", "file:there.bin", path="new.bin"))


def use(here: Settings, read: float, written: float) -> None:
    """Set when old.bin was read and written last; its stamp too, since that sets a ctime, as nobody's reading does."""
    path, digest = here.models_directory / OLD, hashlib.sha256(b"abc").hexdigest()
    os.utime(str(path), (read, written))
    store.remember(here, ModelFile(Bytes(3), OLD, digest, ("file:there.bin",)), stamp(path.stat(), digest))


def found(here: Settings, days: float = 30) -> List[str]:
    return [each.path.relative_to(here.models_directory).as_posix() for each in prune.find(here, days, NOW)]


def test_what_the_manifest_named_once_and_nobody_used_since_can_go(here: Settings) -> None:
    [unwanted] = prune.find(here, 30, NOW)

    assert ("old.bin", 3, "not in the manifest, unused for 31 days") == (unwanted.path.name, *unwanted[1:])


def test_what_was_used_since_stays(here: Settings) -> None:
    assert [] == found(here, days=32)


def test_what_was_read_since_stays(here: Settings) -> None:
    use(here, NOW, NOW - 31 * DAY_S)

    assert [] == found(here)


def test_what_the_manifest_names_stays(here: Settings, tmp_path: Path) -> None:
    assert [] == found(project(tmp_path, entry(b"abc", "file:there.bin", path="deep/er/old.bin")))


def test_what_a_person_changed_or_put_there_stays(here: Settings) -> None:
    (here.models_directory / "deep/er/old.bin").write_bytes(b"cba")
    (here.models_directory / "deep/mine.bin").write_bytes(b"abc")
    os.utime(str(here.models_directory / "deep/mine.bin"), (0, 0))

    assert [] == found(here)


def test_what_a_link_leads_to_stays(here: Settings, tmp_path: Path) -> None:
    folder = here.models_directory / "deep"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    assert [] == found(here)


def test_a_download_that_was_given_up_can_go(here: Settings) -> None:
    parts = [here.models_directory / "deep" / f"{digit * 64}.part" for digit in "ab"]
    for path, days in zip(parts, (8, 6)):
        path.write_bytes(b"a")
        os.utime(str(path), (NOW - days * DAY_S, NOW - days * DAY_S))

    assert [f"deep/{'a' * 64}.part"] == found(here, days=32)


def test_folders_go_with_their_last_file(here: Settings) -> None:
    kept = here.models_directory / "deep" / "mine.bin"
    kept.touch()
    prune.remove(prune.find(here, 30, NOW), here.models_directory)

    assert {"deep/mine.bin": b""} == files_below(here.models_directory)
    assert not (here.models_directory / "deep/er").exists()


def test_the_models_folder_itself_stays(here: Settings) -> None:
    prune.remove(prune.find(here, 30, NOW), here.models_directory)

    assert [] == list(here.models_directory.iterdir())


def test_where_nothing_was_fetched_nothing_can_go(tmp_path: Path) -> None:
    assert [] == prune.find(project(tmp_path), 0, NOW)
