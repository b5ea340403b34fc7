from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from scripts.environments import bytecode
from scripts.environments.environments import Environment
from scripts.system import files


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """As much of one as matters here: a Python, a module, and a file that is none in this syntax."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "module.py").write_text("VALUE = 1\n")
    (tmp_path / "lib" / "template.py").write_text("print '{{ name }}'\n")
    return Environment(tmp_path)


def test_modules_are_compiled_once_whatever_becomes_of_the_time_of_their_files(environment: Environment) -> None:
    lib = environment.folder / "lib"
    first, second = bytecode.compile(environment), bytecode.compile(environment)
    compiled = Path(importlib.util.cache_from_source(str(lib / "module.py")))
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")

    assert (True, False) == (first, second)
    assert 0b11 == flags  # checked by the digest of the source, see PEP 552
    assert ["module.py", "template.py"] == sorted(file.name for file in lib.glob("*.py"))


def test_a_size_counts_what_an_archive_holds(environment: Environment) -> None:
    (environment.folder / "lib" / "link").symlink_to("module.py")
    link_bytes = len(os.readlink(environment.folder / "bin" / "python")) + len("module.py")

    assert len("VALUE = 1\n") + len("print '{{ name }}'\n") + link_bytes == files.size_below(environment.folder)
