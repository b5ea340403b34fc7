"""The slow integration tests of a heavy AI service: a menu.

    nox -s integration             fetch, start, test, stop: the main job
    nox -s integration -- -k sad   what is not ours goes to pytest
    nox -s serve                   the service, for a person
    nox -s tests lint              this repository's own tests and checks

Each session is one command a person could type: `python -m scripts STEP`. `nox --usage NAME` says more.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import nox
import nox.command

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|venv"  # virtualenv cannot make environments for 3.8 any more
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["integration"]

PYTHON = "3.11"  # what CI uses
PYTHONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
os.environ.setdefault("SHARDLINE_SHELL_PATH", os.environ.get("PATH", ""))  # for hints that can be copied
ROOT = pathlib.Path(__file__).parent
HERE = "{}.{}".format(*sys.version_info)


def main_python():
    """PYTHON where this machine has it, else the one that runs nox."""
    expose_pyenv()
    if PYTHON == HERE:
        return None
    probe = "import sys; sys.exit('{}.{}'.format(*sys.version_info) != '" + PYTHON + "')"
    found = shutil.which("python" + PYTHON)
    return PYTHON if found and not subprocess.call([found, "-c", probe], stderr=subprocess.DEVNULL) else None


def expose_pyenv():
    """Let pyenv's shims find every version it has; by itself only the active ones count."""
    versions = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"), "versions")
    if "PYENV_VERSION" not in os.environ and versions.is_dir():
        running = pathlib.Path(getattr(sys, "_base_executable", sys.executable)).resolve().parent.parent.name
        names = sorted((v.name for v in versions.iterdir() if v.name.startswith("3.")), key=lambda v: (v != running, v))
        if running in names:
            os.environ["PYENV_VERSION"] = ":".join(names)


# The steps ----------------------------------------------------------------------------------------


@nox.session(python=main_python())
def integration(session):
    """Run the integration suite against a fresh service; `-- -k sad -x` goes to pytest."""
    if session.python is None and HERE != PYTHON:
        session.log(f"Python {PYTHON}, which CI uses, is not on this machine: running on {HERE}")
    pipeline(session, "integration")


@nox.session(python=main_python(), default=False)
def deps(session):
    """Install the environments of the suite and the service."""
    pipeline(session, "deps")


@nox.session(python=main_python(), default=False)
def models(session):
    """Fetch and verify the model weights."""
    pipeline(session, "models")


@nox.session(python=main_python(), default=False)
def serve(session):
    """Start the service and keep it until Ctrl-C; `-- --port 7860` chooses the port."""
    pipeline(session, "serve")


@nox.session(python=main_python(), default=False)
def lock(session):
    """Make the *.lock files from the requirements.txt files; `-- --upgrade` takes new versions."""
    pipeline(session, "lock")


# Our own checks -----------------------------------------------------------------------------------


@nox.session(python=main_python(), default=False)
def tests(session):
    """Run this repository's own tests; the rest of the line goes to pytest."""
    install(session)
    session.run("python", "-m", "pytest", *session.posargs, **PATIENT)


@nox.session(python=main_python(), default=False)
def lint(session):
    """Check style and types: ruff and mypy."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


def matrix(body, version):
    """The same session on exactly this Python, as `integration-3.8`."""

    def session(session):
        body.func(session)

    session.__doc__ = f"{body.__name__} on Python {version}."
    nox.session(session, name=f"{body.__name__}-{version}", python=version, default=False)


# Helpers ------------------------------------------------------------------------------------------

# nox gives a child 0.3 s after Ctrl-C; stopping a service properly takes longer.
PATIENT = {"interrupt_timeout": 30, "terminate_timeout": 15}


def pipeline(session, step):
    """Run one step of the pipeline in the session's environment."""
    install(session)
    session.run("python", "-m", "scripts", step, *session.posargs, **PATIENT)


def install(session):
    """Install requirements.lock once per checksum."""
    lock_file = ROOT / "requirements.lock"
    if not session.virtualenv.is_sandboxed:
        return
    stamp = pathlib.Path(session.virtualenv.location) / "requirements.sha256"
    checksum = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != checksum:
        stamp.unlink() if stamp.exists() else None
        session.log(f"packages of requirements.lock: {heading(lock_file, 'download')}, into {stamp.parent}")
        # A terminal shows uv's own progress; a log file does not need the list of what was installed.
        quiet = not sys.stdout.isatty()
        settings = pip_settings()
        options = ["--no-index"] if settings.get("UV_NO_INDEX") == "true" else []
        try:
            session.install(*options, "--require-hashes", "-r", str(lock_file), env=settings, silent=quiet)
        except nox.command.CommandFailed:
            session.error("The packages could not be installed: is the index reachable that `pip config list` names?")
        stamp.write_text(checksum)


def heading(lock_file, key):
    """The value of a `# key: value` line at the top of a lock."""
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"# {key}: ")), "")


def pip_settings():
    """The machine's pip settings as variables for uv, which reads none of them by itself."""
    output = subprocess.check_output([sys.executable, "-m", "scripts.pip_settings"], cwd=str(ROOT))
    return json.loads(output.decode())


for body in (integration, tests):
    for version in PYTHONS:
        matrix(body, version)
