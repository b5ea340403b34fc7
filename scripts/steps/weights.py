"""The manifest of the weights, for people: list it, verify it, add to it, and remove what it no longer names."""

from __future__ import annotations

import dataclasses
import re
import time
from typing import Dict, Optional, Sequence

from ..console import counted, human_bytes, progress, say, table
from ..errors import ModelError, SettingsError
from ..models import describe, manifest, prune, store
from ..models.addresses import SourceError, printable, requirement_of
from ..models.describe import Described
from ..models.store import cannot_write, relative
from ..runner.preparation import verified
from ..settings import ModelFile, Models, Settings
from ..typed_yaml import Bytes

AGAIN = "and run the command again."


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
    files = _models(settings).files
    if not faults:
        say(verified(len(files), sum(file.size_bytes for file in files)))
        return
    lines = [f"  {_place(settings, path)}: {fault}" for path, fault in faults.items()]
    message = "\n".join([f"{len(faults)} of {counted(len(files), 'model file')} are not right:", *lines])
    raise ModelError(message, f"Fetch them: {settings.command('nox', '-s', 'models')}")


def _state(fault: Optional[str]) -> str:
    return "verified" if fault is None else "missing" if fault == store.MISSING else "wrong"


def _from(file: ModelFile) -> str:
    first, *others = file.sources
    return printable(first) + (f" and {len(others)} more" if others else "")


def add(settings: Settings, sources: Sequence[str], path: str = "", keep: bool = False) -> None:
    """Print the entry of a new file, after reading it from each of its sources.

    Args:
        path: where it goes below the models folder; default: as its first source calls it.
        keep: leave it there.

    Raises:
        SettingsError: a source or path that pipeline.yml cannot hold.
        ModelError: a source cannot give the file, or they give different ones.
    """
    path = path or manifest.file_name(sources[0])
    _check(settings, sources, path, keep)
    found = [_described(settings, source, path, keep and source == sources[0]) for source in sources]
    first = found[0].file
    for other in (each.file for each in found[1:]):
        if (other.size_bytes, other.sha256) != (first.size_bytes, first.sha256):
            raise ModelError(f"two sources give different files:\n  {_in_words(first)}\n  {_in_words(other)}")
    say(f"to paste into {settings.file.name}, below `models:`, `files:`")
    say()
    say(manifest.entry(dataclasses.replace(first, sources=tuple(sources))))
    for each in found:
        _say_wheel(settings, each)


def _say_wheel(settings: Settings, found: Described) -> None:
    """Print the entry of the wheel that a file came in, unless it has one."""
    requirement = requirement_of(found.file.sources[0])
    if found.wheel and requirement not in _models(settings).wheels:
        say("and below `models:`, `wheels:`, so that the package index is held to its digest")
        say()
        say(manifest.wheel_entry(requirement, found.wheel))


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
    try:
        return describe.describe(settings, source, path, keep)
    except SourceError as error:
        raise ModelError(f"no entry, because of {printable(source)}: {error}", f"Correct it {AGAIN}") from error
    except OSError as error:
        raise cannot_write(settings.models_directory, error) from error


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
