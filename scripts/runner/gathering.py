"""Gather what the shards of a run left for the suite itself: where plain pytest would have left it, it is afterwards.

That is what the suite's own options name (`own-reports/` in a shard's folder, see the plugin's places.py), and what it
writes by itself into `suite.outputs` (`outputs/`). A copy that fails costs a line, never a run.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..console import at_most, counted, printable
from ..errors import PipelineError
from ..settings import Settings
from ..system import caches, files
from . import joining, outputs, places

FILE_NAME, SCHEMA = "places.json", 1  # as the plugin writes it
# What an option names, as the plugin knows it: one report that we write ourselves, or that cannot be joined, or can,
# or that goes on where the last run left off; a folder; one that is emptied at the start of a session; the start of
# several names.
JUNIT, FILE, LINES, APPENDED, CSV, OBJECT = "junit", "file", "lines", "appended", "csv", "object"
FOLDER, EMPTIED, PREFIX = "folder", "emptied", "prefix"
KINDS = (JUNIT, FILE, LINES, APPENDED, CSV, OBJECT, FOLDER, EMPTIED, PREFIX)
MOST_TOLD = 20
MOST_JOINED_BYTES = 500_000_000  # of what is read to be joined

Contents = Dict[str, List[Tuple[str, Path]]]  # by name in the place: who left it, and the file


class Left(NamedTuple):
    """What one round of one shard left for one place.

    Args:
        label: who left it, for the name of a file that is not joined: shard-0, shard-0-round-1.
        folder: where it lies, and `main`, the name of the file that the option named; empty for folders.
        since_s: when the round began, in seconds since 1970.
    """

    label: str
    option: str
    kind: str
    place: Path
    folder: Path
    main: str = ""
    since_s: float = 0.0


def gather(
    settings: Settings, folders: Sequence[Path], junit: Path, say: Callable[[str], None], alone: bool = False
) -> None:
    """Bring what shards left to where the suite's options and settings name it; say what lies where.

    Args:
        folders: of the shards and repairs, whose names say which.
        junit: our report of the whole run, which --junitxml gets where those of the shards do not say all.
        alone: one shard ran all, and wrote to the places itself; a repair adds to that.
    """
    left = [one for folder in folders for one in _of_options(settings, folder)]
    if alone:
        left = [one._replace(kind=FOLDER if one.kind == EMPTIED else one.kind) for one in left]
        left = [one for one in left if one.kind in (JUNIT, FOLDER)]
    kept = [one for folder in folders for one in _of_outputs(settings, folder)]
    told = []
    for place in dict.fromkeys(one.place for one in [*left, *kept]):
        here = [one for one in [*left, *kept] if one.place == place]
        shares = len({one.place for one in left if one.option == here[0].option}) == 1
        try:
            told += _gathered(settings, here, junit, shares)
        except (OSError, ValueError, PipelineError) as error:
            say(f"not gathered: {printable(settings.shown(place))}: {_reason(error)}")
    if told:
        say(f"gathered: {', '.join(printable(line) for line in at_most(MOST_TOLD, told))}")


def _reason(error: Exception) -> str:
    return printable(str(getattr(error, "strerror", None) or getattr(error, "message", None) or error))


# What there is -------------------------------------------------------------------------------------


def _of_options(settings: Settings, folder: Path) -> Iterator[Left]:
    """Read what each round of a shard says of its places."""
    for round in sorted((folder / places.OWN_REPORTS).glob("[0-9]*"), key=lambda path: (len(path.name), path.name)):
        with suppress(PipelineError, OSError):  # none of its options named anything, or it ended before it said so
            said = files.read_json(round / FILE_NAME, SCHEMA, "")
            label = folder.name if round.name == "0" else f"{folder.name}-round-{round.name}"
            listed = said.get("places")
            for one in listed if isinstance(listed, list) else ():
                yield from filter(None, [_left(settings, round, label, one)])


def _left(settings: Settings, round: Path, label: str, said: Any) -> Optional[Left]:
    """Understand one place; None where it is damaged."""
    words = [said.get(key) for key in ("option", "kind", "named", "name")] if isinstance(said, dict) else [None]
    if not all(isinstance(word, str) and word and "\0" not in word for word in words):
        return None
    option, kind, place, name = map(str, words)
    if kind not in KINDS or not option.isidentifier() or Path(name).name != name:
        return None
    target = Path(os.path.normpath(settings.suite_directory / place))
    is_folder = kind in (FOLDER, EMPTIED)
    main = "" if is_folder else name
    return Left(label, option, kind, target, round / option, main, (round / FILE_NAME).stat().st_mtime)


def _of_outputs(settings: Settings, folder: Path) -> Iterator[Left]:
    index = int(re.sub("[^0-9]", "", folder.name) or 0)
    for output in settings.suite.outputs:
        name = outputs.name_of(output, index)
        source = folder / outputs.FOLDER / name
        if os.path.lexists(str(source)):
            yield Left(folder.name, output, FOLDER, settings.suite_directory / name, source)


# What becomes of it --------------------------------------------------------------------------------


def _gathered(settings: Settings, here: Sequence[Left], junit: Path, shares: bool) -> List[str]:
    """Gather what belongs to one place; return what lies where, in words.

    Args:
        shares: all shards named this one place. What a person gave each shard a name of its own is theirs already.
    """
    kind, place = here[0].kind, here[0].place
    if not here[0].main:
        return _united(settings, here, place, empty=kind == EMPTIED)
    mains = [(one.label, one.folder / one.main) for one in here if _is_file(one.folder / one.main)]
    beside = [one for one in here if one.folder.is_dir()]
    lines = _united(settings, beside, place.parent, besides={one.main for one in here} - _of_prefix(kind, here))
    own = _own_junit(mains, junit) if kind == JUNIT and shares else None
    if kind == JUNIT and shares:
        mains = [("", junit)] if junit.is_file() else []
    if kind == PREFIX or not mains:
        return lines
    place.parent.mkdir(parents=True, exist_ok=True)
    joined = own or (_joined(kind, place, [file for _, file in mains]) if shares or len(mains) == 1 else None)
    if joined is not None:
        _remove_older(place, [])
        files.write_bytes(place, joined)
        return [settings.shown(place)]
    if len(mains) == 1 and (not shares or kind == JUNIT):
        _remove_older(place, [place])
        _copy(mains[0][1], place)
        return [settings.shown(place)]
    return [settings.shown(file) for file in _side_by_side(mains, place)]


def _own_junit(mains: Sequence[Tuple[str, Path]], ours: Path) -> Optional[bytes]:
    """Join the suite's own JUnit reports, which have its names and properties; None where they do not say all.

    They do not where a process ended early, a test ran again, or is lost: ours says that.
    """
    if not ours.is_file() or any("round" in label or "repair" in label for label, _ in mains):
        return None
    if sum(file.stat().st_size for file in [ours, *(file for _, file in mains)]) > MOST_JOINED_BYTES:
        return None
    joined = joining.junit([files.read_bytes(file, MOST_JOINED_BYTES) for _, file in mains])
    expected = joining.cases_in(files.read_bytes(ours, MOST_JOINED_BYTES))
    return joined if joined is not None and joining.cases_in(joined) == expected else None


def _of_prefix(kind: str, here: Sequence[Left]) -> Set[str]:
    """Name the files that count as beside the named one though they are called so: a prefix names none."""
    return {one.main for one in here} if kind == PREFIX else set()


def _side_by_side(mains: Sequence[Tuple[str, Path]], place: Path) -> List[Path]:
    """Lay reports that cannot be joined beside the place, who left it in each name; an older run's go."""
    targets = [labelled(place, label) for label, _ in mains]
    _remove_older(place, targets)
    for (_, file), target in zip(mains, targets):
        _copy(file, target)
    return targets


