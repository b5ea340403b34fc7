"""Close a run however it ended: what happened is kept, told first, and after a red run at home packed into one file.

Nothing here changes how the run ended or hides why, and none of it takes longer than 30 s: what cannot be made
costs a line. The work is done apart, since what failed a moment ago (a disk, a module, memory) may fail it, too.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .. import arguments as words_of
from .. import ci, fence
from ..console import printable, say
from ..errors import (
    CRASHED,
    INTERRUPTED,
    OUR_MISTAKE,
    UNREAD,
    AlreadyRunning,
    Deferred,
    NothingSelected,
    PipelineError,
    SettingsError,
    Shown,
    refused,
)
from ..evidence import ending
from ..evidence.ending import Ending
from ..settings import Settings
from ..system import files, signals
from ..system.apart import Gone, Send, apart

if TYPE_CHECKING:
    from ..evidence.diagnosis.diagnosis import Diagnosis
    from ..evidence.record import RunRecord

RUNS, PREPARES = ("integration", "shard", "merge", "verdict"), ("deps", "models", "plan")
STEPS = (*RUNS, *PREPARES)
BY_SIGNAL = tuple(128 + number for number in signals.CAUGHT)  # what `raise_on_signals` ends with
TOLD_S, PACKED_S = 8.0, 20.0  # at most; together less than the 30 s that nox and people wait
PACE = 0.6  # of the time that a bundle has which a person asks for
BUNDLE = "SHARDLINE_BUNDLE"  # "never": no bundle is made by itself
REPORT = "SHARDLINE_REPORT"  # "never": nor a report; as evidence/report.py has it, which may be what fails
MERGED, PAGE = "merge.json", "index.html"
SLIPS = (SettingsError.__name__, NothingSelected.__name__)  # of the finger, mostly
ANNOUNCED = ("github", "azure", "buildkite")  # the others read reports/junit.xml, or nothing
MISTAKE = "a mistake of Shardline itself"
RESULTS = {  # by step: what it makes anew, and takes from an earlier run
    "integration": (MERGED, "plan.json", "shard-*", "repair-*"),
    "merge": (MERGED,),
    "shard": ("receipt.json",),
}


Stamp = Optional[Tuple[int, int, int]]  # of a file: inode, time, size; None where there is none


def closed(settings: Settings, step: str, words: Sequence[str], run: Callable[[], Optional[int]]) -> Optional[int]:
    """Run a step, then close it; return and raise what `run` does.

    Args:
        words: those of the command line that are not the step's own options.
    """
    if step not in STEPS:
        return run()
    close = Closing(settings, step, words)
    try:
        code = run()
    except BaseException as error:
        close(of_error(step, error, settings.command))
        raise
    close(Ending(step, "green" if not code else "tests failed", code or 0))
    return code


def of_error(step: str, error: BaseException, command: Callable[..., str]) -> Optional[Ending]:
    """Say how a step ended that an error ended; None where it has not run, or somebody else's run is at it."""
    if isinstance(error, (Shown, AlreadyRunning)):
        return None
    if isinstance(error, Deferred):
        return Ending(step, error.ended, error.exit_code, "Deferred")
    if isinstance(error, PipelineError):
        return Ending(step, error.ended, error.exit_code, type(error).__name__, error.message, error.hint_for(command))
    if isinstance(error, KeyboardInterrupt):
        return Ending(step, "interrupted", INTERRUPTED, "KeyboardInterrupt", "Ctrl-C ended it")
    if isinstance(error, SystemExit):
        if not (isinstance(error.code, int) and error.code in BY_SIGNAL):
            return None
        return Ending(
            step, "interrupted", error.code, "SystemExit", f"{signal.Signals(error.code - 128).name} ended it"
        )
    if isinstance(error, BrokenPipeError):
        return Ending(step, "nobody read on", UNREAD, "BrokenPipeError")
    refusal = refused(error) if isinstance(error, OSError) else None
    if refusal:
        return Ending(step, refusal.ended, refusal.exit_code, type(error).__name__, refusal.message, refusal.hint)
    return of_mistake(step, error)


def of_mistake(step: str, error: BaseException) -> Ending:
    """Say that a mistake of ours ended a step, with its traceback and the line that it happened in."""
    told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    words = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1:]
    return Ending(step, CRASHED, OUR_MISTAKE, type(error).__name__, f"{''.join(words)}{where}", "", told)


