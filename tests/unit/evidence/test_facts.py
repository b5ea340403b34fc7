from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from scripts.evidence import facts


def test_packages_are_read_off_the_names_on_the_disk(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in (
        "b_c-2.0.dist-info",
        "A-1.0rc1.dist-info",
        "old_one-0.1-py3.8.egg-info",
        "b_c",
        "b_c.py",
        "x.dist-info",
    ):
        (site / name).mkdir(parents=True)

    assert ["A==1.0rc1", "b_c==2.0", "old_one==0.1"] == facts.packages(tmp_path)


def test_the_packages_of_this_environment_are_found() -> None:
    listed = facts.packages(Path(sys.prefix))

    assert [f"pytest=={pytest.__version__}"] == [line for line in listed if re.match("pytest==", line)]


def test_a_folder_without_packages_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        facts.packages(tmp_path)
