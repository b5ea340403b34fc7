from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.ci import Change
from scripts.sonar.properties import Analysis, told
from scripts.sonar.scope import Scope

SCOPE = Scope(Path("/p"), ("src",), ("tests",))
ANALYSIS = Analysis("a service", SCOPE, Change("c0ffee", "fix", "7", "main"), results={"ruff": "reports/ruff.json"})


def test_a_request_is_analysed_as_one_and_what_is_not_known_is_not_said() -> None:
    assert {
        "sonar.projectKey": "a-service",
        "sonar.projectName": "a service",
        "sonar.sources": "src",
        "sonar.tests": "tests",
        "sonar.sourceEncoding": "UTF-8",
        "sonar.pullrequest.key": "7",
        "sonar.pullrequest.branch": "fix",
        "sonar.pullrequest.base": "main",
        "sonar.python.ruff.reportPaths": "reports/ruff.json",
    } == told(ANALYSIS)


def test_a_branch_is_analysed_with_its_commit() -> None:
    found = told(replace(ANALYSIS, change=Change("c0ffee", "fix")))

    assert ("c0ffee", "fix") == (found["sonar.scm.revision"], found["sonar.branch.name"])


def test_a_server_without_branches_is_told_of_none() -> None:
    names = told(replace(ANALYSIS, knows_branches=False))

    assert not [name for name in names if "branch" in name or "pullrequest" in name]


def test_what_the_project_s_own_files_say_is_left_to_them_and_pipeline_yml_counts_before_both() -> None:
    said = ("sonar.projectKey", "sonar.branch.name", "sonar.projectName")
    found = told(replace(ANALYSIS, said=said, more={"sonar.organization": "acme", "sonar.projectName": "mine"}))

    assert "sonar.projectKey" not in found and "sonar.pullrequest.key" not in found
    assert ("acme", "mine") == (found["sonar.organization"], found["sonar.projectName"])
    assert "key" == told(replace(ANALYSIS, said=said, key="key"))["sonar.projectKey"]
