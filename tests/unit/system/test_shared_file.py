from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from scripts.errors import PipelineError
from scripts.system import locks, shared_file
from scripts.system.files import read_json
from tests.unit.steps.projects import ROOT

ADD = """
import json, sys
from pathlib import Path
from scripts.system import shared_file

def read(file):
    return json.loads(file.read_text())

for number in range(20):
    shared_file.update(Path(sys.argv[1]), read, lambda known: json.dumps([*(known or []), f"{sys.argv[2]}-{number}"]))
"""


def read(file: Path) -> int:
    count = read_json(file, 1, "").get("count")
    if not isinstance(count, int):
        raise PipelineError(f"{file} has no count")
    return count


def text(known: Optional[int]) -> str:
    return json.dumps({"schema": 1, "count": (known or 0) + 1})


def test_three_writers_at_once_keep_what_each_adds(tmp_path: Path) -> None:
    file = tmp_path / "state" / "list.json"
    words = [sys.executable, "-c", ADD, str(file)]
    writers = [subprocess.Popen([*words, name], cwd=str(ROOT)) for name in "abc"]

    assert [0, 0, 0] == [writer.wait(60) for writer in writers]
    assert sorted(f"{name}-{number}" for name in "abc" for number in range(20)) == sorted(json.loads(file.read_text()))
    assert ["list.json"] == [path.name for path in file.parent.iterdir()]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1, "count": "many"}', "\udcff"])
def test_what_cannot_be_read_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content.encode(errors="surrogateescape"))

    shared_file.update(file, read, text)

    assert 1 == read(file)
    assert content == (tmp_path / "file.json.unreadable").read_bytes().decode(errors="surrogateescape")
    (line,) = capsys.readouterr().out.splitlines()
    assert str(file) in line
    assert "set aside as file.json.unreadable" in line


def test_a_folder_in_the_place_of_a_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "file.json" / "inside").mkdir(parents=True)

    shared_file.update(tmp_path / "file.json", read, text)

    assert 1 == read(tmp_path / "file.json")


def test_what_cannot_be_set_aside_either_is_said_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file.json").write_text("{")
    (tmp_path / "file.json.unreadable").mkdir()

    shared_file.update(tmp_path / "file.json", read, text)

    assert "{" == (tmp_path / "file.json").read_text()
    assert "cannot be set aside" in capsys.readouterr().out


def test_what_a_newer_version_wrote_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file.json").write_text('{"schema": 2}')

    shared_file.update(tmp_path / "file.json", read, text)

    assert '{"schema": 2}' == (tmp_path / "file.json").read_text()
    (line,) = capsys.readouterr().out.splitlines()
    assert "nothing is added to it" in line
    assert "update, or delete the file" in line


def test_what_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("no folder")

    shared_file.update(tmp_path / "state" / "file.json", read, text)

    (line,) = capsys.readouterr().out.splitlines()
    assert "cannot write" in line
    assert "is lost" in line


@pytest.mark.parametrize("obstacle", ["folder", "link", "pipe"])
def test_where_no_lock_can_be_had_it_goes_on_without(tmp_path: Path, obstacle: str) -> None:
    lock = tmp_path / ".file.json.lock"
    if obstacle == "folder":
        (lock / "inside").mkdir(parents=True)
    elif obstacle == "link":
        lock.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(str(lock))

    shared_file.update(tmp_path / "file.json", read, text)

    assert 1 == read(tmp_path / "file.json")


def test_a_holder_that_hangs_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "QUIET_S", 0.0)
    monkeypatch.setattr(locks, "REPEAT_S", 0.2)

    with locks.exclusive(tmp_path / ".file.json.lock"):
        shared_file.update(tmp_path / "file.json", read, text)

    assert 1 == read(tmp_path / "file.json")
    assert 1 == capsys.readouterr().out.count("waiting for another process that changes")
