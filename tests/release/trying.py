"""Install a wheel as a stranger would, into an empty folder with empty caches, and do there what README shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Dict, List, Mapping

from scripts.errors import SettingsError
from scripts.proof import report_text
from scripts.proof.findings import GREEN
from scripts.proof.outcomes import PASSED

OF_A_SESSION = ("NOX", "SHARDLINE_", "PYTHON", "VIRTUAL_ENV", "UV_", "PYENV_VERSION")
SERVICE = Path(__file__).with_name("hello.py")


def commands(readme: str, python: str, wheel: Path) -> List[str]:
    """Give the commands by which README takes us home, with a Python and a wheel in the place of any.

    >>> text = "## Your own service\\n\\n    python3 -m venv .venv\\n    pip install nox git+https://H/s@main  # or so"
    >>> commands(text + "\\n", "python3.8", Path("s.whl"))
    ['python3.8 -m venv .venv', 'pip install nox s.whl  # or so']
    """
    shown = re.search(r"(?m)^## Your own service\n\n((?:    .*\n)+)", readme)
    lines = textwrap.dedent(shown[1]).splitlines() if shown else []
    lines = [re.sub(r"^python3(?= )", shlex.quote(python), line) for line in lines]
    return [re.sub(r"git\+https://\S+", shlex.quote(str(wheel)), line) for line in lines]


def try_out(readme: str, wheel: Path, python: str, folder: Path) -> int:
    """Do with a Python what README shows.

    Args:
        folder: that is made.

    Returns:
        how many tests ran there.

    Raises:
        SettingsError: a command failed, or no test is proven to have passed.
    """
    project = folder / "project"
    project.mkdir(parents=True)
    shutil.copy(str(SERVICE), str(project / "app.py"))
    lines = commands(readme, python, wheel)
    environ = empty_caches(os.environ, folder / "caches")
    script = "\n".join(["set -e", *lines])
    done = subprocess.run(
        ["bash", "-c", script], cwd=str(project), env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    count = passed(project / "reports" / "merge.json")
    if done.returncode or not count:
        print(done.stdout.decode("utf-8", "replace"), flush=True)
        message = f"what README shows of a service of one's own does not work: {wheel.name} with {python}"
        raise SettingsError(f"{message} (exit code {done.returncode})", f"Above is what it said; it lies in {project}.")
    return count


def passed(merge: Path) -> int:
    """Count the tests of a run that is green, and all of whose tests passed; 0 for any other."""
    verdict = report_text.read(merge)
    is_green = verdict and verdict.ended == GREEN and set(verdict.outcomes.values()) == {PASSED}
    return len(verdict.outcomes) if verdict and is_green else 0


def empty_caches(environ: Mapping[str, str], folder: Path) -> Dict[str, str]:
    """Change an environment to that of somebody who has never run anything of this: pip's configuration stays."""
    kept = {name: value for name, value in environ.items() if not name.startswith(OF_A_SESSION)}
    caches = ("XDG_CACHE_HOME", "PIP_CACHE_DIR", "UV_CACHE_DIR", "SHARDLINE_CACHE")
    return {**kept, **{name: str(folder / name.lower()) for name in caches}}
