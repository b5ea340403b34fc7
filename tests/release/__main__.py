"""The command line of a release: `nox -s release -- 1.2.0`."""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from scripts import settings
from scripts.console import counted, say
from scripts.environments import pythons
from scripts.errors import PipelineError, SettingsError
from scripts.runner import preparation

from . import building, decisions, repository, trying

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "unit" / "pipeline.yml"  # its environment has what builds the wheel
SESSIONS = ("lint", "security", "tests")
EPILOG = """
Nothing is pushed: at the end stand the two commands that do. A version is prepared, that is committed as any other
change, and then released:

    nox -s release -- --prepare 1.2.0
    git commit -am "Version 1.2.0"
    nox -s release -- 1.2.0
"""


def main(words: Optional[Sequence[str]] = None) -> int:
    """Release, or say why not; the exit code."""
    options = _parser().parse_args(words)
    try:
        return prepare(ROOT, options.version) if options.prepare else release(ROOT, options)
    except PipelineError as error:
        print(f"\nerror: {error}", file=sys.stderr, flush=True)
        return error.exit_code


def release(root: Path, options: argparse.Namespace) -> int:
    """Do one thing after the other, what is fast first; a tag is the last of them."""
    ends = interpreters(root)
    refuse([*decisions.refusals(options.version, repository.facts(root)), *decisions.missing(ends)])
    commit = repository.commit(root)
    say(f"{options.version} at {commit[:12]}: version, changelog, branch and commit are in order")
    folder = Path(tempfile.mkdtemp(prefix=f"release-{options.version}-"))  # it stays where something is wrong
    files = leave(root, folder)
    checked = [*tried(root, files[0], ends, folder), green(root, options.checked_by)]
    shutil.rmtree(folder, ignore_errors=True)
    facts = repository.facts(root)
    if repository.commit(root) != commit or facts.changed:
        raise SettingsError("nothing is released: files changed while they were checked", "git status, then again")
    if options.dry_run:
        say(f"\n{options.version} could be released now; a dry run makes no tag. The files are in dist/.")
        return 0
    name = repository.make_tag(root, options.version, decisions.message_of(options.version, facts.changelog, checked))
    say(f"\ntag {name} is made, here only; what it stands for is in dist/. To publish both:")
    say(f"  git push --atomic origin {facts.main} {name}")
    say(f"  uv publish {' '.join(f'dist/{file.name}' for file in files)}")
    return 0


def refuse(found: Sequence[Tuple[str, str]]) -> None:
    """Raise all that speaks against it, if anything does."""
    if found:
        lines = "".join(f"\n  - {what}\n      {then}" for what, then in found)
        raise SettingsError(f"nothing is released:{lines}")


def leave(root: Path, folder: Path) -> List[Path]:
    """Build, and leave in dist/ what came of it."""
    python = preparation.install(settings.load(str(TESTS), os.environ, ROOT)).suite.python
    files = building.leave(building.build(python, root, folder / "build"), root / "dist")
    for name, digest in building.digests(files).items():
        say(f"  {digest}  dist/{name}")
    say("built twice, of the commit and of its own source archive: alike to the byte")
    return files


def tried(root: Path, wheel: Path, ends: Mapping[str, str], folder: Path) -> List[str]:
    """Install and run the wheel on some Pythons; a line each."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    lines = []
    for version, python in ends.items():
        count = trying.try_out(readme, wheel, python, folder / version)
        lines.append(f"Python {version}: what README shows of a service of one's own works ({counted(count, 'test')})")
        say(lines[-1])
    return lines


def interpreters(root: Path) -> Dict[str, str]:
    """Find the oldest Python that the package is for, and the newest: where each is; empty where it is not here."""
    versions = pythons.classified((root / "pyproject.toml").read_text(encoding="utf-8"))
    return {version: pythons.find(version) or "" for version in (versions[0], versions[-1])}


def green(root: Path, checked_by: str) -> str:
    """Run all checks of ours, unless somebody says where that was done; the line that says so.

    Raises:
        SettingsError: one is red.
    """
    if checked_by:
        return f"checks of this commit: {checked_by}"
    say(f"now {', '.join(SESSIONS)}; some ten minutes")
    done = subprocess.run([sys.executable, "-m", "nox", "-x", "-s", *SESSIONS], cwd=str(root), check=False)
    if done.returncode:
        raise SettingsError("nothing is released: a check is red, see above", f"nox -s {' '.join(SESSIONS)}")
    return f"checks of this commit: {', '.join(SESSIONS)}, green"


def prepare(root: Path, version: str) -> int:
    """Write a version, and the day, into package and changelog; a person looks at it and commits it.

    Raises:
        SettingsError: it cannot come next, or nothing is written of what it changes.
    """
    facts = repository.facts(root)
    found = decisions.about_version(version, facts.tags)
    written = decisions.with_release(facts.changelog, version, datetime.date.today())
    if not found and not decisions.section(written, version):
        found = [(f"CHANGELOG.md has no text below `{decisions.UNRELEASED}`", "say there what changed for users")]
    refuse(found)
    module = root / repository.MODULE
    module.write_text(decisions.with_version(module.read_text(encoding="utf-8"), version), encoding="utf-8")
    (root / repository.CHANGELOG).write_text(written, encoding="utf-8")
    say(f"{repository.MODULE} and {repository.CHANGELOG} say {version} now. Look at them, then:")
    say(f'  git commit -am "Version {version}"')
    say(f"  nox -s release -- {version}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s release --",
        description="Check, build, try and tag a version of Shardline.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("version", metavar="X.Y.Z", help="as PEP 440 writes it")
    parser.add_argument(
        "--prepare", action="store_true", help="only write it into scripts/__init__.py and CHANGELOG.md"
    )
    parser.add_argument("--dry-run", action="store_true", help="do all but the tag")
    text = (
        f"where {', '.join(SESSIONS)} of this very commit were green, such as the address of a CI's job: not run again"
    )
    parser.add_argument("--checked-by", default="", metavar="TEXT", help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
