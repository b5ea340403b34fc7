"""The command line: `python -m scripts STEP`, or `shardline STEP` where it is installed.

One face per step; the sessions of noxfile.py and the tasks of tasks.py call the same steps. Each
face imports its step when it is chosen, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, NoReturn, Optional, Tuple

from . import __version__, arguments, ci, console, settings
from .console import printable
from .errors import Deferred, PipelineError, SettingsError, Shown, refused
from .system import files
from .system.signals import ends_with, raise_on_signals
from .typed_yaml import suggest

if TYPE_CHECKING:
    from .steps.adopt import Place
    from .steps.debug_bundle import Subject

Face = Callable[[Any, argparse.Namespace, List[str]], Optional[int]]  # the project, as its step loads it

# Others take --reports too, since every command we offer carries what named the project and its reports.
RUNNING = ("integration", "isolation", "shard", "verdict", "plan", "merge")
WITH_REPORTS = (*RUNNING, "serve", "logs", "debug-bundle", "clean")
REPORTS = "where this run's results are and go; default: reports/ of the project"
DESCRIPTION = "The command line of Shardline, which runs the slow integration tests of a heavy service in shards."
ENDINGS = ("green", "tests failed")  # of a step with exit code 0, and with 1
INTERRUPTED = 130
PROGRAM = console.INSTALLED if __package__ == console.INSTALLED else "python -m scripts"
UNREAD = 141  # as a shell reports SIGPIPE
OTHERS = 0o077  # a mask may keep others from what we make, but not us
BY_SIGNAL = range(129, 129 + 64)  # what `raise_on_signals` ends with: 128 and the signal's number


def main(words: Optional[List[str]] = None) -> int:
    """Run one step; print what went wrong once, with its hint.

    Returns:
        the process's exit code: 0, the code of the kind of failure (errors.py), 130 after Ctrl-C.

    Raises:
        SystemExit: only a text was asked for (--help, --version).
    """
    for stream in (sys.stdout, sys.stderr):  # an old terminal must not turn a Chinese id into a crash
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    os.umask(os.umask(0) & OTHERS)
    try:
        return _run(sys.argv[1:] if words is None else words)
    except PipelineError as error:
        return failed(error, console.command)
    except Deferred as deferred:
        later = f"exit code 0: the verdict is deferred, and `verdict` ends with {deferred.exit_code}"
        print(f"ended: {deferred.ended} ({later})", flush=True)
        return 0
    except BrokenPipeError:  # as in `... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:
        refusal = refused(error)
        if refusal is None:
            raise
        return failed(refusal, console.command)
    except Shown:
        return _told("shown, nothing was run", 0)
    except KeyboardInterrupt:
        return _interrupted(INTERRUPTED)
    except SystemExit as exit:
        if exit.code not in BY_SIGNAL:
            raise
        return _interrupted(int(exit.code or 0))


def _run(words: List[str]) -> int:
    options, rest = _parser().parse_known_args(words)
    command = partial(_command, options.step, console.command)
    try:
        if rest and not options.takes_rest:
            meant = suggest(rest[0].partition("=")[0], options.ours)
            cannot = f"{options.step}: cannot use {' '.join(map(printable, rest))}{meant}"
            raise SettingsError(cannot, arguments.SEE, arguments.HELP)
        project = options.load(options.settings, os.environ, Path.cwd(), options.reports)
        command = partial(_command, options.step, project.command)
        made_by_us = project.own_folders if isinstance(project, settings.Settings) else ()
        if options.passes_on:
            arguments.check_options(rest, options.ours, partial(arguments.suite_has, project))
        face: Face = options.face
        with raise_on_signals(), ends_with(os.environ.get("SHARDLINE_PARENT")), files.ignored_by_git(made_by_us):
            code = face(project, options, rest)
    except PipelineError as error:
        return failed(error, command)
    return 0 if code is None else _told(options.endings[min(code, 1)], code)


def _command(step: str, of_project: Callable[..., str], *words: str) -> str:
    """Write a command as a hint shows it; the help is that of the step that a person typed."""
    return f"{PROGRAM} {step} --help" if words == arguments.HELP else of_project(*words)


def failed(error: PipelineError, command: Callable[..., str]) -> int:
    """Print what went wrong, once, and how that ended; return its exit code."""
    print(f"\nerror: {console.visible(error.shown(command))}", file=sys.stderr, flush=True)
    return _told(error.ended, error.exit_code)


def _interrupted(code: int) -> int:
    """Say that a signal ended the step, below the ^C of a terminal."""
    print(file=sys.stderr)
    return _told("interrupted", code)


def _told(ended: str, code: int) -> int:
    """Say the exit code in the last line, since nox makes every failure a 1, and return it."""
    print(f"ended: {ended} (exit code {code})", file=sys.stderr if code else sys.stdout, flush=True)
    return code


class _Parser(argparse.ArgumentParser):
    """Knows the names of its options, and says what is wrong with a command line as other mistakes are said."""

    def __init__(self, **options: Any) -> None:
        self.names: List[str] = []
        super().__init__(**options)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        self.names += names
        return super().add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        meant = suggest(wrong[1], re.findall(r"[\w-]+", wrong[2])) if wrong else ""
        raise SettingsError(f"{message}{meant}", f"See: {self.prog} --help")


# What the steps take that run or collect tests, beside their own options; `runner/subset.py` reads it.
PART = """
a part of the suite:
  --tests FILE   only the tests that a file lists: a test, class, file or folder a line
  --last-failed  only what failed in the last run here

