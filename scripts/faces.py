"""What each step of the command line does with the words that were typed: one face per step.

Its docstring is what `--help` says. Each imports its step when it is chosen, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, List, Mapping, Optional

from . import arguments, ci, settings

if TYPE_CHECKING:
    from .steps.adopt import Place
    from .steps.debug_bundle import Subject
    from .steps.redact import Around


def doctor(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> Optional[int]:
    """Check this machine: Pythons, uv, port, disk, caches, settings, GPU; and say what to do."""
    from .environments.pythons import supported
    from .environments.running import HERE
    from .steps import doctor

    wanted = supported() if options.ci_python else [HERE]
    return doctor.run(project, wanted, options.ci_python or HERE) or None


def deps(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Install the environments of the suite and the service."""
    from .steps import deps

    if options.digest:
        deps.write_digest(project, options.digest)
    elif options.digests:
        deps.write_digests(project, options.digests)
    else:
        deps.run(project, arguments.days("--prune", options.prune), options.compile)


def models(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Fetch and verify the model weights."""
    from .steps import models

    models.run(project, options.offline, options.digest)


def models_add(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Print the entry for pipeline.yml of a file, with size and digest, or those of all files of a folder."""
    from .steps import weights

    weights.add(project, [options.url, *options.mirror], options.path, options.keep)


def models_list(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """List the model weights: size, whether they are here and right, where they come from."""
    from .steps import weights

    weights.show(project)


def models_verify(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Say whether all model weights are here and right; fetch nothing."""
    from .steps import weights

    weights.verify(project, options.deep)


def models_prune(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Remove weights that pipeline.yml no longer names and nobody used for long."""
    from .steps import weights

    weights.remove_unwanted(project, arguments.days("--keep", options.keep) or 0.0, options.dry_run)


def sonar(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> Optional[int]:
    """Send code, tests, coverage and findings to SonarQube; its quality gate decides."""
    from .steps import sonar

    return sonar.run(project, options.dry_run, options.without_tests)


def audio_judge(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Judge a set of recordings by the baseline, and write a page with players, curves and trends."""
    from .steps import audio

    allowed = arguments.whole("--allow", options.allow, 0, 100_000) or 0
    return audio.judge(project, audio.Wish(options.texts, options.field, allowed=allowed), options.recordings)


def audio_baseline(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Record what the engine sounds like now: limits and golden recordings, which later ones are judged by."""
    from .steps import audio

    wish = audio.Wish(options.texts, options.field, options.engine, options.voice)
    audio.baseline(project, wish, options.recordings, options.takes)


def audio_measure(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Print every measure of a recording, with its verdict."""
    return _measured("measure", project, options)


def audio_compare(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Say whether a recording is still the same speech as another."""
    return _measured("compare", project, options)


def _measured(action: str, project: settings.Settings, options: argparse.Namespace) -> int:
    from .steps import audio

    said = [*(["--text", options.text] if options.text else []), *(["--json"] if options.json else [])]
    return audio.measure(project, action, options.files, said, options.baseline)


def audio_listen(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Write a page with two recordings, at one loudness and in blind order."""
    from .steps import audio

    one, other = options.files
    audio.listen(project, one, other, options.output)


def serve(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Start the service and keep it until Ctrl-C."""
    from .steps import serve

    port = arguments.whole("--port", options.port, 1, 65535)
    words = arguments.of_service(rest, options.ours, project)
    step = serve.run_detached if options.background else serve.run
    step(project, serve.Wish(arguments.host("--host", options.host), port, words))


def integration(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Run the suite here; the rest of the line goes to pytest."""
    from .steps import integration, verdict

    nodes = 0 if options.nodes == "auto" else arguments.whole("--nodes", options.nodes, 1, ci.MOST_NODES, " or auto")
    at_once = arguments.whole("--at-once", options.at_once, 1, ci.MOST_NODES) or 0
    nodes = project.nodes if nodes is None else nodes
    judge = partial(integration.run, project, rest, nodes, at_once, options.fail_fast)
    return verdict.deferred(project, judge, "matrix") if options.defer_verdict else judge()


def shard(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Run one shard: INDEX TOTAL, from 0, else what the CI says."""
    from .steps import shard

    words, pytest_arguments = arguments.numbers(rest)
    node = ci.resolve(words, os.environ)
    ci.acknowledge(os.environ)
    project = arguments.with_store(project, options.store)
    if options.gpu:
        arguments.needs_gpu(os.environ)
    wishes = shard.Wishes(options.defer_verdict, options.fail_fast, options.replay, options.merge, options.rerun_failed)
    return shard.run(project, node, pytest_arguments, wishes)


def verdict(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Fail where this shard did, after CI has kept its result."""
    from .steps import verdict

    return verdict.run(project, ci.resolve(arguments.numbers(rest)[0], os.environ))


def plan(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Share the tests out over shards and show what each takes."""
    from .steps import plan

    nodes = arguments.whole("--nodes", options.nodes, 1, ci.MOST_NODES)
    plan.run(project, nodes or plan.usual(project), rest, options.advise)


def continuation(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Let a set-up workflow of CircleCI go on with as many shards as pay."""
    from .steps import continuation

    least = arguments.whole("--least", options.least, 1, ci.MOST_NODES) or 1
    most = arguments.whole("--most", options.most, least, ci.MOST_NODES) or least
    start_s = arguments.whole("--start", options.start, 0, 3600) or 0
    continuation.run(project, continuation.Wish(options.config, least, most, start_s, options.server))


def merge(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Prove from all shards' results that every test ran once."""
    from .steps import merge

    return merge.run(project, rest, options.run_missing)


def matrix(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Lay the runs on several Pythons side by side; --run runs them here first."""
    from .steps import matrix

    expected = [str(arguments.python("--expect", word)) for word in (options.expect or "").split(",") if word]
    if options.run:
        return matrix.run(project, rest, matrix.Wishes(expected, session=options.session))
    return matrix.merge_legs(project, matrix.Wishes(expected, [Path(word).resolve() for word in rest], options.session))


def isolation(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Find out which tests depend on which: is the suite fit for shards?"""
    from .steps import isolation

    seed = arguments.whole("--seed", options.seed, 0, 2**31 - 1) or 0
    minutes = arguments.whole("--minutes", options.minutes, 1, 10_000) or 0
    return isolation.run(project, rest, seed, minutes, options.write)


def whatever_is_there(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str]) -> Subject:
    """Load a project for debug-bundle, which works also where the settings cannot be read."""
    from .steps import debug_bundle

    return debug_bundle.load(named, environ, start, reports)


def debug_bundle(subject: Subject, options: argparse.Namespace, rest: List[str]) -> None:
    """Put what a person needs to see why a run failed into one file."""
    from .steps import debug_bundle

    index = arguments.whole("--shard", options.shard, 0, ci.MOST_NODES - 1)
    debug_bundle.run(subject, index, options.output)


def report(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Make the page of the last run anew, from what lies there, and open it."""
    from .steps import report

    report.run(project, options.live)


def what_is_around(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str]) -> Around:
    """Load the project whose secrets are known, for redact, which works without one."""
    from .steps import redact

    return redact.load(named, environ, start, reports)


def redact(around: Around, options: argparse.Namespace, rest: List[str]) -> None:
    """Copy stdin to stdout without secrets: tokens by their shape, values by name, all that is known here."""
    from .steps import redact

    redact.run(around)


def secrets(around: Around, options: argparse.Namespace, rest: List[str]) -> int:
    """Find secrets in what this branch brings, and in what is not committed yet; by file and line."""
    from .steps import secrets

    return secrets.run(around, secrets.Wish(options.base, options.staged, options.all, options.strict))


def reproduce(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> int:
    """Run a shard again as BUNDLE recorded it: the same tests in the same order."""
    from .steps import reproduce

    index = arguments.whole("--shard", options.shard, 0, ci.MOST_NODES - 1)
    words = arguments.of_suite(rest, options.ours, project)
    named = [words.pop(0)] if rest and not rest[0].startswith("-") else []
    return reproduce.run(
        project,
        reproduce.Wish(
            place=Path(named[0]) if named else None,
            shard=index,
            on_this_code=options.on_this_code or options.bisect,
            any_python=options.any_python,
            arguments=words,
        ),
    )


def keys(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Show every key of pipeline.yml: what it means, and its default."""
    from .steps import keys

    keys.run(options.word)


def timings(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Show the slowest tests, those never timed, the stale, and those that jumped."""
    from .steps import timings

    shown = arguments.whole("--count", options.count, 1, 10**6) or 0
    if options.learn:
        timings.learn(project, options.learn)
    if options.export:
        timings.export(project, options.export)
    if not (options.learn or options.export):
        timings.run(project, shown)


def status(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Show what of ours runs here: address, pid, whose it is, whether it is ready, its log."""
    from .steps import status

    status.run(project)


def logs(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Print the newest logs of the services: of what runs now, else of the last run."""
    from .steps import logs

    lines = arguments.whole("--lines", options.lines, 0, 10**6) or 0
    logs.run(project, options.name, lines, options.follow)


def stop(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Stop what runs in the background and what a killed run left behind; nothing else."""
    from .steps import stop

    stop.run(project)


def clean(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Remove what runs made: reports and environments."""
    from .steps import clean

    clean.run(project, options.weights)


def before_settings(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str]) -> Place:
    """Load nothing, for a project that has no settings yet."""
    from .steps import adopt

    return adopt.Place(start)


def adopt(place: Place, options: argparse.Namespace, rest: List[str]) -> None:
    """Make a project of yours ready: look at it, write pipeline.yml and what else is missing."""
    from .steps import adopt

    adopt.run(place, options.directory, options.dry_run, options.ci)


def lock(project: settings.Settings, options: argparse.Namespace, rest: List[str]) -> None:
    """Make the *.lock files from the requirements.txt files."""
    from .steps import lock

    lock.run(project, options.upgrade, arguments.python("--oldest-python", options.oldest_python))
