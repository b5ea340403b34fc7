"""What the installers noted tells what else an environment is made from."""

from __future__ import annotations

from pathlib import Path

from scripts.environments.requirements import Line
from scripts.environments.sources import installed_sources, local_sources
from scripts.environments.sources.digests import Memory
from tests.unit.environments.local_packages import package


def test_what_was_installed_tells_of_places_that_nobody_had_looked_at(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    line = Line(tmp_path / "requirements.txt", 1, "./pkg")
    known = local_sources.find([line], tmp_path, Memory(tmp_path / "memory.json"))
    place = (tmp_path / "pkg").as_uri()
    lines = [f"talkie @ {place}", f"Other_Name @ {place}", "-e file:///dep#egg=dep", "x @ git+https://h/x@main"]

    assert lines[1:] == installed_sources.unknown(lines, known)


def test_the_installers_notes_are_read(tmp_path: Path) -> None:
    notes = {
        "a": '{"url": "file:///a", "dir_info": {}}',
        "b": '{"url": "file:///b-1.whl", "archive_info": {}}',
        "c": '{"url": "https://h/c", "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "1"}}',
        "d": '{"url": "https://h/d", "vcs_info": {"vcs": "git", "requested_revision": "1", "commit_id": "1"}}',
        "e": '{"url": "https://h/e-1.whl", "archive_info": {}}',
        "f": "no json",
    }
    for name, text in notes.items():
        file = tmp_path / f"lib/python3.x/site-packages/{name}-1.dist-info/direct_url.json"
        file.parent.mkdir(parents=True)
        file.write_text(text)

    expected = ["a @ file:///a", "b @ file:///b-1.whl", "c @ git+https://h/c@main"]
    assert expected == list(installed_sources.lines(tmp_path))
