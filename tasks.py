"""Tasks for people around a run; the run itself is `nox -s integration`.

Whatever the pipeline does is in scripts/; it is imported when a task runs, so that `invoke --list`
answers anywhere.
"""

import contextlib
import os
import pathlib
import shutil
import sys

from invoke import Exit, task

ROOT = pathlib.Path(__file__).parent
MADE = ["reports", ".pipeline/environments", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]


@task(help={"settings": "another project's pipeline.yml"})
def doctor(context, settings=None):
    """Check this machine: Pythons, uv, port, disk, caches, settings, GPU; and say what to do."""
    import noxfile

    with failures_told():
        from scripts.steps import doctor

        if doctor.run(project(settings), noxfile.PYTHONS, noxfile.PYTHON):
            raise Exit(code=1)


@task(help={"nodes": "how many shards", "settings": "another project's pipeline.yml"})
def plan(context, nodes=4, settings=None):
    """Show what each shard would have and take, what limits them, and how many nodes pay."""
    with failures_told():
        from scripts.steps import plan

        plan.run(project(settings), nodes, [], advise=True)


@task(
    help={
        "count": "how many of each kind",
        "learn": "add the durations of a JUnit report, or of pytest-split's .test_durations",
        "export": "write what is known as a .test_durations file",
        "settings": "another project's pipeline.yml",
    }
)
def timings(context, count=10, learn=None, export=None, settings=None):
    """Show the slowest tests, those never timed, the stale, and those that jumped."""
    with failures_told():
        from scripts.steps import history

        loaded = project(settings)
        if learn:
            history.learn(loaded, pathlib.Path(learn))
        if export:
            history.export(loaded, pathlib.Path(export))
        if not (learn or export):
            history.run(loaded, count)


@task(help={"settings": "another project's pipeline.yml", "port": "default: service.port, else a free one"})
def serve(context, settings=None, port=0):
    """Start the service in the background and say where it is."""
    with failures_told():
        from scripts.steps import serve

        serve.run_detached(project(settings), port or None)


@task(help={"settings": "another project's pipeline.yml"})
def stop(context, settings=None):
    """Stop what `invoke serve` started and what a killed run left behind; nothing else."""
    with failures_told():
        from scripts.service import stop_recorded

        if not stop_recorded(project(settings).state):
            print("nothing of ours is running")


@task(help={"weights": "the model weights too", "settings": "another project's pipeline.yml"})
def clean(context, weights=False, settings=None):
    """Remove what runs made: reports and environments; with --weights the model cache too."""
    with failures_told():
        loaded = project(settings)
        folders = [loaded.project / name for name in MADE]
        if weights:
            folders.append(loaded.models_directory)
        for folder in filter(pathlib.Path.exists, folders):
            shutil.rmtree(str(folder))
            print(f"removed {folder}")


def project(named):
    """The settings a person named, else PIPELINE_SETTINGS, else ours."""
    from scripts import settings

    return settings.load(named, os.environ, pathlib.Path.cwd() if named else ROOT)


@contextlib.contextmanager
def failures_told():
    """Show the pipeline's own errors as the command line does, with the same exit code."""
    try:
        from scripts.errors import PipelineError
        from scripts.service import raise_on_signals
    except ModuleNotFoundError as error:
        hint = "run it in the project's environment: scripts/bootstrap.sh invoke ..."
        raise Exit(f"error: {error}\nhint: {hint}", code=3) from None
    try:
        with raise_on_signals():
            yield
    except PipelineError as error:
        print(f"\nerror: {error}", file=sys.stderr, flush=True)
        raise Exit(code=error.exit_code) from None
