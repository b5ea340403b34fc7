"""What CI files say, noxfile.py, the steps and the READMEs cannot drift apart."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import List

import pytest
import yaml

from scripts.adoption import templates
from scripts.errors import SettingsError
from scripts.parser import parser
from tests.unit import ci_commands, written
from tests.unit.ci_commands import ANY, Command, Session

COMMANDS = ci_commands.commands()
SESSIONS = {session.name: session for session in ci_commands.sessions()}
# What a CI file may do in a shell's words beside our commands; anything more is a step of ours.
SHELL = (
    "mkdir -p *",
    "touch *",
    "cat requirements.lock",
    "pwd",
    "cat requirements.lock",
    "python* -VV",
    "python -m venv --clear .venv",
    "pip install *",
    "shardline --version",
    "test * = success",
    "rm -rf reports",
)

WRONG = (
    "nox -s nothing",
    "nox -s shard -- --defer-verdic",
    "nox -s lint -- --fasst",
    "python -m scripts shards",
    "python -m scripts deps --x",
    "invoke bundle",
)


def named(command: Command) -> str:
    return f"{command.file}: {command.job}: {command.text}"


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_command_is_one_line_and_each_part_of_it_is_ours_or_little(command: Command) -> None:
    assert "\n" not in command.text.strip()
    for words in ci_commands.calls(re.sub(r" > \S+", "", command.text)):
        menu, rest = ci_commands.ours(words)

        assert menu or any(fnmatch(" ".join(rest), allowed) for allowed in SHELL), " ".join(words)


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_what_a_command_names_exists_and_takes_its_words(command: Command) -> None:
    here = "scripts/bootstrap.sh" in command.text
    for words in ci_commands.calls(command.text):
        menu, rest = ci_commands.ours(words)
        if menu == "nox":
            check_session(here, *rest)
        elif menu == "invoke":
            check_task(rest[0])
        elif menu:
            check_step(rest)


def check_session(here: bool, name: str, *rest: str) -> None:
    """Here a session is one of noxfile.py, elsewhere one of those that `adopt` writes."""
    sessions = SESSIONS if here else {step: Session(step, "", (("scripts", step),)) for step in templates.STEPS}
    words = list(rest[1:] if rest[:1] == ("--",) else rest)
    assert ci_commands.base(name) in sessions, f"no session {name}; there are {', '.join(sessions)}"
    for module, *first in sessions[ci_commands.base(name)].runs:
        check_step([*first, *words]) if module == "scripts" else check_ours(module, [*first, *words])


def check_step(words: List[str]) -> None:
    """The parser takes the words, and none of them goes on to pytest or a service."""
    filled_in = [word.replace(ANY, "1") for word in words]
    _, rest = parser().parse_known_args(filled_in)
    assert [] == [word for word in rest if word.startswith("-")], f"{words[0]} does not know {rest}"


def check_ours(module: str, words: List[str]) -> None:
    """A module that is no step takes words where it has a parser; without words it is there."""
    runs = importlib.import_module(f"{module}.__main__")
    if words:
        runs._parser().parse_args(words)


def check_task(name: str) -> None:
    spec = importlib.util.spec_from_file_location("tasks", ci_commands.ROOT / "tasks.py")
    assert spec and spec.loader
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    assert name in tasks.namespace.task_names


def test_a_session_a_step_or_an_option_that_is_not_there_is_found() -> None:
    for line in (f"scripts/bootstrap.sh {wrong}" for wrong in WRONG):
        with pytest.raises((AssertionError, SettingsError, SystemExit)):
            test_what_a_command_names_exists_and_takes_its_words(Command("a", "a", line))


@pytest.mark.parametrize("path", written.made(), ids=lambda path: path.name)
def test_what_is_made_of_other_files_is_as_they_are(path: Path) -> None:
    is_same = written.made()[path] == path.read_text(encoding="utf-8")

    assert is_same, f"{path.name} is made of other files, which have changed since. Run: {written.COMMAND}"


def test_each_session_is_told_in_chinese_too_by_the_same_words_of_ours() -> None:
    text = (ci_commands.ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) \|", text.partition(written.BEGIN)[2]))
    in_english = [name for name, purpose in rows.items() if not re.search("[\u4e00-\u9fff]", purpose)]
    other = [name for name in SESSIONS if code_in(SESSIONS[name].purpose) != code_in(rows.get(name, ""))]

    assert [] == in_english, f"say in README.zh-CN.md what these sessions are for: {', '.join(in_english)}"
    assert [] == other, f"README.zh-CN.md says something else than noxfile.py of these: {', '.join(other)}"


def code_in(text: str) -> List[str]:
    return sorted(re.findall("`[^`]+`", text))


SCHEMAS = {"github": "github-workflows", "gitlab": "gitlab-ci"}  # as check-jsonschema has them


def mistakes(provider: str, text: str) -> List[str]:
    """What the public schema of a provider does not allow in a file."""
    jsonschema = pytest.importorskip("jsonschema")  # of these tests' environment, beside the schemas; not on 3.8

    (package,) = importlib.util.find_spec("check_jsonschema").submodule_search_locations  # type: ignore[union-attr]
    file = Path(package) / "builtin_schemas" / "vendor" / f"{SCHEMAS[provider]}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    tree = {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}  # YAML 1.1 has it so
    return [error.message for error in validator.iter_errors(tree)]


@pytest.mark.parametrize("provider", SCHEMAS)
def test_what_adopt_writes_is_what_the_provider_s_schema_allows(provider: str) -> None:
    text = written.example(provider)

    assert [] == mistakes(provider, text)
    assert mistakes(provider, re.sub(r"(?m)^( +)(cache|run|steps):", r"\1\2s:", text))
