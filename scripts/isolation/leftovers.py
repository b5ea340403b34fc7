"""Let each trial find the files that the first one found: what tests made is taken away before the next trial.

Without that, a file that one test makes and another needs would be there when the other runs alone. Only files count
that were not there before, or that the suite writes anew before it reads them; they must lie below the project or the
folder for temporary files, be small, and not be in the repository. What was there before is put back at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence

from ..proof.outcomes import Touch
from ..system import files, programs
from .trials import Result

MOST_BYTES = 10_000_000  # what is larger was fetched rather than made, and to fetch it for each trial takes long
MANIFEST = "aside.json"
SCHEMA = 1
GIT_ANSWERS_IN_S = 10.0
OURS = (".git", ".pipeline", ".nox", "node_modules")


def made(result: Result) -> List[str]:
    """List the paths that tests made, or wrote anew before anybody read them, in the order of the run."""
    first: Dict[str, str] = {}
    for run in result.runs:
        for test in run.tests:
            for touch in run.touches.get(test.nodeid, ()):
                if touch.kind in ("made", "over", "write", "read"):
                    first.setdefault(touch.what, touch.kind)
    return [path for path, kind in first.items() if kind in ("made", "over")]


def removable(paths: Iterable[str], roots: Sequence[Path], tracked: Iterable[str]) -> List[str]:
    """Leave out what lies elsewhere, is ours, or is in the repository.

    >>> removable(["/p/out/a", "/p/b", "/home/c", "/p/.git/d"], [Path("/p")], ["/p/b"])
    ['/p/out/a']
    """
    kept = set(tracked)
    return [
        path
        for path in paths
        if path not in kept
        and any(root in Path(path).parents for root in roots)
        and not any(part in OURS for part in Path(path).parts)
    ]


class Leftovers:
    """Takes away what tests made.

    Args:
        aside: a folder for what was there before, until `restore`.
    """

    def __init__(self, project: Path, suite: Path, aside: Path) -> None:
        self._roots = [project.resolve(), suite.resolve(), Path(tempfile.gettempdir()).resolve()]
        self._project, self._aside = project, aside
        self._paths: List[str] = []
        self.restore()

    def learn(self, result: Result) -> None:
        """Take from the first trial what is made; what it found there is put aside, and back by `restore`."""
        paths = made(result)
        self._paths = removable(paths, self._roots, _tracked(self._project, paths))
        over = {touch.what for touch in _touches(result) if touch.kind == "over"}
        kept: Dict[str, str] = {}
        for number, path in enumerate(path for path in self._paths if path in over and _is_small_file(Path(path))):
            kept[str(number)] = path
            self._aside.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, str(self._aside / str(number)))
        if kept:
            files.write_text(self._aside / MANIFEST, json.dumps({"schema": SCHEMA, "files": kept}) + "\n")

    def clear(self) -> None:
        """Take away what the last trial made; folders only where nothing else lies in them."""
        for path in map(Path, sorted(self._paths, key=len, reverse=True)):
            with suppress(OSError):
                if path.is_symlink() or _is_small_file(path):
                    path.unlink()
                elif path.is_dir():
                    path.rmdir()

    def restore(self) -> None:
        """Put back what was there before the first trial; also what a study that was killed left aside."""
        with suppress(Exception):
            kept: Mapping[str, str] = files.read_json(self._aside / MANIFEST, SCHEMA, "")["files"]
            for number, path in kept.items():
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(self._aside / number), path)
        files.remove(self._aside)


def _touches(result: Result) -> List[Touch]:
    return [touch for run in result.runs for touches in run.touches.values() for touch in touches]


def _is_small_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES


def _tracked(project: Path, paths: Sequence[str]) -> List[str]:
    """List those of the paths that are in the repository; none where that is not known."""
    with suppress(OSError, programs.ProgramFailed):
        root = programs.output(["git", "-C", str(project), "rev-parse", "--show-toplevel"], GIT_ANSWERS_IN_S).strip()
        inside = [path for path in paths if Path(root) in Path(path).parents]
        words = ["git", "-C", root, "ls-files", "-z", "--", *inside]
        named = programs.output(words, GIT_ANSWERS_IN_S).split("\0") if inside else []
        return [os.path.join(root, name) for name in named if name]
    return []
