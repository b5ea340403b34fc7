"""Where packages are looked for: the index options of a requirements file, and what this machine is set to.

A lock names no host, so what is installed from it is looked for where its requirements file says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from . import pip_settings
from .requirements import Line

PYPI = "https://pypi.org/simple"
OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "--no-index", "--trusted-host")


class Indexes(NamedTuple):
    """The places that are asked for packages, the main index first: what it has of a release is taken from there.

    uv takes a release's files, and so its hashes, from the first index that has it. A further one, as that of
    PyTorch, may hold fewer files of it than the main one.
    """

    main: str
    further: Tuple[str, ...] = ()
    find_links: Tuple[str, ...] = ()
    trusted_hosts: Tuple[str, ...] = ()
    is_none_asked: bool = False  # find_links alone

    def for_uv(self) -> Dict[str, str]:
        """Say it in uv's variables: an address may hold a password, and a command line is seen by all."""
        further = " ".join([self.main, *self.further]) if self.further else ""
        return {
            **_given("UV_DEFAULT_INDEX", self.main if self.main != PYPI else ""),  # uv.toml may name another
            **_given("UV_INDEX", further),
            # pip takes the best version over all indexes, uv the first index that knows the name
            **_given("UV_INDEX_STRATEGY", "unsafe-best-match" if further else ""),
            **_given("UV_FIND_LINKS", ",".join(self.find_links)),
            **_given("UV_INSECURE_HOST", " ".join(self.trusted_hosts)),
            **_given("UV_NO_INDEX", "true" if self.is_none_asked else ""),  # see pip_settings
        }

    def for_pip(self) -> Dict[str, str]:
        """Say it in pip's variables, in which words are parted by spaces."""
        return {
            "PIP_INDEX_URL": self.main,
            **_given("PIP_EXTRA_INDEX_URL", " ".join(self.further)),
            **_given("PIP_FIND_LINKS", " ".join(self.find_links)),
            **_given("PIP_TRUSTED_HOST", " ".join(self.trusted_hosts)),
            **_given("PIP_NO_INDEX", "1" if self.is_none_asked else ""),
        }


def pip_environment(lines: Sequence[Line], environ: Mapping[str, str]) -> Dict[str, str]:
    """Give pip's variables for a requirements file; unchanged where that names no index: pip knows its own settings."""
    if not any(line.option in OPTIONS for line in lines):
        return dict(environ)
    bare = {name: value for name, value in environ.items() if not name.startswith("UV_")}
    return {**environ, **of(lines, pip_settings.read(bare)).for_pip()}


def _given(name: str, value: str) -> Dict[str, str]:
    return {name: value} if value else {}


def of(lines: Sequence[Line], variables: Mapping[str, str]) -> Indexes:
    """Join what a requirements file says with what this machine is set to, in uv's variables.

    >>> of([Line(Path("r"), 1, "--extra-index-url https://b")], {"UV_DEFAULT_INDEX": "https://a"})[:2]
    ('https://a', ('https://b',))
    """
    main = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL") or PYPI
    further = (variables.get("UV_INDEX") or variables.get("UV_EXTRA_INDEX_URL") or "").split()
    links = [link for link in variables.get("UV_FIND_LINKS", "").split(",") if link]
    hosts = variables.get("UV_INSECURE_HOST", "").split()
    if _of(lines, "--index-url"):  # in place of all that was named before, as with pip
        main, further = _values(lines, "--index-url")[-1], []
    return Indexes(
        main,
        _unique(index for index in [*_values(lines, "--extra-index-url"), *further] if index != main),
        _unique([*map(_found, _of(lines, "--find-links")), *links]),
        _unique([*_values(lines, "--trusted-host"), *hosts]),
        variables.get("UV_NO_INDEX") == "true" or bool(_of(lines, "--no-index")),
    )


def _unique(words: Iterable[str]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _of(lines: Sequence[Line], option: str) -> List[Line]:
    return [line for line in lines if line.option == option]


def _values(lines: Sequence[Line], option: str) -> List[str]:
    return [line.value for line in _of(lines, option)]


def _found(line: Line) -> str:
    """Give a folder of --find-links from whatever folder it is asked: it counts from its file, as with pip."""
    folder = Path(line.file.parent, line.value).resolve()
    return folder.as_uri() if folder.exists() and not re.match(r"\w[\w+.-]+:", line.value) else line.value
