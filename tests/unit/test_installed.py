"""Taken home: what README shows of a service of one's own works with the built wheel, and so does all that we name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import pytest
import yaml

from tests.release import building, decisions
from tests.unit import written
from tests.unit.ci_runs import GitHub, GitLab, Runner
from tests.unit.steps import projects

ROOT = Path(__file__).parents[2]
IN_THE_WHEEL = ("pyproject.toml", "README.md", "LICENSE")
PYTHON = "python{}.{}".format(*sys.version_info)

SERVICE = """
import argparse, http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200 if self.path == "/" else 404)

    def do_POST(self):
        if self.path == "/say":
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=80)
http.server.ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
"""
RED = """
service: {command: [python, app.py, --port, "{port}"], ready: {path: /}}
suite: {path: test_it.py}
"""

# Each in one Python, which calls them as the command `shardline` does; a start of its own for each costs seconds.
CALLS = """
import sys
from shardline.__main__ import main
for line in sys.argv[1:]:
    print("$", line, flush=True)
    try:
        code = main(line.split())
    except SystemExit as exit:
        code = exit.code or 0
    print("ends with", code, flush=True)
"""

# `clean` takes away what the others show.
EVERYTHING = ("status", "doctor", "models", "timings", "plan", "logs", "debug-bundle", "settings", "stop", "clean")
MENUS = r"nox -s|invoke [a-z]|tasks\.py|python -m scripts"  # of this repository
OF_A_SESSION = ("NOX_CURRENT_SESSION", "SHARDLINE_SHELL_PATH")  # of nox, that may run these tests


class Shell(NamedTuple):
    """A folder in which commands find our programs, as in an environment that is active."""

    folder: Path
    programs: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line to its end; stdout and stderr together, as a person sees them."""
        return self._to_its_end(["bash", "-c", command])

    def calls(self, lines: Sequence[str]) -> str:
        """Call `shardline` with the words of each line."""
        return self._to_its_end([str(self.programs / "python"), "-c", CALLS, *lines]).stdout

    def environ(self) -> Dict[str, str]:
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "VIRTUAL_ENV": str(self.programs.parent), "SHARDLINE_CACHE": os.devnull}
        return {name: text for name, text in projects.variables(own).items() if name not in OF_A_SESSION}

    def _to_its_end(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            words,
            cwd=str(self.folder),
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        print(f"$ {words[-1]}\n{done.stdout}")  # pytest shows it where a test fails
        return done


def commands(readme: str) -> List[str]:
    """What README shows first of a service of one's own, but for what brings our package, which is there."""
    first = re.search(r"^## Your own service\n\n((?:    .*\n)+)", readme, re.MULTILINE)
    assert first
    return [line for line in textwrap.dedent(first[1]).splitlines() if not re.match("pip|python", line)]


def block(readme: str, name: str) -> str:
    """The fenced lines below `<!-- run: NAME -->`."""
    found = re.search(rf"^<!-- run: {re.escape(name)} -->\n+```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has our wheel, and from that of these tests the rest."""
    folder = tmp_path_factory.mktemp("installed")
    source, venv = folder / "source", folder / "venv"
    shutil.copytree(str(ROOT / "scripts"), str(source / "scripts"), ignore=shutil.ignore_patterns("__pycache__"))
    for name in IN_THE_WHEEL:
        shutil.copy(str(ROOT / name), str(source))
    build = [sys.executable, "-c", "from hatchling import build; build.build_wheel('..')"]
    built = subprocess.run(build, cwd=str(source), capture_output=True, encoding="utf-8", check=False)
    assert 0 == built.returncode, built.stderr
    (wheel,) = folder.glob("shardline-*.whl")
    uv = [sys.executable, "-m", "uv", "--quiet", "--offline", "--no-cache", "--no-config"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True)
    subprocess.run([*uv, "pip", "install", "--python", str(venv), "--no-deps", str(wheel)], check=True)
    others = venv / "lib" / PYTHON / "site-packages" / "others.pth"
    others.write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    nox = venv / "bin" / "nox"
    nox.write_text(f'#!/bin/sh\nexec {venv}/bin/python -m nox "$@"\n')
    nox.chmod(0o755)
    return venv / "bin"


def test_the_wheel_has_our_modules_and_nothing_else_and_an_index_would_take_it(programs: Path) -> None:
    with zipfile.ZipFile(next(programs.parents[1].glob("shardline-*.whl"))) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA")))
    ours = [file for file in (ROOT / "scripts").rglob("*") if file.is_file() and "__pycache__" not in file.parts]

    assert [] == decisions.misplaced(names, [file.relative_to(ROOT).as_posix() for file in ours])
    assert [] == building.faults(metadata)


@pytest.fixture
def shell(programs: Path, tmp_path: Path) -> Shell:
    """An empty folder."""
    return Shell(tmp_path, programs)


@pytest.fixture(scope="module")
def red(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuple[Shell, str]:
    """A project that has a pipeline.yml and no menu, and what a run said in which a test failed."""
    shell = Shell(tmp_path_factory.mktemp("red"), programs)
    (shell.folder / "app.py").write_text(SERVICE)
    (shell.folder / "pipeline.yml").write_text(RED)
    (shell.folder / "test_it.py").write_text("import os\ndef test_it(): assert not os.environ['SERVICE_URL']\n")
    done = shell.run("shardline integration")
    assert 1 == done.returncode
    return shell, done.stdout


def test_what_readme_shows_of_a_service_of_ones_own_works(shell: Shell) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shell.folder / "app.py").write_text(SERVICE)
    settings = shell.folder / "pipeline.yml"
    shown = commands(readme)

    for line in shown:
        assert 0 == shell.run(line).returncode, line
        without_an_index(settings)
    for file in (settings, shell.folder / "noxfile.py"):
        file.write_text(block(readme, file.name), encoding="utf-8")
    without_an_index(settings)
    done = shell.run(shown[-1])

    assert ["shardline adopt", "nox -s integration"] == [re.sub(r" [.#].*", "", line).strip() for line in shown]
    assert 0 == done.returncode
    assert "warm-up" in done.stdout


def without_an_index(settings: Path) -> None:
    """Let a project that was adopted run with the packages that are here."""
    settings.write_text(re.sub(r"(?m)^  requirements: .*\n", "", settings.read_text(encoding="utf-8")))


def test_a_red_run_names_only_commands_that_exist_there(red: Tuple[Shell, str]) -> None:
    shell, told = red
    named = re.findall(r"(?m)\bshardline ([a-z][\w-]*)", told)

    answers = shell.calls([f"{step} --help" for step in named])

    assert "debug-bundle" in named
    assert not re.search(MENUS, told)
    assert ["ends with 0"] * len(named) == re.findall("ends with .*", answers)
    assert f"usage: shardline {named[0]} " in answers


def test_what_is_made_there_is_ignored_by_git(red: Tuple[Shell, str]) -> None:
    made = {name: (red[0].folder / name / ".gitignore").read_text() for name in (".pipeline", "reports")}

    assert ["*\n", "*\n"] == [text[-2:] for text in made.values()]


def test_all_that_people_do_here_they_do_there_and_no_menu_that_is_not_there_is_named(red: Tuple[Shell, str]) -> None:
    shell, _ = red

    answers = shell.calls(["--help", *EVERYTHING])

    assert "usage: shardline " in answers
    assert ["ends with 0"] * (1 + len(EVERYTHING)) == re.findall("ends with .*", answers)
    assert not re.search(MENUS, answers)


# Their CI -----------------------------------------------------------------------------------------

FEW = {"matrix: {shard: [0, 1, 2, 3]}": "matrix: {shard: [0, 1]}", "parallel: 4": "parallel: 1"}  # shards
SUITE = """
def test_a(): pass
def test_b(): pass
"""


def adopted(shell: Shell, provider: str) -> Any:
    """What the example of a provider says, in a project with two tests that `adopt` has made ready."""
    (shell.folder / "pipeline.yml").write_text("suite: {path: tests}")
    (shell.folder / "tests").mkdir()
    (shell.folder / "tests" / "test_it.py").write_text(SUITE)
    shell.calls([f"adopt . --ci {provider}"])
    text = written.example(provider)
    for many, few in FEW.items():
        text = text.replace(many, few)
    return yaml.safe_load(text)


@pytest.fixture
def runner(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """What runs the project of the shell."""
    return Runner(tmp_path_factory.mktemp("runner"), shell.folder, shell.environ(), shell.programs.parent)


def test_the_example_for_github_runs_as_it_stands_and_keeps_what_shows_why_a_shard_is_red(
    shell: Shell, runner: Runner
) -> None:
    workflow = adopted(shell, "github")
    (shell.folder / "tests" / "test_red.py").write_text("def test_red(): assert 0\n")

    done = GitHub(runner, workflow).all()

    (red,) = (index for index in "01" if not done[f"shard-{index}"].is_green)
    kept = [*(f"shard-{index}/shard-{index}/receipt.json" for index in "01"), f"debug-bundle-{red}/debug-bundle.tar.gz"]
    assert (3, False) == (len(done), done["merge"].is_green)
    assert "3 tests in 2 shards (indices 0-1): 1 failed, 2 passed" in done["merge"].said
    assert [] == [path for path in [*kept, "report/merge.json"] if not (runner.artifacts / path).is_file()]
    assert list(runner.caches.glob("*/v1-timings-7-1/.pipeline/timings.json"))


def test_the_example_for_gitlab_runs_as_it_stands(shell: Shell, runner: Runner) -> None:
    pipeline = adopted(shell, "gitlab")

    done = GitLab(runner, pipeline, changed=False).all()

    assert ["history", "shard 1/1", "merge"] == [name for name, each in done.items() if each.is_green]
    assert "2 tests: 2 passed" in done["merge"].said
    assert (runner.artifacts / "merge-1" / "reports" / "junit.xml").is_file()
    assert (runner.caches / "timings-a-branch" / ".pipeline" / "timings.json").is_file()
