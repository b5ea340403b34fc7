"""What a source string means, against files, loopback servers and a folder of packages."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import List

import pytest

from scripts.models import sources
from scripts.models.sources import SourceError, Sources, printable
from tests.unit.models.loopback import content, links, serve, status, then_wait, use_packages
from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[3]


@pytest.fixture
def counts() -> List[int]:
    return []


@pytest.fixture
def opened(tmp_path: Path, counts: List[int], monkeypatch: pytest.MonkeyPatch) -> Sources:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Sources(tmp_path, tmp_path / "scratch", {}, counts.append)


def read(opened: Sources, source: str) -> bytes:
    return b"".join(opened.read(source))


def test_a_relative_file_lies_in_the_project(opened: Sources, tmp_path: Path, counts: List[int]) -> None:
    (tmp_path / "音 色#1.bin").write_bytes(b"abc")

    assert (b"abc", [3]) == (read(opened, "file:音 色#1.bin"), counts)


def test_a_file_url_is_absolute_and_quoted(opened: Sources, tmp_path: Path) -> None:
    (tmp_path / "a b.bin").write_bytes(b"abc")

    assert b"abc" == read(opened, f"file://{tmp_path.as_posix()}/a%20b.bin")


def test_a_file_that_is_not_there_is_named(opened: Sources, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"cannot read {tmp_path / 'none'}: No such file"):
        read(opened, "file:none")


def test_a_url_gives_its_body(opened: Sources, counts: List[int]) -> None:
    with serve({"/a.bin": content(b"abc")}) as server:
        assert (b"abc", [3]) == (read(opened, f"{server.url}/a.bin"), counts)


def test_a_status_is_named(opened: Sources) -> None:
    with serve({"/a.bin": status(503)}) as server, pytest.raises(SourceError, match="HTTP 503 Service Unavailable"):
        read(opened, f"{server.url}/a.bin")


def test_a_body_that_breaks_off_is_a_failure(opened: Sources) -> None:
    with serve({"/a.bin": content(b"abc", says_bytes=6)}) as server, pytest.raises(SourceError, match="3 more"):
        read(opened, f"{server.url}/a.bin")


def test_a_server_that_falls_silent_is_given_up(opened: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "TIMEOUTS_S", (5, 0.2))
    released = threading.Event()

    with serve({"/a.bin": then_wait(b"abc", released)}) as server:
        with pytest.raises(SourceError, match="timed out"):
            read(opened, f"{server.url}/a.bin")
        released.set()


def test_no_server_is_said_in_a_few_words(opened: Sources) -> None:
    with serve({}) as server:
        url = server.url

    with pytest.raises(SourceError) as failure:
        read(opened, f"{url}/a.bin?token=secret")

    assert "the transfer failed: Connection refused" == str(failure.value)


@pytest.mark.parametrize("url", ["http://[::1/a.bin", "http://", "https://:x/"])
def test_a_url_that_is_none_is_a_failed_source(opened: Sources, url: str) -> None:
    with pytest.raises(SourceError):
        read(opened, url)

    assert url == printable(url)


def test_what_may_be_secret_in_a_url_is_not_printed() -> None:
    assert "https://host:1/a.bin?..." == printable("https://me:p@ss@host:1/a.bin?signature=x")


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
    code = "import sys, scripts.models.store; sys.exit('requests' in sys.modules)"

    assert 0 == subprocess.call([sys.executable, "-c", code], cwd=str(ROOT))
