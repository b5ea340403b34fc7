"""A bundle comes from anybody: it is read as data, whatever is in it."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Callable, Mapping

import pytest

from scripts.errors import SettingsError
from scripts.evidence import archive

RECEIPT = "reports/shard-2/receipt.json"


def packed(
    file: Path, members: Mapping[str, bytes], more: Callable[[tarfile.TarFile], None] = lambda tar: None
) -> Path:
    with tarfile.open(str(file), "w:gz") as tar:
        more(tar)
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return file


def test_what_is_wanted_is_read_and_nothing_is_unpacked(tmp_path: Path) -> None:
    members = {
        f"debug-bundle/{RECEIPT}": b"{}",
        "debug-bundle/reports/shard-2/service.log": b"x",
        "debug-bundle/x": b"",
    }
    bundle = packed(tmp_path / "b.tar.gz", members)

    assert {RECEIPT: b"{}"} == archive.read(bundle)
    assert [bundle] == list(tmp_path.iterdir())


def test_links_devices_and_names_that_lead_elsewhere_are_passed_over(tmp_path: Path) -> None:
    def hostile(tar: tarfile.TarFile) -> None:
        for kind, name in [
            (tarfile.SYMTYPE, "a/commit.json"),
            (tarfile.LNKTYPE, "a/weights.json"),
            (tarfile.CHRTYPE, "a/machine.json"),
            (tarfile.FIFOTYPE, "a/settings.json"),
        ]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)

    names = ["/etc/passwd", "../../commit.json", f"a/../{RECEIPT}", f"a/{RECEIPT}/x", "a/reports/shard-02/receipt.json"]
    members = {**dict.fromkeys(names, b"no"), f"a/{RECEIPT}": b"{}", f"b/{RECEIPT}": b"second"}

    assert {RECEIPT: b"{}"} == archive.read(packed(tmp_path / "b.tar.gz", members, hostile))


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 2_000_000)
    bundle = packed(tmp_path / "b.tar.gz", {f"a/{RECEIPT}": b"{}", "a/zeros": bytes(3_000_000)})

    with pytest.raises(SettingsError, match="more than 2000000 bytes when it is unpacked"):
        archive.read(bundle)


def test_a_file_of_a_size_that_is_not_ours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILE_BYTES", 1000)

    with pytest.raises(SettingsError, match=r"receipt.json has 1001 bytes"):
        archive.read(packed(tmp_path / "b.tar.gz", {RECEIPT: bytes(1001)}))


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar" * 200), gzip.compress(bytes(600))[:-9]],
    ids=["empty", "no archive", "no tar", "cut off"],  # what gzip writes has the time in it
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar.gz").write_bytes(content)

    with pytest.raises(SettingsError, match=r"b\.tar\.gz"):
        archive.read(tmp_path / "b.tar.gz")


def test_a_pipe_or_nothing_is_refused(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))

    for name in ("pipe", "nothing", "."):
        with pytest.raises(SettingsError):
            archive.read(tmp_path / name)


def test_a_bundle_its_folder_a_reports_folder_and_that_of_a_shard_say_the_same(tmp_path: Path) -> None:
    shard = tmp_path / "unpacked" / "reports" / "shard-2"
    shard.mkdir(parents=True)
    (shard / "receipt.json").write_bytes(b"{}")
    (shard / "journal.jsonl").write_bytes(b"long, and says what the receipt says")
    (shard.parent / "plan.json").write_bytes(b"{2}")
    (tmp_path / "unpacked" / "commit.json").write_bytes(b"{1}")
    of_run = {RECEIPT: b"{}", "reports/plan.json": b"{2}"}

    assert {**of_run, "commit.json": b"{1}"} == archive.read(tmp_path / "unpacked")
    assert of_run == archive.read(shard.parent) == archive.read(shard)


def test_a_link_in_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "shard-0").mkdir()
    (tmp_path / "shard-0" / "journal.jsonl").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"{}")
    (tmp_path / "shard-0" / "receipt.json").symlink_to(tmp_path / "secret")

    assert {"reports/shard-0/journal.jsonl": b""} == archive.read(tmp_path)
