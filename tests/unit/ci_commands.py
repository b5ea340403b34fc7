"""Every command of every CI file in this repository, and the sessions of noxfile.py with what they run."""

from __future__ import annotations

import ast
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Tuple

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
    """A session of noxfile.py: its name, what it is for, and what it runs, each a module and its words."""

    name: str
    purpose: str
    runs: Tuple[Tuple[str, ...], ...]


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
            for job in _jobs(tree, *keys):
                yield from (Command(file, job, told) for told in _told(tree, job, text))


def _jobs(tree: Any, kind: str, name: str, *rest: str) -> List[str]:
    """The jobs of a command, by the first keys of its path; GitLab has jobs at the top."""
    if kind == "commands":
        return _users(tree, name)
    return ["pre-commit"] if kind == "repos" else [name if kind == "jobs" else kind]


def _users(tree: Any, command: str) -> List[str]:
    """The jobs that a command of CircleCI is a part of; the command itself, where it is none's."""
    steps = {name: job["steps"] for kind in ("commands", "jobs") for name, job in tree[kind].items() if "steps" in job}
    using = [name for name in steps if any(command == step or step == {command: None} for step in steps[name])]
    jobs = [job for name in using for job in ([name] if name in tree["jobs"] else _users(tree, name))]
    return list(dict.fromkeys(jobs)) or [command]


def _told(tree: Any, job: str, text: str) -> Iterator[str]:
    """A command with each value that the workflows of CircleCI give to its job's parameter."""
    found = re.search(r"<<\s*parameters\.(\w+)\s*>>", text)
    if not found:
        yield text
        return
    for value in dict.fromkeys(_values(tree, job, found[1])):
        yield from _told(tree, job, text.replace(found[0], value))


def _values(tree: Any, job: str, parameter: str) -> Iterator[str]:
    flows = [each for flow in tree.get("workflows", {}).values() for each in flow["jobs"] if isinstance(each, dict)]
    for given in (each[job] for each in flows if job in each):
        matrix = given.get("matrix", {}).get("parameters", {})
        yield from matrix.get(parameter, [])
        yield from [given[parameter]] if parameter in given else []
    declared = tree["jobs"].get(job, {}).get("parameters", {}).get(parameter, {})
    yield from [declared["default"]] if "default" in declared else []


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
    is_menu = program in ("invoke", "shardline") and rest[1:2] != ["--version"]
    return (program, rest[1:]) if is_menu else ("", [program, *rest[1:]])


# Sessions -----------------------------------------------------------------------------------------

NOXFILE = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
CONSTANTS = {
    node.targets[0].id: node.value.value
    for node in NOXFILE.body
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)
}
STARTS = {"pipeline": ["scripts"], "checks": ["tests.checks"], "ours": []}  # function of noxfile.py -> module


def sessions() -> List[Session]:
    """The sessions of noxfile.py in their order; those that are made once more for each Python count once."""
    return [
        Session(_name(function, made), (ast.get_docstring(function) or "").splitlines()[0], tuple(_runs(function)))
        for function in NOXFILE.body
        if isinstance(function, ast.FunctionDef)
        for made in function.decorator_list
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr == "session"
    ]


def _name(function: ast.FunctionDef, made: ast.Call) -> str:
    named = [key.value for key in made.keywords if key.arg == "name"]
    return str(ast.literal_eval(named[0])) if named else function.name


def _runs(function: ast.FunctionDef) -> Iterator[Tuple[str, ...]]:
    """What a session runs: a module and its words, but for words that are worked out when it runs."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STARTS:
            words = [_constant(each) for each in node.args]
            yield (*STARTS[node.func.id], *(word for word in words if word is not None))


def _constant(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return CONSTANTS.get(node.id) if isinstance(node, ast.Name) else None


def base(name: str) -> str:
    """A session without the Python that it may be named after.

    >>> base("integration-3.8"), base("integration-*"), base("lint")
    ('integration', 'integration', 'lint')
    """
    return re.sub(r"-(3\.\d+|\*)$", "", name)
