"""The command line: `python -m scripts STEP`, or `shardline STEP` where it is installed.

One face per step; the sessions of noxfile.py and the tasks of tasks.py call the same steps. Each
face imports its step when it is chosen, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from . import __version__, node, settings
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
    whole = add("integration", _integration, "Run the suite here; the rest of the line goes to pytest.", passes_on=True)
    whole.add_argument("--nodes", type=int, default=1, metavar="N", help="in so many shards; default: %(default)s")
    whole.add_argument("--at-once", type=int, default=0, metavar="N", help="shards at a time; default: by cores")
    shard = add("shard", _shard, "Run one shard: INDEX TOTAL, from 0, else what the CI says.", passes_on=True)
    shard.add_argument("--defer-verdict", action="store_true", help="end well; `verdict` fails where tests did")
    add("verdict", _verdict, "Fail where this shard did, after CI has kept its result.", passes_on=True)
    plan = add("plan", _plan, "Share the tests out over shards and show what each takes.", passes_on=True)
    plan.add_argument("--nodes", type=int, default=4, metavar="N", help="default: %(default)s")
    plan.add_argument("--advise", action="store_true", help="say also how many nodes pay")
    plan.add_argument("--from-json", metavar="FILE", help="plan what a JSON file says (- for standard input)")
    merge = add("merge", _merge, "Prove from all shards' results that every test ran once.", passes_on=True)
    merge.add_argument("--run-missing", action="store_true", help="run the tests that have no result")
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

    return integration.run(project, rest, options.nodes, options.at_once)


def _shard(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import shard

    words, pytest_arguments = _numbers(rest)
    return shard.run(project, node.resolve(words, os.environ), pytest_arguments, options.defer_verdict)


def _verdict(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import verdict

    return verdict.run(project, node.resolve(_numbers(rest)[0], os.environ))


def _plan(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .sharding.plan import from_json
    from .steps import plan

    if options.from_json:
        text = sys.stdin.read() if options.from_json == "-" else Path(options.from_json).read_text(encoding="utf-8")
        print(from_json(text))
    else:
        plan.run(project, options.nodes, rest, options.advise)


def _merge(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import merge

    return merge.run(project, rest, options.run_missing)


def _numbers(words: List[str]) -> Tuple[List[str], List[str]]:
    """What stands before pytest's arguments: INDEX TOTAL, or what somebody took for it (2/4)."""
    count = next((place for place, word in enumerate(words) if not re.fullmatch(r"[\d/]+", word)), len(words))
    return words[:count], words[count:]


def _lock(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import lock

    lock.run(project, options.upgrade, options.oldest_python)


if __name__ == "__main__":
    sys.exit(main())