def _remove_older(place: Path, kept: Sequence[Path]) -> None:
    """Remove what an older run left at a place or beside it: it would pass for this one's."""
    pattern = re.compile(re.escape(place.stem) + r"\.(shard|repair)-[0-9]+(-round-[0-9]+)?" + re.escape(place.suffix))
    for old in [place, *(file for file in place.parent.iterdir() if pattern.fullmatch(file.name))]:
        if _is_file(old) and old not in kept:
            old.unlink()


def labelled(file: Path, label: str) -> Path:
    """Add who left it to a file's name.

    >>> str(labelled(Path("out/r.html"), "shard-0"))
    'out/r.shard-0.html'
    """
    return file.with_name(f"{file.stem}.{label}{file.suffix}")


def _joined(kind: str, place: Path, mains: Sequence[Path]) -> Optional[bytes]:
    """Join reports of a form that can be joined; None for those that cannot."""
    if sum(file.stat().st_size for file in mains) > MOST_JOINED_BYTES:
        return None
    texts = [files.read_bytes(file, MOST_JOINED_BYTES) for file in mains]
    if kind == LINES:
        return joining.lines(texts)
    if kind == APPENDED:
        return joining.appended(files.read_bytes(place, MOST_JOINED_BYTES) if _is_file(place) else b"", texts)
    if kind == CSV:
        return joining.tables(texts)
    if kind == OBJECT:
        before = files.read_bytes(place, MOST_JOINED_BYTES) if _is_file(place) else b"{}"
        return joining.objects([before, *texts]) or joining.objects(texts)
    return joining.reports(texts) if place.suffix == ".json" else None


