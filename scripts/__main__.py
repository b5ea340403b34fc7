"""The command line: `python -m scripts STEP`, or `shardline STEP` where it is installed.

What may be typed is in parser.py, what then happens in faces.py; the sessions of noxfile.py and the tasks of tasks.py
come here too. Whatever goes wrong is told once, with its hint and exit code.
"""

from __future__ import annotations

import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any, Callable, List, Optional

from . import arguments, console, fence, settings
from .console import printable
from .errors import CRASHED, INTERRUPTED, OUR_MISTAKE, UNREAD, Deferred, PipelineError, SettingsError, Shown, refused
from .parser import PROGRAM, parser
from .system import files
from .system.signals import MATRIX, ends_with, raise_on_signals
from .typed_yaml import suggest

REPORT = (
    "this is a mistake of Shardline itself. Tell whoever keeps your copy of it, with the file that `debug-bundle` "
    "makes: after a run the traceback is in it, as in ending.json of the reports."
)
UNTESTABLE = 125  # to `git bisect run`: neither good nor bad
OTHERS = 0o077  # a mask may keep others from what we make, but not us
BY_SIGNAL = range(129, 129 + 64)  # what `raise_on_signals` ends with: 128 and the signal's number


def main(words: Optional[List[str]] = None) -> int:
    """Run one step; print what went wrong once, with its hint.

    Returns:
        the process's exit code: 0, the code of the kind of failure (errors.py), 70 for a mistake of ours, 130 after
        Ctrl-C.

    Raises:
        SystemExit: only a text was asked for (--help, --version).
    """
    try:
        return _main(words)
    finally:
        fence.end()


def _main(words: Optional[List[str]]) -> int:
    for stream in (sys.stdout, sys.stderr):  # an old terminal must not turn a Chinese id into a crash
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    os.umask(os.umask(0) & OTHERS)
    try:
        return _run(sys.argv[1:] if words is None else words)
    except PipelineError as error:
        return failed(error, console.command)
    except Deferred as deferred:
        later = f"exit code 0: the verdict is deferred, and `{deferred.by}` ends with {deferred.exit_code}"
        print(f"ended: {deferred.ended} ({later})", flush=True)
        return 0
    except BrokenPipeError:  # as in `... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:
        refusal = refused(error)
        if refusal is None:
            return _crashed()
        return failed(refusal, console.command)
    except Shown:
        return _told("shown, nothing was run", 0)
    except KeyboardInterrupt:
        return _interrupted(INTERRUPTED)
    except SystemExit as exit:
        if exit.code not in BY_SIGNAL:
            raise
        return _interrupted(int(exit.code or 0))
    except Exception:
        return _crashed()


def _run(words: List[str]) -> int:
    options, rest = parser().parse_known_args(words)
    fence.begin(options.step, os.environ)
    command = partial(_command, options.step, console.command)
    try:
        if rest and not options.takes_rest:
            meant = suggest(rest[0].partition("=")[0], options.ours)
            cannot = f"{options.step}: cannot use {' '.join(map(printable, rest))}{meant}"
            raise SettingsError(cannot, arguments.SEE, arguments.HELP)
        project = options.load(options.settings, os.environ, Path.cwd(), options.reports)
        console.clean_by(_Clean(project, rest))
        command = partial(_command, options.step, project.command)
        made_by_us = project.own_folders if isinstance(project, settings.Settings) else ()
        if options.passes_on:
            arguments.check_options(rest, options.ours, partial(arguments.suite_has, project))
        above = [os.environ.get(name) for name in ("SHARDLINE_PARENT", MATRIX)]
        with raise_on_signals(), ends_with(*above), files.ignored_by_git(made_by_us):
            code = _closed(options.step, project, rest, partial(options.face, project, options, rest))
    except PipelineError as error:
        return failed(error, command, UNTESTABLE if getattr(options, "bisect", False) else None)
    return 0 if code is None else _told(options.endings[min(code, 1)], code)


def _closed(step: str, project: Any, rest: List[str], face: Callable[[], Optional[int]]) -> Optional[int]:
    """Run a step, and close it, where it is one of a run."""
    if not isinstance(project, settings.Settings):
        return face()
    from .steps import closing

    return closing.closed(project, step, rest, face)


class _Clean:
    """Takes the secrets that are known here out of what is said; made when the first line is.

    Args:
        project: of the step: settings, or what has them; of a step that comes before these, neither.
        words: that were typed.
    """

    def __init__(self, project: object, words: List[str]) -> None:
        self._project, self._words = getattr(project, "settings", project), words
        self._text: Optional[Callable[[str], str]] = None

    def __call__(self, text: str) -> str:
        if self._text is None:
            from .evidence.redaction.known import known_here
            from .evidence.redaction.lines import Lines

            of = self._project if isinstance(self._project, settings.Settings) else None
            self._text = Lines(known_here(of, os.environ, self._words)).text
        return self._text(text)


def _command(step: str, of_project: Callable[..., str], *words: str) -> str:
    """Write a command as a hint shows it; the help is that of the step that a person typed."""
    return f"{PROGRAM} {step} --help" if words == arguments.HELP else of_project(*words)


def failed(error: PipelineError, command: Callable[..., str], code: Optional[int] = None) -> int:
    """Print what went wrong, once, and how that ended; return its exit code, or the one that is asked for."""
    print(f"\nerror: {console.visible(console.clean(error.shown(command)))}", file=sys.stderr, flush=True)
    return _told(error.ended, error.exit_code if code is None else code)


def _crashed() -> int:
    """Show the traceback of the error that is being handled, a mistake of ours, and what to do about it."""
    print(console.clean(traceback.format_exc()), end="", file=sys.stderr)
    print(f"hint: {REPORT}", file=sys.stderr)
    return _told(CRASHED, OUR_MISTAKE)


def _interrupted(code: int) -> int:
    """Say that a signal ended the step, below the ^C of a terminal."""
    print(file=sys.stderr)
    return _told("interrupted", code)


def _told(ended: str, code: int) -> int:
    """Say the exit code in the last line, since nox makes every failure a 1, and return it."""
    print(f"ended: {ended} (exit code {code})", file=sys.stderr if code else sys.stdout, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
