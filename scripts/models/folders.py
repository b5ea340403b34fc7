"""All files of a folder on a hub or in a bucket as entries of the manifest: listed, and read only where nobody states
their digest.

What has to be read is kept in its place, where nothing lies there yet, so that no byte comes twice.
"""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import PurePosixPath
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from .. import console
from ..settings import ModelFile, Settings
from ..settings.models import HUBS
from ..system.modes import make_folder
from ..typed_yaml import Bytes, suggest
from . import huggingface, manifest, modelscope, s3
from .addresses import HubPath, SourceError, fixed_folder, scheme_of
from .describe import finish, read_through
from .download import Hosts, Transfer
from .http import PATIENT, Patience
from .listing import Listed, matches
from .pool import Pool
from .store import AT_ONCE, MISSING, Missing, check_places, check_room

SHOWN = 5
GITS_OWN = (".gitattributes", ".gitignore")  # in every repository, and no part of any weights
_HUBS = {"hf": huggingface.listed, "modelscope": modelscope.listed}
_REVISIONS = {"hf": huggingface.DEFAULT_REVISION, "modelscope": modelscope.DEFAULT_REVISION}


class NothingThere(SourceError):
    """A folder was listed, and holds no file that is meant."""


class Folder(NamedTuple):
    """The files that a pattern means: by their path below the folder before its first star."""

    what: str  # the folder, at the commit that it was listed at
    files: Sequence[ModelFile]  # `sha256` is empty where nobody stated it


def is_folder(source: str) -> bool:
    """Tell whether a source of a new entry means all files of a folder: by a star, or with no file at its end.

    >>> [is_folder(source) for source in ("hf://org/voice", "hf://org/voice@main/a/", "s3://bucket/a/*.bin")]
    [True, True, True]
    >>> [is_folder(source) for source in ("hf://org/voice@main/a.bin", "s3://bucket/a", "https://host/*/")]
    [False, False, False]
    """
    if scheme_of(source) in HUBS:
        path = HubPath.read(source).path
    elif scheme_of(source) == "s3":
        path = s3.bucket_and_key(source)["Key"]
    else:
        return False
    return "*" in path or not path or path.endswith("/")


def mirrored(source: str, mirror: str) -> str:
    """Write out a mirror of which only the name of the hub is given: the same repository and path are meant there.

    >>> mirrored("hf://org/voice@v1/a.bin", "modelscope"), mirrored("hf://org/voice@v1/a.bin", "https://host/a.bin")
    ('modelscope://org/voice@master/a.bin', 'https://host/a.bin')
    """
    if mirror not in HUBS or scheme_of(source) not in HUBS:
        return mirror
    return str(HubPath.read(source)._replace(scheme=mirror, revision=_REVISIONS[mirror]))


def completed(source: str) -> str:
    """Name the usual branch in a source on a hub that names no revision.

    >>> completed("hf://org/voice/a.bin"), completed("modelscope://org/voice"), completed("file:a.bin")
    ('hf://org/voice@main/a.bin', 'modelscope://org/voice@master/', 'file:a.bin')
    """
    place = HubPath.read(source) if scheme_of(source) in HUBS else None
    return str(place._replace(revision=place.revision or _REVISIONS[place.scheme])) if place else source


def listed(source: str, patience: Patience = PATIENT) -> Folder:
    """List the files that a source means: those of a folder, or the one it names.

    Raises:
        NothingThere: there is no such file.
        SourceError: the server refuses, answers something else, or has files that pipeline.yml cannot hold.
    """
    transfer = Transfer(os.environ, lambda count: None, console.say, patience)
    ask = partial(transfer.ask, source)
    if scheme_of(source) == "s3":
        bucket, pattern = s3.bucket_and_key(source).values()
        begin, found = f"s3://{bucket}/", list(s3.listed(bucket, pattern.partition("*")[0], ask))
    else:
        place, found = _HUBS[scheme_of(source)](HubPath.read(source), ask, os.environ)
        begin, pattern = str(place._replace(path="")), place.path
    folder = fixed_folder(pattern)
    pattern = f"{pattern}**" if pattern.endswith("/") or not pattern else pattern
    found = [each for each in found if PurePosixPath(each.path).name not in GITS_OWN]
    files = [_file(begin, folder, each) for each in found if matches(pattern, each.path)]
    if not files:
        raise NothingThere(_words(pattern, [console.printable(each.path) for each in found]))
    mistakes = [f"{file.path}: {mistake}" for file in files for mistake in _mistakes(file)]
    if mistakes:
        raise SourceError("; ".join(map(console.printable, mistakes[:SHOWN])))
    return Folder(f"{begin}{folder}", sorted(files, key=lambda file: file.path))


