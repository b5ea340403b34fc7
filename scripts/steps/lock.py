"""Make the locks anew: one file for all Pythons and platforms, with hashes and without host names."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Mapping

from .. import environment, pip_settings
from ..console import counted, human_bytes, progress, say
from ..errors import InstallError
from ..settings import Settings


def run(settings: Settings, upgrade: bool = False, oldest_python: str = "3.8") -> None:
    """Lock every requirements file of the project; versions stay unless `upgrade`.

    Raises:
        InstallError: no uv here, no index, or no versions that fit together.
    """
    uv = environment.find_uv()
    if not uv:
        raise InstallError("locks are made by uv, and none is here", "Install it: pip install uv")
    environ = {**os.environ, **pip_settings.read()}
    options = [*pip_settings.uv_options(environ), "--universal", "--python-version", oldest_python]
    options += ["--upgrade"] if upgrade else []
    for requirements in files(settings):
        lock = requirements.with_suffix(".lock")
        try:
            _compile([uv, "pip", "compile", *options], requirements, lock, main_index_alone(environ))
        except InstallError:
            _compile([uv, "pip", "compile", *options], requirements, lock, environ)
        say(f"{lock.relative_to(settings.project)}: {environment.header(lock).get('download', 'made')}")


def main_index_alone(environ: Mapping[str, str]) -> Dict[str, str]:
    """The variables without this machine's further indexes and folders.

    uv takes a release's files, and so its hashes, from one index; a further one may hold only those
    that fit this machine, and the lock would fail on every other. A project that needs one falls back.
    """
    if environ.get("UV_NO_INDEX") == "true":
        return dict(environ)
    return {name: value for name, value in environ.items() if name not in ("UV_INDEX", "UV_FIND_LINKS")}


def files(settings: Settings) -> Iterator[Path]:
    """The requirements files of a project that are there: its own, the suite's, the service's."""
    service = settings.service.requirements if settings.service else None
    for name in ("requirements.txt", settings.suite.requirements, service):
        if name and (settings.project / name).is_file():
            yield settings.project / name


def _compile(command: List[str], requirements: Path, lock: Path, environ: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / lock.name
        if lock.is_file():  # pins that still fit are kept
            draft.write_bytes(lock.read_bytes())
        _run(
            [*command, "--generate-hashes", "--no-header", "-q", "-o", str(draft), requirements.name],
            requirements,
            environ,
        )
        body = draft.read_text(encoding="utf-8")
        text = f"{_heading(requirements)}{_download(draft, body, environ)}\n{without_hosts(body)}"
    temporary = lock.with_suffix(".lock.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, lock)


def _heading(requirements: Path) -> str:
    digest = environment.requirements_digest(requirements.read_text(encoding="utf-8"))
    return f"# Made from {requirements.name} by `nox -s lock`; do not edit.\n# requirements: sha256 {digest}\n"


def without_hosts(body: str) -> str:
    """A lock's lines without indexes and folders of this machine, which uv may have written.

    >>> without_hosts("--index-url https://mirror.test/simple\\nnox==1\\n")
    'nox==1\\n'
    """
    options = re.compile(r"-(i|f|-index-url|-extra-index-url|-find-links|-trusted-host)\b")
    return "".join(line for line in body.splitlines(keepends=True) if not options.match(line))


def _download(draft: Path, body: str, environ: Mapping[str, str]) -> str:
    """Measure what a fresh machine like this one downloads; a line for the top of the lock."""
    pip = pip_settings.find_pip()
    if not pip:
        return ""
    with tempfile.TemporaryDirectory() as folder, progress(f"measuring the download of {draft.name}"):
        _run([*pip, "download", "-q", "--require-hashes", "--no-deps", "-d", folder, "-r", str(draft)], draft, environ)
        sizes = [file.stat().st_size for file in Path(folder).iterdir()]
    where = f"Python {'.'.join(platform.python_version_tuple()[:2])}, {platform.system()} {platform.machine()}"
    return f"# download: {counted(len(sizes), 'package')}, {human_bytes(sum(sizes))} (on {where})\n"


def _run(command: List[str], about: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=about.parent,
        env=dict(environ),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise InstallError(f"cannot lock {about}: {environment.explain(done.stdout)}", "Correct it and run again.")
