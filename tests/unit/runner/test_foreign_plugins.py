"""Suites with the plugins and layouts that people have: in shards, each test ends as it does in plain pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict, Mapping, Sequence, Tuple

import pytest

from scripts import settings
from scripts.environments.environments import Environment
from scripts.runner import preparation
from tests.unit.steps import projects

PLUGINS = Path(__file__).with_name("plugins") / "pipeline.yml"
PYTEST = ("{python}", "-m", "pytest")
NEW_SUBTESTS = sys.version_info >= (3, 10)  # the environment has pytest 9

# Writes how each test ended, in plain pytest: independent of what our own plugin makes of the same reports.
RECORDER = """
    import json, pathlib

    ends, worst_first = {}, ["error", "failed", "skipped", "xfailed", "passed"]

    def pytest_runtest_logreport(report):
        if report.outcome in ("rerun", "retried"):
            ends.pop(report.nodeid)  # the set-up of an attempt that does not count
            return
        end = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        if end == "failed" and report.when != "call":
            end = "error"
        ends[report.nodeid] = min(ends.get(report.nodeid, end), end, key=worst_first.index)

    def pytest_unconfigure():
        pathlib.Path(__file__).with_name("ends.json").write_text(json.dumps(ends))
"""


class Suite:
    """A suite that its author starts as pytest in its folder."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder, self._environment = folder, environment

    def write(self, addopts: str, files: Mapping[str, str], ini: str = "", command: Sequence[str] = PYTEST) -> None:
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
        (self.folder / "pytest.ini").write_text(f"[pytest]\naddopts = -p no:cacheprovider {addopts}\n{ini}")
        self._command = [word.format(python=self._environment.python) for word in command]
        described = {"path": ".", "command": self._command}
        (self.folder / "pipeline.yml").write_text(json.dumps({"suite": described}))

    def alone(self) -> Tuple[int, Dict[str, str]]:
        """Run plain pytest: how it ended, and each test by its id."""
        recorder = self.folder.parent / "recorder"
        recorder.mkdir()
        (recorder / "recorder.py").write_text(textwrap.dedent(RECORDER))
        environ = {**os.environ, "PYTHONPATH": str(recorder)}
        words = [*self._command, "-q", "-p", "recorder"]
        code = subprocess.run(words, cwd=str(self.folder), env=environ, timeout=120).returncode
        return code, json.loads((recorder / "ends.json").read_text())

    def in_shards(self, count: int) -> Tuple[int, Dict[str, str]]:
        """Run it in as many shards: how that ended, and each test by its id."""
        done = projects.run(self.folder, "integration", "--nodes", str(count), "--at-once", "1")
        return done.returncode, json.loads((self.folder / "reports" / "merge.json").read_text())["outcomes"]


@pytest.fixture(scope="session")
def environment() -> Environment:
    """Make the environment that has the plugins; it is kept, as a suite's own is."""
    loaded = settings.load(str(PLUGINS), {}, PLUGINS.parent)
    return preparation.install(loaded, with_service=False).suite


@pytest.fixture
def suite(tmp_path: Path, environment: Environment) -> Suite:
    return Suite(tmp_path / "suite", environment)


def assert_same(suite: Suite, ends: Mapping[str, Sequence[str]], code: int = 1) -> None:
    """Check that plain pytest ends as described (so that a plugin is at work), and two shards end so too.

    Args:
        ends: the ids of tests by outcome.
        code: of plain pytest.
    """
    expected = {nodeid: end for end, nodeids in ends.items() for nodeid in nodeids}

    assert (code, expected) == suite.alone()
    assert (1, expected) == suite.in_shards(2)


LAYOUTS = {
    "conftest.py": """
        import pathlib

        folder = pathlib.Path(__file__).parent
        if not (folder / "tests" / "linked").exists():
            (folder / "tests" / "linked").symlink_to(folder / "elsewhere", target_is_directory=True)

        def pytest_sessionfinish(session):
            session.exitstatus = 0  # all is well, says a suite's author
    """,
    "src/shape.py": """
        def double(x):
            '''
            >>> double(2)
            4
            '''
            return 2 * x

        def half(x):
            '''
            >>> half(2)
            2
            '''
            return x // 2
    """,
    "tests/guide.rst": "A guide::\n\n    >>> 1 + 1\n    2\n",
    "tests/wrong.rst": "A wrong one::\n\n    >>> 1 + 1\n    3\n",
    "tests/api/test_same.py": "def test_same(): pass",
    "tests/worker/test_same.py": "def test_same(): assert False",
    "elsewhere/test_there.py": """
        def test_good(): pass
        def test_bad(): assert False
    """,
    "tests/test_case.py": """
        import unittest

        class Prepared(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.steps = ["prepared"]

            def test_a(self):
                self.assertEqual(["prepared"], self.steps)
                self.steps.append("a")

            def test_b(self):
                self.assertEqual(["prepared", "a"], self.steps)

            def test_parts(self):
                for number in (1, 2, 3):
                    with self.subTest(number=number):
                        self.assertNotEqual(2, number)

            @unittest.expectedFailure
            def test_known(self):
                self.fail()

            @unittest.skip("not here")
            def test_skipped(self):
                pass

        class Unprepared(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise OSError("no disk")

            def test_a(self):
                pass
    """,
}


