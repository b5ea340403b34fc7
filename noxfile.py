"""The slow integration tests of a heavy AI service: a menu.

    nox -s integration             fetch, start, test, stop: the main job
    nox -s integration -- -k sad   what is not ours goes to pytest
    nox -s shard -- 2 4            the third of four shards; then `nox -s merge`
    nox -s matrix                  the main job on each Python, side by side
    nox -s serve                   the service, for a person
    nox -s tests lint              this repository's own tests and checks

Each session is one command a person could type: `python -m scripts STEP`. `nox --usage NAME` says more.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

import nox
import nox.command
import nox.project

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|venv"  # virtualenv cannot make environments for 3.8 any more
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
# A missing Python is said at once, not fetched from a release server: neither by nox, where it can, nor by its uv.
if hasattr(nox.options, "download_python"):
    nox.options.download_python = "never"
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
nox.options.sessions = ["integration"]

PYTHON = "3.11"  # what CI uses
os.environ.setdefault("SHARDLINE_SHELL_PATH", os.environ.get("PATH", ""))  # for hints that can be copied
ROOT = pathlib.Path(__file__).parent
PYTHONS = nox.project.python_versions(nox.project.load_toml(ROOT / "pyproject.toml"))  # its classifiers: the one list
LOCK = ROOT / "requirements.lock"
TINY = "tests/reference_service/indextts2/tiny.yml"  # the real IndexTTS2 with random weights
OWN = "tests/unit/pipeline.yml"  # our own tests: a suite with an environment of its own
SCANNER = "scripts/sonar/pipeline.yml"  # SonarQube's
PLUGINS = "tests/unit/runner/plugins/pipeline.yml"  # what suites of our own tests use
STAMP = "requirements.sha256"  # in an environment: the checksum of the lock that was installed, whole
HERE = "{}.{}".format(*sys.version_info)


def main_python():
    """Choose what the sessions run on: PYTHON where this machine has it, else the Python that runs nox.

    False, no environment of their own, where that is the project's .venv, complete already.
    """
    if HERE != PYTHON and runs("python" + PYTHON):
        return PYTHON
    return False if is_complete(pathlib.Path(sys.prefix)) else None


def runs(program):
    """Tell whether the program is there and starts; a shim of pyenv may be there for nothing."""
    found = shutil.which(program)
    return bool(found) and not subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL)  # noqa: S603 - our words


def at_home(name):
    """Name what lies in the user's home folder; it begins with ~ where they have none."""
    return os.path.expanduser(f"~/{name}")  # noqa: PTH111 - that of pathlib raises without a home


def expose_pyenv():
    """Let pyenv's shims find every version it has; by itself only the active ones count."""
    versions = pathlib.Path(os.environ.get("PYENV_ROOT") or at_home(".pyenv"), "versions")
    if "PYENV_VERSION" not in os.environ and os.access(versions, os.R_OK):  # it may be another user's
        running = pathlib.Path(getattr(sys, "_base_executable", sys.executable)).resolve().parent.parent.name
        names = sorted((v.name for v in versions.iterdir() if v.name.startswith("3.")), key=lambda v: (v != running, v))
        if running in names:
            os.environ["PYENV_VERSION"] = ":".join(names)


def find_cache():
    """Let uv keep its cache beside the project where this user's is of no use; where that is neither, pip installs."""
    caches = os.environ.get("XDG_CACHE_HOME") or at_home(".cache")
    if not can_hold_cache(pathlib.Path(os.environ.get("UV_CACHE_DIR") or os.path.join(caches, "uv"))):
        beside = ROOT / ".pipeline" / "cache" / "uv"
        os.environ["UV_CACHE_DIR"] = str(beside)
        if not can_hold_cache(beside):
            nox.options.default_venv_backend = "venv"


def can_hold_cache(folder):
    """Tell whether uv can use a folder: it fails where that cannot be written, or where its disk has no locks."""
    try:
        if str(folder).startswith("~"):  # the user has no home
            return False
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:  # uv's own
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def is_complete(folder):
    """Tell whether the environment holds what requirements.lock says; bootstrap.sh writes the same stamp."""
    stamp = folder / STAMP
    return stamp.exists() and stamp.read_text() == checksum(LOCK)


def checksum(file):
    """Compute the sha256 of a file, hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


expose_pyenv()
find_cache()
MAIN = main_python()


# The steps ----------------------------------------------------------------------------------------


@nox.session(python=MAIN)
def integration(session):
    """Run the integration suite against a fresh service; `-- -k sad -x` goes to pytest."""
    if not session.python and HERE != PYTHON:
        session.log(f"Python {PYTHON}, which CI uses, is not on this machine: running on {HERE}")
    pipeline(session, "integration")


@nox.session(python=MAIN, default=False)
def plan(session):
    """Show which tests run on which of N nodes and what each takes; `-- --nodes 4`."""
    pipeline(session, "plan")


@nox.session(python=MAIN, default=False)
def shard(session):
    """Run one shard: `-- 2 4` is the third of four, in CI no arguments; the rest goes to pytest."""
    pipeline(session, "shard")


@nox.session(python=MAIN, default=False)
def verdict(session):
    """Fail where this shard did: CI's last step, after it has kept the result."""
    pipeline(session, "verdict")


