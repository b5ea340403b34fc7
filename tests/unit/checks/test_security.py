from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.checks import security
from tests.checks.running import OK, RED, ROOT, UNCHECKED, find

FINE = {"name": "a", "version": "1", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited: b (1)"}
HOLE = {"id": "GHSA-1", "fix_versions": ["2"], "aliases": ["CVE-1"]}


def printed(*packages: Dict[str, Any]) -> str:
    return f"No known vulnerabilities found\n{json.dumps({'dependencies': packages, 'fixes': []})}\n"


@pytest.mark.parametrize(
    "code, text, state, why",
    [
        (0, printed(FINE), OK, "1 package"),
        (1, printed({**FINE, "vulns": [HOLE]}, UNKNOWN), RED, "1 known hole"),
        (0, printed(FINE, UNKNOWN), UNCHECKED, "no advisories for 1 of 2 packages: b"),  # pip-audit ends with 0
        (0, printed(), UNCHECKED, "no advisories for 0 of 0 packages"),
        (1, "ERROR: Connection refused\n", UNCHECKED, "pip-audit could not ask (ERROR: Connection refused)"),
        (0, "", UNCHECKED, "pip-audit could not ask (it said nothing)"),
        (2, printed(FINE), RED, "exit code 2"),
    ],
)
def test_only_a_package_whose_advisories_were_read_is_well(code: int, text: str, state: str, why: str) -> None:
    outcome = security.judged(code, text)

    assert (state, True) == (outcome.state, outcome.why.startswith(why))


def test_a_hole_is_told_with_the_version_that_mends_it() -> None:
    told = security.judged(1, printed({**FINE, "vulns": [HOLE, {"id": "GHSA-2", "fix_versions": []}]})).printed

    assert ["a==1: GHSA-1 (CVE-1), mended in 2", "a==1: GHSA-2, mended in no version yet"] == told.splitlines()


def test_a_workflow_that_runs_what_strangers_write_is_found(tmp_path: Path) -> None:
    if not find("zizmor"):
        pytest.skip("zizmor is not for this Python")
    (tmp_path / "a.yml").write_text(
        "on: issues\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ github.event.issue.title }}'}]}}\n"
    )

    words = [find("zizmor") or "", *security.ZIZMOR[1:], str(tmp_path / "a.yml")]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")

    assert (True, True) == (done.returncode > 0, "template-injection" in done.stdout)
