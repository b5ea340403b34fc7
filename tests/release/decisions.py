"""Decide whether a version may be released, and what its files have to say. Pure."""

from __future__ import annotations

import datetime
import re
from typing import Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from packaging.version import InvalidVersion, Version

UNRELEASED = "## Unreleased"
_VERSION_LINE = re.compile(r'(?m)^__version__ = "(.*)"$')
_SHOWN_FILES = 3


class Facts(NamedTuple):
    """What a repository is like.

    Args:
        branch: that is checked out; empty for none.
        main: the branch that releases are made of.
        changed: files that are other than in the commit, or not in it.
        behind: commits that the branch on the server has more, when it was last asked.
        tags: all of them.
        version: what the package says of itself.
        changelog: its text.
    """

    branch: str
    main: str
    changed: Tuple[str, ...]
    behind: int
    tags: Tuple[str, ...]
    version: str
    changelog: str


def refusals(asked: str, facts: Facts) -> List[Tuple[str, str]]:
    """List all that speaks against releasing a version now: what is wrong, and what to do."""
    found = about_version(asked, facts.tags)
    if not found:
        found += about_texts(asked, facts)
    if facts.branch != facts.main:
        here = f"branch {facts.branch}" if facts.branch else "no branch"
        found.append((f"{here} is checked out: releases are made of {facts.main}", f"git switch {facts.main}"))
    if facts.changed:
        more = len(facts.changed) - _SHOWN_FILES
        shown = ", ".join(facts.changed[:_SHOWN_FILES]) + (f" and {more} more" if more > 0 else "")
        found.append((f"not all that is here is in the commit: {shown}", "git status; then commit, stash or remove it"))
    if facts.behind:
        found.append((f"{facts.main} on the server is {facts.behind} commits ahead of this one", "git pull --ff-only"))
    return found


def about_version(asked: str, tags: Iterable[str]) -> List[Tuple[str, str]]:
    """Say why a version is none that may come next.

    >>> about_version("1.10.0", ["v1.9.0", "nightly"])
    []
    >>> about_version("v1.2", [])
    [("'v1.2' is not how PEP 440 writes a version", 'write it 1.2')]
    >>> about_version("1.9.0", ["v1.10.0"])
    [('1.9.0 is not newer than 1.10.0, which was released last', 'say 1.10.1 or more')]
    """
    try:
        version = Version(asked)
    except InvalidVersion:
        return [(f"{asked!r} is no version", "write it as PEP 440 does: 1.2.0, or 1.2.0rc1")]
    if str(version) != asked:
        return [(f"{asked!r} is not how PEP 440 writes a version", f"write it {version}")]
    if version.local or version.is_devrelease:
        return [(f"{asked} is a version of somebody's own build", f"release {version.base_version}")]
    last = max(released(tags), default=None)
    if last and version <= last:
        following = f"{last.major}.{last.minor}.{last.micro + 1}"
        return [(f"{asked} is not newer than {last}, which was released last", f"say {following} or more")]
    return []


def released(tags: Iterable[str]) -> List[Version]:
    """List the versions that tags name."""
    found = []
    for tag in tags:
        try:
            found.append(Version(tag))
        except InvalidVersion:
            continue
    return found


def about_texts(asked: str, facts: Facts) -> List[Tuple[str, str]]:
    """Say what version and changelog of the package have not been told of a release."""
    prepare = f"nox -s release -- --prepare {asked}    writes it; then commit that"
    found = []
    if facts.version != asked:
        found.append((f"scripts/__init__.py says version {facts.version}, not {asked}", prepare))
    if not dated(facts.changelog, asked):
        found.append((f"CHANGELOG.md has no heading `## {asked} - YEAR-MONTH-DAY`", prepare))
    elif not section(facts.changelog, asked):
        found.append((f"CHANGELOG.md has no text below `## {asked}`", "say there what changed for users"))
    elif section(facts.changelog, "Unreleased"):
        found.append(
            (f"CHANGELOG.md has text below `{UNRELEASED}` still", f"move it below `## {asked}`, and commit that")
        )
    return found


