"""Follow a run that goes on, so that its page can be made again and again: each file is read once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ..proof import receipt, results
from ..proof.journal import Following, Tail
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..proof.results import Results
from ..settings import Settings
from . import reading
from .record import RunRecord

Stamp = Tuple[str, int, int]


class Live:
    """What is known of a run while it goes on.

    Args:
        since_s: when it began, in seconds since 1970.
    """

    def __init__(self, settings: Settings, since_s: float) -> None:
        self._settings, self._since_s = settings, since_s
        self._seen: List[Stamp] = []
        self._found = Results()
        self._journals: Dict[Tuple[Path, str], Following] = {}

    def record(self) -> RunRecord:
        """Read what was added."""
        seen = list(_stamps(self._settings.reports))
        if seen != self._seen:
            self._seen, self._found = seen, results.gather(self._settings.reports)
        return reading.read_live(self._settings, self._found, self._rounds, self._since_s)

    def _rounds(self, folder: Path, result: Optional[Receipt], unread: List[str]) -> Tuple[Round, ...]:
        if result and receipt.is_green(result):
            return ()
        start = result.start if result else reading.start_of(folder)
        if not start:
            return ()
        if (folder, start) not in self._journals:
            self._journals[folder, start] = Following(Tail(folder / reading.JOURNAL, start))
        return tuple(self._journals[folder, start].rounds())


def _stamps(reports: Path) -> List[Stamp]:
    """Tell one state of the results from another: they are written anew, and renamed."""
    found = []
    for file in sorted(reports.glob(f"*/{receipt.FILE_NAME}")):
        with suppress(OSError):
            status = file.stat()
            found.append((str(file), status.st_ino, status.st_mtime_ns))
    return found
