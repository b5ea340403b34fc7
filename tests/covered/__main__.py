"""The steps of `nox -s coverage`: an environment that measures itself, our own tests in it, and what they cover."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import List

from scripts import settings
from scripts.errors import INTERRUPTED, PipelineError
from scripts.runner import preparation

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TESTS = ROOT / "tests" / "unit" / "pipeline.yml"
MEASURED = HERE / "pipeline.yml"
ENVIRONMENT = HERE / ".pipeline" / "measuring"  # as its suite.command says
DATA = HERE / ".pipeline" / "coverage"
REPORTS = HERE / "reports"
CONFIGURATION = """\
[run]
branch = true
data_file = {data}/data
include =
    {root}/scripts/*
    */shardline_pytest/*
disable_warnings = no-data-collected, module-not-measured, include-ignored
sigterm = true

[paths]
plugin =
    {root}/scripts/runner/shardline_pytest
    */shardline_pytest

[xml]
output = {reports}/coverage.xml
"""


def main(arguments: List[str]) -> int:
    """Run our own tests, measured, and say what they cover.

    Args:
        arguments: for `integration`, and for pytest.

    Returns:
        the exit code of the tests: what red ones cover is said, too; not what those did that were interrupted.
    """
    environment = preparation.install(settings.load(str(TESTS), os.environ, ROOT)).suite
    configuration = configure(ROOT, DATA, REPORTS)
    copy_measuring(environment.folder, ENVIRONMENT, configuration)
    tests = run_tests(["integration", "--settings", str(MEASURED), *arguments])
    if tests == INTERRUPTED:
        return tests
    report = [str(environment.python), str(HERE / "report.py"), str(configuration), str(ROOT / "scripts")]
    told = subprocess.run(report, cwd=str(ROOT), check=False)
    return tests or told.returncode


def run_tests(words: List[str]) -> int:
    """Run a step of the pipeline, and return its exit code; it ends with us, and Ctrl-C is for it alone."""
    environ = {**os.environ, "SHARDLINE_PARENT": str(os.getpid())}
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run([sys.executable, "-m", "scripts", *words], cwd=str(ROOT), env=environ).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def configure(root: Path, data: Path, reports: Path) -> Path:
    """Write the configuration of coverage into the empty folder of the data, and return it."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    data.chmod(0o777)  # some tests act as other users
    configuration = data / "coveragerc"
    configuration.write_text(CONFIGURATION.format(root=root, data=data, reports=reports), encoding="utf-8")
    return configuration


def copy_measuring(environment: Path, copy: Path, configuration: Path) -> None:
    """Copy an environment by links, whose Pythons all measure themselves; the other one stays as it is."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(environment, copy, symlinks=True, copy_function=os.link)
    (packages,) = copy.glob("lib/python*/site-packages")
    shutil.copy(HERE / "measuring.py", packages / "shardline_measuring.py")
    line = f"import shardline_measuring; shardline_measuring.start({str(configuration)!a})\n"
    (packages / "shardline_measuring.pth").write_text(line, encoding="ascii")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PipelineError as error:
        sys.exit(str(error))