def missing(interpreters: Mapping[str, str]) -> List[Tuple[str, str]]:
    """Say which Pythons, that the wheel is to be tried on, are not here.

    >>> missing({"3.8": "", "3.13": "/usr/bin/python3.13"})
    [('Python 3.8, which the wheel is tried on, is not here', 'pyenv install 3.8, or uv python install 3.8')]
    """
    text = "Python {}, which the wheel is tried on, is not here"
    hint = "pyenv install {0}, or uv python install {0}"
    return [(text.format(each), hint.format(each)) for each, python in interpreters.items() if not python]


def dated(changelog: str, version: str) -> bool:
    """Tell whether the changelog has a heading of the version, with a day that there is."""
    found = re.search(rf"(?m)^## {re.escape(version)} - (\d{{4}}-\d\d-\d\d)$", changelog)
    try:
        return bool(found and datetime.date(*map(int, found[1].split("-"))))
    except ValueError:
        return False


def section(changelog: str, name: str) -> str:
    """Give the text below the heading of a version; empty where there is none.

    >>> section("# Changelog\\n\\n## Unreleased\\n\\n## 1.0.0 - 2026-01-31\\n\\n- all\\n\\n## 0.9.0\\n", "1.0.0")
    '- all'
    """
    found = re.search(rf"(?ms)^## {re.escape(name)}(?: - [^\n]*)?$(.*?)(?=^## |\Z)", changelog)
    return found[1].strip() if found else ""


def with_version(module: str, version: str) -> str:
    """Let a module say another `__version__`."""
    return _VERSION_LINE.sub(f'__version__ = "{version}"', module, count=1)


def version_of(module: str) -> str:
    """Read a module's `__version__`; empty where it says none."""
    found = _VERSION_LINE.search(module)
    return found[1] if found else ""


def with_release(changelog: str, version: str, day: datetime.date) -> str:
    """Put what is unreleased below a heading of the version; nothing is changed where that is there.

    >>> print(with_release("## Unreleased\\n\\n- new\\n", "1.0.0", datetime.date(2026, 1, 31)), end="")
    ## Unreleased
    <BLANKLINE>
    ## 1.0.0 - 2026-01-31
    <BLANKLINE>
    - new
    """
    if dated(changelog, version):
        return changelog
    return re.sub(rf"(?m)^{UNRELEASED}$", f"{UNRELEASED}\n\n## {version} - {day}", changelog, count=1)


def tag_of(version: str) -> str:
    """Name the tag of a version."""
    return f"v{version}"


def message_of(version: str, changelog: str, checked: Sequence[str]) -> str:
    """Write what a tag says: the version, what changed, what was seen of it. Git takes no line of it for a comment."""
    return "\n\n".join([f"Shardline {version}", section(changelog, version), "\n".join(checked)]).rstrip() + "\n"


def differing(first: Iterable[Tuple[str, str]], second: Iterable[Tuple[str, str]]) -> List[str]:
    """Name what is not the same in two builds, each given as (name, digest)."""
    one, other = dict(first), dict(second)
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def misplaced(packed: Iterable[str], tracked: Iterable[str]) -> List[str]:
    """Say what a wheel has that the repository has not below scripts/, or the other way around.

    >>> misplaced(["shardline/a.py", "shardline/x.pyc", "s-1.dist-info/METADATA"], ["scripts/a.py", "scripts/b.sh"])
    ['shardline/x.pyc is in no commit']
    """
    there = {name for name in packed if ".dist-info/" not in name}
    meant = {f"shardline/{name[len('scripts/') :]}" for name in tracked if not name.endswith(".sh")}
    return [f"{name} is in no commit" for name in sorted(there - meant)] + [
        f"{name} is missing" for name in sorted(meant - there)
    ]
