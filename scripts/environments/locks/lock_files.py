"""The *.lock files: what one says about itself, what it pins, and whether it is stale. `resolution` makes them.

One file for all platforms, and for all Pythons from the one that its heading names, with hashes and without host
names. What is not from an index stands at its end, without hashes: paths as the requirements file has them, since
their bytes change with every build, and version control by its commit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from ...errors import InstallError
from .. import requirements
from ..requirements import BUILD_FILES, Line, Source, normalized
from ..running import HERE
from ..sources.local_sources import lines_of, place_if_there, place_of
from . import local_metadata

TAIL = "# Not from an index, so without hashes; what they need is locked above."  # what follows is as the person has it


def as_written(source: Source) -> Source:
    """Give a source as its line has it: with the names of variables, not with what they hold on this machine."""
    line = source.line
    return requirements.source(line._replace(text=line.written or line.text)) or source


def definition(file: Path) -> bytes:
    """Read a requirements file, followed by the files that it names by -r or -c, and so on."""
    texts: Dict[Path, bytes] = {}
    named = [file]
    while named:
        path = named.pop().resolve()
        if path not in texts and path.is_file():  # -r takes a URL, too
            texts[path] = path.read_bytes()
            lines = requirements.lines(texts[path].decode("utf-8-sig", "replace"), path, os.environ)
            named += [line.named_file for line in lines if line.names_file]
    return b"\n\0\n".join(texts.values())


def requirements_digest(text: str) -> str:
    """Take the sha-256 of the requirement lines alone, so that editing a comment makes no lock stale.

    >>> requirements_digest("nox  # why\\n") == requirements_digest("# menu\\nnox\\n")
    True
    """
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).hexdigest()


# What a lock says ---------------------------------------------------------------------------------


def digest(file: Path) -> str:
    """Digest what a requirements file wants, as a lock's heading has it: its lines and those of files it names."""
    if file.name in BUILD_FILES:
        return f"sha256 {local_metadata.digest(file.parent)}"
    return f"sha256 {requirements_digest(definition(file).decode('utf-8', 'replace'))}"


def local_digests(file: Path, project: Path) -> Dict[str, str]:
    """Digest what each local package of a requirements file needs, and what these name as their neighbours.

    What is for another platform may be there only, and then is left out.

    Raises:
        InstallError: one is not there.
    """
    sources = [found for found in map(requirements.source, lines_of(file, project)) if found and found.is_local]
    sources = [found for found in sources if not found.marker or place_if_there(found, project)]
    named = {place_of(found, project): as_written(found).location for found in sources}
    elsewhere = {path: text for path, text in named.items() if text.startswith(("/", "~", "$"))}
    digests: Dict[str, str] = {}
    waiting = local_metadata.neighbours(file.parent) if file.name in BUILD_FILES else list(named)
    seen = set(waiting)
    while waiting:
        found = waiting.pop()
        digests[elsewhere.get(found) or requirements.shown(found, project)] = local_metadata.digest(found)[:16]
        further = [path for path in local_metadata.neighbours(found) if path not in seen] if found.is_dir() else []
        waiting += further
        seen.update(further)
    return dict(sorted(digests.items()))


def header(lock: Path) -> Dict[str, str]:
    """Read the `# key: value` lines that `nox -s lock` writes at the top of a lock."""
    return header_of(lock.read_text(encoding="utf-8"))


def header_of(text: str) -> Dict[str, str]:
    """Read the lines at the top of a lock's text.

    >>> header_of("# Made by hand.\\n# python: 3.8\\n\\na==1\\n# via: b\\n")
    {'python': '3.8'}
    """
    top = re.match(r"(?:#.*\n)*", text)
    return dict(re.findall(r"(?m)^# (\w+): (.*)$", top[0] if top else ""))


def check_lock(file: Path, lock: Path, project: Path) -> None:
    """Refuse a lock that was made from other requirements, those of files and packages that they name included.

    Raises:
        InstallError: stale, by what; the hint is the command that makes it anew.
    """
    said = header(lock)
    stale = ""
    if said.get("requirements") and said["requirements"] != digest(file):
        stale = f"{file} was edited after {lock.name} was made from it"
    elif "local" in said:
        changed = _changed(_json(said["local"]), local_digests(file, project))
        stale = f"the dependencies of {', '.join(changed)} changed after {lock.name} was made" if changed else ""
    if stale:
        raise InstallError(stale, "Run: {command}", ("nox", "-s", "lock"))


