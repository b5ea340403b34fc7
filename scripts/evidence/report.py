"""Leave a run's report beside its results: the page to open, and the summary to paste; each whole or not at all."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any, Callable, Generator, Mapping, Sequence

from ..console import clean
from ..errors import PipelineError
from ..proof import receipt, report_text
from ..proof.receipt import Receipt
from ..proof.results import Results
from ..settings import Settings
from ..system import files
from ..system.apart import Gone, Send, apart
from . import reading, summary
from .diagnosis import diagnosis
from .diagnosis.diagnosis import Diagnosis
from .record import PAGE, RunRecord

FILES = (PAGE, summary.FILE_NAME)
BY_ITSELF = "SHARDLINE_REPORT"  # "never": a run leaves no report by itself; `invoke report` makes it at any time
MOST_S = 30.0  # to find out what happened; and as much to make the report: for 30,000 tests each takes 3 s


def is_made_by_itself(environ: Mapping[str, str]) -> bool:
    """Tell whether a run leaves its report: who runs a thousand of them has no use for a thousand pages."""
    return environ.get(BY_ITSELF) != "never"


def telling(settings: Settings, read: Callable[[], RunRecord]) -> Generator[Any, None, None]:
    """Find out what happened, then make the report, in a process of their own: what hangs or crashes costs no verdict.

    Yields:
        the causes that were found; then where the page is, if one is made. A `Gone` in place of what does not come.

    Raises:
        PipelineError: as `write` does, and `read`.
    """

    def work(send: Send) -> None:
        record = read()
        happened = diagnosis.diagnose(record)
        send(happened)
        if is_made_by_itself(os.environ):
            send(write(settings, record, happened))

    yield from apart(work, MOST_S, math.inf)  # what is waited for is limited, not what is done between both


def write(
    settings: Settings,
    record: RunRecord,
    happened: Sequence[Diagnosis],
    folder: Path = Path(),
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Write the page and the summary of a run; return where the page is, as people know it.

    Args:
        happened: what the diagnosis found.
        folder: below the reports, where one shard alone is told of.
        environ: may name the file that GitHub shows.

    Raises:
        PipelineError: they cannot be written, or not be made: no mistake there may cost a verdict.
    """
    try:
        return _write(settings, record, happened, folder, environ)
    except PipelineError:
        raise
    except Exception as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise PipelineError(f"the report of the run: {why}") from error


def write_live(settings: Settings, record: RunRecord, refresh_s: int) -> None:
    """Write the page of a run that goes on, which loads itself anew after so many seconds.

    Raises:
        PipelineError: it cannot be written.
    """
    from .page import page

    # What goes on is not cleaned yet where it lies, and the page may be all that a kill leaves.
    files.write_text(settings.reports / PAGE, clean(page.render(record, [], {}, refresh_s=refresh_s)))


def of_shard(settings: Settings, result: Receipt, environ: Mapping[str, str] = os.environ) -> str:
    """Write the report of one shard into its folder, for whoever looks at that node before the merge has run.

    Raises:
        PipelineError: it cannot be written, or not be made.
    """

    def work(send: Send) -> None:
        record = reading.read_run(settings, found=Results([result]), only=result.index)
        happened = [] if receipt.is_green(result) else diagnosis.diagnose(record)
        send(write(settings, record, happened, Path(f"shard-{result.index}"), environ))

    made = next(apart(work, MOST_S, time.monotonic() + MOST_S), Gone("nothing came of it"))
    if isinstance(made, Gone):
        raise PipelineError(f"the report of the shard: {made.why}")
    return str(made)


def _write(
    settings: Settings, record: RunRecord, happened: Sequence[Diagnosis], folder: Path, environ: Mapping[str, str]
) -> str:
    from .page import page  # most processes write none, and it takes a while to import

    own = settings.reports / folder
    way = "../" * len(folder.parts)
    made = own / PAGE
    files.write_text(made, page.render(record, happened, base=way))
    green = record.verdict is not None and record.verdict.green
    looking = report_text.evidence(green, record.command, settings.shown(settings.reports))
    beside = [f"The page: {settings.shown(made)}", *(f"{line[0].upper()}{line[1:]}" for line in looking)]
    told = summary.markdown(record, happened, beside)
    files.write_text(own / summary.FILE_NAME, told)
    if environ.get(summary.STEP_SUMMARY):
        summary.append_to(Path(environ[summary.STEP_SUMMARY]), told)
    return settings.shown(made)