Whatever else stands on the line goes to pytest: -k sad, -x, tests/test_one.py.
"""
OF_SERVICE = """
Whatever else stands on the line goes to the service, at the end of service.command, of the first where there are
several: --gpu --headless. What comes after a `--` does in any case.
"""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"shardline {__version__}")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")

    def add(name: str, face: Face, text: str, passes_on: bool = False, words: str = "") -> argparse.ArgumentParser:
        step = steps.add_parser(
            name,
            help=text,
            description=text,
            usage=f"%(prog)s {words}[options]{' [pytest arguments]' if passes_on else ''}",
            epilog=PART if passes_on and name != "verdict" else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        step.add_argument("--settings", metavar="PATH", help="another project's pipeline.yml")
        step.add_argument("--reports", metavar="DIR", help=REPORTS if name in WITH_REPORTS else argparse.SUPPRESS)
        step.set_defaults(face=face, passes_on=passes_on, takes_rest=passes_on)
        step.set_defaults(load=settings.load, ours=step.names, endings=ENDINGS)
        step.names += ["--tests", "--last-failed"] if passes_on else []
        return step

    doctor = add(
        "doctor", _doctor, "Check this machine: Pythons, uv, port, disk, caches, settings, GPU; and say what to do."
    )
    doctor.add_argument("--ci-python", metavar="X.Y", help="the Python that CI uses; default: the one that runs this")
    doctor.set_defaults(endings=("ready", "something to mend first"))
    deps = add("deps", _deps, "Install the environments of the suite and the service.")
    deps.add_argument("--prune", metavar="DAYS", help="remove those that no run used for so long")
    models = add("models", _models, "Fetch and verify the model weights.")
    models.add_argument("--offline", action="store_true", help="only verify what is here")
    models.add_argument("--digest", type=Path, metavar="FILE", help="only write the manifest's digest: CI's cache key")
    _add_models(models)
    serve = add("serve", _serve, "Start the service and keep it until Ctrl-C.")
    serve.usage = "%(prog)s [options] [words for the service]"
    serve.epilog = OF_SERVICE
    serve.set_defaults(takes_rest=True)
    serve.add_argument("--host", metavar="HOST", help="default: service.host, else 127.0.0.1; 0.0.0.0: all addresses")
    serve.add_argument("--port", metavar="PORT", help="default: service.port, else a free one")
    serve.add_argument("--background", action="store_true", help="return when it is ready; `stop` ends it")
    whole = add("integration", _integration, "Run the suite here; the rest of the line goes to pytest.", passes_on=True)
    whole.add_argument("--nodes", metavar="N", help="in so many shards, or auto; default: nodes of pipeline.yml")
    whole.add_argument("--at-once", metavar="N", help="shards at a time; default: by cores and memory")
    shard = add("shard", _shard, "Run one shard: INDEX TOTAL, from 0, else what the CI says.", True, "[INDEX TOTAL] ")
    shard.add_argument("--defer-verdict", action="store_true", help="end well; `verdict` fails where tests did")
    add("verdict", _verdict, "Fail where this shard did, after CI has kept its result.", True, "[INDEX TOTAL] ")
    plan = add("plan", _plan, "Share the tests out over shards and show what each takes.", passes_on=True)
    plan.add_argument("--nodes", metavar="N", help="default: nodes of pipeline.yml where several, else 4")
    plan.add_argument("--advise", action="store_true", help="say also how many nodes pay")
    merge = add("merge", _merge, "Prove from all shards' results that every test ran once.", passes_on=True)
    merge.add_argument("--run-missing", action="store_true", help="run the tests that have no result")
    isolation = add("isolation", _isolation, "Find out which tests depend on which: is the suite fit for shards?", True)
    isolation.add_argument("--seed", metavar="N", help="of what is cut at random; default: 0")
    isolation.add_argument("--minutes", metavar="M", help="for all trials; default: 12 times what the suite takes")
    isolation.add_argument("--write", action="store_true", help="write suite.together into pipeline.yml")
    isolation.set_defaults(endings=("fit to be sharded", "tests depend on others"))
    debug_bundle = add("debug-bundle", _debug_bundle, "Put what a person needs to see why a run failed into one file.")
    debug_bundle.add_argument("--shard", metavar="INDEX", help="one shard only; default: all that are here")
    debug_bundle.add_argument("--output", type=Path, metavar="PATH", help="default: reports/debug-bundle.tar.gz")
    debug_bundle.set_defaults(load=_whatever_is_there)
    keys = add("settings", _keys, "Show every key of pipeline.yml: what it means, and its default.", words="[WORD] ")
    keys.add_argument("word", nargs="?", default="", metavar="WORD", help="only the keys with this in their name")
    keys.set_defaults(load=lambda *named: settings.Settings())
    timings = add("timings", _timings, "Show the slowest tests, those never timed, the stale, and those that jumped.")
    timings.add_argument("--count", metavar="N", default="10", help="how many of each kind")
    learn = "add the durations of a JUnit report, or of pytest-split's .test_durations"
    timings.add_argument("--learn", type=Path, metavar="FILE", help=learn)
    timings.add_argument("--export", type=Path, metavar="FILE", help="write what is known as a .test_durations file")
    add("status", _status, "Show what of ours runs here: address, pid, whose it is, whether it is ready, its log.")
    logs = add(
        "logs", _logs, "Print the newest logs of the services: of what runs now, else of the last run.", words="[NAME] "
    )
    logs.add_argument("name", nargs="?", default="", metavar="NAME", help="of one of several services")
    logs.add_argument("--lines", metavar="N", default="20", help="so many of each; default: %(default)s")
    logs.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    add("stop", _stop, "Stop what runs in the background and what a killed run left behind; nothing else.")
    clean = add("clean", _clean, "Remove what runs made: reports and environments.")
    clean.add_argument("--weights", action="store_true", help="the model weights too")
    adopt = add(
        "adopt", _adopt, "Make a project of yours ready: look at it, write pipeline.yml and what else is missing."
    )
    adopt.usage = "%(prog)s [DIRECTORY] [--dry-run]"
    adopt.add_argument("directory", nargs="?", default=".", metavar="DIRECTORY", help="its folder; default: this one")
    adopt.add_argument("--dry-run", action="store_true", help="only print what would be written")
    adopt.set_defaults(load=_before_settings)
    lock = add("lock", _lock, "Make the *.lock files from the requirements.txt files.")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    lock.add_argument("--oldest-python", default="3.8", metavar="X.Y", help="default: %(default)s")
    return parser


def _add_models(models: argparse.ArgumentParser) -> None:
    """Add what people do with the manifest of the weights beside fetching them."""
    actions = models.add_subparsers(dest="action", metavar="ACTION", help="without one: fetch and verify")

    def add(name: str, face: Face, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        action.add_argument(
            "--settings", metavar="PATH", default=argparse.SUPPRESS, help="another project's pipeline.yml"
        )
        action.set_defaults(face=face)
        return action

    new = add("add", _models_add, "Read a file through and print its entry for pipeline.yml, with size and digest.")
    new.add_argument("url", metavar="URL", help="https://..., s3://..., hf://..., wheel:... or file:...")
    new.add_argument("--mirror", action="append", default=[], metavar="URL", help="another source of the same file")
    new.add_argument("--path", default="", help="where it goes below the models folder; default: as the URL calls it")
    new.add_argument("--keep", action="store_true", help="leave the file there")
    add("list", _models_list, "List the model weights: size, whether they are here and right, where they come from.")
    verify = add("verify", _models_verify, "Say whether all model weights are here and right; fetch nothing.")
    verify.add_argument("--deep", action="store_true", help="read every file through, as if for the first time")
    prune = add("prune", _models_prune, "Remove weights that pipeline.yml no longer names and nobody used for long.")
    prune.add_argument("--keep", metavar="DAYS", default="30", help="how long a file stays after its last use")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")


def _doctor(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> Optional[int]:
    from .steps import doctor

    running = "{}.{}".format(*sys.version_info)
    return doctor.run(project, doctor.PYTHONS if options.ci_python else [running], options.ci_python or running) or None


def _deps(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import deps

    deps.run(project, arguments.days("--prune", options.prune))


def _models(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import models

    models.run(project, options.offline, options.digest)


def _models_add(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import weights

    weights.add(project, [options.url, *options.mirror], options.path, options.keep)


def _models_list(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import weights

    weights.show(project)


def _models_verify(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import weights

    weights.verify(project, options.deep)


def _models_prune(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import weights

    weights.remove_unwanted(project, arguments.days("--keep", options.keep) or 0.0, options.dry_run)


def _serve(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import serve

    port = arguments.whole("--port", options.port, 1, 65535)
    words = arguments.of_service(rest, options.ours, project)
    step = serve.run_detached if options.background else serve.run
    step(project, serve.Wish(arguments.host("--host", options.host), port, words))


def _integration(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import integration

    nodes = 0 if options.nodes == "auto" else arguments.whole("--nodes", options.nodes, 1, ci.MOST_NODES, " or auto")
    at_once = arguments.whole("--at-once", options.at_once, 1, ci.MOST_NODES) or 0
    return integration.run(project, rest, project.nodes if nodes is None else nodes, at_once)


def _shard(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import shard

    words, pytest_arguments = _numbers(rest)
    return shard.run(project, ci.resolve(words, os.environ), pytest_arguments, options.defer_verdict)


def _verdict(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import verdict

    return verdict.run(project, ci.resolve(_numbers(rest)[0], os.environ))


def _plan(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import plan

    nodes = arguments.whole("--nodes", options.nodes, 1, ci.MOST_NODES)
    plan.run(project, nodes or plan.usual(project), rest, options.advise)


def _merge(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import merge

    return merge.run(project, rest, options.run_missing)


def _isolation(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    from .steps import isolation

    seed = arguments.whole("--seed", options.seed, 0, 2**31 - 1) or 0
    minutes = arguments.whole("--minutes", options.minutes, 1, 10_000) or 0
    return isolation.run(project, rest, seed, minutes, options.write)


def _whatever_is_there(
    named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str]
) -> Subject:
    """Load a project for debug-bundle, which works also where the settings cannot be read."""
    from .steps import debug_bundle

    return debug_bundle.load(named, environ, start, reports)


def _debug_bundle(subject: Subject, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import debug_bundle

    index = arguments.whole("--shard", options.shard, 0, ci.MOST_NODES - 1)
    debug_bundle.run(subject, index, options.output)


def _keys(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import keys

    keys.run(options.word)


def _timings(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import timings

    shown = arguments.whole("--count", options.count, 1, 10**6) or 0
    if options.learn:
        timings.learn(project, options.learn)
    if options.export:
        timings.export(project, options.export)
    if not (options.learn or options.export):
        timings.run(project, shown)


def _status(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import status

    status.run(project)


def _logs(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import logs

    lines = arguments.whole("--lines", options.lines, 0, 10**6) or 0
    logs.run(project, options.name, lines, options.follow)


def _stop(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import stop

    stop.run(project)


def _clean(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import clean

    clean.run(project, options.weights)


def _numbers(words: List[str]) -> Tuple[List[str], List[str]]:
    """Part the words before pytest's arguments, INDEX TOTAL or what somebody took for it (2/4), from the rest."""
    count = next((place for place, word in enumerate(words) if not re.fullmatch(r"[\d/]+", word)), len(words))
    return words[:count], words[count:]


def _before_settings(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str]) -> Place:
    """Load nothing, for a project that has no settings yet."""
    from .steps import adopt

    return adopt.Place(start)


def _adopt(place: Place, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import adopt

    adopt.run(place, options.directory, options.dry_run)


def _lock(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    from .steps import lock

    lock.run(project, options.upgrade, options.oldest_python)


if __name__ == "__main__":
    sys.exit(main())
