"""Print the newest logs of the services, and follow them: of what runs now, else of what ran last."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import IO, List, Sequence

from ..console import say, uncoloured, visible
from ..errors import SettingsError
from ..service.names import ONLY, log_name
from ..settings import Settings
from ..system import process_tree, records
from ..system.files import end_of
from ..typed_yaml import suggest

LINES = 20
TAIL_BYTES = 1_000_000  # enough for any number of lines that a person reads
POLL_S = 0.3
USES = ("service", "serve", "background")  # as `log_name` knows them
PLACES = ("", "shard-*", "repair-*", "shared-service")


def run(settings: Settings, name: str = "", lines: int = LINES, follow: bool = False) -> None:
    """Print the last lines of each log.

    Args:
        name: of several services; empty for all.
        follow: go on with what comes, until Ctrl-C.

    Raises:
        SettingsError: there is no service of that name, or no log.
    """
    if name and name not in settings.all_services:
        known = ", ".join(settings.all_services) or "none"
        raise SettingsError(f"no service {name!r}; there are {known}{suggest(name, settings.all_services)}")
    names = [name] if name else list(settings.all_services)
    logs = of_running(settings, names) or newest(settings, names)
    if not logs:
        raise SettingsError(f"no log of a service lies in {settings.reports}", "Run something, or serve it, first.")
    for log in logs:
        _head(settings, log, logs)
        for line in last_lines(log, lines):
            say(line)
    if follow:
        _follow(settings, logs)


def of_running(settings: Settings, names: Sequence[str]) -> List[Path]:
    """List the logs of the services that run now, the newest last."""
    known = [record for record in records.read_all(settings.state) if record.log and (record.name or ONLY) in names]
    alive = [record for record in known if process_tree.tree(record.process, record.run_id)]
    alive.sort(key=lambda record: record.process.create_time)
    return [log for log in dict.fromkeys(Path(record.log) for record in alive) if log.exists()]


def newest(settings: Settings, names: Sequence[str]) -> List[Path]:
    """List the log of each service that was written last."""
    found = []
    for name in names:
        wanted = [log_name(name, use) for use in USES]
        logs = [log for place in PLACES for each in wanted for log in settings.reports.glob(os.path.join(place, each))]
        found += sorted(logs, key=lambda log: log.stat().st_mtime)[-1:]
    return found


def last_lines(log: Path, count: int) -> List[str]:
    """Read the last lines of a log, without what would steer a terminal."""
    lines = readable(end_of(log, TAIL_BYTES))
    return lines[-count:] if count else []


def readable(content: bytes) -> List[str]:
    """Split what a service wrote into lines that do not steer a terminal."""
    return [visible(line.rstrip("\r")) for line in uncoloured(content.decode("utf-8", "replace")).splitlines()]


def _head(settings: Settings, log: Path, logs: Sequence[Path]) -> None:
    if len(logs) > 1:
        say(f"==> {settings.shown(log)} <==")


def _follow(settings: Settings, logs: Sequence[Path]) -> None:
    """Print what is added to the logs; one that was made anew, or cut, is read from its beginning."""
    spoke = logs[-1]
    with ExitStack() as stack:
        follows = {log: stack.enter_context(closing(Followed(log))) for log in logs}
        while True:
            for log, followed in follows.items():
                added = followed.added()
                if added and log != spoke:
                    _head(settings, log, logs)
                    spoke = log
                for line in added:
                    say(line)
            time.sleep(POLL_S)


class Followed:
    """A log, and how far it was read."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file: IO[bytes] = log.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._rest = b""

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def added(self) -> List[str]:
        """Read the whole lines that came since the last look."""
        text = self._rest + self._read()
        whole, line_end, self._rest = text.rpartition(b"\n")
        return readable(whole + line_end)

    def _read(self) -> bytes:
        added = self._file.read()
        with suppress(OSError):  # it may be away between two starts
            now, then = self._log.stat(), os.fstat(self._file.fileno())
            if now.st_ino != then.st_ino:
                self._file.close()
                self._file = self._log.open("rb")
            elif now.st_size < self._file.tell():
                self._file.seek(0)
        return added or self._file.read()
