"""Requirements files are read as pip reads them, and tell what does not come from an index."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

import pytest

from scripts.environments import requirements
from scripts.environments.requirements import Line


def source(text: str) -> Optional[Tuple[str, bool, str, str, str, str]]:
    found = requirements.source(Line(Path("requirements.txt"), 1, text))
    return found and (found.location, found.is_editable, found.name, found.extras, found.marker, found.revision)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("-e .", (".", True, "", "", "", "")),
        ("-e.", (".", True, "", "", "", "")),
        ("--editable=./x[dev]", ("./x", True, "", "[dev]", "", "")),
        ("pkg/", ("pkg/", False, "", "", "", "")),
        ("x-1-py3-none-any.whl", ("x-1-py3-none-any.whl", False, "", "", "", "")),
        ("file:pkg", ("pkg", False, "", "", "", "")),
        ('-e ./pkg ; python_version < "3.12"', ("./pkg", True, "", "", 'python_version < "3.12"', "")),
        ("-e './my pkg'", ("./my pkg", True, "", "", "", "")),
        ("./pkg ; python_version < '3.12'", ("./pkg", False, "", "", "python_version < '3.12'", "")),
        ("x @ file:///a%20b/c.whl", ("/a b/c.whl", False, "x", "", "", "")),
        ("x[a] @ git+ssh://git@h/o/r.git@v1", ("git+ssh://git@h/o/r.git", False, "x", "[a]", "", "v1")),
        ("-e git+file:///r@main#egg=foo[a]", ("git+file:///r", True, "foo", "[a]", "", "main")),
    ],
)
def test_what_does_not_come_from_an_index_is_seen(text: str, expected: Tuple[str, bool, str, str, str, str]) -> None:
    assert expected == source(text)


@pytest.mark.parametrize(
    "text",
    ["x", "x==1", "x[a]>=1 ; python_version < '3'", "x @ https://h/x-1.whl", "-r ./a.txt", "-f ./w", "--pre"],
)
def test_the_rest_comes_from_an_index(text: str) -> None:
    assert source(text) is None


def test_files_that_are_named_are_read_from_where_they_lie_and_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "all.txt").write_text("-r in/a.txt\n-c in/c.txt\nz\n")
    (tmp_path / "in" / "a.txt").write_text("\ufeffa \\\n  --hash=x # why\n-r ../all.txt\n", encoding="utf-8")
    (tmp_path / "in" / "c.txt").write_text("# none \\\n-r d.txt\n")
    (tmp_path / "in" / "d.txt").write_text("d==1\n")

    read = [(line.text, line.number, line.is_constraint) for line in requirements.read(tmp_path / "all.txt")]

    assert ("a   --hash=x", 1, False) in read
    assert ("d==1", 1, True) in read
    assert ["a   --hash=x", "d==1", "z"] == [text for text, _, _ in read if not text.startswith("-")]


def test_a_line_keeps_how_it_is_written() -> None:
    line = next(requirements.lines("a @ ${WHERE}/a.whl  # why", Path("r.txt"), {"WHERE": "/here"}))

    assert ("a @ /here/a.whl", "a @ ${WHERE}/a.whl") == (line.text, line.written)


def test_a_path_counts_from_the_project_or_else_from_its_file(tmp_path: Path) -> None:
    for folder in ("tests/own", "shared"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").touch()
    file = tmp_path / "tests" / "requirements.txt"

    found = [requirements.place(text, file, tmp_path) for text in ("shared", "own", "tests/own", ".")]

    assert [tmp_path / "shared", tmp_path / "tests/own", tmp_path / "tests/own", None] == found