@nox.session(python=MAIN, default=False)
def merge(session):
    """Prove that every test ran exactly once; `-- --run-missing` runs those that did not."""
    pipeline(session, "merge")


@nox.session(python=MAIN, default=False)
def matrix(session):
    """Run the suite on each Python in turn, and lay the results side by side; `-- --expect 3.8,3.13 -k sad`."""
    pipeline(session, "matrix", "--run")


@nox.session(python=MAIN, default=False)
def isolation(session):
    """Say which tests depend on which; `-- --write` keeps those together."""
    pipeline(session, "isolation")


@nox.session(python=MAIN, default=False)
def reproduce(session):
    """Run a shard again as recorded: `-- debug-bundle.tar.gz`; same tests, same order."""
    pipeline(session, "reproduce")


@nox.session(python=MAIN, default=False)
def audio(session):
    """Judge what the service speaks by the baseline, and write reports/audio.html; `-- judge FOLDER`: recordings."""
    pipeline(session, "audio")


@nox.session(python=MAIN, default=False)
def indextts2(session):
    """Test the real IndexTTS2 engine with random weights (2.4 GB of packages): all but the sound, which is noise."""
    pipeline(session, "integration", "--settings", TINY)


@nox.session(python=MAIN, default=False)
def deps(session):
    """Install the environments of the suite and the service."""
    pipeline(session, "deps")


@nox.session(python=MAIN, default=False)
def models(session):
    """Fetch and verify the model weights."""
    pipeline(session, "models")


@nox.session(python=MAIN, default=False)
def serve(session):
    """Start the service and keep it until Ctrl-C; `-- --port 7860` chooses the port, what is not ours goes to it."""
    pipeline(session, "serve")


@nox.session(python=MAIN, default=False)
def lock(session):
    """Make the *.lock files from the requirements.txt files; `-- --upgrade` takes new versions."""
    pipeline(session, "lock")
    pipeline(session, "lock", "--settings", OWN)
    pipeline(session, "lock", "--settings", PLUGINS)
    pipeline(session, "lock", "--settings", SCANNER)
    pipeline(session, "lock", "--settings", "tests/reference_service/indextts2/pipeline.yml")


# Our own checks -----------------------------------------------------------------------------------


@nox.session(python=MAIN, default=False)
def tests(session):
    """Run this repository's own tests; the rest of the line goes to pytest."""
    began = time.time()
    # Of a part, as many as run at once; of all, see OWN. Our tests wait as long as they work: two cores bear three.
    shards = ["--nodes", "auto"] if session.posargs else ["--at-once", "3"] if os.cpu_count() == 2 else []
    session.env["PYTHONDONTWRITEBYTECODE"] = ""  # as many an image sets it: each Python would compile pytest anew
    try:
        pipeline(session, "integration", "--settings", OWN, *shards)
    finally:
        print(closing_line(ROOT / "tests" / "unit" / "reports" / "junit.xml", began), flush=True)


@nox.session(python=MAIN, default=False)
def lint(session):
    """Check style, types, CI files and shell scripts, all even where one fails; `-- --fix` mends what can be."""
    checks(session, "lint")


@nox.session(python=MAIN, default=False)
def security(session):
    """Look for unsafe code, known holes of what the locks pin, and secrets in what is new; `-- --all`: everywhere."""
    checks(session, "security")


@nox.session(python=MAIN, default=False)
def sonar(session):
    """Send code and findings to SonarQube, and what `nox -s coverage` left; `-- --dry-run` shows them."""
    pipeline(session, "sonar", "--settings", OWN, "--reports", "tests/covered/reports")


@nox.session(python=MAIN, default=False)
def coverage(session):
    """Run our own tests measured, and say what of scripts/ they cover; the rest of the line goes to pytest."""
    ours(session, "tests.covered")


@nox.session(python=MAIN, default=False)
def bench(session):
    """Measure what the pipeline costs and gains; `-- replay` is one of its parts, `-- --help` names all."""
    ours(session, "tests.bench")


@nox.session(python=MAIN, default=False)
def release(session):
    """Check, build, try and tag a version: `-- 1.2.0`; `-- --prepare 1.2.0` first, `--dry-run` makes no tag."""
    ours(session, "tests.release")


def on_each(body, version):
    """Register the same session on exactly this Python, as `integration-3.8`."""
    name = f"{body.__name__}-{version}"
    is_asked = any(name in word for word in [*sys.argv, os.environ.get("NOXSESSION", "")])
    interpreter = find(version) if is_asked else version

    def session(session):
        if not interpreter:
            session.error(missing(name, version))
        body.func(session)

    session.__doc__ = f"{body.__name__} on Python {version}."
    is_here = version == HERE and is_complete(pathlib.Path(sys.prefix))  # as `main_python` has it
    nox.session(session, name=name, python=False if is_here else interpreter or False, default=False)


