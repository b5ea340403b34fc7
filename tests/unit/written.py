"""What is made of other files of this repository: the examples of CI files, and the map of sessions in the READMEs.

.venv/bin/python -m tests.unit.written     writes them anew
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

from scripts.adoption import ci_files
from scripts.adoption.ci_files import Origin
from tests.unit import ci_commands

ROOT = Path(__file__).parents[2]
COMMAND = ".venv/bin/python -m tests.unit.written"
ORIGIN = Origin("shardline @ git+https://YOUR-HOST/shardline@main", True)
REQUIREMENTS = ("requirements.txt", "tests/integration/requirements.txt")  # where `adopt` finds or writes them
HEADS = {
    "README.md": "| `nox -s` | what it does | jobs of CI |",
    "README.zh-CN.md": "| `nox -s` | 做什么 | CI 中的任务 |",
}
BEGIN, END = "<!-- sessions -->\n", "<!-- /sessions -->\n"


def made() -> Dict[Path, str]:
    """The files that are made, with the text that each should have."""
    examples = {ROOT / ".circleci" / "examples" / f"{name}.yml": example(name) for name in ("github", "gitlab")}
    return {**examples, **{ROOT / readme: with_map(readme) for readme in HEADS}}


def example(name: str) -> str:
    """The file that `adopt` writes for a CI, in a project whose packages stand where most have them."""
    return ci_files.text(ci_files.choose(name, [], [], ""), ORIGIN, ci_commands.CONSTANTS["PYTHON"], REQUIREMENTS)


def with_map(readme: str) -> str:
    """The README with its map of sessions made anew; in Chinese, what each is for stays as it stands there."""
    before, _, rest = (ROOT / readme).read_text(encoding="utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    purposes = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) \| [^|]* \|$", old)) if readme != "README.md" else {}
    return "".join([before, BEGIN, "\n", *table(HEADS[readme], purposes), "\n", END, after])


def table(head: str, purposes: Dict[str, str]) -> List[str]:
    """A row for each session: its name, what it is for, and the jobs that run it.

    Args:
        purposes: what a session is for, where that is not the first line of its docstring.
    """
    places = called()
    rows = [
        f"| `{each.name}` | {purposes.get(each.name, each.purpose)} | {', '.join(places.get(each.name, []))} |\n"
        for each in ci_commands.sessions()
    ]
    return [f"{head}\n", "|---|---|---|\n", *rows]


def called() -> Dict[str, List[str]]:
    """The jobs that run each session, or the step of its name, in the order of the files."""
    found: Dict[str, List[str]] = {}
    for command in ci_commands.commands():
        for words in ci_commands.calls(command.text):
            menu, rest = ci_commands.ours(words)
            places = found.setdefault(ci_commands.base(rest[0]), []) if menu and rest else []
            places += [] if command.job in places else [command.job]
    return found


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