# Folders -------------------------------------------------------------------------------------------


def _united(
    settings: Settings, here: Sequence[Left], place: Path, empty: bool = False, besides: Iterable[str] = ()
) -> List[str]:
    """Unite folders in the place; where files of one name differ, each has in its name who left it.

    Args:
        empty: plain pytest would have emptied the place first.
        besides: names that are no part of it.
    """
    contents: Contents = {}
    for one in here:
        for file in outputs.files_of(one.folder):
            name = os.path.relpath(str(file), str(one.folder)) if one.folder.is_dir() else ""
            if name not in besides:
                contents.setdefault(name, []).append((one.label, file))
    if empty and _may_be_emptied(settings, place):
        _empty(place, min(one.since_s for one in here if one.since_s))
    count = 0
    for name, found in contents.items():
        target = place / name if name else place
        for file, to in _targets(target, found):
            if _leaves(place, to):
                raise PipelineError(f"{to} leads through a link out of the folder")
            _copy(file, to)
            count += 1
    return [f"{settings.shown(place)} ({counted(count, 'file')})"] if count else []


def _targets(target: Path, found: Sequence[Tuple[str, Path]]) -> List[Tuple[Path, Path]]:
    """Decide where the files of one name go: to one, if they are the same."""
    first = found[0][1]
    if all(filecmp.cmp(str(first), str(file), shallow=False) for _, file in found[1:]):
        return [(first, target)]
    if _is_file(target):  # of the last shard here, or of an older run: one of them would pass for all
        target.unlink()
    return [(file, labelled(target, label)) for label, file in found]


def _may_be_emptied(settings: Settings, place: Path) -> bool:
    """Refuse to empty a folder that holds more than a run wrote: a project, or our reports."""
    held = (settings.project, settings.suite_directory, settings.reports, caches.home())
    return not place.is_symlink() and not any(place == folder or place in folder.parents for folder in held if folder)


def _empty(place: Path, since_s: float) -> None:
    """Remove what a folder held before a run; what its tests wrote there all the same stays."""
    for folder, folders, names in os.walk(str(place), topdown=False):
        for entry in (Path(folder, name) for name in [*names, *folders]):
            if entry.is_dir() and not entry.is_symlink():
                with suppress(OSError):  # something is left in it
                    entry.rmdir()
            elif entry.lstat().st_mtime < since_s:
                entry.unlink()


def _leaves(place: Path, file: Path) -> bool:
    """Tell whether a folder on the way from the place to a file is a link."""
    return any(folder.is_symlink() for folder in file.parents if place in folder.parents)


def _is_file(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except OSError:
        return False


def _copy(file: Path, target: Path) -> None:
    """Copy a file whole, in place of what has the name; a link there is replaced, not followed."""
    if _is_file(target) and filecmp.cmp(str(file), str(target), shallow=False):
        return
    with files.replacing(target) as temporary:
        shutil.copyfile(str(file), str(temporary), follow_symlinks=False)