class Closing:
    """What a step finds when it begins, so that nothing of an earlier run is told as its own; call it at the end."""

    def __init__(self, settings: Settings, step: str, words: Sequence[str]) -> None:
        self._settings, self._step, self._words = settings, step, words
        self._shard = shard_of(step, words, os.environ)
        self._below = Path() if self._shard is None else Path(f"shard-{self._shard}")
        self._folder = settings.reports / self._below
        self._before = {file: _stamp(file) for file in (settings.reports / MERGED, self._folder / PAGE)}
        self._found: Dict[Path, Stamp] = {}
        with suppress(OSError):  # a folder that may not be read: the run says so
            found = [file for pattern in RESULTS.get(step, ()) for file in self._folder.glob(pattern)]
            self._found = {file: _stamp(file) for file in found}

    def __call__(self, end: Optional[Ending]) -> None:
        """Close it; whatever goes wrong with that is told in a line, and the rest is done."""
        if end is None or (end.kind in SLIPS and self._found):
            return  # a slip of the finger: what lies there is of the run before, and stays so
        with signals.noted() as hurry:
            for step in self._steps(end, hurry):
                try:
                    step()
                except PipelineError as error:
                    _say(f"not kept: {error.message}")
                except Exception as error:  # it would hide why the run ended
                    _say(f"not kept: {type(error).__name__}: {error}")

    def _steps(self, end: Ending, hurry: Callable[[], bool]) -> Iterator[Callable[[], None]]:
        yield lambda: self._leave(end)
        if self._step == "shard" and ci.is_owned(os.environ):
            return  # the run of all shards closes
        is_red_run = bool(end.exit_code) and self._step in RUNS and end.kind not in SLIPS
        if is_red_run:
            yield lambda: self._tell(end, hurry)
        if is_announced(self._step, end, os.environ):
            yield lambda: self._announce(end, is_red_run, hurry)
        if is_red_run and is_packed(self._step, end, os.environ):
            yield lambda: self._pack(end, hurry)

    def _leave(self, end: Ending) -> None:
        """Write down how it ended. What only prepares a run leaves that where it failed, and takes its own away."""
        if self._step in PREPARES and not end.exit_code:
            left = ending.read(self._folder)
            if left and left.step == self._step:
                files.remove(self._folder / ending.FILE_NAME)
            return
        ending.write(self._folder, _clean(self._settings, self._whole(end), self._words))

    def _whole(self, end: Ending) -> Ending:
        """Add when it ended, and what lies there of an earlier run."""
        return end._replace(at_s=time.time(), earlier=tuple(self._earlier()))

    def _earlier(self) -> List[str]:
        """Name what lies there as it lay there before."""
        return sorted(found.name for found, stamp in self._found.items() if _stamp(found) == stamp)

    def _ended(self, end: Ending, record: RunRecord) -> RunRecord:
        """Add to what was read of a run how it ended: where the disk is full, that could not be written down."""
        from ..evidence import earlier

        return earlier.left_out(replace(record, ending=self._whole(end)))

    def _tell(self, end: Ending, hurry: Callable[[], bool]) -> None:
        """Tell what happened, and make the report, where the merge has not done so."""
        is_told, is_made = (_stamp(file) not in (None, before) for file, before in self._before.items())
        is_made = is_made or not leaves_report(os.environ)
        lost = "what happened could not be found out"
        if end.exit_code == OUR_MISTAKE:  # also after the merge has told of the tests
            is_told, lost = False, f"what happened: {MISTAKE}: {end.message}; more could not be found out"
        if is_told and is_made:
            return

        def work(send: Send) -> None:
            from ..evidence import reading
            from ..evidence.diagnosis import diagnosis

            record = self._ended(end, reading.read_run(self._settings, only=self._shard))
            happened = diagnosis.diagnose(record)
            if not is_told and not (happened and is_repeated(happened[0].sentence, end)):
                send(["", *diagnosis.lines(happened)])
            if not is_made:
                send([self._report(record, happened)])

        self._relay(work, TOLD_S, hurry, lost)

    def _report(self, record: RunRecord, happened: Sequence[Diagnosis]) -> str:
        """Make the report, and say in a line where it is."""
        try:
            from ..evidence import report

            return f"report: {report.write(self._settings, record, happened, self._below)}"
        except PipelineError as error:
            return f"not kept: {error.message}"
        except Exception as error:
            return f"not kept: the report: {type(error).__name__}: {error}"

    def _announce(self, end: Ending, is_red_run: bool, hurry: Callable[[], bool]) -> None:
        """Tell the CI what is red, where it shows that of its own accord."""
        provider = ci.provider(os.environ)

        def work(send: Send) -> None:
            from ..evidence import reading
            from . import announcing

            record = self._ended(end, reading.read_run(self._settings, only=self._shard)) if is_red_run else None
            send(announcing.announce(self._settings, self._whole(end), record, provider, self._shard))

        for item in apart(work, TOLD_S, time.monotonic() + TOLD_S, hurry):
            if isinstance(item, Gone):
                _say(f"not told where {provider} shows it: {item.why}")
            else:
                fence.command(item)

    def _pack(self, end: Ending, hurry: Callable[[], bool]) -> None:
        """Make the bundle, and say in a line where it is."""

        def work(send: Send) -> None:
            from . import debug_bundle

            told: List[str] = []
            subject = debug_bundle.Subject(self._settings, known=partial(self._ended, end))
            debug_bundle.make(subject, told.append, pace=PACE)
            send(told[:1])

        self._relay(work, PACKED_S, hurry, "no debug bundle could be made")

    def _relay(self, work: Callable[[Send], None], most_s: float, hurry: Callable[[], bool], failed: str) -> None:
        for item in apart(work, most_s, time.monotonic() + most_s, hurry):
            for line in [f"{failed}: {item.why}"] if isinstance(item, Gone) else item:
                _say(line)