def find(version):
    """Find the interpreter for a session: on PATH, else one that uv keeps; None if this machine has none."""
    if version == HERE or runs("python" + version):
        return version
    uv = shutil.which("uv", path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]))
    words = [uv, "python", "find", "--no-project", "--no-python-downloads", version]
    found = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) if uv else None  # noqa: S603 - our words
    return found.stdout.decode().strip() or None if found else None


def missing(name, version):
    """Say that a Python is missing, which are here, and how to get it."""
    here = [each for each in PYTHONS if each == HERE or runs("python" + each)]
    return f"""Python {version} is not on this machine (here: {", ".join(here)}) and not fetched unasked. To get it:
  pyenv install {version}
  uv python install {version}
  sudo add-apt-repository ppa:deadsnakes/ppa && sudo apt install python{version}-venv     (Ubuntu)
  docker run -it -v "$PWD":/project -w /project python:{version} scripts/bootstrap.sh nox -s {name}
Then run this again"""


# Helpers ------------------------------------------------------------------------------------------

# nox gives a child 0.3 s after Ctrl-C; stopping a service properly takes longer.
PATIENT = {"interrupt_timeout": 30, "terminate_timeout": 15}
HERE_TOO = {"PYTHONSAFEPATH": ""}  # our own modules are found from the current folder; the steps keep what a person set


def pipeline(session, step, *words):
    """Run one step of the pipeline in the session's environment; what a person adds comes last."""
    install(session)
    environ = {"SHARDLINE_PARENT": str(os.getpid())}  # the step ends with us, even when we are killed
    session.run(python(session), "-m", "scripts", step, *words, *session.posargs, env=environ, **PATIENT)


def checks(session, name):
    """Run the checks of this repository that a session has, with the tools of our own tests' environment."""
    session.run(
        own_python(session), "-m", "tests.checks", name, *session.posargs, env=HERE_TOO, external=True, **PATIENT
    )


def ours(session, module):
    """Run what is ours alone and no step of the pipeline: a module of tests/, in the same environment."""
    install(session)
    session.run(python(session), "-m", module, *session.posargs, env=HERE_TOO, **PATIENT)


def own_python(session):
    """Find the interpreter of our own tests' environment, making that where it is missing."""
    install(session)
    deps = [python(session), "-m", "scripts", "deps", "--settings", OWN]
    session.run(*deps, **PATIENT)  # says what it installs, the second time only where that lies
    return session.run(*deps, silent=True, log=False).rpartition("suite: ")[2].strip() + "/bin/python"


def closing_line(report, began):
    """Count what passed, failed and was skipped in a merged report; or say that there is none since `began`.

    In the form of pytest's last line, which whoever reads a log looks for.
    """
    if not report.exists() or report.stat().st_mtime < began:
        return f"no results of this run in {report.parent}"
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))  # noqa: S314 - written by our merge just now
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    passed = sum(all(case.find(word) is None for word in ("failure", "error", "skipped")) for case in cases)
    return f"{passed} passed, {failed} failed, {len(cases) - passed - failed} skipped"


def python(session):
    """Name the session's interpreter; without an environment of its own, the one that runs nox."""
    return "python" if session.virtualenv.is_sandboxed else sys.executable


def install(session):
    """Install requirements.lock once per checksum."""
    if not session.virtualenv.is_sandboxed:
        return
    folder = pathlib.Path(session.virtualenv.location)
    if not is_complete(folder):
        install_lock(session, folder)
    if not list(folder.glob("lib*/python*/site-packages/shardline_safe_path.pth")):
        session.run("python", "scripts/environments/safe_path.py", silent=True)


def install_lock(session, folder):
    """Install requirements.lock into the session's environment."""
    session.log(f"packages of requirements.lock: {heading(LOCK, 'download')}, into {folder}")
    settings = pip_settings()
    options = ["--no-index"] if settings.get("UV_NO_INDEX") == "true" else []
    options += shlex.split(settings.get("SHARDLINE_UV_OPTIONS", ""))
    begun = folder / "installation-begun"
    if begun.exists():  # it was killed: a package may be there in part
        options.append("--force-reinstall")
    begun.touch()
    # A terminal shows uv's own progress; a log file does not need the list of what was installed.
    quiet = not sys.stdout.isatty()
    try:
        session.install(*options, "--require-hashes", "-r", str(LOCK), env=settings, silent=quiet)
    except nox.command.CommandFailed:
        session.error("The packages could not be installed, for the reason above; `pip config list` shows the settings")
    (folder / STAMP).write_text(checksum(LOCK))
    begun.unlink()


def heading(lock_file, key):
    """Read the value of a `# key: value` line at the top of a lock."""
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"# {key}: ")), "")


def pip_settings():
    """Return the machine's pip settings as variables for uv, which reads none of them by itself."""
    words = [sys.executable, "-m", "scripts.environments.pip_settings"]
    output = subprocess.check_output(words, cwd=str(ROOT), env={**os.environ, **HERE_TOO})  # noqa: S603 - our words
    return json.loads(output.decode())


for body in (integration, tests, reproduce):
    for version in PYTHONS:
        on_each(body, version)
