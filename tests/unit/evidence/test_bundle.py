from __future__ import annotations

import os
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.evidence.allowlist import Rule
from scripts.evidence.bundle import (
    HEADER_BYTES,
    Bundle,
    Gathering,
    Task,
    cleaned,
    collect,
    cost,
    gather,
    take,
    write,
)
from scripts.evidence.files import TIME_IS_UP, Candidate, Member, Note, Project
from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor
from scripts.system import files

CAP = 100_000


def project(folder: Path, **files: int) -> Project:
    """A folder with files of so many bytes."""
    for name, size in files.items():
        (folder / name).write_bytes(b"x" * size)
    return Project(folder, folder / "reports", folder / "pipeline.yml")


def rules(*names: str) -> List[Rule]:
    return [Rule(name, f"file {name}", expected=True) for name in names]


def names(folder: Path) -> List[str]:
    return [path.name for path in folder.iterdir()]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=8), st.integers(0, 30_000))
def test_the_cap_is_kept_and_who_stands_first_is_served_first(sizes: List[int], cap: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {f"f{place}": size for place, size in enumerate(sizes)}
        made = collect(project(Path(folder), **files), rules(*files), cap, lambda: False)

    taken = [member.name for member in made.members]
    dropped = [note.name for note in made.left_out]
    assert sorted(files) == sorted(taken + dropped)
    assert sum(cost(files[name]) for name in taken) <= cap
    for name in dropped:
        assert sum(cost(files[other]) for other in taken if other < name) + cost(files[name]) > cap


def test_what_has_no_room_is_named_and_smaller_things_after_it_still_go_in(tmp_path: Path) -> None:
    made = collect(project(tmp_path, a=10, b=5000, c=10), rules("a", "b", "c"), 3000, lambda: False)

    assert ["a", "c"] == [member.name for member in made.members]
    assert (Note("b", "5000 bytes, for which there was no room left"),) == made.left_out


def test_a_file_that_disappears_between_two_looks_stops_nothing(tmp_path: Path) -> None:
    gone = Candidate("a", tmp_path / "a", Rule("a", ""), 1)

    assert Note("a", "No such file or directory") == take(gone, CAP, lambda: False)


def test_a_file_that_grew_between_two_looks_does_not_break_the_cap(tmp_path: Path) -> None:
    project(tmp_path, a=5000)
    small = Candidate("a", tmp_path / "a", Rule("a", ""), 1)

    assert isinstance(take(small, 3000, lambda: False), Note)
    assert isinstance(take(small, 5000 + HEADER_BYTES, lambda: False), Member)


def test_a_file_of_two_rules_is_the_first_ones(tmp_path: Path) -> None:
    listed = [Rule("a", "first"), Rule("*", "second", expected=True)]

    made = collect(project(tmp_path, a=1), listed, CAP, lambda: False)

    assert (["first"], ()) == ([member.about for member in made.members], made.missing)


def test_what_is_missing_and_refused_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path)

    made = collect(project(tmp_path), rules("a", "a", "b"), CAP, lambda: False)

    assert ((), ["b"], ["a"]) == (made.members, [n.name for n in made.missing], [n.name for n in made.left_out])


def test_when_time_runs_out_the_first_files_are_in_already(tmp_path: Path) -> None:
    asked = iter([False, False])

    made = collect(project(tmp_path, a=1, b=1), rules("a", "b"), CAP, lambda: next(asked, True))

    assert ["a"] == [member.name for member in made.members]
    assert (Note("b", TIME_IS_UP),) == made.left_out


MEMBERS = [Member("summary.txt", b"first", 5.0), Member("a/你 \n.log", b"\0\xff", 1234.5), Member("\udcff", b"", 1.0)]


