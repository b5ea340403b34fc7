"""Hear in a step's output what GitHub's runner would act on, by the rules of its ActionCommand(Manager).cs."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, NamedTuple, Optional

KNOWN = {"error", "warning", "notice", "set-env", "set-output", "add-mask", "add-matcher", "group", "stop-commands"}
NAMES = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]


class Command(NamedTuple):
    """A command with its properties and what stands behind it."""

    name: str
    properties: Dict[str, str]
    data: str


def heard(output: Iterable[str]) -> List[Command]:
    """List the commands that are acted on, but for those that stop and resume it."""
    acted_on, word = [], ""
    for line in output:
        command = parsed(line, {*KNOWN, word} - {""})
        if command is None:
            continue
        if word:
            word = "" if command.name == word else word
        elif command.name == "stop-commands":
            word = command.data
        else:
            acted_on.append(command)
    return acted_on


def parsed(line: str, known: Iterable[str]) -> Optional[Command]:
    """Read a line as a command: `::name a=b,c=d::data` at its beginning, or `##[name a=b;c=d]data` anywhere."""
    match = re.match(r"\s*::(.*?)::(.*)", line, re.DOTALL) or re.search(r"##\[(.*?)\](.*)", line, re.DOTALL)
    if match is None:
        return None
    name, _, rest = match[1].partition(" ")
    pairs = [pair.split("=", 1) for pair in rest.strip().split(",") if "=" in pair]
    properties = {key: _unescaped(value, NAMES) for key, value in pairs}
    return Command(name, properties, _unescaped(match[2], [NAMES[0], NAMES[1], NAMES[4]])) if name in known else None


def _unescaped(text: str, names: Iterable[Iterable[str]]) -> str:
    for token, character in names:
        text = text.replace(token, character)
    return text
