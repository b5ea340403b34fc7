"""What a machine refuses costs a line and what could not be kept, not a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from tests.unit.steps import projects

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(120))
def test_of_many(number): assert number != 7
"""
LIMITED = "import os, resource, sys\n{}\nos.execv(sys.argv[1], sys.argv[1:])"


def run_under(limit: str, project: Path, *arguments: str) -> List[str]:
    """The lines of a run in a process that has first done what `limit` says."""
    words = [sys.executable, "-c", LIMITED.format(limit), *projects.words(project, "integration", *arguments)]
    done = subprocess.run(
        words,
        cwd=str(projects.ROOT),
        env=projects.variables({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    print(done.stdout)
    return [*done.stdout.splitlines(), str(done.returncode)]


@pytest.mark.parametrize("size_bytes", [2_000, 24_000])
def test_a_limit_to_the_size_of_files_is_no_green_run_and_no_traceback(tmp_path: Path, size_bytes: int) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes}, {size_bytes}))"

    *lines, ended, code = run_under(limit, project, "--nodes", "1")

    assert not [line for line in lines if line.startswith("Traceback")]
    assert (True, True) == (ended.startswith("ended: "), f"(exit code {code})" in ended)
    assert code not in ("0", "-25")


def test_a_mask_that_keeps_ourselves_out_does_not(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)

    lines = run_under("os.umask(0o777)", project)

    assert "0" == lines[-1]
    assert 0o600 == (project / "reports" / "shard-0" / "receipt.json").stat().st_mode & 0o777


def test_reports_that_cannot_be_made_are_told_in_a_line(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)
    (project / "reports").write_text("in the way")

    done = projects.run(project, "integration")

    assert (1, False) == (done.returncode, "Traceback" in done.stdout)
    assert f"error: cannot make {project / 'reports' / 'shard-0'}: " in done.stdout
