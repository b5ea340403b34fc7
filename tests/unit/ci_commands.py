"""Every command of every CI file in this repository, and the sessions of noxfile.py with what they run."""

from __future__ import annotations

import ast
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple, Tuple

import yaml

from scripts.adoption import ci_files
from scripts.adoption.ci_files import Origin

ROOT = Path(__file__).parents[2]
COMMANDS = ("run", "command", "script", "before_script", "after_script", "entry")  # keys whose texts are commands
FILLED_IN = re.compile(r"<<.*?>>|\$\{\{.*?\}\}|\$\{?\w+\}?")  # by CircleCI, GitHub, a shell
ANY = "*"  # what is filled in
BETWEEN = {"&&", "||", ";", "|", "(", ")", "{", "}"}


class Command(NamedTuple):
    """A command as a CI file has it, and the job it is a part of."""

    file: str
    job: str
    text: str


class Session(NamedTuple):
    """A session of noxfile.py: its name, what it is for, and the words of each step that it runs."""

    name: str
    purpose: str
    steps: Tuple[Tuple[str, ...], ...]


# Commands -----------------------------------------------------------------------------------------


def files() -> Mapping[str, str]:
    """The CI files that are here, and what `adopt` writes for CircleCI; the examples are what it writes for others."""
    paths = [*ROOT.glob(".circleci/*.yml"), *ROOT.glob(".circleci/examples/*.yml"), ROOT / ".pre-commit-config.yaml"]
    found = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(paths) if path.exists()}
    adopted = ci_files.text(ci_files.choose("circleci", [], [], ""), Origin("shardline", True), "3.11", ["a.txt"])
    return {**found, "adopt's .circleci/config.yml": adopted}


@lru_cache(maxsize=None)
def commands() -> List[Command]:
    """All commands, those of .ci/run too."""
    found = [command for file, text in files().items() for command in _of_yaml(file, yaml.safe_load(text))]
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    return [*found, *(Command(".ci/run", ".ci/run", line) for line in lines if "scripts/" in line.partition("#")[0])]


def _of_yaml(file: str, tree: Any) -> Iterator[Command]:
    for path, text in _texts(tree, ()):
        keys = [key for key in path if isinstance(key, str)]
        if keys[-1] in COMMANDS:
            jobs = _users(tree, keys[1]) if keys[0] == "commands" else [keys[1] if keys[0] == "jobs" else keys[0]]
            yield from (Command(file, job, filled) for job in jobs for filled in _filled_in(tree, job, text))


def _filled_in(tree: Any, job: str, text: str) -> Iterator[str]:
    """Yield a command of a CircleCI job for each value that its parameters have, by default and in workflows."""
    named = re.search(r"<< parameters\.(\w+) >>", text)
    if not named:
        yield text
        return
    calls = [
        entry[job] for flow in tree["workflows"].values() for entry in flow["jobs"] if job in entry and entry != job
    ]
    default = tree["jobs"][job]["parameters"][named[1]].get("default")
    values = [] if default is None else [default]
    for call in calls:
        values += (
            [call[named[1]]] if named[1] in call else call.get("matrix", {}).get("parameters", {}).get(named[1], [])
        )
    for value in values:
        yield from _filled_in(tree, job, text.replace(named[0], value))


def _users(tree: Any, command: str) -> List[str]:
    """The jobs that a command of CircleCI is a part of; the command itself, where it is none's."""
    steps = {name: job["steps"] for kind in ("jobs", "commands") for name, job in tree[kind].items() if "steps" in job}
    using = [name for name in steps if any(command == step or command in step for step in steps[name])]
    jobs = [job for name in using for job in ([name] if name in tree["jobs"] else _users(tree, name))]
    return jobs or [command]


def _texts(tree: Any, path: Tuple[Any, ...]) -> Iterator[Tuple[Tuple[Any, ...], str]]:
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in below:
        yield from _texts(value, (*path, key))
    if isinstance(tree, str):
        yield path, tree


def calls(text: str) -> List[List[str]]:
    """The simple commands of a line of shell, each in words; `*` stands for what is filled in when it runs.

    >>> calls('.venv/bin/nox --version || (pip install "$X" && touch a.txt)')
    [['.venv/bin/nox', '--version'], ['pip', 'install', '*'], ['touch', 'a.txt']]
    """
    lexer = shlex.shlex(FILLED_IN.sub(ANY, text), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    found: List[List[str]] = [[]]
    for word in lexer:
        if word in BETWEEN:
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def ours(words: List[str]) -> Tuple[str, List[str]]:
    """Which menu a command is of, and its words there; ("", ...) for what is the shell's.

    >>> ours(["scripts/bootstrap.sh", "python", "-m", "scripts", "verdict"]), ours([".venv/bin/nox", "-s", "deps"])
    (('scripts', ['verdict']), ('nox', ['deps']))
    """
    rest = words[1:] if words[0] == "scripts/bootstrap.sh" else words
    program = rest[0][len(".venv/bin/") :] if rest[0].startswith(".venv/bin/") else rest[0]
    for menu, begins in (("nox", ["nox", "-s"]), ("scripts", ["python", "-m", "scripts"])):
        if [program, *rest[1:]][: len(begins)] == begins:
            return menu, rest[len(begins) :]
    return (program, rest[1:]) if program in ("invoke", "shardline") else ("", [program, *rest[1:]])


# Sessions -----------------------------------------------------------------------------------------


def sessions() -> List[Session]:
    """The sessions of noxfile.py in their order; those that are made once more for each Python count once."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    known = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    return [
        Session(_name(function, made), _purpose(function), tuple(_steps(function, known)))
        for function in functions
        for made in function.decorator_list
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr == "session"
    ]


def _name(function: ast.FunctionDef, made: ast.Call) -> str:
    named = [key.value for key in made.keywords if key.arg == "name"]
    return str(ast.literal_eval(named[0])) if named else function.name


def _purpose(function: ast.FunctionDef) -> str:
    return (ast.get_docstring(function) or "").splitlines()[0]


def _steps(function: ast.FunctionDef, known: Mapping[str, str]) -> Iterator[Tuple[str, ...]]:
    """The words of each `pipeline(session, STEP, ...)`, but for those that are worked out when it runs."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "pipeline":
            words = [each.value if isinstance(each, ast.Constant) else known.get(_id(each)) for each in node.args]
            yield tuple(word for word in words if word is not None)


def _id(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def base(name: str) -> str:
    """A session without the Python that it may be named after.

    >>> base("integration-3.8"), base("integration-*"), base("lint")
    ('integration', 'integration', 'lint')
    """
    return re.sub(r"-(3\.\d+|\*)$", "", name)