def test_layouts_doctests_unittest_and_a_masked_end(suite: Suite) -> None:
    options = "--import-mode=importlib --doctest-modules --doctest-glob=*.rst"
    suite.write(options, LAYOUTS, "testpaths = src tests\n")

    assert_same(
        suite,
        {
            "passed": [
                "src/shape.py::src.shape.double",
                "tests/guide.rst::guide.rst",
                "tests/api/test_same.py::test_same",
                "tests/linked/test_there.py::test_good",
                *(f"tests/test_case.py::Prepared::test_{name}" for name in "ab"),
            ],
            "failed": [
                "src/shape.py::src.shape.half",
                "tests/wrong.rst::wrong.rst",
                "tests/worker/test_same.py::test_same",
                "tests/linked/test_there.py::test_bad",
                "tests/test_case.py::Prepared::test_parts",
            ],
            "error": ["tests/test_case.py::Unprepared::test_a"],
            "skipped": ["tests/test_case.py::Prepared::test_skipped"],
            "xfailed": ["tests/test_case.py::Prepared::test_known"],
        },
        0,
    )


TOGETHER = {
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models

        class Order(models.Model):
            name = models.CharField(max_length=9)
    """,
    "shop_settings.py": """
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
        INSTALLED_APPS = ["shop"]
        SECRET_KEY = "none"
        USE_TZ = True
    """,
    "tests/test_django.py": """
        import pytest
        from django.test import TestCase
        from shop.models import Order

        @pytest.mark.django_db
        @pytest.mark.parametrize("name", ["a", "b"])
        def test_each_starts_empty(name):
            Order.objects.create(name=name)
            assert [name] == [order.name for order in Order.objects.all()]

        def test_without_a_database():
            Order.objects.count()

        class OrderTest(TestCase):
            @classmethod
            def setUpTestData(cls):
                cls.order = Order.objects.create(name="a")

            def test_renamed(self):
                self.order.name = "b"
                self.order.save()
                self.assertEqual(1, Order.objects.filter(name="b").count())

            def test_unchanged(self):
                self.assertEqual(0, Order.objects.filter(name="b").count())
    """,
    "tests/cash.feature": """
        Feature: Cash
            Scenario: Taking some
                Given an account with 5
                When I take 2
                Then 3 are left

            Scenario Outline: Taking more
                Given an account with <before>
                When I take <taken>
                Then <after> are left

                Examples:
                    | before | taken | after |
                    | 4      | 1     | 3     |
                    | 4      | 4     | 1     |
    """,
    "tests/test_bdd.py": """
        from pytest_bdd import given, parsers, scenarios, then, when

        scenarios("cash.feature")

        @given(parsers.parse("an account with {amount:d}"), target_fixture="account")
        def account(amount):
            return {"left": amount}

        @when(parsers.parse("I take {amount:d}"))
        def take(account, amount):
            account["left"] -= amount

        @then(parsers.parse("{amount:d} are left"))
        def left(account, amount):
            assert amount == account["left"]
    """,
    "tests/test_async.py": """
        import asyncio
        import pytest, pytest_asyncio

        @pytest_asyncio.fixture
        async def three():
            await asyncio.sleep(0)
            yield 3
            await asyncio.sleep(0)

        @pytest.mark.asyncio
        async def test_waits(three):
            assert 3 == await asyncio.sleep(0, three)

        @pytest.mark.asyncio
        async def test_fails(three):
            assert 4 == await asyncio.sleep(0, three)
    """,
    "tests/test_subtests.py": """
        def test_one_part_fails(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    assert number != 1

        def test_all_parts_pass(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    assert number < 3
    """,
    "tests/test_lazy.py": """
        import pytest
        from pytest_lazy_fixtures import lf

        @pytest.fixture
        def one():
            return 1

        @pytest.fixture
        def two():
            return 2

        @pytest.mark.parametrize("number", [lf("one"), lf("two")])
        def test_lazy(number):
            assert number == 1
    """,
}


def test_plugins_that_bear_one_another(suite: Suite) -> None:
    options = "-p asyncio -p pytest-bdd -p django -p pytest_lazyfixture"
    suite.write(
        options if NEW_SUBTESTS else f"{options} -p subtests",
        TOGETHER,
        "testpaths = tests\npythonpath = .\nDJANGO_SETTINGS_MODULE = shop_settings\n",
    )

    assert_same(
        suite,
        {
            "passed": [
                *(f"tests/test_django.py::test_each_starts_empty[{name}]" for name in "ab"),
                *(f"tests/test_django.py::OrderTest::test_{name}" for name in ("renamed", "unchanged")),
                "tests/test_bdd.py::test_taking_some",
                "tests/test_bdd.py::test_taking_more[4-1-3]",
                "tests/test_async.py::test_waits",
                "tests/test_subtests.py::test_all_parts_pass",
                "tests/test_lazy.py::test_lazy[one]",
            ],
            "failed": [
                "tests/test_django.py::test_without_a_database",
                "tests/test_bdd.py::test_taking_more[4-4-1]",
                "tests/test_async.py::test_fails",
                "tests/test_subtests.py::test_one_part_fails",
                "tests/test_lazy.py::test_lazy[two]",
            ],
        },
    )


CASES = """
    from pytest_cases import fixture, parametrize, parametrize_with_cases

    def case_small():
        return 1

    @parametrize(number=[10, 200])
    def case_large(number):
        return number

    @fixture
    @parametrize_with_cases("number", cases=".")
    def doubled(number):
        return 2 * number

    @parametrize_with_cases("number", cases=".")
    def test_cases(number):
        assert number < 100

    def test_doubled(doubled):
        assert doubled < 100
"""


def counting(name: str, mark: str = "") -> str:
    """A file of tests of which one passes the second time only."""
    return f"""
        import pytest
        tries = []

        {mark}
        def test_{name}_second_time():
            tries.append(1)
            assert 2 == len(tries)

        {mark}
        def test_{name}_never():
            assert False

        def test_{name}_at_once():
            pass
    """


REPEATED = {
    "passed": [f"test_{name}.py::test_{name}_{how}" for name in "abc" for how in ("second_time", "at_once")],
    "failed": [f"test_{name}.py::test_{name}_never" for name in "abc"],
}


def test_rerunfailures_and_an_end_that_a_plugin_masks(suite: Suite) -> None:
    options = "-p rerunfailures --reruns 2 -p custom_exit_code --suppress-tests-failed-exit-code"
    suite.write(options, {f"test_{name}.py": counting(name) for name in "abc"})

    assert_same(suite, REPEATED, 0)


@pytest.mark.skipif(sys.version_info < (3, 9), reason="pytest-retry needs Python 3.9")
def test_retry_and_an_end_that_a_shell_masks(suite: Suite) -> None:
    files = {f"test_{name}.py": counting(name, "@pytest.mark.flaky(retries=2)") for name in "abc"}
    suite.write("-p pytest-retry", files, command=["sh", "-c", '{python} -m pytest "$@" || true', "pytest"])

    assert_same(suite, REPEATED, 0)


def test_flaky_and_cases(suite: Suite) -> None:
    """pytest-cases bears pytest-lazy-fixtures no better than flaky bears pytest-retry."""
    files = {f"test_{name}.py": counting(name, "@pytest.mark.flaky(max_runs=3)") for name in "abc"}
    suite.write("-p flaky -p cases", {**files, "test_cases.py": CASES})

    assert_same(
        suite,
        {
            "passed": [
                *REPEATED["passed"],
                *(f"test_cases.py::test_{name}" for name in ("cases[small]", "cases[large-number=10]")),
                *(f"test_cases.py::test_{name}" for name in ("doubled[small]", "doubled[large-number=10]")),
            ],
            "failed": [
                *REPEATED["failed"],
                *(f"test_cases.py::test_{name}[large-number=200]" for name in ("cases", "doubled")),
            ],
        },
    )


def test_randomly(suite: Suite) -> None:
    """With a seed, each test has its own chance; the order differs all the same, since tests are collected apart."""
    text = """
        import pytest, random

        @pytest.mark.parametrize("draw", range(4))
        def test_chance(draw): assert random.random() < 0.5

        def test_fails(): assert False
    """
    suite.write("-p randomly --randomly-seed=7", {f"test_{name}.py": text for name in "abc"})

    alone = suite.alone()

    assert 15 == len(alone[1])
    assert alone == suite.in_shards(2)
