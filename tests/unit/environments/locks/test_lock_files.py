"""A lock says what it was made from, and is refused when that changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.environments.locks import lock_files
from scripts.errors import InstallError

PINS = st.dictionaries(st.sampled_from(["a", "b-c", "d"]), st.sampled_from(["1", "1.0+cpu", "2"]))


def test_a_lock_is_stale_when_a_file_that_its_requirements_name_was_edited(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("one")
    requirements, made = tmp_path / "own.txt", tmp_path / "own.lock"
    requirements.write_text("-r base.txt  # why\ntwo\n")
    digest = lock_files.requirements_digest(lock_files.definition(requirements).decode())
    made.write_text(f"# requirements: sha256 {digest}\n")

    (tmp_path / "base.txt").write_text("# a comment\none\n")
    lock_files.check_lock(requirements, made, tmp_path)
    (tmp_path / "base.txt").write_text("one\nthree\n")
    with pytest.raises(InstallError, match=r"own\.txt was edited after own\.lock"):
        lock_files.check_lock(requirements, made, tmp_path)


PACKAGE = '[project]\nname = "pkg"\ndependencies = ["x"]\n[tool.uv.sources]\nnext = {path = "../next"}\n'


@pytest.mark.parametrize(
    "file, text, expected",
    [
        ("pkg/pyproject.toml", PACKAGE.replace('"x"', '"y"'), "./pkg"),
        ("next/pyproject.toml", '[project]\nname = "next"\ndependencies = ["y"]\n', "./next"),
        ("pkg/pyproject.toml", f"# why\n{PACKAGE}[tool.ruff]\n", ""),
        ("pkg/pkg.py", "X = 2", ""),
    ],
)
def test_a_lock_is_stale_when_a_local_package_needs_something_else(
    tmp_path: Path, file: str, text: str, expected: str
) -> None:
    for name, content in {"pkg": PACKAGE, "next": '[project]\nname = "next"\n'}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(content)
    requirements, made = tmp_path / "own.txt", tmp_path / "own.lock"
    requirements.write_text("-e ./pkg\n./elsewhere ; sys_platform == 'win32'\n")
    local = lock_files.written_digests(lock_files.local_digests(requirements, tmp_path))
    made.write_text(f"# requirements: {lock_files.digest(requirements)}\n# local: {local}\n")
    lock_files.check_lock(requirements, made, tmp_path)
    (tmp_path / file).write_text(text)

    said = ""
    try:
        lock_files.check_lock(requirements, made, tmp_path)
    except InstallError as error:
        said = str(error)
    message = f"the dependencies of {expected} changed after own.lock was made\nhint: Run: nox -s lock"
    assert (message if expected else "") == said


def test_a_lock_for_newer_pythons_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text("# python: 3.99 and newer\n")

    with pytest.raises(InstallError, match=r"a\.lock is for Python 3\.99 and newer, and this is 3") as caught:
        lock_files.check_python(tmp_path / "a.lock")
    assert "nox -s lock -- --oldest-python 3." in caught.value.hint


@given(PINS, PINS)
def test_what_changed_leads_from_one_lock_to_the_next(before: Dict[str, str], now: Dict[str, str]) -> None:
    old, new = ("".join(f"{name}=={pin} \\\n    --hash=0\n" for name, pin in pins.items()) for pins in (before, now))
    changes = dict(lock_files.changes(old, new))

    assert before == lock_files.pins(old)
    assert {name for name in {*before, *now} if before.get(name) != now.get(name)} == set(changes)
    assert all(change.endswith(", removed") == (name not in now) for name, change in changes.items())


@given(*[st.lists(st.sampled_from("1234"), min_size=1, unique=True).map(sorted)] * 2)
def test_of_several_versions_those_are_told_that_changed_and_those_that_stay_apart(
    before: List[str], now: List[str]
) -> None:
    old, new = ("".join(f"a=={version} ; x\n" for version in versions) for versions in (before, now))
    told = dict(lock_files.changes(old, new)).get("a", "")
    changed, _, stay = told.partition(" (")

    assert set(before) ^ set(now) == set(re.findall(r"\d", changed))
    assert (set(before) & set(now) if changed else set()) == set(re.findall(r"\d", stay))
