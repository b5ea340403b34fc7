from __future__ import annotations

import os
from pathlib import Path
from typing import List

import pytest

from scripts.adoption import files
from scripts.adoption.files import Wanted
from scripts.errors import PipelineError

OURS = Wanted("ci/config.yml", "# made by `shardline adopt`\n", "for CI")
IGNORED = Wanted(".gitignore", "# of ours\nreports/\n.nox/\n", "", appended=True)


def outcomes(folder: Path, *wanted: Wanted, dry_run: bool = False) -> List[str]:
    return [f"{each.outcome} {each.place}" for each in files.write(folder, wanted, dry_run)]


def test_a_file_is_made_once_and_kept_also_when_a_person_edited_it(tmp_path: Path) -> None:
    assert ["made ci/config.yml"] == outcomes(tmp_path, OURS)
    (tmp_path / "ci/config.yml").write_text("# made by `shardline adopt`\nmine: 1\n")
    assert ["kept ci/config.yml"] == outcomes(tmp_path, OURS)
    assert "mine" in (tmp_path / "ci/config.yml").read_text()


def test_a_person_s_file_stays_and_ours_goes_beside_it_once(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/config.yml").write_text("mine")

    assert ["beside ci/config.yml.shardline"] == outcomes(tmp_path, OURS)
    assert ["kept ci/config.yml.shardline"] == outcomes(tmp_path, OURS)
    assert "mine" == (tmp_path / "ci/config.yml").read_text()


def test_a_link_to_nowhere_is_a_person_s_file(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/config.yml").symlink_to(tmp_path / "elsewhere")

    assert ["beside ci/config.yml.shardline"] == outcomes(tmp_path, OURS)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "there, then",
    [
        ("", "# of ours\nreports/\n.nox/\n"),
        ("dist", "dist\n# of ours\nreports/\n.nox/\n"),
        ("/reports\ndist\n", "/reports\ndist\n# of ours\n.nox/\n"),
        (".nox\nreports\n", ".nox\nreports\n"),
    ],
)
def test_lines_that_a_file_lacks_are_added_at_its_end(tmp_path: Path, there: str, then: str) -> None:
    (tmp_path / ".gitignore").write_text(there)
    outcomes(tmp_path, IGNORED)

    assert then == (tmp_path / ".gitignore").read_text()
    assert ["kept .gitignore"] == outcomes(tmp_path, IGNORED)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert ["made ci/config.yml", "made .gitignore"] == outcomes(tmp_path, OURS, IGNORED, dry_run=True)
    assert [] == list(tmp_path.iterdir())


def test_what_is_no_text_is_not_added_to(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe")

    with pytest.raises(PipelineError, match="as text"):
        outcomes(tmp_path, IGNORED)


def test_the_project_s_own_texts_are_read_and_no_others(tmp_path: Path) -> None:
    for name in ("app.py", "a/b.py", ".git/c.py", "node_modules/d.py", "env38/pyvenv.cfg", "env38/e.py", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "binary.py").write_bytes(b"\0\1")
    (tmp_path / "latin.py").write_bytes(b"\xe4")
    (tmp_path / "large.py").write_text("#" * (files.MOST_BYTES + 1))
    (tmp_path / "ours.py").write_text('"""Made by `shardline adopt`."""')
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(str(tmp_path / "pipe.py"))

    assert ["app.py", "a/b.py"] == list(files.read(tmp_path))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no such folder"):
        files.read(tmp_path / "none")


@pytest.mark.parametrize("name, wanted", [("ci", OURS), (".gitignore", IGNORED)])
def test_nothing_is_written_where_a_link_leads_out_of_the_folder(tmp_path: Path, name: str, wanted: Wanted) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir() if wanted is OURS else outside.write_text("theirs\n")
    (project / name).symlink_to(outside)

    with pytest.raises(PipelineError, match="leads out of the project's folder"):
        files.write(project, [wanted], dry_run=False)
    assert [] == list(outside.iterdir()) if wanted is OURS else "theirs\n" == outside.read_text()


def test_links_to_themselves_and_names_with_ends_of_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "x\nservice: y").mkdir()
    for name in ("a\nb: c.py", "x\nservice: y/app.py", "app.py"):
        (tmp_path / name).write_text("")

    assert ["app.py"] == list(files.read(tmp_path))


@pytest.mark.parametrize(
    "url, host",
    [
        ("https://user:token@gitlab.example.org:8443/a/b.git", "gitlab.example.org"),
        ("git@github.com:a/b.git", "github.com"),
        ("ssh://git@github.com/a/b", "github.com"),
        ("/srv/git/b.git", ""),
    ],
)
def test_the_host_of_the_repository_is_read_without_what_is_secret_beside_it(
    tmp_path: Path, url: str, host: str
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n')

    assert host == files.host(tmp_path)


def test_what_a_person_wrote_is_told_from_what_we_made(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("mine: 1\n")
    files.write(tmp_path, [Wanted("ours.yml", "# made by `shardline adopt`\n", "")], dry_run=False)

    assert ["mine.yml", "ours.yml"] == files.there(tmp_path, ["mine.yml", "ours.yml", "none.yml"])
    assert ["mine.yml"] == files.theirs(tmp_path, ["mine.yml", "ours.yml", "none.yml"])
