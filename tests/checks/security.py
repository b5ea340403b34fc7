"""Look for what is unsafe in our code, in what the locks pin, in the workflows, and for secrets: `nox -s security`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from scripts.console import at_most, counted

from . import files
from .running import OK, RED, ROOT, UNCHECKED, Check, Outcome

# Advisories that do not concern us, each with the reason: {"GHSA-...": "the function is never called"}.
ACCEPTED: Dict[str, str] = {}
MOST_NAMES = 3
LEAVE_OUT = "where no advisories are reached, `-- --without-advisories` leaves it out"
ZIZMOR = ("zizmor", "--offline", "--no-progress", "--min-severity", "low", "--config", "tests/checks/zizmor.yml")


def checks(paths: List[Path], secrets: Sequence[str], with_advisories: bool) -> Iterator[Check]:
    """List the checks of these files.

    Args:
        paths: all that git knows.
        secrets: words for `python -m scripts secrets`.
    """
    yield Check("ruff S", ("ruff", "check", "--select", "S", "--output-format", "concise", "."), "ruff")
    yield Check("secrets", (sys.executable, "-m", "scripts", "secrets", *secrets))
    if with_advisories:
        for lock in files.locks(paths):
            yield Check(f"pip-audit {lock.relative_to(ROOT)}", audit(lock), "pip-audit", judged, proves=True)
    workflows = files.of_ci(paths).get(files.GITHUB)
    if workflows:
        yield Check("zizmor", (*ZIZMOR, *map(str, workflows)), "zizmor")


def audit(lock: Path) -> Tuple[str, ...]:
    """Ask for known holes of what a lock pins for this Python; nothing is installed or resolved for it."""
    words = ["pip-audit", "--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes"]
    words += [word for known in ACCEPTED for word in ("--ignore-vuln", known)]
    return (*words, "--requirement", str(lock))


def judged(code: int, printed: str) -> Outcome:
    """Judge what pip-audit says. It ends with 0 also where the index knew nothing of any package, as a mirror may."""
    start = printed.find('{"dependencies"')
    if start < 0:
        return Outcome(UNCHECKED, f"pip-audit could not ask ({_last_line(printed)}); {LEAVE_OUT}")
    packages = json.JSONDecoder().raw_decode(printed, start)[0]["dependencies"]
    lines = [line for package in packages for line in _holes(package)]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if lines:
        return Outcome(RED, counted(len(lines), "known hole"), "\n".join(lines))
    if skipped or not packages:
        names = ", ".join(at_most(MOST_NAMES, sorted(skipped)))
        why = f"no advisories for {len(skipped)} of {counted(len(packages), 'package')}: {names}"
        return Outcome(UNCHECKED, f"{why}; {LEAVE_OUT}")
    return Outcome(OK, counted(len(packages), "package")) if not code else Outcome(RED, f"exit code {code}", printed)


def _holes(package: Dict[str, Any]) -> Iterator[str]:
    for hole in package.get("vulns", ()):
        better = " or ".join(hole["fix_versions"]) or "no version yet"
        also = f" ({', '.join(hole['aliases'])})" if hole.get("aliases") else ""
        yield f"{package['name']}=={package['version']}: {hole['id']}{also}, mended in {better}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1][:200]
