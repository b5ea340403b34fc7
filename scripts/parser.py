"""The words of the command line: which steps there are, and what each takes."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, Callable, List, NoReturn, Optional

from . import __version__, console, faces, settings
from .adoption.ci_files import PROVIDERS
from .errors import SettingsError
from .typed_yaml import suggest

Face = Callable[[Any, argparse.Namespace, List[str]], Optional[int]]  # the project, as its step loads it

# Others take --reports too, since every command we offer carries what named the project and its reports.
RUNNING = ("integration", "isolation", "shard", "verdict", "plan", "merge", "matrix", "reproduce")
WITH_REPORTS = (*RUNNING, "serve", "sonar", "audio", "logs", "report", "debug-bundle", "clean")
REPORTS = "where this run's results are and go; default: reports/ of the project"
DESCRIPTION = "The command line of Shardline, which runs the slow integration tests of a heavy service in shards."
ENDINGS = ("green", "tests failed")  # of a step with exit code 0, and with 1
PROGRAM = console.INSTALLED if __package__ == console.INSTALLED else "python -m scripts"

# What the steps take that run or collect tests, beside their own options; `runner/subset.py` reads it.
PART = """
a part of the suite:
  --tests FILE   only the tests that a file lists: a test, class, file or folder a line
  --last-failed  only what failed in the last run here

Whatever else stands on the line goes to pytest: -k sad, -x, tests/test_one.py.
"""
OF_MATRIX = """
Each leg is a run of the suite on one Python, with a reports folder of its own: reports/python-3.8. What is missing,
damaged, of another commit or with other arguments is red. Without folders it takes all of the reports, or those of
--expect; with --run, whatever else stands on the line goes to each run: --nodes 2, -k sad, tests/test_one.py.

A leg in a CI, then its own verdict; where all are there, that of all:
  integration --defer-verdict --reports reports/python-3.8
  matrix --expect 3.8
  matrix

A leg at home, but on the Python that runs this, is a session of noxfile.py, as integration-3.8:
  for python in ["3.8", "3.9"]:
      @nox.session(name="integration-" + python, python=python)
      def leg(session):
          session.install("shardline")  # from where you have it
          session.run("shardline", "integration", *session.posargs, interrupt_timeout=30, terminate_timeout=15)
"""
OF_REPRODUCE = """
BUNDLE is a debug-bundle.tar.gz, the folder that it was unpacked to, a reports folder, or that of a shard
(reports/shard-2); without it, the last run here. The tests run on the commit that was tested, checked out below
.pipeline/reproduce/ where this is another; results go to reproduced/ in the reports. What else stands on the line
goes to pytest, after the recorded arguments; what comes after a `--` does in any case.

exit codes:
  1  a recorded failure came again (or none did, and another test failed: the last line says which)
  0  no recorded failure came again, and nothing else is red

`git bisect run shardline reproduce BUNDLE --bisect` finds the commit that brought a failure.
"""
OF_SONAR = """
Set SONAR_HOST_URL and SONAR_TOKEN; the rest comes from `sonar` in pipeline.yml (see `settings sonar`), from
sonar-project.properties and from [tool.sonar]. The tests are those of the last run here. Variables of pysonar count:
SONAR_SCANNER_SKIP_JRE_PROVISIONING=true takes the java on PATH, SONAR_SCANNER_TRUSTSTORE_PATH has the certificates
that Java trusts, SONAR_SCANNER_JSON_PARAMS any property.

exit codes:
  0  the quality gate is passed
  1  it is not: the conditions that fail are printed
  8  it is not known: nothing was sent, or the server does not say in time
"""
OF_AUDIO = """
The baseline lies in `audio/` of the suite: baseline.json has the limits, which a person may change, golden/ the
recordings that others are compared with, texts.txt what is spoken: a text a line, or {"text": "...", "emotion": "sad"}
with what else the request has. The request is that of service.warm_up. The measures want numpy, praat-parselmouth and
soundfile in the suite's requirements; what is missing is named.

exit codes:
  0  as good as it should be
  1  it is not: the reasons are printed
