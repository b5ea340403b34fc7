"""The *.lock files: what one says about itself, whether it is stale, and how it is made anew.

One file for all Pythons and platforms, with hashes and without host names.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping

from ..console import counted, human_bytes, progress
from ..errors import InstallError
from ..system import files, programs
from . import installers, pip_settings


def make(requirements: Path, upgrade: bool, oldest_python: str) -> Path:
    """Lock a requirements file; versions stay unless `upgrade`.

    Returns:
        the lock.

    Raises:
        InstallError: no uv here, no index, or no versions that fit together.
    """
    uv = installers.find_uv()
    if not uv:
        raise InstallError("locks are made by uv, and none is here", "Install it: pip install uv")
    environ = {**os.environ, **pip_settings.read()}
    options = [*pip_settings.uv_options(environ), "--universal", "--python-version", oldest_python]
    options += ["--python", sys.executable]  # else uv would fetch a Python of that age; offline it waits 12 s for it
    options += ["--upgrade"] if upgrade else []
    lock = requirements.with_suffix(".lock")
    try:
        _compile([uv, "pip", "compile", *options], requirements, lock, main_index_alone(environ))
    except InstallError:
        _compile([uv, "pip", "compile", *options], requirements, lock, environ)
    return lock


def definition(file: Path) -> bytes:
    """Read a requirements file, followed by the files that it names by -r or -c, and so on."""
    texts: Dict[Path, bytes] = {}
    named = [file]
    while named:
        path = named.pop().resolve()
        if path not in texts and path.is_file():  # -r takes a URL, too
            texts[path] = path.read_bytes()
            names = re.findall(rb"(?m)^\s*(?:-[rc]|--requirement|--constraint)[\s=]*(\S+)", texts[path])
            named += [path.parent / os.fsdecode(name) for name in names]
    return b"\n\0\n".join(texts.values())


def requirements_digest(text: str) -> str:
    """Take the sha-256 of the requirement lines alone, so that editing a comment makes no lock stale.

    >>> requirements_digest("nox  # why\\n") == requirements_digest("# menu\\nnox\\n")
    True
    """
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).hexdigest()


def check_lock(requirements: Path, lock: Path) -> None:
    """Refuse a lock that was made from other requirements, those of files that they name included.

    Raises:
        InstallError: stale; the hint is the command that makes it anew.
    """
    made_from = header(lock).get("requirements")
    if made_from and made_from != _digest(requirements):
        message = f"{requirements} was edited after {lock.name} was made from it"
        raise InstallError(message, "Run: {command}", ("nox", "-s", "lock"))


def header(lock: Path) -> Dict[str, str]:
    """Read the `# key: value` lines that `nox -s lock` writes at the top of a lock."""
    values = {}
    with open(lock, encoding="utf-8") as lines:
        for line in lines:
            match = re.fullmatch(r"# (\w+): (.*)\n", line)
            if match:
                values[match.group(1)] = match.group(2)
            elif not line.startswith("#"):
                break
    return values


def main_index_alone(environ: Mapping[str, str]) -> Dict[str, str]:
    """Give the variables without this machine's further indexes and folders.

    uv takes a release's files, and so its hashes, from one index; a further one may hold only those
    that fit this machine, and the lock would fail on every other. A project that needs one falls back.
    """
    if environ.get("UV_NO_INDEX") == "true":
        return dict(environ)
    return {name: value for name, value in environ.items() if name not in ("UV_INDEX", "UV_FIND_LINKS")}


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
        text = f"{_heading(requirements)}{_download(draft, environ)}\n{without_hosts(body)}"
    files.write_text(lock, text)


def _heading(requirements: Path) -> str:
    return (
        f"# Made from {requirements.name} by the step `lock`; do not edit.\n# requirements: {_digest(requirements)}\n"
    )


def _digest(requirements: Path) -> str:
    """Digest the requirement lines of a file and of those it names, as a lock's heading has it."""
    return f"sha256 {requirements_digest(definition(requirements).decode('utf-8'))}"


def without_hosts(body: str) -> str:
    """Give a lock's lines without indexes and folders of this machine, which uv may have written.

    >>> without_hosts("--index-url https://mirror.test/simple\\nnox==1\\n")
    'nox==1\\n'
    """
    options = re.compile(r"-(i|f|-index-url|-extra-index-url|-find-links|-trusted-host)\b")
    return "".join(line for line in body.splitlines(keepends=True) if not options.match(line))


def _download(draft: Path, environ: Mapping[str, str]) -> str:
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
    try:
        programs.output(command, None, cwd=about.parent, environ=environ, merged=True)
    except programs.ProgramFailed as failed:
        why = installers.explain(failed.output) if failed.returncode is not None else failed
        raise InstallError(f"cannot lock {about}: {why}", "Correct it and run again.") from None
