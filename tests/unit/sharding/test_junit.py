from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from scripts.sharding.junit import Result, counts, read

SUITE = """
import pytest

def test_passes(): pass
def test_fails(): assert 1 == 2, "one is not two"
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.parametrize("text", ["你"])
def test_text(text): pass
@pytest.fixture
def broken():
    yield
    raise RuntimeError("teardown")
def test_teardown(broken): pass

class TestGroup:
    class TestInner:
        def test_deep(self): pass
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> List[Result]:
    """What pytest itself wrote about SUITE."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "sub").mkdir()
    (folder / "sub" / "test_it.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\njunit_family=xunit1\n")
    words = [sys.executable, "-m", "pytest", "-q", "--junitxml=out.xml", "-p", "no:cacheprovider"]
    subprocess.run(words, cwd=str(folder), check=False, stdout=subprocess.DEVNULL)
    found = read(folder / "out.xml")
    assert found is not None
    return found


def test_every_test_has_its_worst_outcome(results: List[Result]) -> None:
    expected = {
        "sub/test_it.py::test_passes": "passed",
        "sub/test_it.py::test_fails": "failed",
        "sub/test_it.py::test_skipped": "skipped",
        "sub/test_it.py::test_text[\\u4f60]": "passed",
        "sub/test_it.py::test_teardown": "error",
        "sub/test_it.py::TestGroup::TestInner::test_deep": "passed",
    }

    assert expected == {result.nodeid: result.outcome for result in results}


def test_a_failure_says_its_first_line(results: List[Result]) -> None:
    messages = [result.message for result in results if result.outcome == "failed"]

    assert ["AssertionError: one is not two"] == messages


def test_counts_start_with_the_worst(results: List[Result]) -> None:
    assert "1 error, 1 failed, 1 skipped, 3 passed" == counts(results)


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite>"])
def test_half_a_report_is_no_report(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "out.xml").write_text(text)

    assert read(tmp_path / "out.xml") is None
