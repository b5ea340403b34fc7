"""Files that builds, tests and environments leave are none of the source."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.environments.sources import source_files
from scripts.environments.sources.source_files import without_litter
from tests.unit.environments.local_packages import committed, package

NAMES = st.lists(st.text("ab./\n", min_size=1, max_size=8))
LITTER = st.sampled_from(["build/lib/a.py", "dist/a.whl", "a.egg-info/x", "b/__pycache__/a.pyc", "a/.mypy_cache/x"])


@given(NAMES, st.lists(LITTER))
def test_litter_changes_nothing_wherever_it_stands(names: List[str], litter: List[str]) -> None:
    assert without_litter(names) == without_litter([*litter, *names])
    assert without_litter(names) == without_litter(without_litter(names))


@pytest.mark.parametrize("in_git", [True, False])
def test_a_copy_holds_what_a_build_may_take(tmp_path: Path, in_git: bool) -> None:
    source = package(tmp_path / "pkg")
    (source / "talkie" / "old.py").touch()
    if in_git:
        committed(source)
    committed(package(source / "inner"))
    (source / "talkie" / "link.py").symlink_to("__init__.py")
    (source / "build").mkdir()
    (source / "build" / "old.py").touch()
    source_files.copy(source, tmp_path / "copy")

    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {"pyproject.toml", "talkie/old.py", "talkie/link.py", "inner/talkie/__init__.py"} < copied
    assert not any(name.startswith(("build", ".git/")) for name in copied)
