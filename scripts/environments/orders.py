"""What an installer is told, so that it installs what stands there: in which steps, past which of its caches."""

from __future__ import annotations

import os
import re
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from ..errors import InstallError
from ..system import files, programs
from .requirements import normalized, of_source
from .sources import installed_sources, local_sources, rewriting, source_files
from .sources.local_sources import LocalSource

EXTRA_CONFIG = "DIST_EXTRA_CONFIG"  # names a file of settings that setuptools reads, whatever package it builds

_REQUIRES = re.compile(r"(?:The package `)?([\w.-]+).* (?:requires|has requirement) ")  # `uv pip check`, `pip check`


class Order(NamedTuple):
    """What is to be installed, and where."""

    folder: Path  # of the new environment
    source: Path  # a requirements file, or a lock
    requirements: Path  # what the lock was made from: it names indexes, which a lock does not; else the source itself
    project: Path  # whose folder the paths in requirements count from
    sources: Sequence[LocalSource] = ()  # what the source has from paths and version control
    learnt: Sequence[LocalSource] = ()  # what these need from paths and version control
    python: str = sys.executable  # that it is made on

    @property
    def is_locked(self) -> bool:
        """Whether it leaves no choice."""
        return self.source != self.requirements

    @property
    def state(self) -> Path:
        """The project's state folder, which holds its environments."""
        return self.folder.parents[1]


class Step(NamedTuple):
    """One call of an installer: what from, with which options."""

    file: Path
    options: Sequence[str] = ()
    fresh: Sequence[str] = ()  # options for uv: past its cache
    is_closed: bool = False  # nothing is left to choose: what the cache holds is right, and no index need be asked


@contextmanager
def steps(order: Order) -> Iterator[Tuple[List[Step], Callable[[str], str]]]:
    """List what an installer has to be told; with a function that names the person's files in what it says.

    A lock with paths in it needs two steps: who asks for the hashes of all is refused a folder, which has none.
    """
    hashes = ["--require-hashes"] if order.is_locked else []
    if not order.sources:
        yield [Step(order.source, hashes, _past_the_cache(order.learnt), order.is_locked)], str
        return
    lines = local_sources.lines_of(order.source, order.project)
    fresh = _past_the_cache([*(entry for entry in order.sources if entry.source.is_local), *order.learnt])
    with ExitStack() as stack:
        copy = partial(rewriting.rewritten, order.source, lines, _writable(order.sources, stack))
        if not order.is_locked:
            every = stack.enter_context(copy())
            yield [Step(every.file, (), fresh)], every.in_words_of_the_originals
            return
        pinned = stack.enter_context(copy(lambda line: rewriting.has_hash(line) or not of_source(line)))
        others = stack.enter_context(copy(lambda line: of_source(line) and not rewriting.has_hash(line)))
        steps = [Step(pinned.file, hashes, _past_the_cache(order.sources, archives=True), True)]
        steps += [Step(others.file, ["--no-deps"], fresh, True)] if any(map(of_source, lines)) else []
        yield steps, lambda text: others.in_words_of_the_originals(pinned.in_words_of_the_originals(text))


def _writable(sources: Iterable[LocalSource], stack: ExitStack) -> List[LocalSource]:
    """Put a copy in the place of each folder that cannot be written: setuptools writes there while it builds."""
    found = []
    for entry in sources:
        if not entry.source.is_editable and Path(entry.place).is_dir() and not os.access(entry.place, os.W_OK):
            copy = Path(stack.enter_context(TemporaryDirectory(prefix="shardline-")), Path(entry.place).name)
            source_files.copy(Path(entry.place), copy)
            entry = entry._replace(place=str(copy))
        found.append(entry)
    return found


def _past_the_cache(sources: Iterable[LocalSource], archives: bool = False) -> List[str]:
    """List the options by which uv builds these packages anew, and takes all others from its cache.

    `--reinstall` is what it calls that, in a new environment too: `--refresh` it refuses without a network.

    Args:
        archives: only those from archives on this machine.
    """
    found = [entry for entry in sources if entry.is_archive or not archives]
    if not all(entry.names for entry in found):
        return ["--reinstall"]
    names = sorted({name for entry in found for name in entry.names})
    return [word for name in names for word in ("--reinstall-package", name)]


@contextmanager
def apart_from_earlier_builds(order: Order, environ: Mapping[str, str]) -> Iterator[Dict[str, str]]:
    """Let setuptools build each folder from its files alone.

    It gathers them in the folder's `build/lib`, where a file that was deleted since stays, and is installed for ever.
    """
    places = [Path(entry.place) for entry in (*order.sources, *order.learnt) if entry.source.is_local]
    folders = [place / "build" for place in places if place.is_dir()]
    if not folders or EXTRA_CONFIG in environ:
        yield dict(environ)
        return
    new = [folder for folder in folders if not folder.exists()]
    name = f"lib-shardline-{os.urandom(4).hex()}"
    try:
        with TemporaryDirectory(prefix="shardline-") as temporary:
            config = Path(temporary) / "setup.cfg"
            config.write_text(f"[build]\nbuild_lib = build/{name}\n", encoding="ascii")
            yield {**environ, EXTRA_CONFIG: str(config)}
    finally:
        for folder in folders:
            files.remove(folder / name)
        for folder in new:
            with suppress(OSError):
                folder.rmdir()


def check(command: List[str], order: Order, environ: Mapping[str, str]) -> None:
    """Refuse a lock that lacks what a package beside it needs: that was installed without what it depends on.

    Raises:
        InstallError: with the installer's own words.
    """
    try:
        programs.output(command, None, environ=environ, merged=True, cwd=order.project)
    except programs.ProgramFailed as failed:
        names = {normalized(name) for entry in order.sources for name in entry.names}
        names |= {normalized(name) for name in installed_sources.names(order.folder)}
        found = ((_REQUIRES.match(line), line.strip()) for line in failed.output.splitlines())
        lacking = [line for match, line in found if match and normalized(match[1]) in names]
        if lacking:
            message = "\n  ".join([f"{order.source} does not have all that the packages beside it need:", *lacking])
            raise InstallError(message, "Run: {command}", ("nox", "-s", "lock")) from None