def is_repeated(sentence: str, end: Ending) -> bool:
    """Tell whether a sentence says no more than the error that is shown below it."""
    is_shown = bool(end.message) and end.exit_code not in (OUR_MISTAKE, *BY_SIGNAL)
    return is_shown and sentence.rstrip(".") in " ".join(end.message.split())


def is_packed(step: str, end: Ending, environ: Mapping[str, str]) -> bool:
    """Tell whether a bundle is made by itself: of a red run at home; in a CI a step of its own does it."""
    return step == "integration" and bool(end.exit_code) and environ.get(BUNDLE) != "never" and not ci.is_ci(environ)


def is_announced(step: str, end: Ending, environ: Mapping[str, str]) -> bool:
    """Tell whether the CI is told how a step ended: where it is red, and nobody ended it; `verdict` follows a shard.

    Buildkite keeps what was told of the job's first try: it is told of a second one that is green, too.
    """
    provider = ci.provider(environ)
    is_told = bool(end.exit_code) and end.exit_code not in (INTERRUPTED, *BY_SIGNAL)
    replaces = provider == "buildkite" and step in RUNS and not end.exit_code and ci.attempt(environ) != "0"
    return provider in ANNOUNCED and step != "verdict" and (is_told or replaces)


def leaves_report(environ: Mapping[str, str]) -> bool:
    """Tell whether a run leaves its report by itself."""
    return environ.get(REPORT) != "never"


def shard_of(step: str, words: Sequence[str], environ: Mapping[str, str]) -> Optional[int]:
    """Tell which shard a step runs; None for a step that runs none, or does not know which."""
    with suppress(SettingsError):  # the step says so itself
        return ci.resolve(words_of.numbers(words)[0], environ).index if step == "shard" else None
    return None


def _clean(settings: Settings, end: Ending, words: Sequence[str]) -> Ending:
    """Take secrets out of how a step ended; what was said is left out where that fails."""
    try:
        from ..evidence import cleaning

        text = cleaning.redactor(settings, os.environ, words).text
        return end._replace(message=text(end.message), hint=text(end.hint), traceback=text(end.traceback))
    except Exception as error:  # also where the mistake of ours lies in those modules
        why = f"left out, since secrets could not be taken out: {type(error).__name__}"
        return end._replace(message=end.message and why, hint="", traceback="")


def _stamp(file: Path) -> Stamp:
    """Tell one state of a file from another: each is written anew, under a name of its own."""
    with suppress(OSError):
        status = file.lstat()
        return status.st_ino, status.st_mtime_ns, status.st_size
    return None


def _say(line: str) -> None:
    with suppress(OSError):  # nobody reads on
        say(printable(line))
