"""The options that a requirements file sets, put over those of the machine as pip does.

uv reads some of them otherwise (a file's --index-url loses to pip.conf's) or not at all (--pre).
"""

from __future__ import annotations

import optparse
import shlex
from typing import Dict, Iterable, List, Mapping, NoReturn, Tuple

from .requirements import Line

_PLACES = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host")
_SWITCHES = ("no-index", "prefer-binary", "pre", "require-hashes")
_LISTS = ("extra-index-url", "find-links", "trusted-host", "no-binary", "only-binary", "use-feature")


class _Parser(optparse.OptionParser):
    """Reads an option line with pip's own kind of parser: --extra-index is short for --extra-index-url, too."""

    def __init__(self) -> None:
        super().__init__(add_help_option=False)
        self.add_option("-i", "--index-url", "--pypi-url", dest="index-url")
        self.add_option("-f", dest="find-links", action="append")
        for short, name in (("-r", "requirement"), ("-c", "constraint"), ("-e", "editable")):
            self.add_option(short, f"--{name}", dest=name)
        for name in _SWITCHES:
            self.add_option(f"--{name}", dest=name, action="store_true")
        for name in _LISTS:
            self.add_option(f"--{name}", dest=name, action="append")

    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


def in_force(options: Mapping[str, str], lines: Iterable[Line]) -> Dict[str, str]:
    """Put what a file's lines set over the machine's options.

    As in pip, --index-url replaces all indexes that were named before, --no-index all that will be; other lists grow.

    Args:
        options: pip's long option names without dashes; several values of one are parted by spaces.

    >>> from pathlib import Path
    >>> lines = [Line(Path("r.txt"), 1, "-i https://a"), Line(Path("r.txt"), 2, "lib --hash=sha256:0")]
    >>> in_force({"extra-index-url": "https://b"}, lines)
    {'index-url': 'https://a', 'require-hashes': 'true'}
    """
    found = dict(options)
    for line in lines:
        for name, values in _said(line):
            if name == "index-url":
                found.pop("extra-index-url", None)
                found[name] = values[-1]
            elif name in _SWITCHES:
                found[name] = "true"
            elif name in _LISTS:
                values = [_place(value, line) for value in values] if name == "find-links" else values
                found[name] = " ".join([*([found[name]] if found.get(name) else []), *values])
    return found


def names_a_place(line: Line) -> bool:
    """Tell whether a line says where packages are asked from."""
    return line.option[2:] in _PLACES


def _said(line: Line) -> List[Tuple[str, List[str]]]:
    if not line.text.startswith("-"):
        return [("require-hashes", ["true"])] if " --hash" in line.text and not line.is_constraint else []
    try:
        values, _ = _Parser().parse_args(shlex.split(line.text))
    except ValueError:  # of no option that we know, or unbalanced quotes: the installer will say so
        return []
    said = {name: value for name, value in vars(values).items() if value}
    order = sorted(said, key=lambda name: name != "index-url")  # of one line the index comes first
    return [(name, said[name] if isinstance(said[name], list) else [said[name]]) for name in order]


def _place(value: str, line: Line) -> str:
    """Find the folder or page that --find-links names: from the file's own folder, where it is there."""
    path = line.file.parent / value
    return path.resolve().as_uri() if "://" not in value and path.exists() else value
