"""What the plugin hears of tests that stay together, in a suite that real pytest collects."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict, List, Set, Tuple

import pytest

from scripts.planning import together
from scripts.proof.journal import read
from scripts.runner import plugin_loader
from scripts.runner.plugin_loader import Order
from scripts.runner.shardline_pytest.wishes import ranges

Groups = Dict[Tuple[str, str], Set[str]]

SUITE = {
    "test_classes.py": """
        import unittest
        import pytest

        @pytest.fixture(scope="class")
        def page(): return 1

        class TestPage:
            def test_a(self, page): pass
            def test_b(self): pass

        class TestXunit:
            @classmethod
            def setup_class(cls): pass
            def test_a(self): pass
            def test_b(self): pass

        class Case(unittest.TestCase):
            @classmethod
            def setUpClass(cls): pass
            def test_a(self): pass
            def test_b(self): pass

        class StaticCase(unittest.TestCase):
            @staticmethod
            def setUpClass(): pass
            def test_a(self): pass
            def test_b(self): pass

        class TestFlow:
            def test_a(self): TestFlow.token = "x"
            def test_b(self): assert self.token

        class PlainCase(unittest.TestCase):
            def test_a(self): pass
            def test_b(self): pass

        @pytest.mark.incremental
        class TestSteps:
            def test_a(self): pass
            @pytest.mark.parametrize("n", [1, 2])
            def test_b(self, n): pass

        @pytest.mark.filterwarnings("ignore")
        class TestPlain:
            def test_a(self): pass
            def test_b(self): pass

            @pytest.mark.steps
            class TestInner:
                def test_a(self): pass
                def test_b(self): pass
        """,
    "test_marks.py": """
        import pytest

        @pytest.mark.xdist_group("db")
        def test_a(): pass
        @pytest.mark.xdist_group(name="db")
        def test_b(): pass
        @pytest.mark.serial
        def test_c(): pass
        @pytest.mark.serial
        def test_d(): pass
        @pytest.mark.serial("other")
        def test_e(): pass
        """,
    "test_needs.py": """
        import pytest

        @pytest.mark.dependency()
        def test_a(): pass
        @pytest.mark.dependency(name="named")
        def test_b(): pass
        @pytest.mark.dependency(depends=["test_a"])
        def test_c(): pass
        @pytest.mark.dependency(depends=["named", "nowhere"])
        def test_d(): pass
        def test_alone(): pass

        @pytest.mark.depends(on=["test_alone"])
        def test_e(): pass

        class TestIn:
            @pytest.mark.dependency()
            @pytest.mark.parametrize("n", [1, 2])
            def test_a(self, n): pass
            @pytest.mark.dependency(depends=["TestIn::test_a[1]"])
            def test_b(self): pass
            @pytest.mark.dependency(depends=["test_b"], scope="class")
            def test_c(self): pass
        """,
    "test_other.py": """
        import pytest

        @pytest.mark.dependency(depends=["test_needs.py::test_a"], scope="session")
        def test_a(): pass

        @pytest.mark.order(after="test_needs.py::test_d")
        def test_b(): pass
        """,
    "test_order_by_prefix.py": """
        import pytest

        @pytest.mark.m2
        def test_a(): pass
        @pytest.mark.m1
        def test_b(): pass
        @pytest.mark.many
        def test_c(): pass
        """,
    "pytest_dependency.py": "def depends(request, other, scope='module'): pass",
    "test_asking.py": """
        import pytest
        from pytest_dependency import depends

        def test_a(request): depends(request, ["test_needs.py::test_a"], scope="session")
        def test_b(request): depends(request, [request.node.name.replace("b", "a")])
        def test_c(): pass
        """,
    "test_asking_by_fixture.py": """
        def test_a(logged_in): pass
        def test_b(): pass
        """,
    "test_module_of_steps.py": """
        import pytest
        pytestmark = pytest.mark.incremental

        def test_a(): pass
        def test_b(): pass
        class TestIn:
            def test_a(self): pass
            def test_b(self): pass
        """,
    "test_order.py": """
        import pytest

        @pytest.mark.order(2)
        def test_a(): pass
        @pytest.mark.order(index=1)
        def test_b(): pass
        @pytest.mark.run(order=3)
        def test_c(): pass
        @pytest.mark.run
        def test_d(): pass
        """,
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    for name, text in SUITE.items():
        (folder / name).write_text(textwrap.dedent(text))
    (folder / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--dist', default='no')\n"
        "    parser.addoption('--order-scope', dest='order_scope')\n"
        "    parser.addoption('--order-marker-prefix', dest='order_marker_prefix')\n"
        "import pytest, pytest_dependency\n"
        "@pytest.fixture\n"
        "def logged_in(request): pytest_dependency.depends(request, ['test_needs.py::test_b'], scope='session')\n"
    )
    return folder


def heard(suite: Path, *arguments: str) -> Groups:
    record = suite.parent / "journal.jsonl"
    record.unlink() if record.exists() else None
    order = Order(record, "start", collects_only=True, marks=["serial"])
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    words = [sys.executable, "-m", "pytest", *plugin_loader.ARGUMENTS, "-q", "-W", "ignore", *arguments]
    environ = plugin_loader.variables(environ, suite.parent / "plugin", order)
    done = subprocess.run(words, cwd=str(suite), env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    rounds, _ = read(record, "start")
    assert rounds and rounds[0].selected, done.stdout.decode()
    groups = together.heard(rounds[0].selected, rounds[0].groups)
    return {(group.name, group.why): set(group.nodeids) for group in groups}


@pytest.fixture(scope="module")
def groups(suite: Path) -> Groups:
    return heard(suite)


CLASSES = {
    "TestPage": "fixture page of class scope",
    "TestXunit": "setup_class",
    "Case": "setUpClass",
    "StaticCase": "setUpClass",
    "TestSteps": "mark incremental on the class",
    "TestFlow": "test_a changes the class",
    "TestPlain::TestInner": "mark steps on the class",
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_shows_a_sign_of_state_is_heard(groups: Groups, name: str) -> None:
    tests = groups[f"test_classes.py::{name}", CLASSES[name]]

    assert {f"test_classes.py::{name}::test_a"} < tests
    assert all(test.startswith(f"test_classes.py::{name}::") for test in tests)


def test_no_other_class_is_heard(groups: Groups) -> None:
    assert {f"test_classes.py::{name}" for name in CLASSES} == {
        name for name, _ in groups if name.startswith("test_classes.py")
    }


def test_marks_of_one_name_and_argument_are_one_group(groups: Groups) -> None:
    assert {"test_marks.py::test_a", "test_marks.py::test_b"} == groups["xdist_group db", "xdist_group"]
    assert {"test_marks.py::test_c", "test_marks.py::test_d"} == groups["serial", "mark serial"]
    assert ("serial other", "mark serial") not in groups  # of one test


def test_who_needs_whom_is_heard_in_a_file_in_a_class_and_across_files(groups: Groups) -> None:
    needs = {name: tests for (name, why), tests in groups.items() if why.startswith("needs")}

    assert {
        "test_needs.py::test_c": {"test_needs.py::test_a", "test_needs.py::test_c"},
        "test_needs.py::test_d": {"test_needs.py::test_b", "test_needs.py::test_d"},
        "test_needs.py::test_e": {"test_needs.py::test_alone", "test_needs.py::test_e"},
        "test_needs.py::TestIn::test_b": {"test_needs.py::TestIn::test_a[1]", "test_needs.py::TestIn::test_b"},
        "test_needs.py::TestIn::test_c": {"test_needs.py::TestIn::test_b", "test_needs.py::TestIn::test_c"},
        "test_other.py::test_a": {"test_needs.py::test_a", "test_other.py::test_a"},
        "test_other.py::test_b": {"test_needs.py::test_d", "test_other.py::test_b"},
    } == needs


def test_who_asks_for_others_while_it_runs_stays_with_what_its_texts_name(groups: Groups) -> None:
    asking = {name: tests for (name, why), tests in groups.items() if why == "calls depends()"}

    assert {"test_asking.py::test_a", "test_needs.py::test_a"} == asking["test_asking.py::test_a"]
    assert {"test_asking_by_fixture.py::test_a", "test_needs.py::test_b"} == asking["test_asking_by_fixture.py::test_a"]
    assert {f"test_asking.py::test_{letter}" for letter in "abc"} == groups[
        "test_asking.py", "its tests call depends()"
    ]


def test_who_asks_for_a_name_that_stands_nowhere_stays_with_all_that_may_be_asked_for(groups: Groups) -> None:
    tests = groups["test_asking.py::test_b", "calls depends()"]

    assert {"test_asking.py::test_b", "test_needs.py::test_a", "test_other.py::test_a"} < tests
    assert "test_needs.py::test_alone" not in tests


def test_steps_of_a_module_are_heard_by_what_holds_them(groups: Groups) -> None:
    steps = {name: tests for (name, why), tests in groups.items() if why == "mark incremental"}

    file = "test_module_of_steps.py"
    assert {f"{file}::test_a", f"{file}::test_b"} == steps[file]
    assert {f"{file}::TestIn::test_a", f"{file}::TestIn::test_b"} == steps[f"{file}::TestIn"]


def test_an_order_by_numbers_is_one_group(groups: Groups) -> None:
    numbered: List[Set[str]] = [tests for (_, why), tests in groups.items() if why == "marks of an order"]

    assert [{f"test_order.py::test_{letter}" for letter in "abc"}] == numbered


def test_an_order_by_marks_that_are_numbers_is_heard_where_pytest_order_is_told_of_them(suite: Path) -> None:
    groups = heard(suite, "--order-marker-prefix=m", "test_order_by_prefix.py")

    assert [{f"test_order_by_prefix.py::test_{letter}" for letter in "ab"}] == list(groups.values())


def test_the_words_of_xdist_are_wishes(suite: Path) -> None:
    by_scope, by_file = (heard(suite, "--dist", how, "--order-scope=module") for how in ("loadscope", "loadfile"))

    assert 2 == len(by_scope["test_classes.py::PlainCase", "--dist loadscope"])
    assert 4 == len(by_scope["test_order.py", "--dist loadscope"])
    assert 5 == len(by_file["test_marks.py", "--dist loadfile"])
    assert ("tests with a place in test_order.py", "marks of an order") in by_file


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("nodeid.split('_')[-1]", {"1": {"test_it.py::test_a_1", "test_it.py::test_b_1"}}),
        ("nodeid.no_such_thing", {}),
        ("nodeid.partition('@')[2] or nodeid", {"g": {"test_it.py::test_a_1", "test_it.py::test_a_2"}}),
    ],
)
def test_a_scheduler_of_the_suite_s_own_is_asked(tmp_path: Path, scope: str, expected: Dict[str, Set[str]]) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    conftest = f"""
        import pytest

        class Specs:
            @pytest.hookspec(firstresult=True)
            def pytest_xdist_make_scheduler(self, config, log): pass

        class Scheduler:
            def __init__(self, config): assert config.option.tx
            def _split_scope(self, nodeid): return {scope}

        def pytest_addhooks(pluginmanager): pluginmanager.add_hookspecs(Specs)
        def pytest_addoption(parser): parser.addoption("--dist", default="no")
        def pytest_xdist_make_scheduler(config, log): return Scheduler(config)
    """
    marked = "import pytest\npytestmark = pytest.mark.xdist_group('g')\n" if "@" in scope else ""
    (folder / "conftest.py").write_text(textwrap.dedent(conftest))
    (folder / "test_it.py").write_text(f"{marked}def test_a_1(): pass\ndef test_b_1(): pass\ndef test_a_2(): pass\n")

    groups = heard(folder, "--dist", "loadgroup", "-k", "a" if marked else "")

    assert expected == {name: tests for (name, why), tests in groups.items() if why == "pytest_xdist_make_scheduler"}


def test_ranges_cover_neighbours() -> None:
    assert [[0, 2], [4, 4]] == ranges([0, 1, 2, 4])
