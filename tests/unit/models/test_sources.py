"""What the sources of a manifest give, from files and folders of packages."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from scripts.models.addresses import SourceError, WrongContent
from scripts.models.partial import open_part
from scripts.models.sources import HANDLERS, Sources
from scripts.settings import SCHEMES, ModelFile
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import content, links, serve, use_packages
from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[3]


@pytest.fixture
def counts() -> List[int]:
    return []


@pytest.fixture
def opened(tmp_path: Path, counts: List[int]) -> Sources:
    return Sources(tmp_path, tmp_path / "scratch", {}, counts.append)


def read(opened: Sources, source: str) -> bytes:
    size_bytes, chunks = opened.open(source)
    content = b"".join(chunks)
    assert size_bytes == len(content)
    return content


def test_every_kind_of_source_that_the_settings_take_is_read_by_one_handler() -> None:
    assert sorted(SCHEMES) == sorted(HANDLERS)


def test_a_relative_file_lies_in_the_project(opened: Sources, tmp_path: Path, counts: List[int]) -> None:
    (tmp_path / "音 色#1.bin").write_bytes(b"abc")

    assert (b"abc", [3]) == (read(opened, "file:音 色#1.bin"), counts)


def test_a_file_url_is_absolute_and_quoted(opened: Sources, tmp_path: Path) -> None:
    (tmp_path / "a b.bin").write_bytes(b"abc")

    assert b"abc" == read(opened, f"file://{tmp_path.as_posix()}/a%20b.bin")


def test_a_file_that_is_not_there_is_named(opened: Sources, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"cannot read {tmp_path / 'none'}: No such file"):
        read(opened, "file:none")


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("begun", [b"", b"x", b"xyz", b"xyz-longer"])
def test_a_file_replaces_what_the_part_held_and_a_server_s_follows_it(
    opened: Sources, tmp_path: Path, begun: bytes, remote: bool
) -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    file = ModelFile(path="m.bin", size_bytes=Bytes(3), sha256=digest, sources=())
    (tmp_path / "a.bin").write_bytes(b"abc")
    (tmp_path / f"{digest}.part").write_bytes(begun)

    ours = open_part(tmp_path, digest, lambda: None, lambda _: None)
    with serve({"/a.bin": content(b"abc")}) as server, ours as part:
        opened.fill(part, f"{server.url}/a.bin" if remote else "file:a.bin", file)
        filled = part.content().head

    assert (begun if remote and len(begun) >= 3 else b"abc") == filled


@pytest.mark.parametrize("size_bytes", [0, 2, 5_000_000])
def test_a_file_of_another_size_is_not_read_to_its_end_and_what_came_before_stays(
    opened: Sources, tmp_path: Path, counts: List[int], size_bytes: int
) -> None:
    file = ModelFile(path="m.bin", size_bytes=Bytes(3), sha256="f" * 64, sources=())
    (tmp_path / "a.bin").write_bytes(bytes(size_bytes))
    begun = tmp_path / f"{file.sha256}.part"
    begun.write_bytes(b"ab")

    ours = open_part(tmp_path, file.sha256, lambda: None, lambda _: None)
    with ours as part, pytest.raises(WrongContent, match=rf", got {size_bytes} bytes \("):
        opened.fill(part, "file:a.bin", file)

    assert (b"ab", True) == (begun.read_bytes(), sum(counts) < 2_500_000)


def test_a_member_of_another_size_is_refused_too(
    opened: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "voices", "1.0", {"voices/a.bin": b"ab"})
    use_packages(monkeypatch, str(tmp_path))
    file = ModelFile(path="m.bin", size_bytes=Bytes(3), sha256="f" * 64, sources=())

    ours = open_part(tmp_path, file.sha256, lambda: None, lambda _: None)
    with ours as part, pytest.raises(WrongContent, match=r", got 2 bytes \("):
        opened.fill(part, "wheel:voices==1.0#voices/a.bin", file)


def test_two_members_of_a_wheel_are_one_download(
    opened: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: List[int]
) -> None:
    wheel = make_wheel(tmp_path, "voices", "1.0", {"voices/a.bin": b"a", "voices/b.bin": b"bb"})
    with serve({"/links": links(wheel.name), f"/{wheel.name}": content(wheel.read_bytes())}) as server:
        use_packages(monkeypatch, f"{server.url}/links")

        both = [read(opened, f"wheel:voices==1.0#voices/{name}.bin") for name in "ab"]

    assert ([b"a", b"bb"], 1) == (both, server.asked.count(f"/{wheel.name}"))
    assert 3 == sum(counts)  # the wheel's own size is unknown


def test_a_wheel_that_did_not_come_is_not_asked_for_again(
    opened: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_packages(monkeypatch, str(tmp_path))
    errors = []
    for name in "ab":
        with pytest.raises(SourceError) as failure:
            read(opened, f"wheel:voices==1.0#voices/{name}.bin")
        errors.append(failure.value)

    assert errors[0] is errors[1]


def test_the_http_library_is_loaded_only_for_urls() -> None:
    slow = {"requests", "urllib3", "rich", "botocore"}
    code = f"import sys, scripts.models.store; sys.exit(bool({slow!r} & set(sys.modules)))"

    assert 0 == subprocess.call([sys.executable, "-c", code], cwd=str(ROOT))
