"""What a requirements file sets is put over the machine's settings, as pip does it."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.environments.file_options import in_force
from scripts.environments.requirements import lines, read

MACHINE = {"index-url": "https://m", "extra-index-url": "https://x", "no-binary": "a"}


def of_file(text: str, machine: Dict[str, str]) -> Dict[str, str]:
    return in_force(machine, lines(text, Path("r.txt"), {"TOKEN": "secret"}))


@pytest.mark.parametrize(
    "text, changed",
    [
        ("--extra-index-url https://y\nlib", {"extra-index-url": "https://x https://y"}),
        ("--extra-index=https://me:${TOKEN}@y", {"extra-index-url": "https://x https://me:secret@y"}),
        ("-i https://a", {"index-url": "https://a", "extra-index-url": None}),
        ("--extra-index-url https://y\n-i https://a", {"index-url": "https://a", "extra-index-url": None}),
        (
            "--index-url 'https://a' --extra-index-url https://y",
            {"index-url": "https://a", "extra-index-url": "https://y"},
        ),
        ("--pre\n--prefer-binary\n--no-index", {"pre": "true", "prefer-binary": "true", "no-index": "true"}),
        ("--no-binary b,c\n--only-binary=:all:", {"no-binary": "a b,c", "only-binary": ":all:"}),
        ("lib==1 --hash=sha256:00", {"require-hashes": "true"}),
        ("--trusted-host a:80", {"trusted-host": "a:80"}),
        ("--no-such-option\n-e ./a\n-i 'unbalanced\nlib", {}),
    ],
)
def test_the_file_s_own_options_count(text: str, changed: Dict[str, str]) -> None:
    expected = {**MACHINE, **changed}
    assert {name: value for name, value in expected.items() if value is not None} == of_file(text, MACHINE)


def test_a_folder_of_links_counts_from_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sub" / "my links").mkdir(parents=True)
    (tmp_path / "sub" / "r.txt").write_text("--find-links 'my links'\n-f https://a/links\n")
    (tmp_path / "r.txt").write_text("-r sub/r.txt\n")

    links = (tmp_path / "sub" / "my links").resolve().as_uri()
    assert {"find-links": f"{links} https://a/links"} == in_force({}, read(tmp_path / "r.txt"))


@given(st.text("-irf \"'=ab:/.", max_size=20))
def test_no_line_is_too_odd(line: str) -> None:
    assert MACHINE.keys() <= {*of_file(line, MACHINE), "extra-index-url"}
