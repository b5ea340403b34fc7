"""Commands as projects write them, in a shell's text, a list or an image: made into words, with our placeholders."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

HOST, PORT = "{host}", "{port}"
_OTHERS = "REDIS|DB|DATABASE|POSTGRES|PG|MYSQL|SQL|MONGO|METRICS|PROMETHEUS|RABBIT|KAFKA|SMTP|GRPC|PROXY|ELASTIC|MASTER"
_OTHERS += "|CELERY|NATS|QDRANT|MILVUS|OTEL|BROKER|CACHE|S3|MINIO|REMOTE|OLLAMA|TRITON"  # services that it uses
HOST_VARIABLES = re.compile(rf"(?!.*({_OTHERS}))(\w+_)?(HOST|BIND|SERVER_NAME|LISTEN_ADDR)")
PORT_VARIABLES = re.compile(rf"(?!.*({_OTHERS}))(\w+_)?PORT")
LONGEST = 4000  # characters of a command
SHELL = re.compile(r"&&|\|\||[;|<>`&]|\$\(")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]{0,200}))?\}|(\w+))")


@dataclass(frozen=True)
class Start:
    """One way to start the service: `source` is where it was read, `rank` how likely it is what is wanted.

    `port` is given where the service takes no other, `before` are commands that came first, `todo` says what is left
    to a person, `script` is the Python file that serves, where known, `models` its option for a folder of weights.
    """

    words: Tuple[str, ...]
    source: str
    rank: int
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "."
    port: int = 0
    before: Tuple[Tuple[str, ...], ...] = ()
    todo: str = ""
    script: str = ""
    models: str = ""


def read_command(given: Any, source: str, rank: int, variables: Mapping[str, str]) -> Iterator[Start]:
    """Read a command that is a list of words, or the text of a shell."""
    if isinstance(given, str):
        yield from shell(given, source, rank, variables)
        return
    words = [str(word) for word in given]
    if len(words) == 3 and PurePosixPath(words[0]).name in ("sh", "bash") and words[1] in ("-c", "-lc", "-ec"):
        yield from shell(words[2], source, rank, variables)
    else:
        yield start_of([filled(word, variables) for word in words], source, rank)


def shell(text: str, source: str, rank: int, variables: Mapping[str, str]) -> Iterator[Start]:
    """Read a shell's command: what && puts before it is told apart; what needs a shell keeps one."""
    parts = [part.strip() for part in re.split(r"&&|\n", text) if part.strip()]
    if not parts or len(text) > LONGEST:
        return
    before = [
        tuple(shlex_split(part)) for part in parts[:-1] if not re.match(r"(cd|export|set|echo|source|\.)\b", part)
    ]
    last = filled(re.sub(r"^(exec|nohup)\s+", "", parts[-1]).rstrip("& "), variables)
    if SHELL.search(last) or "$" in last or any(re.match(r"(cd|export|source|\.)\b", part) for part in parts[:-1]):
        whole = " && ".join(filled(part, variables) for part in [*parts[:-1], f"exec {last}"])
        yield Start(("sh", "-c", whole), source, rank)
        return
    yield replace(start_of(shlex_split(last), source, rank), before=tuple(before))


def shlex_split(text: str) -> List[str]:
    """Split a shell's command into words; one that is cut off, by spaces."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Put placeholders of ours, or the values known, in place of variables; braces of others are doubled."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if PORT_VARIABLES.fullmatch(name):
            return "\0PORT"
        if HOST_VARIABLES.fullmatch(name):
            return "\0HOST"
        known = variables.get(name, match[2])
        return match[0] if known is None else known

    filled = VARIABLE.sub(value, text)
    return filled.replace("{", "{{").replace("}", "}}").replace("\0PORT", PORT).replace("\0HOST", HOST)


def start_of(words: List[str], source: str, rank: int) -> Start:
    """Take off what wraps a command: variables before it, `poetry run`, an init of containers, the path of a python."""
    environment: Dict[str, str] = {}
    while words:
        name, equals, value = words[0].partition("=")
        program = PurePosixPath(words[0]).name
        if equals and re.fullmatch(r"[A-Za-z_]\w*", name):
            environment[name] = value
            words = words[1:]
        elif program in ("exec", "env", "tini", "dumb-init", "--", "nohup"):
            words = words[1:]
        elif program in ("poetry", "pipenv", "uv", "pdm", "rye", "hatch") and words[1:2] == ["run"]:
            words = words[2:]
            while words and words[0].startswith("--"):
                words = words[1:]
        else:
            break
    if words and re.fullmatch(r"python[\d.]*", PurePosixPath(words[0]).name):
        words = ["python", *words[1:]]
    elif words and words[0].startswith("/") and PurePosixPath(words[0]).parent.name == "bin":
        words = [PurePosixPath(words[0]).name, *words[1:]]
    return Start(tuple(words), source, rank, environment)


# Dockerfiles --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile, with its line."""

    name: str
    text: str
    line: int


def dockerfile(text: str) -> List[Step]:
    """Read the instructions of a Dockerfile; lines that end in a backslash go on in the next."""
    steps: List[Step] = []
    open_step: Optional[Step] = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        name, _, rest = line.strip().partition(" ")
        step = (
            replace(open_step, text=f"{open_step.text} {line.strip()}")
            if open_step
            else Step(name.upper(), rest, number)
        )
        goes_on = step.text.endswith("\\")
        open_step = replace(step, text=step.text[:-1].strip()) if goes_on else None
        steps += [] if goes_on else [step]
    return steps


def assignments(text: str) -> List[Tuple[str, str]]:
    """Read the variables of ENV or ARG with their values."""
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    if words and "=" not in words[0]:
        return [(words[0], " ".join(words[1:]))]
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words if "=" in word]


def joined(entry: Optional[Step], command: Optional[Step]) -> Any:
    """Put ENTRYPOINT and CMD together as Docker does: a list where both are, else the text of a shell."""
    parts = [_exec_form(step.text) or step.text for step in (entry, command) if step]
    if all(isinstance(part, list) for part in parts):
        return [word for part in parts for word in part]
    return parts[0] if isinstance(parts[0], str) else [*parts[0], *shlex_split(str(parts[-1]))]


def _exec_form(text: str) -> Optional[List[str]]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and words and all(isinstance(word, str) for word in words) else None


def outside(word: str, folder: str) -> str:
    """Write a path of the container as one of the project: WORKDIR is where the project is copied to."""
    return word[len(folder.rstrip("/")) + 1 :] or word if folder and word.startswith(folder.rstrip("/") + "/") else word
