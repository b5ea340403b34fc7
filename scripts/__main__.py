"""The command line: `python -m scripts STEP`, or `shardline STEP` where it is installed.

One face per step; the sessions of noxfile.py and the tasks of tasks.py call the same steps. Each
face imports its step when it is chosen, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Callable, List, Optional

from . import __version__, settings
from .errors import PipelineError, SettingsError

Face = Callable[[settings.Settings, argparse.Namespace, List[str]], Optional[int]]

INTERRUPTED = 130


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one step; print what went wrong once, with its hint.

    Returns:
        the process's exit code: 0, the code of the kind of failure (errors.py), 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):  # an old terminal must not turn a Chinese id into a crash
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except PipelineError as error:
        print(f"\nerror: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr, flush=True)
        return INTERRUPTED


def _run(arguments: List[str]) -> int:
    from .service import ends_with, raise_on_signals

    options, rest = _parser().parse_known_args(arguments)
    if rest and not options.passes_on:
        raise SettingsError(f"{options.step}: cannot use {' '.join(rest)}", "See what it takes: --help")
    project = settings.load(options.settings, os.environ, Path.cwd())
    face: Face = options.face
    with raise_on_signals(), ends_with(os.environ.get("SHARDLINE_PARENT")):
        return face(project, options, rest) or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--version", action="version", version=f"shardline {__version__}")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")

    def add(name: str, face: Face, text: str, passes_on: bool = False) -> argparse.ArgumentParser:
        step = steps.add_parser(name, help=text, description=text, allow_abbrev=False)
        step.add_argument("--settings", metavar="PATH", help="another project's pipeline.yml")
        step.set_defaults(face=face, passes_on=passes_on)
        return step

    add("deps", _deps, "Install the environments of the suite and the service.")
    models = add("models", _models, "Fetch and verify the model weights.")
    models.add_argument("--offline", action="store_true", help="only verify what is here")
    serve = add("serve", _serve, "Start the service and keep it until Ctrl-C.")
    serve.add_argument("--port", type=int, help="default: service.port, else a free one")
    add("integration", _integration, "Run the suite against a fresh service; the rest goes to pytest.", passes_on=True)
    lock = add("lock", _lock, "Make the *.lock files from the requirements.txt files.")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    lock.add_argument("--oldest-python", default="3.8", metavar="X.Y", help="default: %(default)s")
    return parser


def _deps(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .console import say
    from .steps import deps

    made = deps.run(project)
    say(f"suite: {made.suite.folder}")
    if made.service:
        say(f"service: {made.service.folder}")


def _models(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import models

    models.run(project, options.offline)


def _serve(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import serve

    serve.run(project, options.port)


def _integration(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import integration

    return integration.run(project, rest)


def _lock(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import lock

    lock.run(project, options.upgrade, options.oldest_python)


if __name__ == "__main__":
    sys.exit(main())
