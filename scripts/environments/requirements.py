"""Requirements files as text: their lines, those of the files they name, and what each line wants installed.

As pip reads them ("Requirements File Format" in its documentation), with one difference: a path means the same from
whatever folder a command is typed in. See `place`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterator, List, Mapping, NamedTuple, Optional, Set
from urllib.parse import unquote, urlsplit

from ..system.files import expand_user

ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz")
VERSION_CONTROL = ("git+", "hg+", "svn+", "bzr+")
BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")  # a folder with one of these can be installed

COMMIT = re.compile("[0-9a-f]{40}")

_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION = re.compile(r"(-[a-zA-Z]|--[a-z-]+)(?:[\s=]+|(?<=^-[a-zA-Z])|$)(.*)", re.DOTALL)
_QUOTED = re.compile(r"""^(["'])([^"']*)\1$""")
_OF_ONE = re.compile(r"\s+--(hash|config-settings?|global-option|install-option)\b.*", re.DOTALL)


class Line(NamedTuple):
    """A line of a requirements file: joined where it ends with a backslash, without comments, variables filled in."""

    file: Path
    number: int  # of its first line, from 1
    text: str
    is_constraint: bool = False  # of a file that is named by -c
    written: str = ""  # the same with its variables as they stand: what may be kept in a file
    last: int = 0  # the row that it ends in

    @property
    def option(self) -> str:
        """Its option, in pip's long spelling; empty for a requirement."""
        match = _OPTION.fullmatch(self.text)
        return _LONG.get(match[1], match[1]) if match else ""

    @property
    def value(self) -> str:
        """What follows the option; for a requirement all of it, without its own options (--hash ...)."""
        match = _OPTION.fullmatch(self.text)
        return _QUOTED.sub(r"\2", match[2].strip()) if match else _OF_ONE.sub("", self.text)

    @property
    def names_file(self) -> bool:
        """Whether it stands for the lines of another file here."""
        return self.option in ("--requirement", "--constraint") and "://" not in self.value

    @property
    def named_file(self) -> Path:
        """The file whose lines it stands for: its path counts from that of its own."""
        return self.file.parent / self.value


_LONG = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
    "--pypi-url": "--index-url",
}


class Source(NamedTuple):
    """Where a line has its package from, if not from an index: a place on this machine, or version control."""

    line: Line
    location: str  # a path as it is written, or a URL of version control with its scheme, git+https://...
    is_editable: bool
    name: str = ""  # where the line tells one: NAME @ ..., or #egg=NAME
    extras: str = ""  # [dev,test], as it is written
    marker: str = ""  # what stands behind its semicolon
    revision: str = ""  # of version control: branch, tag or commit behind the @
    fragment: str = ""  # subdirectory=..., sha256=...

    @property
    def is_local(self) -> bool:
        """Whether it is a path."""
        return not self.location.startswith(VERSION_CONTROL)

    @property
    def names_commit(self) -> bool:
        """Whether its revision is a commit, which cannot move."""
        return bool(COMMIT.fullmatch(self.revision))


def read(file: Path, environ: Mapping[str, str] = os.environ) -> List[Line]:
    """Read a requirements file and those that it names by -r and -c, each once, in pip's order.

    Raises:
        OSError: one of them cannot be read.
        UnicodeDecodeError: one is not UTF-8.
    """
    return list(_read(file, environ, False, set()))


def _read(file: Path, environ: Mapping[str, str], is_constraint: bool, seen: Set[Path]) -> Iterator[Line]:
    if file.resolve() in seen:
        return
    seen.add(file.resolve())
    for line in lines(file.read_text(encoding="utf-8-sig"), file, environ):
        line = line._replace(is_constraint=is_constraint)
        yield line
        if line.names_file:
            constrains = is_constraint or line.option == "--constraint"
            yield from _read(line.named_file, environ, constrains, seen)


def lines(text: str, file: Path, environ: Mapping[str, str]) -> Iterator[Line]:
    r"""Split the text of a requirements file into the lines that say something.

    >>> [line.text for line in lines("a==1 \\\n  --hash=x  # why\n# b\n-r ${WHICH}.txt", Path("r"), {"WHICH": "c"})]
    ['a==1   --hash=x', '-r c.txt']
    """
    number, begun = 0, ""
    rows = text.splitlines()
    for count, row in enumerate([*rows, ""], 1):
        is_comment = row.lstrip().startswith("#")
        number = number if begun else count
        begun += " " if begun and is_comment else ""
        if row.endswith("\\") and not is_comment and count <= len(rows):
            begun += row[:-1]
            continue
        said = re.sub(r"(^|\s+)#.*$", "", begun + row).strip()
        begun = ""
        if said:
            filled_in = _VARIABLE.sub(lambda name: environ.get(name[1]) or name[0], said)
            yield Line(file, number, filled_in, written=said, last=min(count, len(rows)))


def source(line: Line) -> Optional[Source]:
    """Tell where a line has its package from, if that is not an index or an archive on a server.

    >>> source(Line(Path("r"), 1, "-e ./pkg[dev]"))[1:5]
    ('./pkg', True, '', '[dev]')
    >>> source(Line(Path("r"), 1, "talkie @ git+https://host/t.git@main#subdirectory=a ; python_version > '3.8'"))[3:]
    ('talkie', '', "python_version > '3.8'", 'main', 'subdirectory=a')
    """
    editable = line.option == "--editable"
    if line.option and not editable:
        return None
    wanted, _, marker = _parted(line.value, r"\s+;|;\s+")
    name, _, location = _parted(wanted, r"\s*@\s+|\s+@\s*")
    name, location = (name, location) if location and re.fullmatch(r"[\w.-]+\s*(\[.*\])?", name) else ("", wanted)
    name, extras = _apart(name)
    if location.startswith(VERSION_CONTROL):
        return _of_version_control(Source(line, location, editable, name, extras, marker))
    location, _, fragment = location.partition("#") if "#" in location else (location, "", "")
    if not name:
        location, extras = _apart(location)
    is_url = location.startswith("file:")
    location = _path_of_url(location) if is_url else location
    is_path = bool(name) or editable or is_url or "/" in location or location.startswith((".", "~"))
    is_path = is_path or location.lower().endswith(ARCHIVES)
    if "://" in location or not is_path:
        return None
    return Source(line, location, editable, name or _egg(fragment), extras, marker, "", fragment)


def of_source(line: Line) -> bool:
    """Tell whether a line installs from a path or from version control."""
    return source(line) is not None


def _of_version_control(found: Source) -> Source:
    url, _, fragment = found.location.partition("#")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")  # a user's name in front of the host has an @ too
    path, _, revision = path.partition("@")
    fields = dict(part.partition("=")[::2] for part in fragment.split("&"))
    name, extras = _apart(fields.get("egg", ""))
    location = f"{scheme}://{host}{slash}{path}"
    return found._replace(
        location=location,
        name=found.name or name,
        extras=found.extras or extras,
        revision=revision,
        fragment="&".join(part for part in fragment.split("&") if not part.startswith("egg=")),
    )


def at_revision(source: Source, revision: str) -> str:
    """Write a package of version control with another revision.

    >>> found = source(Line(Path(), 0, "-e git+https://h/r@main#egg=a&subdirectory=b ; python_version > '3'"))
    >>> at_revision(found, "f00")
    "a @ git+https://h/r@f00#subdirectory=b ; python_version > '3'"
    """
    marker = f" ; {source.marker}" if source.marker else ""
    location = f"{source.location}@{revision}" if revision else source.location
    name, fragment = f"{source.name}{source.extras}", source.fragment
    if name and ":///" in location:  # pip before 24 takes no `NAME @` of a URL without a host
        name, fragment = "", "&".join(filter(None, [f"egg={name}", fragment]))
    return (f"{name} @ " if name else "") + location + (f"#{fragment}" if fragment else "") + marker


def _parted(text: str, pattern: str) -> List[str]:
    found = re.search(pattern, text)
    return [text[: found.start()].strip(), found[0], text[found.end() :].strip()] if found else [text.strip(), "", ""]


def _apart(text: str) -> List[str]:
    """Part a name or a path from its extras.

    >>> _apart("./pkg[dev]"), _apart("pkg")
    (['./pkg', '[dev]'], ['pkg', ''])
    """
    match = re.fullmatch(r"(.*?)\s*(\[[^\]/]*\])", text)
    return [match[1], match[2]] if match else [text, ""]


def _path_of_url(url: str) -> str:
    """Give the path of a file: URL, which may be relative (pip takes file:./pkg, too)."""
    return unquote(urlsplit(url).path) if url.startswith("file://") else unquote(url[len("file:") :])


def _egg(fragment: str) -> str:
    match = re.search(r"(?:^|&)egg=([\w.-]+)", fragment)
    return match[1] if match else ""


def place(location: str, file: Path, project: Path) -> Optional[Path]:
    """Find the folder or archive that a path in a requirements file means; None where it is neither way there.

    A path counts from the project's folder, in which pip is run as a rule, or else from the file's own.
    """
    for base in (project, file.parent):
        found = Path(os.path.normpath(base / expand_user(location)))
        if found.is_file() or any((found / name).is_file() for name in BUILD_FILES):
            return found
    return None


def shown(place: Path, project: Path) -> str:
    """Write a path as a requirements file of the project would have it: relative to the project.

    >>> shown(Path("/a/b/pkg"), Path("/a/b")), shown(Path("/a/dep"), Path("/a/b"))
    ('./pkg', '../dep')
    """
    relative = Path(os.path.relpath(str(place), str(project))).as_posix()
    return relative if relative.startswith(".") else f"./{relative}"


def normalized(name: str) -> str:
    """Write a package's name as indexes and all tools do.

    >>> normalized("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
