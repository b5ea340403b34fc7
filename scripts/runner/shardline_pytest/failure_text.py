"""What became of a phase, and why, in few words.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any, Dict, Optional

import pytest

from .service_words import cause

MESSAGE_CHARACTERS = 500
TEXT_CHARACTERS = 20000


def outcome_of(report: pytest.TestReport) -> str:
    """Name the outcome of a phase, those of a test that was expected to fail included."""
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, report.outcome)
    return str(report.outcome)


def subtest_of(report: Any) -> Optional[str]:
    """Describe a subtest (pytest 9, or pytest-subtests), None for a whole test."""
    context: Any = getattr(report, "context", None)
    if not hasattr(context, "kwargs"):
        return None
    words = [str(context.msg)] if context.msg else []
    return " ".join([*words, *(f"{name}={value}" for name, value in context.kwargs.items())])


def complaint(report: Any) -> Dict[str, str]:
    """Say in a line why, and give pytest's own text for what failed."""
    try:
        facts = {"message": capped(_message(report), MESSAGE_CHARACTERS)}
        if report.outcome not in ("passed", "skipped"):
            facts["text"] = capped(str(report.longreprtext), TEXT_CHARACTERS)
            found = cause(report)
            first, end, rest = facts["message"].partition("\n")  # the list of red tests has the first line
            facts["message"] = f"{first}; the service: {found}{end}{rest}" if found else facts["message"]
        return facts
    except Exception as error:  # what a test raised, or patched, may refuse to be shown
        return {"message": f"the reason cannot be shown: {type(error).__name__}"}


def _message(report: Any) -> str:
    longrepr = report.longrepr
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if isinstance(longrepr, tuple):  # skipped: file, line, reason
        reason = str(longrepr[2])
        return reason[len("Skipped: ") :] if reason.startswith("Skipped: ") else reason
    crash = getattr(longrepr, "reprcrash", None)
    return str(crash.message) if crash else last_line(str(longrepr or ""))


def reason_of(error: BaseException) -> str:
    """Say in a line what was raised.

    >>> reason_of(KeyError(1))
    'KeyError: 1'
    """
    try:
        return capped(f"{type(error).__name__}: {error}".split("\n", 1)[0], MESSAGE_CHARACTERS)
    except Exception:  # it may refuse to be shown
        return type(error).__name__


def last_line(text: str) -> str:
    """Find the last line that says something; of a traceback's, the last that is marked as the error."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    marked = [line[1:] for line in lines if line.startswith("E ")]
    return (marked or lines)[-1].strip()


def capped(text: str, characters: int) -> str:
    """Cut a long text to its start and end."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
