"""The command line of a service, whichever engine it has: flags, signals, the environment that has the packages."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, NamedTuple, Optional

if TYPE_CHECKING:
    from protocol import Engine

HANDED_OVER = "REFERENCE_SERVICE_HANDED_OVER"  # by a Python without the packages to one that has them


class Program(NamedTuple):
    """What is a program's own.

    Args:
        script: the file that was started.
        about: what it is, for --help.
        models: where its weights lie unless said otherwise.
        bring: the command that brings packages and weights.
        settings: the folder of its pipeline.yml, below which the pipeline makes environments.
        engine: makes the engine of the options, without loading it.
        add_options: adds those of the engine.
    """

    script: Path
    about: str
    models: Path
    bring: str
    settings: Path
    engine: Callable[[argparse.Namespace], Engine]
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def run(program: Program, argv: Optional[List[str]] = None) -> int:
    """Serve until a signal ends the process; return the exit code where it cannot."""
    options = _parser(program).parse_args(argv)
    # At once: requests may be deep inside the engine, and Python's own end would wait for them.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    if importlib.util.find_spec("waitress") is None:
        _hand_over(program)
    try:
        from protocol import StartError
        from serving import serve  # after the signals, since importing takes a while
    except ImportError as error:
        return _fail(f"{error}; bring the packages: {program.bring}")
    if not options.model_dir.is_dir():
        return _fail(f"no weights in {options.model_dir}; bring them: {program.bring}")
    try:
        serve(program.engine(options), options.host, options.port, options.headless)
    except StartError as error:
        return _fail(str(error))
    return _fail("the server ended by itself")


def _parser(program: Program) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=program.about)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=7860, help="0 for any free one")
    parser.add_argument("--model-dir", type=Path, default=program.models, help="folder of the weights")
    parser.add_argument("--gpu", action="store_true", help="use a GPU where the runtime can")
    parser.add_argument("--headless", action="store_true", help="the API only, no page")
    program.add_options(parser)
    return parser


def _port(text: str) -> int:
    """Refuse what the system would silently turn into another port."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _hand_over(program: Program) -> None:
    """Become the Python of the environment that the pipeline made for the service, where there is one."""
    made = sorted(
        program.settings.glob(".pipeline/environments/service-*/bin/python"),
        key=lambda path: path.parent.stat().st_mtime,
    )
    if made and HANDED_OVER not in os.environ:
        words = [str(made[-1]), str(program.script), *sys.argv[1:]]
        os.execve(words[0], words, {**os.environ, HANDED_OVER: "yes"})  # noqa: S606 - our own Python


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 1
