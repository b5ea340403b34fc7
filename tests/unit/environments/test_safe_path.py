"""PYTHONSAFEPATH and PYTHONOPTIMIZE in a person's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Dict

import pytest

from scripts.environments import safe_path
from tests.unit.steps import projects

ROOT = Path(__file__).parents[3]
NEEDS_SAFE_PATH = pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH came with Python 3.11")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own, with the packages of this one, that was made ready."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.check_output([str(python), "-c", code], encoding="utf-8").strip())
    (site / "packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.check_call([str(python), str(ROOT / "scripts" / "environments" / "safe_path.py")])
    return python


def run(python: Path, *words: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a Python to its end."""
    return subprocess.run(
        [str(python), *words],
        cwd=str(cwd),
        env=projects.variables(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


STRICT: Dict[str, Dict[str, str]] = {"safe path": {"PYTHONSAFEPATH": "1"}, "no docstrings": {"PYTHONOPTIMIZE": "2"}}


@pytest.mark.parametrize("environ", [pytest.param(STRICT["safe path"], marks=NEEDS_SAFE_PATH), STRICT["no docstrings"]])
def test_the_steps_run_in_a_strict_environment(python: Path, tmp_path: Path, environ: Dict[str, str]) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\n", service=None)
    own = ("--settings", str(project / "pipeline.yml"))

    for words in (["--help"], ["integration", "--nodes", "2", *own], ["plan", *own], ["merge", "--help"]):
        done = run(python, "-m", "scripts", *words, **environ)
        assert 0 == done.returncode, done.stdout
    assert (project / "reports" / "shard-1" / "receipt.json").exists()


@NEEDS_SAFE_PATH
@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import scripts"],
        ["-m", "pytest", "--collect-only", "-p", "scripts"],
        ["-m", "scriptsetup"],
        ["-c", "import scripts", "-m", "scripts"],
    ],
)
def test_our_package_is_not_what_a_suite_imports(python: Path, tmp_path: Path, words: str) -> None:
    done = run(python, *words, cwd=tmp_path, PYTHONSAFEPATH="1")

    assert 0 != done.returncode, done.stdout


def test_without_safe_path_nothing_is_added(python: Path, tmp_path: Path) -> None:
    done = run(python, "-m", "scripts", "--version", cwd=tmp_path, PYTHONSAFEPATH="")

    assert "No module named scripts" in done.stdout


def test_the_line_is_one_whatever_the_repository_is_called() -> None:
    hard = "/tmp/a\n'\"\udcff你"

    assert 1 == safe_path.line(hard).count("\n") == safe_path.line(hard).isascii()


def test_what_is_written_once_stays(python: Path) -> None:
    script = str(ROOT / "scripts" / "environments" / "safe_path.py")
    file = next(python.parents[1].glob(f"lib/python*/site-packages/{safe_path.FILE_NAME}"))
    before = file.stat().st_mtime_ns

    assert 0 == run(python, script).returncode
    assert before == file.stat().st_mtime_ns
    assert os.fsdecode(str(ROOT)) in file.read_text()
