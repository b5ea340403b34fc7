"""A folder as a store: what disks, network disks and other users do to it."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from scripts.distribution import folder
from scripts.distribution.folder import FolderStore
from scripts.distribution.store import StoreError
from tests.unit import users


def test_nothing_but_keys_is_left(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for value in ("ours", "another's"):
        store.claim("plan", value)
        store.put("beats/0", value)

    assert {"plan", "beats", "beats/0"} == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}


def test_a_link_whose_answer_was_lost_is_found_to_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def link_and_say_no(*words: Any) -> None:  # a network disk's client asks again by itself
        link(*words)
        link(*words)

    monkeypatch.setattr(os, "link", link_and_say_no)

    assert "ours" == FolderStore(tmp_path).claim("plan", "ours")


def test_claims_with_and_without_links_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FolderStore(tmp_path).claim("claims/a", "linked")
    with monkeypatch.context() as without:
        without.setattr(folder, "_linked", lambda own, file: False)
        FolderStore(tmp_path).claim("claims/b", "renamed")
        assert "linked" == FolderStore(tmp_path).claim("claims/a", "renamed")

    assert "renamed" == FolderStore(tmp_path).claim("claims/b", "linked")
    assert {"a": "linked", "b": "renamed"} == FolderStore(tmp_path).look("claims")
    assert ["a", "b"] == sorted(path.name for path in (tmp_path / "claims").iterdir())


def test_what_a_network_disk_cannot_say_at_the_moment_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, stale = folder._read, [OSError(errno.ESTALE, "Stale file handle"), FileNotFoundError()]

    def read_or_not(file: Path) -> str:
        if stale:
            raise stale.pop()
        return read(file)

    monkeypatch.setattr(folder, "_read", read_or_not)

    assert "ours" == FolderStore(tmp_path).claim("claims/a", "ours")


def test_a_disk_that_takes_nothing_is_an_error_and_keeps_what_it_has(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("beats/0", "before")
    with nothing_may_be_written(), pytest.raises(StoreError, match="File too large"):
        store.put("beats/0", "after")
    with nothing_may_be_written(), pytest.raises(StoreError, match="File too large"):
        store.claim("claims/a", "ours")

    assert ("before", {}) == (store.get("beats/0"), store.look("claims"))
    assert [] == list((tmp_path / "claims").iterdir())


@contextmanager
def nothing_may_be_written() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="store"):
        FolderStore(tmp_path / "store").claim("claims/a", "ours")


@users.needs_root
def test_users_of_a_group_share_a_folder_whatever_their_masks() -> None:
    with users.open_folder() as above:
        shared = above / "store"
        shared.mkdir()
        os.chown(shared, -1, 54321)
        shared.chmod(0o2770)
        told = [
            users.as_user(uid, lambda uid=uid: FolderStore(shared).claim("claims/a", str(uid)), mask=0o077)  # type: ignore[misc]
            for uid in (54322, 54323)
        ]
        told.append(users.as_user(54323, lambda: str(FolderStore(shared).look("claims"))))

    assert ["54322", "54322", "{'a': '54322'}"] == told


@users.needs_root
def test_who_may_not_write_there_is_told() -> None:
    with users.open_folder() as shared:
        told = users.as_user(54322, lambda: FolderStore(shared).claim("claims/a", "ours"))

    assert "Permission denied" in told and "May this user write there?" in told
