"""What ruff and mypy find, as SonarQube's importers read it: paths from what is analysed, nothing to stumble over.

They are sent in the tools' own formats and not as generic issues: SonarQube then knows each rule by name, and has its
description and severity. One finding that an importer cannot read costs all of a report, so those are left out.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ..console import counted, printable, progress, say
from ..environments.environments import Environment
from ..system import files, programs
from ..system.programs import ProgramFailed
from .properties import RESULTS
from .scope import Scope

RUFF = ("ruff", "check", "--output-format", "json", "--exit-zero", "--no-cache", "--quiet")
MYPY = ("mypy", "--show-column-numbers", "--show-error-codes", "--no-error-summary", "--no-pretty")
# What tells that a project uses a tool: a file of its own, or a section of one that several share.
RUFF_FILES, RUFF_SECTIONS = ("ruff.toml", ".ruff.toml"), {"pyproject.toml": r"\[tool\.ruff\b"}
LINTED_IN_S = 1800.0
HAS_FOUND = 1  # how mypy ends where it finds something
MYPY_FILES = ("mypy.ini", ".mypy.ini")
MYPY_SECTIONS = {"pyproject.toml": r"\[tool\.mypy\b", "setup.cfg": r"\[mypy\b"}
_MYPY = re.compile(r"(?P<file>[^:]+):(?P<rest>\d+(?::\d+)*: (?:error|note|warning): .*)")


class Found(NamedTuple):
    """A report, and how many findings are in it."""

    text: str
    findings: int


def ruff(text: str, base: Path) -> Found:
    """Take over what `ruff check --output-format json` prints.

    Raises:
        ValueError: it is no list of findings.
    """
    findings = json.loads(text)
    if not isinstance(findings, list):
        raise ValueError("expected a list of findings")
    kept = [found for found in (_ruff_finding(each, base) for each in findings) if found]
    return Found(json.dumps(kept, indent=1), len(kept))


def _ruff_finding(finding: Any, base: Path) -> Optional[Dict[str, Any]]:
    """Take over one finding; None for one without a place in a file of ours."""
    if not isinstance(finding, dict):
        return None
    path, start, end = (finding.get(name) for name in ("filename", "location", "end_location"))
    below = relative(path, base) if isinstance(path, str) else None
    if below is None or not _is_place(start):
        return None
    code = finding.get("code") or "invalid-syntax"  # which has none in some versions
    message = str(finding.get("message") or code)
    place = end if _is_place(end) else start
    return {"code": code, "filename": below, "message": message, "location": start, "end_location": place}


def _is_place(place: Any) -> bool:
    return isinstance(place, dict) and all(isinstance(place.get(name), int) for name in ("row", "column"))


def mypy(text: str, base: Path) -> Found:
    """Take over what `mypy` prints: lines that name a place in a file; errors are what SonarQube imports of them.

    >>> mypy("a.py:3:5: error: No  [attr-defined]\\nSuccess: none\\n", Path("/p"))
    Found(text='a.py:3:5: error: No  [attr-defined]\\n', findings=1)
    """
    matches = filter(None, map(_MYPY.fullmatch, text.splitlines()))
    placed = ((relative(match["file"], base), match["rest"]) for match in matches)
    lines = [f"{path}:{rest}\n" for path, rest in placed if path is not None]
    return Found("".join(lines), sum(": error: " in line for line in lines))


def relative(path: str, base: Path) -> Optional[str]:
    """Say where a file lies from what is analysed; None where it lies elsewhere.

    >>> relative("/p/a/b.py", Path("/p")), relative("a.py", Path("/p")), relative("/q/b.py", Path("/p"))
    ('a/b.py', 'a.py', None)
    """
    below = os.path.relpath(os.path.join(str(base), path), str(base))
    return None if Path(below).parts[:1] == ("..",) else below


def uses(base: Path, own: Iterable[str], sections: Dict[str, str]) -> bool:
    """Tell whether a project has settings of a tool: a file of its own, or a section of another."""
    return any((base / name).is_file() for name in own) or any(
        re.search(rf"(?m)^\s*{pattern}", files.text_of(base / name)) for name, pattern in sections.items()
    )


def mypy_words(base: Path, sources: Iterable[str]) -> List[str]:
    """Put together the call of mypy: on the files that its settings name, else on the sources."""
    names = ("pyproject.toml", "setup.cfg", *MYPY_FILES)
    chosen = any(re.search(r"(?m)^\s*(files|packages|modules)\s*=", files.text_of(base / name)) for name in names)
    return [*MYPY, *([] if chosen else sources)]


def written(suite: Environment, scope: Scope, folder: Path, said: Iterable[str]) -> Dict[str, Path]:
    """Let the tools look that a project uses, and write what they find; say how much that is.

    Args:
        suite: the environment of the suite, whose tools count before those that PATH has.
        said: the properties that a person has set: a report of its own counts.

    Returns:
        the files, by the names of `properties.RESULTS`.
    """
    base, sent = scope.base, {}
    if RESULTS["ruff"] not in said and uses(base, RUFF_FILES, RUFF_SECTIONS):
        sent["ruff"] = _look(suite, RUFF, base, ruff, folder / "ruff.json")
    if RESULTS["mypy"] not in said and uses(base, MYPY_FILES, MYPY_SECTIONS):
        sent["mypy"] = _look(suite, mypy_words(base, scope.sources), base, mypy, folder / "mypy.txt")
    return {name: file for name, file in sent.items() if file}


def _look(
    suite: Environment, words: Sequence[str], base: Path, read: Callable[[str, Path], Found], file: Path
) -> Optional[Path]:
    """Run a tool and write what it finds; a line says why not, where that fails: the analysis goes on without."""
    name = words[0]
    try:
        with progress(f"{name} looks"):
            found = read(_output(words, base, suite.variables(os.environ)), base)
    except (ProgramFailed, ValueError) as error:
        say(f"{name}: its findings are not sent: {printable(str(error))}")
        return None
    files.write_text(file, found.text)
    say(f"{name}: {counted(found.findings, 'finding')}")
    return file


def _output(words: Sequence[str], base: Path, environ: Mapping[str, str]) -> str:
    try:
        return programs.output(words, LINTED_IN_S, cwd=base, environ=environ)
    except ProgramFailed as failed:
        if failed.returncode == HAS_FOUND and words[0] == MYPY[0]:
            return failed.output
        raise
