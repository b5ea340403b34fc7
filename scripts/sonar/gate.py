"""What a server answers of an analysis: its task, its quality gate, and what of that is not as it should be. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Tuple

PASSED, FAILED = "OK", "ERROR"
DONE, WAITING, LOST = "SUCCESS", ("PENDING", "IN_PROGRESS"), ("FAILED", "CANCELED")
MOST_DIGITS = 10
MOST_WORDS = 300  # characters of what a server says went wrong
_RATINGS = {"1": "A", "2": "B", "3": "C", "4": "D", "5": "E"}


class Task(NamedTuple):
    """What became of an uploaded analysis: its status, the id that its results have then, and what went wrong."""

    status: str
    analysis: str = ""
    why: str = ""


class Condition(NamedTuple):
    """A condition of a gate: it fails where the value is less (LT) or greater (GT) than the threshold."""

    metric: str
    status: str
    comparator: str = ""
    threshold: str = ""
    value: str = ""


class Gate(NamedTuple):
    """A quality gate: OK, ERROR, or NONE where the project has none."""

    status: str
    conditions: Tuple[Condition, ...] = ()


def report_task(text: str) -> Dict[str, str]:
    """Read the report-task.txt that the scanner leaves: names and values.

    >>> report_task("ceTaskId=AY1\\ndashboardUrl=http://host/dashboard?id=a%3Ab\\n")["dashboardUrl"]
    'http://host/dashboard?id=a%3Ab'
    """
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, found, value in pairs if found}


def task_of(data: Any) -> Task:
    """Read the answer of api/ce/task.

    Raises:
        ValueError: it is something else.
    """
    task = _part(data, "task")
    why = " ".join(str(task.get("errorMessage") or "").split())[:MOST_WORDS]
    return Task(_word(task, "status"), str(task.get("analysisId") or ""), why)


def gate_of(data: Any) -> Gate:
    """Read the answer of api/qualitygates/project_status.

    Raises:
        ValueError: it is something else.
    """
    status = _part(data, "projectStatus")
    conditions = status.get("conditions") or []
    if not isinstance(conditions, list):
        raise ValueError("conditions: expected a list")
    return Gate(_word(status, "status"), tuple(map(_condition, conditions)))


def _condition(data: Any) -> Condition:
    if not isinstance(data, dict):
        raise ValueError("conditions: expected objects")
    names = ("comparator", "errorThreshold", "actualValue")
    return Condition(_word(data, "metricKey"), _word(data, "status"), *(str(data.get(name) or "") for name in names))


def _part(data: Any, name: str) -> Dict[str, Any]:
    part = data.get(name) if isinstance(data, dict) else None
    if not isinstance(part, dict):
        raise ValueError(f'expected an object with "{name}"')
    return part


def _word(data: Dict[str, Any], name: str) -> str:
    word = data.get(name)
    if not isinstance(word, str) or not word:
        raise ValueError(f'expected a word as "{name}"')
    return word


def failed_rows(gate: Gate) -> List[Tuple[str, str, str]]:
    """List the conditions that fail: what is measured, what it is, what it should be.

    >>> failed_rows(Gate("ERROR", (Condition("new_coverage", "ERROR", "LT", "85", "82.50562"),)))
    [('coverage on new code', '82.5 %', 'at least 85 %')]
    >>> failed_rows(Gate("ERROR", (Condition("security_rating", "ERROR", "GT", "1", "3"),)))
    [('security rating', 'C', 'A')]
    """
    return [_row(each) for each in gate.conditions if each.status not in (PASSED, "NO_VALUE")]


def _row(condition: Condition) -> Tuple[str, str, str]:
    metric, bound = condition.metric, condition.threshold
    name = metric.replace("_", " ")
    name = f"{name[4:]} on new code" if name.startswith("new ") else name
    value, wanted = _shown(metric, rounded(condition.value, bound)), _shown(metric, bound)
    if wanted and not (metric.endswith("_rating") and wanted == "A"):
        wanted = {"LT": "at least ", "GT": "at most "}.get(condition.comparator, "other than ") + wanted
    return name, value or "not known", wanted


def rounded(value: str, bound: str) -> str:
    """Round a value to as many digits as show that it is not the bound.

    >>> rounded("82.50562", "85"), rounded("84.996", "85"), rounded("14", "0"), rounded("", "0")
    ('82.5', '84.996', '14', '')
    """
    if not re.fullmatch(r"-?\d+\.\d+", value) or not re.fullmatch(r"-?\d+(\.\d+)?", bound):
        return value
    found = (f"{float(value):.{digits}f}" for digits in range(1, MOST_DIGITS))
    return next((each for each in found if float(each) != float(bound)), value)


def _shown(metric: str, value: str) -> str:
    """Write a value as SonarQube's pages do: ratings as letters, shares in percent."""
    if metric.endswith("_rating"):
        return _RATINGS.get(value.partition(".")[0], value)
    return f"{value} %" if value and re.search(r"coverage|density|ratio|reviewed", metric) else value