def _mistakes(file: ModelFile) -> List[str]:
    return manifest.mistakes(file if file.sha256 else dataclasses.replace(file, sha256="0" * 64))


def _file(begin: str, folder: str, each: Listed) -> ModelFile:
    path = each.path[len(folder) + 1 :] if folder else each.path
    return ModelFile(Bytes(each.size_bytes), path, each.sha256, (begin + each.path,))


def _words(pattern: str, paths: Sequence[str]) -> str:
    if not paths:
        return "no file lies there"
    meant = suggest(pattern, paths)
    return f"no file there is meant by {pattern}{meant or '; there are ' + ', '.join(console.at_most(SHOWN, paths))}"


def with_digests(
    settings: Settings, files: Sequence[ModelFile], keep: bool, patience: Patience = PATIENT
) -> List[ModelFile]:
    """Find out the digest of files whose server did not state it with the list: ask for it, else read them.

    Args:
        keep: leave what was read in its place.

    Raises:
        SourceError: one cannot be read.
        ModelError: they do not fit on the disk, or a link leads out of the folder of the weights.
        OSError: that folder cannot be written.
    """
    unknown = [file for file in files if not file.sha256]
    if not unknown:
        return list(files)
    total_bytes = sum(file.size_bytes for file in unknown)
    check_places(settings.models_directory, [Missing(file, MISSING) for file in unknown])
    check_room(settings.models_directory, total_bytes)
    make_folder(settings.models_directory)
    pool: Pool[ModelFile, ModelFile] = Pool()
    hosts = Hosts()
    with console.progress(f"reading {console.counted(len(unknown), 'file')}", total_bytes) as advance:

        def make() -> Callable[[ModelFile], ModelFile]:
            ours = partial(pool.advance, advance)
            transfer = Transfer(os.environ, ours, console.say, patience, pool.sleep, hosts)
            return partial(_read, settings, transfer, ours)

        read = pool.run(unknown, make, AT_ONCE, lambda file: False, lambda file: file.size_bytes)
    for file in read:
        finish(settings, file, keep)
    by_path = {file.path: file for file in read}
    return [by_path.get(file.path, file) for file in files]


def _read(settings: Settings, transfer: Transfer, advance: console.Advance, file: ModelFile) -> ModelFile:
    [source] = file.sources
    if scheme_of(source) == "s3":
        stated = s3.stated_digest(source, partial(transfer.ask, source, with_body=False))
        if stated:
            advance(file.size_bytes)
            return dataclasses.replace(file, sha256=stated)
    try:
        return read_through(settings, transfer, file, advance)
    except SourceError as error:
        raise SourceError(f"{file.path}: {error}") from error


class Joined(NamedTuple):
    """Files with the sources of all folders that have them, and what a mirror has otherwise."""

    files: Sequence[ModelFile]
    differing: Sequence[Tuple[str, str]]  # (path, source of another content)


def join(files: Sequence[ModelFile], mirrors: Sequence[Sequence[ModelFile]]) -> Joined:
    """Add to each file the sources that have the same content under the same path."""
    joined: Dict[str, ModelFile] = {file.path: file for file in files}
    differing = []
    for mirror in mirrors:
        for other in mirror:
            file = joined.get(other.path)
            if file is None:
                continue
            if (file.size_bytes, file.sha256) == (other.size_bytes, other.sha256):
                joined[file.path] = dataclasses.replace(file, sources=(*file.sources, *other.sources))
            else:
                differing.append((file.path, other.sources[0]))
    return Joined(list(joined.values()), differing)


class Sorted(NamedTuple):
    """Files by what stands in the manifest under their paths."""

    new: List[ModelFile]
    changed: List[ModelFile]  # another content stands there
    known: List[ModelFile]


def sort_out(files: Sequence[ModelFile], manifest: Mapping[str, ModelFile]) -> Sorted:
    """Tell new files from those whose entry stands in the manifest already."""
    found = Sorted([], [], [])
    for file in files:
        other = manifest.get(file.path)
        is_same = other and (other.size_bytes, other.sha256) == (file.size_bytes, file.sha256)
        (found.new if other is None else found.known if is_same else found.changed).append(file)
    return found