def test_the_archive_holds_the_members_in_order_below_one_folder_and_no_name_of_a_person(tmp_path: Path) -> None:
    size = write(tmp_path / "reports" / "b.tar.gz", "top", MEMBERS)

    with tarfile.open(str(tmp_path / "reports" / "b.tar.gz")) as archive:
        entries = archive.getmembers()
        contents = [archive.extractfile(entry).read() for entry in entries]  # type: ignore[union-attr]

    assert [f"top/{member.name}" for member in MEMBERS] == [entry.name for entry in entries]
    assert [member.content for member in MEMBERS] == contents
    assert [member.mtime for member in MEMBERS] == [entry.mtime for entry in entries]
    assert {(0, 0, "", "", 0o644)} == {(e.uid, e.gid, e.uname, e.gname, e.mode) for e in entries}
    assert [(tmp_path / "reports" / "b.tar.gz").stat().st_size] == [size]
    assert ["b.tar.gz"] == names(tmp_path / "reports")


def test_the_same_members_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.tar.gz"):
        write(tmp_path / name, "top", MEMBERS)

    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_where_it_cannot_be_written_the_earlier_one_stays_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").mkdir()

    with pytest.raises(IsADirectoryError):
        write(tmp_path / "b.tar.gz", "top", MEMBERS)

    assert ["b.tar.gz"] == names(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full: Linux")
def test_on_a_full_disk_nothing_of_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "scratch_name", lambda name, pid: f"{name}.part")
    (tmp_path / "b.tar.gz.part").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left on device"):
        write(tmp_path / "b.tar.gz", "top", MEMBERS)

    assert [] == names(tmp_path)


# Gathered apart -----------------------------------------------------------------------------------


def finds(name: str, before: Callable[[], object] = lambda: None) -> Task:
    def work(made: Gathering) -> Iterator[Bundle]:
        yield Bundle((Member(f"{name}, after {len(made.seen)}", b"x", 1.0),))
        before()

    return Task(name, work)


def test_what_hangs_or_crashes_costs_itself_and_the_next_stage_knows_what_was_found() -> None:
    first = [finds("a"), finds("hangs", lambda: time.sleep(60)), finds("crashes", lambda: os._exit(1)), finds("b")]

    gathering = Gathering()
    for stage in (lambda _: first, lambda so_far: [finds(f"{len(so_far.seen)} found")]):
        gather(stage, gathering, later(20), quiet_s=0.5)
    made = gathering.bundle

    assert ["a, after 0", "hangs, after 1", "crashes, after 3", "b, after 5"] == [m.name for m in made.members[:4]]
    assert ["6 found, after 6"] == [m.name for m in made.members[4:]]
    assert [("hangs", "there was no time left"), ("crashes", "the process that did it was ended, or crashed")] == [
        (note.name, note.why) for note in made.left_out
    ]


def test_once_there_is_no_time_at_all_the_rest_is_named() -> None:
    made = Gathering()
    gather(lambda _: [finds("a", lambda: time.sleep(60)), finds("b")], made, later(0.3), quiet_s=60)

    assert ["a, after 0"] == [member.name for member in made.bundle.members]
    assert ["a", "b"] == [note.name for note in made.bundle.left_out]


def later(seconds: float) -> float:
    return time.monotonic() + seconds


# Secrets ------------------------------------------------------------------------------------------


def test_secrets_are_taken_out_of_text_and_names_and_counted_and_sound_stays_as_it_is() -> None:
    by = Redactor([Secret("hunter2hunter2")])
    found = [cleaned(Member(f"hunter2hunter2.{kind}", b"a hunter2hunter2", 1.0), by) for kind in ("txt", "wav")]

    text, sound = found
    assert isinstance(text, Member) and isinstance(sound, Member)
    assert b"hunter2" not in text.content and "hunter2" not in text.name + sound.name
    assert b"a hunter2hunter2" == sound.content
    assert [2, 1] == [sum(count for _, count in member.taken_out) for member in (text, sound)]


def test_a_file_that_secrets_cannot_be_taken_out_of_stays_out_and_is_named() -> None:
    class Broken(Redactor):
        def bytes(self, content: bytes) -> bytes:
            raise MemoryError

    failed = cleaned(Member("a.txt", b"x", 1.0), Broken())

    assert Note("a.txt", "secrets could not be taken out of it: MemoryError") == failed