def check_python(lock: Path, here: str = HERE, program: str = sys.executable) -> None:
    """Refuse a lock that is for newer Pythons than the one it is installed on: it lacks what an older one needs.

    Raises:
        InstallError: with the command that makes it for this one, too.
    """
    oldest = oldest_python(lock)
    if oldest and version(here) < version(oldest):
        message = f"{lock} is for Python {oldest} and newer, and this is {here} ({program})"
        if program != sys.executable:  # that a service asks for: --oldest-python is for all locks
            hint = "Lock it anew: {command}. A file that others install, too, needs a copy for this service alone."
            raise InstallError(message, hint, ("nox", "-s", "lock"))
        hint = "Run it on a newer Python; or lock it for this one, too: {command}"
        raise InstallError(message, hint, ("nox", "-s", "lock", "--", "--oldest-python", here))


def oldest_python(lock: Path) -> str:
    """Read which Python a lock is for at least; empty where there is none, or it does not say."""
    said = header(lock).get("python", "") if lock.is_file() else ""
    match = re.match(r"3\.\d+", said)
    return match[0] if match else ""


def version(text: str) -> Tuple[int, ...]:
    """Read a version such as 3.10 so that it can be compared."""
    return tuple(int(number) for number in text.split("."))


def written_digests(digests: Dict[str, str]) -> str:
    """Write the digests of local packages as a lock's heading has them: JSON, in one line."""
    return json.dumps(digests, sort_keys=True)


def _json(text: str) -> Dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _changed(before: Dict[str, str], now: Dict[str, str]) -> List[str]:
    """List the packages that need something else; a new or missing one shows in whoever names it."""
    return [name for name in sorted(before) if now.get(name, before[name]) != before[name]]


# What a lock pins ---------------------------------------------------------------------------------


class Pinned(NamedTuple):
    """A package of version control, as it stands at the end of a lock."""

    source: Source  # its revision is the commit
    wanted: str  # the revision that the requirements file has, HEAD where it has none


def from_index(text: str) -> str:
    """Take the part of a lock that has hashes."""
    return text.partition(f"\n{TAIL}")[0]


def packages(text: str) -> List[str]:
    """List the files that a lock takes from indexes: versions, for which platforms, and hashes.

    >>> packages("# download: 1\\n\\na==1 \\\\\\n    --hash=sha256:0\\n    # via b\\n")
    ['a==1 \\\\', '    --hash=sha256:0']
    """
    lines = from_index(text).splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def not_from_index(text: str) -> List[str]:
    """List the lines at the end of a lock, which have no hashes."""
    tail = text.partition(f"{TAIL}\n")[2]
    return [line for line in tail.splitlines() if line.strip()]


def pinned(text: str) -> List[Pinned]:
    """List what a lock holds of version control."""
    found = []
    for written in not_from_index(text):
        wanted, comment = re.subn(r"^.*  # (\S+)$", r"\1", written)
        source = requirements.source(Line(Path(), 0, written.partition("  # ")[0]))
        if source and not source.is_local:
            found.append(Pinned(source, wanted if comment else source.revision))
    return found


def pins(text: str) -> Dict[str, str]:
    """List the versions that a lock has of each package, several where they depend on the platform; commits, too.

    >>> pins("a==1 ; x\\\\\\n    --hash=b\\na==2\\nB.c[d]==3+cpu \\\\\\n")
    {'a': '1, 2', 'b-c': '3+cpu'}
    """
    found: Dict[str, List[str]] = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", from_index(text)):
        found.setdefault(normalized(name), []).append(version)
    for one in pinned(text):
        found.setdefault(normalized(one.source.name or one.source.location), []).append(one.source.revision[:7])
    return {name: ", ".join(dict.fromkeys(versions)) for name, versions in found.items()}


def changes(before: Optional[str], now: str) -> List[Tuple[str, str]]:
    """Tell what a new lock has other than the one before, by package: (name, change).

    >>> changes("a==1\\nb==1\\n", "a==2\\nc==1\\n")
    [('a', '1 -> 2'), ('b', '1, removed'), ('c', '1, added')]
    >>> changes("a==1\\na==2\\n", "a==1\\na==3\\n")
    [('a', '2 -> 3 (1 stays)')]
    """
    old, new = pins(before or ""), pins(now)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [(name, _change(old.get(name), new.get(name))) for name in names]


def _change(before: Optional[str], now: Optional[str]) -> str:
    if not before or not now:
        return f"{now}, added" if now else f"{before}, removed"
    old, new = before.split(", "), now.split(", ")
    stay = [version for version in old if version in new]  # for some Pythons, or some platforms
    gone, come = (", ".join(one for one in versions if one not in stay) for versions in (old, new))
    change = f"{gone} -> {come}" if gone and come else f"{come} added" if come else f"{gone} removed"
    return f"{change} ({', '.join(stay)} stay{'s' * (len(stay) == 1)})" if stay else change
