"""What an installer is given means the same in any folder, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from scripts.environments.sources import local_sources
from scripts.environments.sources.digests import Memory
from scripts.environments.sources.rewriting import Rewritten, Wanted, rewritten
from tests.unit.environments.local_packages import committed, git, package


def rows(file: Path, project: Path, wanted: Wanted = lambda line: True) -> List[str]:
    lines = local_sources.lines_of(file, project)
    with rewritten(file, lines, local_sources.find(lines, project, Memory(project / "m.json")), wanted) as copy:
        return copy.file.read_text().splitlines()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("./pkg  # ours", ["file://{}/pkg"]),
        ("./pkg[a,b] ; python_version > '3'", ["talkie[a,b] @ file://{}/pkg ; python_version > '3'"]),
        ("-e pkg[a]", ["-e file://{}/pkg[a]"]),
        ("x \\\n  ==1\ntalkie @ \\\n  file:pkg\ny", ["x \\", "  ==1", "talkie @ file://{}/pkg", "", "y"]),
        ("./pkg --config-settings=a=b", ["file://{}/pkg --config-settings=a=b"]),
        ("-f ./pkg", ["--find-links file://{}/pkg"]),
        ("# a\n-i https://${TOKEN}@h/s\n./pkg", ["# a", "-i https://${TOKEN}@h/s", "file://{}/pkg"]),
    ],
)
def test_paths_are_absolute_and_all_else_is_as_it_was(
    tmp_path: Path, text: str, expected: List[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    package(tmp_path / "pkg")
    (tmp_path / "r.txt").write_text(text)

    assert [row.format(tmp_path) if "TOKEN" not in row else row for row in expected] == rows(
        tmp_path / "r.txt", tmp_path
    )


def test_a_branch_is_given_as_its_commit(tmp_path: Path) -> None:
    repository = committed(package(tmp_path / "repo"))
    commit, url = git(repository, "rev-parse", "HEAD"), f"git+{repository.as_uri()}"
    (tmp_path / "r.txt").write_text(f"-e {url}@main#egg=talkie[a]&subdirectory=x\n{url}\n")

    assert [f"{url}@{commit}#egg=talkie[a]&subdirectory=x", f"{url}@{commit}"] == rows(tmp_path / "r.txt", tmp_path)


def test_files_that_are_named_are_copied_too_and_called_by_their_own_names(tmp_path: Path) -> None:
    package(tmp_path / "deep" / "pkg")
    (tmp_path / "r.txt").write_text("-r deep/a.txt\n-c c.txt\n")
    (tmp_path / "deep" / "a.txt").write_text("./pkg\n")
    (tmp_path / "c.txt").write_text("x<2\n-r r.txt\n")
    lines = local_sources.lines_of(tmp_path / "r.txt", tmp_path)
    with rewritten(tmp_path / "r.txt", lines, local_sources.find(lines, tmp_path, Memory(tmp_path / "m"))) as copy:
        options = [row.split() for row in copy.file.read_text().splitlines()]
        inner, constraints = (Path(path).read_text() for _, path in options)
        said = copy.in_words_of_the_originals(f"in `{options[0][1]}` at 1, from {copy.file}")

    assert (["--requirement", "--constraint"], f"file://{tmp_path}/deep/pkg\n") == (
        [word for word, _ in options],
        inner,
    )
    assert f"x<2\n--requirement {copy.file}\n" == constraints
    assert f"in `{tmp_path}/deep/a.txt` at 1, from {tmp_path}/r.txt" == said
    assert not copy.file.parent.exists()


def test_a_part_of_the_lines_can_be_left_out_but_no_option(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    (tmp_path / "r.txt").write_text("--pre\nx==1 \\\n  --hash=a\n./pkg\n")

    assert ["--pre", "", "", f"file://{tmp_path}/pkg"] == rows(
        tmp_path / "r.txt", tmp_path, lambda line: "x" not in line.text
    )


def test_names_are_kept_where_there_is_nothing_to_put_right() -> None:
    assert "as it is" == Rewritten(Path("a"), {}).in_words_of_the_originals("as it is")