"""
OF_CONTINUATION = """
How many shards pay is what `plan --advise` says of the durations of past runs. Where that cannot be said, the
pipeline goes on with the number that FILE has.
"""
OF_SERVICE = """
Whatever else stands on the line goes to the service, at the end of service.command, of the first where there are
several: --gpu --headless. What comes after a `--` does in any case.
"""


def parser() -> argparse.ArgumentParser:
    """Make the parser of all steps, each with what main() needs of it: `face`, `load`, `ours`, `passes_on` and more."""
    whole = _Parser(prog=PROGRAM, description=DESCRIPTION)
    whole.add_argument("--version", action="version", version=f"shardline {__version__}")
    steps = _Steps(whole.add_subparsers(dest="step", required=True, metavar="STEP"))
    for group in (_add_tests, _add_machine, _add_quality, _add_services, _add_people):
        group(steps)
    return whole


class _Steps:
    """The steps that were added so far."""

    def __init__(self, parsers: Any) -> None:
        self._parsers = parsers

    def add(self, name: str, face: Face, passes_on: bool = False, words: str = "") -> argparse.ArgumentParser:
        """Add a step, told by the face's docstring.

        Args:
            passes_on: what is not its own goes to pytest.
            words: those before its options.
        """
        step = self._parsers.add_parser(
            name,
            help=face.__doc__ or "",
            description=face.__doc__,
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
        return step  # type: ignore[no-any-return]


def _add_tests(steps: _Steps) -> None:
    """Add what runs tests, or proves that they ran."""
    whole = steps.add("integration", faces.integration, passes_on=True)
    whole.add_argument("--nodes", metavar="N", help="in so many shards, or auto; default: nodes of pipeline.yml")
    whole.add_argument("--at-once", metavar="N", help="shards at a time; default: by cores and memory")
    whole.add_argument("--fail-fast", action="store_true", help="stop all shards at the first red test")
    kept = "end well, so that CI keeps the result; `matrix` fails where tests did"
    whole.add_argument("--defer-verdict", action="store_true", help=kept)
    shard = steps.add("shard", faces.shard, True, "[INDEX TOTAL] ")
    shard.add_argument("--defer-verdict", action="store_true", help="end well; `verdict` fails where tests did")
    shared = "stop at the first red test, with all shards where they share out tests by distribution.store"
    shard.add_argument("--fail-fast", action="store_true", help=shared)
    merge = "the last of the shards says the verdict of all, over distribution.store: no job has to come after them"
    shard.add_argument("--merge", action="store_true", help=merge)
    again = "run the tests of this shard's result again, in its order and processes; nothing is shared out"
    shard.add_argument("--replay", type=Path, metavar="RECEIPT", help=again)
    store = "what the shards share out their tests in, $NAME for secrets; default: distribution.store of pipeline.yml"
    shard.add_argument("--store", metavar="STORE", default="", help=store)
    shard.add_argument("--gpu", action="store_true", help="fail where there is no GPU; what it is for: service.gpu")
    rest = "where a CI tries all shards of a run again: only what the try before left red or without a result"
    shard.add_argument("--rerun-failed", action="store_true", help=rest)
    steps.add("verdict", faces.verdict, True, "[INDEX TOTAL] ")
    plan = steps.add("plan", faces.plan, passes_on=True)
    plan.add_argument("--nodes", metavar="N", help="default: nodes of pipeline.yml where several, else 4")
    plan.add_argument("--advise", action="store_true", help="say also how many nodes pay")
    fan_in = steps.add("merge", faces.merge, passes_on=True)
    fan_in.add_argument("--run-missing", action="store_true", help="run the tests that have no result")
    matrix = steps.add("matrix", faces.matrix, True, "[reports/python-X.Y ...] ")
    matrix.epilog = OF_MATRIX
    matrix.add_argument(
        "--run", action="store_true", help="run the suite here on each Python first, one after the other"
    )
    matrix.add_argument("--expect", metavar="X.Y,X.Y", help="these Pythons; default: those that the project is for")
    legs = "the session of noxfile.py that is a leg: NAME-3.8 and so on; default: %(default)s"
    matrix.add_argument("--session", metavar="NAME", default="integration", help=legs)
    second = steps.add("continuation", faces.continuation)
    second.epilog = OF_CONTINUATION
    config = "what the pipeline goes on with, with a parameter `shards`; default: %(default)s"
    second.add_argument("--config", type=Path, metavar="FILE", default=".circleci/continue.yml", help=config)
    second.add_argument("--least", metavar="N", default="1", help="shards; default: %(default)s")
    second.add_argument("--most", metavar="N", default="16", help="shards; default: %(default)s")
    start = "what a node takes before Shardline starts on it: image, checkout, caches; default: %(default)s"
    second.add_argument("--start", metavar="SECONDS", default="20", help=start)
    own_server = "of a CircleCI server of your own; default: %(default)s"
    second.add_argument("--server", metavar="URL", default="https://circleci.com", help=own_server)
    isolation = steps.add("isolation", faces.isolation, True)
    isolation.add_argument("--seed", metavar="N", help="of what is cut at random; default: 0")
    isolation.add_argument("--minutes", metavar="M", help="for all trials; default: 12 times what the suite takes")
    isolation.add_argument("--write", action="store_true", help="write suite.together into pipeline.yml")
    isolation.set_defaults(endings=("fit to be sharded", "tests depend on others"))


def _add_machine(steps: _Steps) -> None:
    """Add what makes a machine, or a project, ready."""
    adopt = steps.add("adopt", faces.adopt)
    adopt.usage = "%(prog)s [DIRECTORY] [--dry-run] [--ci NAME]"
    adopt.add_argument("directory", nargs="?", default=".", metavar="DIRECTORY", help="its folder; default: this one")
    adopt.add_argument("--dry-run", action="store_true", help="only print what would be written")
    ci = "whose file it gets: %(choices)s; default: the one that the project or its repository names"
    adopt.add_argument("--ci", choices=list(PROVIDERS), default="", metavar="NAME", help=ci)
    adopt.set_defaults(load=faces.before_settings)
    doctor = steps.add(
        "doctor",
        faces.doctor,
    )
    doctor.add_argument("--ci-python", metavar="X.Y", help="the Python that CI uses; default: the one that runs this")
    doctor.set_defaults(endings=("ready", "something to mend first"))
    deps = steps.add("deps", faces.deps)
    deps.add_argument("--prune", metavar="DAYS", help="remove those that no run used for so long")
    deps.add_argument("--compile", action="store_true", help="compile all modules, for machines that get a copy")
    deps.add_argument("--digest", type=Path, metavar="FILE", help="only write what decides them: CI's cache key")
    keys = "only write packages.sha256 and weights.sha256 there: the keys of CI's caches"
    deps.add_argument("--digests", type=Path, metavar="FOLDER", help=keys)
    models = steps.add("models", faces.models)
    models.add_argument("--offline", action="store_true", help="only verify what is here")
    models.add_argument("--digest", type=Path, metavar="FILE", help="only write the manifest's digest: CI's cache key")
    _add_models(models)
    lock = steps.add("lock", faces.lock)
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    least = "what a lock is for at least; default: what pyproject.toml requires, else the oldest that the project uses"
    lock.add_argument("--oldest-python", metavar="X.Y", help=least)


def _add_quality(steps: _Steps) -> None:
    """Add what others judge of the code."""
    sonar = steps.add("sonar", faces.sonar)
    sonar.epilog = OF_SONAR
    sonar.add_argument("--dry-run", action="store_true", help="only print what would be sent; needs no server")
    sonar.add_argument("--without-tests", action="store_true", help="send the code alone, no results of a run")
    sonar.set_defaults(endings=("quality gate passed", ""))
    audio = steps.add("audio", faces.audio_judge, words="[ACTION] ")
    audio.epilog = OF_AUDIO
    audio.set_defaults(endings=("good sound", "bad sound"), recordings=None)
    _add_set(audio)
    audio.add_argument("--allow", metavar="N", default="0", help="so many recordings may be bad; default: %(default)s")
    _add_audio(audio)


def _add_services(steps: _Steps) -> None:
    """Add what a person does with services beside a run."""
    serve = steps.add("serve", faces.serve)
    serve.usage = "%(prog)s [options] [words for the service]"
    serve.epilog = OF_SERVICE
    serve.set_defaults(takes_rest=True)
    serve.add_argument("--host", metavar="HOST", help="default: service.host, else 127.0.0.1; 0.0.0.0: all addresses")
    serve.add_argument("--port", metavar="PORT", help="default: service.port, else a free one")
    serve.add_argument("--background", action="store_true", help="return when it is ready; `stop` ends it")
    steps.add("status", faces.status)
    logs = steps.add(
        "logs",
        faces.logs,
        words="[NAME] ",
    )
    logs.add_argument("name", nargs="?", default="", metavar="NAME", help="of one of several services")
    logs.add_argument("--lines", metavar="N", default="20", help="so many of each; default: %(default)s")
    logs.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    steps.add("stop", faces.stop)


def _add_people(steps: _Steps) -> None:
    """Add what a person looks at, and what takes it away."""
    report = steps.add("report", faces.report)
    report.add_argument("--live", action="store_true", help="make it again and again while a run goes on")
    debug_bundle = steps.add("debug-bundle", faces.debug_bundle)
    debug_bundle.add_argument("--shard", metavar="INDEX", help="one shard only; default: all that are here")
    debug_bundle.add_argument("--output", type=Path, metavar="PATH", help="default: reports/debug-bundle.tar.gz")
    debug_bundle.set_defaults(load=faces.whatever_is_there)
    steps.add("redact", faces.redact).set_defaults(load=faces.what_is_around)
    secrets = steps.add("secrets", faces.secrets)
    base = "what the branch goes into; default: what CI says, else the main branch"
    secrets.add_argument("--base", metavar="COMMIT", default="", help=base)
    secrets.add_argument("--staged", action="store_true", help="only what the next commit will hold: for a hook")
    secrets.add_argument("--all", action="store_true", help="all files that git knows")
    secrets.add_argument("--strict", action="store_true", help="what only its name calls a secret, too: password=word")
    secrets.set_defaults(load=faces.what_is_around, endings=("no secrets", "secrets found"))
    reproduce = steps.add("reproduce", faces.reproduce)
    reproduce.usage = "%(prog)s [BUNDLE] [options] [pytest arguments]"
    reproduce.epilog = OF_REPRODUCE
    reproduce.add_argument("--shard", metavar="INDEX", help="from 0; default: the first red one")
    reproduce.add_argument("--on-this-code", action="store_true", help="on the working tree, not on the commit")
    reproduce.add_argument("--any-python", action="store_true", help="on this Python, whatever it was there")
    bisect = "for git bisect: on this code, and exit code 125 where the commit cannot be judged"
    reproduce.add_argument("--bisect", action="store_true", help=bisect)
    reproduce.set_defaults(takes_rest=True, endings=("green here", "reproduced"))
    keys = steps.add("settings", faces.keys, words="[WORD] ")
    keys.add_argument("word", nargs="?", default="", metavar="WORD", help="only the keys with this in their name")
    keys.set_defaults(load=lambda *named: settings.Settings())
    timings = steps.add("timings", faces.timings)
    timings.add_argument("--count", metavar="N", default="10", help="how many of each kind")
    learn = "add the durations of a JUnit report, or of pytest-split's .test_durations"
    timings.add_argument("--learn", type=Path, metavar="FILE", help=learn)
    timings.add_argument("--export", type=Path, metavar="FILE", help="write what is known as a .test_durations file")
    clean = steps.add("clean", faces.clean)
    clean.add_argument("--weights", action="store_true", help="the model weights too")


def _add_set(parser: argparse.ArgumentParser) -> None:
    """Add what says which texts are spoken."""
    parser.add_argument("--texts", type=Path, metavar="FILE", help="what is spoken; default: audio/texts.txt")
    field = "of the warm-up's request, which has the text; default: text, input, prompt or the only one with words"
    parser.add_argument("--field", metavar="NAME", default="", help=field)


def _add_audio(audio: argparse.ArgumentParser) -> None:
    """Add what people do with recordings beside judging a set that the service speaks."""
    actions = audio.add_subparsers(dest="action", metavar="ACTION", help="without one: judge what the service speaks")

    def add(name: str, face: Face) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=face.__doc__ or "", description=face.__doc__, allow_abbrev=False)
        for option in ("--settings", "--reports"):
            action.add_argument(option, metavar="PATH", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.set_defaults(face=face)
        return action

    judge = add("judge", faces.audio_judge)
    judge.add_argument("recordings", nargs="?", type=Path, metavar="FOLDER", help="of recordings; default: spoken now")
    baseline = add("baseline", faces.audio_baseline)
    baseline.add_argument(
        "recordings", nargs="?", type=Path, metavar="FOLDER", help="of good ones; default: spoken now"
    )
    _add_set(baseline)
    takes = "the same texts, by another runtime, machine or seed: what may differ; default: each is spoken twice"
    baseline.add_argument("--takes", type=Path, metavar="FOLDER", help=takes)
    baseline.add_argument("--engine", metavar="NAME", default="", help="what the file and pages call it")
    baseline.add_argument("--voice", metavar="NAME", default="", help="the same")
    measure = add("measure", faces.audio_measure)
    measure.add_argument("files", nargs=1, type=Path, metavar="FILE", help="a WAV, FLAC or OGG")
    compare = add("compare", faces.audio_compare)
    compare.add_argument("files", nargs=2, type=Path, metavar="FILE", help="the recording, then the golden one")
    for action in (measure, compare):
        action.add_argument("--text", metavar="TEXT", default="", help="what it should say")
        folder = "the folder of the baseline; default: that of the suite, where it has one"
        action.add_argument("--baseline", type=Path, metavar="FOLDER", help=folder)
        action.add_argument("--json", action="store_true", help="for programs")
    listen = add("listen", faces.audio_listen)
    listen.add_argument(
        "files", nargs=2, type=Path, metavar="PATH", help="two recordings, or folders with the same names"
    )
    listen.add_argument("--output", type=Path, metavar="FILE", help="default: reports/listen.html")


def _add_models(models: argparse.ArgumentParser) -> None:
    """Add what people do with the manifest of the weights beside fetching them."""
    actions = models.add_subparsers(dest="action", metavar="ACTION", help="without one: fetch and verify")

    def add(name: str, face: Face) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=face.__doc__ or "", description=face.__doc__, allow_abbrev=False)
        action.add_argument(
            "--settings", metavar="PATH", default=argparse.SUPPRESS, help="another project's pipeline.yml"
        )
        action.set_defaults(face=face)
        return action

    new = add("add", faces.models_add)
    new.add_argument(
        "url",
        metavar="URL",
        help="https://..., s3://..., hf://..., modelscope://..., wheel:... or file:...; all files but git's own: "
        "hf://ORG/REPO, hf://ORG/REPO@REVISION/FOLDER/, s3://BUCKET/PREFIX/, "
        "'hf://ORG/REPO/*.safetensors' (** also over folders)",
    )
    another = "another source of the same file or folder; of a hub's also `modelscope` or `hf`: the same there"
    new.add_argument("--mirror", action="append", default=[], metavar="URL", help=another)
    below = "where the file goes below the models folder, or the folder that all go to; default: as the URL calls them"
    new.add_argument("--path", default="", help=below)
    new.add_argument("--keep", action="store_true", help="leave the file there")
    add(
        "list",
        faces.models_list,
    )
    verify = add("verify", faces.models_verify)
    verify.add_argument("--deep", action="store_true", help="read every file through, as if for the first time")
    prune = add("prune", faces.models_prune)
    prune.add_argument("--keep", metavar="DAYS", default="30", help="how long a file stays after its last use")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")


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
