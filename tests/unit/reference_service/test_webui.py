"""The reference service started by hand: it finds the packages that the pipeline brought, or names the command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "reference_service"


def started_without_packages(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Start a copy of it below `root` on a Python that has the standard library alone."""
    copy = root / "tests" / "reference_service" / "webui.py"
    copy.parent.mkdir(parents=True)
    for name in ("webui.py", "program.py"):
        shutil.copy(SERVICE / name, copy.with_name(name))
    line = [sys.executable, "-S", str(copy), *words]
    return subprocess.run(line, capture_output=True, encoding="utf-8", check=False)


def test_a_python_without_the_packages_hands_over_to_the_environment_of_the_service(tmp_path: Path) -> None:
    python = tmp_path / ".pipeline" / "environments" / "service-3.11.7-abc" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nshift\necho "$@"\n')
    python.chmod(0o755)

    assert "--port 7860 --gpu\n" == started_without_packages(tmp_path, "--port", "7860", "--gpu").stdout


def test_where_there_is_none_it_names_the_command_that_makes_it(tmp_path: Path) -> None:
    done = started_without_packages(tmp_path, "--port", "7860")

    assert 1 == done.returncode
    assert "scripts/bootstrap.sh nox -s deps models" in done.stderr
