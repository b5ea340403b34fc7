from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ElementTree
from typing import List, Set, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof.junit import Result
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, UNFINISHED, XFAILED
from scripts.sonar.executions import Executions, written

OUTCOMES = (PASSED, FAILED, ERROR, SKIPPED, XFAILED, NOT_RUN, UNFINISHED)


def cases(sent: Executions) -> List[Tuple[str, str, str, str, str]]:
    """(file, name, duration, child's tag, its message) of each test in the report."""
    root = ElementTree.fromstring(sent.xml)
    assert ("testExecutions", "1") == (root.tag, root.get("version"))
    found = []
    for file in root:
        for case in file:
            child = next(iter(case), ElementTree.Element(""))
            shown = (file.get("path"), case.get("name"), case.get("duration"), child.tag, child.get("message", ""))
            found.append(tuple(word or "" for word in shown))
    return found  # type: ignore[return-value]


def test_each_outcome_has_its_word_and_a_duration_in_ms() -> None:
    results = [
        Result("tests/test_a.py::test_ok[1]", PASSED, 0.0014),
        Result("tests/test_a.py::C::test_bad", FAILED, 1.5, "assert 1 == 2", "Traceback"),
        Result("tests/test_b.py::test_skipped", SKIPPED, 0.0),
    ]
    sent = written(results, "", lambda path: True)

    assert [
        ("tests/test_a.py", "test_ok[1]", "1", "", ""),
        ("tests/test_a.py", "C::test_bad", "1500", "failure", "assert 1 == 2"),
        ("tests/test_b.py", "test_skipped", "0", "skipped", "skipped"),
    ] == cases(sent)
    assert b">Traceback</failure>" in sent.xml


def test_files_are_named_from_the_folder_that_is_analysed() -> None:
    results = [
        Result("test_a.py::test", PASSED, 0.0, folder="services/tts/tests"),
        Result("../other/test_b.py::test", PASSED, 0.0, folder="services/tts"),
    ]
    sent = written(results, "services/tts", lambda path: True)

    assert [("tests/test_a.py", "test", "0", "", "")] == cases(sent)
    assert ("../other/test_b.py",) == sent.left_out


def test_what_is_no_known_test_is_left_out_since_it_would_end_the_analysis() -> None:
    results = [
        Result("shard index 1: service died", ERROR, 0.0, "killed"),
        Result("docs/a.md::a", PASSED, 0.0),
        Result("src/test_a.py::test", PASSED, 0.0),
    ]
    sent = written(results, "", lambda path: path.startswith("tests/"))

    assert ([], 0, ("src/test_a.py",)) == (cases(sent), sent.tests, sent.left_out)


texts = st.text(st.characters(exclude_categories=()), max_size=9)
names = st.lists(st.sampled_from(["a", "b", "tests"]), min_size=1, max_size=3).map("/".join)
found = st.builds(
    lambda file, name, outcome, seconds, text: Result(f"{file}.py::{name}", outcome, seconds, text, text),
    names,
    texts,
    st.sampled_from(OUTCOMES),
    st.floats(0, 1e6),
    texts,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(found, max_size=9))
def test_any_results_make_xml_of_which_each_test_is_in_a_known_file_once(results: List[Result]) -> None:
    known: Set[str] = {"tests/a.py", "a.py"}
    sent = written(results, "", known.__contains__)
    expected = [posixpath.normpath(result.nodeid.partition("::")[0]) for result in results]

    assert sorted(path for path in expected if path in known) == sorted(case[0] for case in cases(sent))
    assert all(case[4] for case in cases(sent) if case[3])
