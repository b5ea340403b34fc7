from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from tests.checks import security
from tests.checks.running import OK, RED, UNCHECKED

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
