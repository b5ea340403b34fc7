"""Many projects and processes at once, and one download for all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.models import store
from tests.unit.models.apart import fetch_apart
from tests.unit.models.loopback import content, files_below, links, serve, use_packages
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Fault, Weights
from tests.unit.wheels import make_wheel


def test_another_project_s_file_is_copied_and_not_fetched_again(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (project(tmp_path / name, entry(b"abc", f"file:../{source.name}")) for name in ("a", "b"))
    store.fetch(first)
    source.unlink()
    store.fetch(second)

    copies = [here.models_directory / "m.bin" for here in (first, second)]
    assert [b"abc", b"abc"] == [copy.read_bytes() for copy in copies]
    assert not copies[0].samefile(copies[1])  # a service may write to its own
    assert f"m.bin: copied, since another project has it (file:{copies[0]})" in capsys.readouterr().out


def test_a_file_of_another_revision_is_copied_to_its_new_place(tmp_path: Path, source: Path) -> None:
    store.fetch(project(tmp_path, entry(b"abc", f"file:{source.name}")))
    source.unlink()

    here = project(tmp_path, entry(b"abc", "file:none", path="new.bin"))
    store.fetch(here)

    assert b"abc" == (here.models_directory / "new.bin").read_bytes()


def test_another_project_s_file_that_changed_is_not_taken(tmp_path: Path, source: Path) -> None:
    first, second = (project(tmp_path / name, entry(b"abc", f"file:../{source.name}")) for name in ("a", "b"))
    store.fetch(first)
    (first.models_directory / "m.bin").write_bytes(b"xyz")
    store.fetch(second)

    assert {"m.bin": b"abc"} == files_below(second.models_directory)


def test_another_project_s_file_that_lies_about_its_stamp_is_hashed_all_the_same(tmp_path: Path, source: Path) -> None:
    first, second = (project(tmp_path / name, entry(b"abc", f"file:../{source.name}")) for name in ("a", "b"))
    store.fetch(first)
    weights = first.models_directory / "m.bin"
    seen = weights.stat()
    weights.write_bytes(b"xyz")
    os.utime(weights, ns=(0, seen.st_mtime_ns))
    store.fetch(second)

    assert {"m.bin": b"abc"} == files_below(second.models_directory)


def test_without_a_folder_for_the_user_there_is_no_sharing_and_no_harm(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHARDLINE_CACHE", os.devnull)
    first, second = (project(tmp_path / name, entry(b"abc", f"file:../{source.name}")) for name in ("a", "b"))

    for here in (first, second):
        store.fetch(here)

    assert "copied" not in capsys.readouterr().out
    assert [{"m.bin": b"abc"}] * 2 == [files_below(here.models_directory) for here in (first, second)]


@pytest.mark.parametrize("projects", [1, 8])
def test_eight_at_once_are_one_download(tmp_path: Path, projects: int) -> None:
    weights = Weights(bytes(range(256)) * 4000, Fault("drop", 0.3))
    with serve({"/m.bin": weights}) as server:
        there = [project(tmp_path / str(n), entry(weights.data, f"{server.url}/m.bin")) for n in range(projects)]
        ended = [child.communicate() for child in [fetch_apart(there[n % projects].project) for n in range(8)]]

    assert [weights.data] * projects == [(here.models_directory / "m.bin").read_bytes() for here in there], ended
    assert len(weights.data) == weights.sent_bytes


def test_eight_at_once_are_one_download_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"v/a.bin": b"a", "v/b.bin": b"bb"}
    wheel = make_wheel(tmp_path, "v", "1.0", members)
    with serve({"/links": links(wheel.name), f"/{wheel.name}": content(wheel.read_bytes())}) as server:
        use_packages(monkeypatch, f"{server.url}/links")
        files = [entry(data, f"wheel:v==1.0#{name}", path=name) for name, data in members.items()]
        there = [project(tmp_path / name, *files) for name in ("one", "two")]
        ended = [child.communicate() for child in [fetch_apart(here.project) for here in there * 4]]

    assert [members] * 2 == [files_below(here.models_directory) for here in there], ended
    assert 1 == server.asked.count(f"/{wheel.name}")
