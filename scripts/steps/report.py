"""Make the page of the last run anew and open it, or follow a run that goes on: `invoke report`."""

from __future__ import annotations

import math
import os
import sys
import time
import webbrowser
from typing import Mapping

from ..console import say
from ..errors import PipelineError
from ..evidence import reading, report
from ..evidence.diagnosis import diagnosis
from ..evidence.live import Live
from ..evidence.record import PAGE, RunRecord
from ..proof import results
from ..runner import hygiene, merge, ownership
from ..settings import Settings

REFRESH_S = 2.0  # between two pages of a run that goes on
SHARE = 0.05  # of a core that they may take: where a page is dear, it comes less often
POLL_S = 0.2
_NO_DISPLAY = ("CI", "SSH_CONNECTION", "SSH_TTY", "WSL_DISTRO_NAME")


def run(settings: Settings, live: bool = False) -> None:
    """Make the page, and open it where there is a display; else say where it is.

    Args:
        live: make it again and again while a run goes on, until that ends.

    Raises:
        PipelineError: no run has left anything here, or goes on; or the page cannot be written.
    """
    if live:
        _follow(settings)
    hygiene.left_behind(settings)
    found = results.gather(settings.reports)
    record = reading.read_run(settings, arguments=merge.arguments_of(settings, found), found=found)
    if not (record.verdict or record.shards or record.ending):
        message = f"no run has left anything in {settings.shown(settings.reports)}"
        raise PipelineError(message, "Run the suite first: {command}", ("nox", "-s", "integration"))
    happened = diagnosis.diagnose(record)
    report.write(settings, record, happened, environ={})
    for line in diagnosis.lines(happened):
        say(line)
    _show(settings, not live)


def _follow(settings: Settings) -> None:
    """Write the page again and again until nobody runs the project any more.

    Raises:
        PipelineError: nobody does, or the page cannot be written.
    """
    owners = ownership.owners(settings)
    if not owners:
        message = f"no run goes on in {settings.shown(settings.reports)}"
        raise PipelineError(message, "The page of the last one: {command}", ("invoke", "report"))
    seen, pause_s, is_shown = Live(settings, min(owner.create_time for owner in owners)), REFRESH_S, False
    while ownership.owners(settings):
        began_s = time.process_time()
        _write(settings, seen.record(), pause_s)
        if not is_shown:
            say("Ctrl-C ends this, not the run")
            _show(settings, True)
            is_shown = True
        pause_s = pause_after(time.process_time() - began_s)
        until = time.monotonic() + pause_s
        while time.monotonic() < until and ownership.owners(settings):
            time.sleep(POLL_S)


def _write(settings: Settings, record: RunRecord, pause_s: float) -> None:
    report.write_live(settings, record, refresh_s=math.ceil(pause_s))


def pause_after(cost_s: float) -> float:
    """Choose how long to wait after a page that took so much of a processor.

    >>> pause_after(0.02), pause_after(1.0)
    (2.0, 20.0)
    """
    return max(REFRESH_S, cost_s / SHARE)


def _show(settings: Settings, may_open: bool) -> None:
    page = settings.reports / PAGE
    say(f"report: {settings.shown(page)}")
    if may_open and has_display(os.environ, sys.platform) and sys.stdout.isatty():
        webbrowser.open(page.resolve().as_uri())
    elif may_open:
        say(f"open it in a browser: {page.resolve().as_uri()}")


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Tell whether a browser that is started here is seen by the person who typed the command.

    >>> has_display({"DISPLAY": ":0"}, "linux"), has_display({}, "linux"), has_display({"SSH_TTY": "x"}, "darwin")
    (True, False, False)
    """
    if any(map(environ.get, _NO_DISPLAY)):
        return False
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
