from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import List
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof.junit import ERROR, FAILED, PASSED, SKIPPED, XFAILED, Result, Unreadable, parse, read, visible, write

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
    assert {"error": 1, "failed": 1, "skipped": 1, "passed": 3} == Counter(result.outcome for result in results)


def one(text: str) -> str:
    return f"<testsuites><testsuite>{text}</testsuite></testsuites>"


CASE = '<testcase file="t.py" classname="t" name="{name}" time="{time}">{inside}</testcase>'
BOMB = '<!DOCTYPE x [<!ENTITY a "{}">{}]>'.format(
    "ha" * 50, "".join(f'<!ENTITY {b} "{f"&{a};" * 100}">' for a, b in zip("abcdefgh", "bcdefghi"))
)


@pytest.mark.parametrize(
    "encoding, prologue",
    [
        ("utf-8", ""),
        ("utf-8-sig", '<?xml version="1.0" encoding="utf-8"?>'),
        ("utf-16", ""),
        ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'),
        ("latin-1", '<?xml version="1.0" encoding="ISO-8859-1"?>'),
        ("cp1252", "<?xml version='1.0' encoding = 'windows-1252' standalone='yes'?>"),
        ("gb18030", '<?xml version="1.0" encoding="GB18030"?>'),
        ("shift_jis", '<?xml version="1.0" encoding="Shift_JIS"?>'),
    ],
)
def test_a_report_is_read_in_the_encoding_it_says(tmp_path: Path, encoding: str, prologue: str) -> None:
    name = "t[é]" if encoding in ("latin-1", "cp1252") else "t[¥你]" if encoding != "shift_jis" else "t[日本]"
    case = CASE.format(name=name, time="2", inside="")
    (tmp_path / "out.xml").write_bytes((prologue + one(case)).encode(encoding))

    assert [Result(f"t.py::{name}", PASSED, 2.0)] == read(tmp_path / "out.xml")


@pytest.mark.parametrize(
    "content, reason",
    [
        (BOMB.encode() + one(CASE.format(name="&i;", time="1", inside="")).encode(), "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuites/>', "DOCTYPE"),
        (b"<a>" * 100_000, "deeper than 100"),
        (b"<testsuites>\0</testsuites>", "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><testsuites/>', "unknown encoding: no-such"),
        (b'<?xml version="1.0" encoding="hex"?><testsuites/>', "hex"),
        (b'<?xml version="1.0" encoding="utf-16"?><testsuites/>', "(?i)utf-16"),
        (b"<testsuites>\xff</testsuites>", "utf-8"),
        (b"<testsuites>", "no element found"),
        (b"", "no element found"),
    ],
)
def test_what_is_no_report_is_refused_in_a_line_at_once(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "out.xml").write_bytes(content)

    with pytest.raises(Unreadable, match=reason) as caught:
        parse(tmp_path / "out.xml")

    assert 1 == len(str(caught.value).splitlines())
    assert read(tmp_path / "out.xml") is None


def test_what_is_no_file_or_too_large_is_no_report(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe.xml"))
    (tmp_path / "folder.xml").mkdir()
    with (tmp_path / "large.xml").open("wb") as file:
        file.truncate(10**10)

    assert [None] * 3 == [read(tmp_path / name) for name in ("pipe.xml", "folder.xml", "large.xml")]


def test_a_time_that_is_none_is_told_from_no_time(tmp_path: Path) -> None:
    times = ("1,234.5", "0", "NaN", "-1", "", "abc")
    cases = "".join(CASE.format(name=time, time=time, inside="") for time in times)
    (tmp_path / "out.xml").write_text(one(cases + '<testcase name="none"/>'))

    found = [(result.seconds, result.timed) for result in parse(tmp_path / "out.xml")]

    assert [(1234.5, True), (0.0, True), *[(0.0, False)] * 5] == found


def test_a_test_that_failed_as_expected_ran(tmp_path: Path) -> None:
    skipped = '<skipped type="pytest.{}" message="m"/>'
    cases = [CASE.format(name=kind, time="1", inside=skipped.format(kind)) for kind in ("xfail", "skip")]
    (tmp_path / "out.xml").write_text(one("".join(cases)))

    results = parse(tmp_path / "out.xml")
    write(tmp_path / "again.xml", results)

    assert [XFAILED, SKIPPED] == [result.outcome for result in results]
    assert results == read(tmp_path / "again.xml")
    assert 'skipped="2"' in (tmp_path / "again.xml").read_text()


@pytest.mark.parametrize("value", ["[" * 100_000, "{", "3", "null", '["a"]'])
def test_a_kept_id_that_is_none_is_left_out(tmp_path: Path, value: str) -> None:
    kept = f"<properties><property name='nodeid' value='{value}'/></properties>"
    (tmp_path / "out.xml").write_text(one(CASE.format(name="a", time="1", inside=kept)))

    assert ["t.py::a"] == [result.nodeid for result in parse(tmp_path / "out.xml")]


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite>"])
def test_half_a_report_is_no_report(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "out.xml").write_text(text)

    assert read(tmp_path / "out.xml") is None


SURROGATE = "\ud800"
anything = st.text(st.characters() | st.sampled_from(["\0", "\x1b", "\r", "\uffff", "\u2028", SURROGATE, *"[]:./&<>'"]))
addresses = st.builds("{}.py::{}[{}]".format, anything, anything, anything)
lines = anything.map(lambda text: visible(text).split("\n", 1)[0].strip())
seconds = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1e6)
passed = st.builds(Result, anything | addresses, st.just(PASSED), seconds)
others = st.builds(
    Result,
    anything | addresses,
    st.sampled_from([FAILED, ERROR, SKIPPED, XFAILED]),
    seconds,
    lines,
    anything.map(visible),
)


@settings(deadline=None)
@given(st.lists(passed | others, unique_by=lambda result: result.nodeid))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, expected: List[Result]) -> None:
    file = tmp_path_factory.getbasetemp() / "round_trip.xml"

    write(file, expected)

    assert expected == read(file)


@pytest.mark.parametrize(
    "nodeid, file, classname, name",
    [
        ("sub/test_it.py::test_a", "sub/test_it.py", "sub.test_it", "test_a"),
        ("sub/test_it.py::TestA::TestB::test_c", "sub/test_it.py", "sub.test_it.TestA.TestB", "test_c"),
        ("test_it.py::test_a[b::c/d.py]", "test_it.py", "test_it", "test_a[b::c/d.py]"),
        ("test[1].py::test_a", "test[1].py", "test[1]", "test_a"),
        ("words.txt::line", "words.txt", "words.txt", "line"),
    ],
)
def test_tests_are_addressed_as_pytest_does_it(
    tmp_path: Path, nodeid: str, file: str, classname: str, name: str
) -> None:
    write(tmp_path / "out.xml", [Result(nodeid, PASSED, 1.5)])

    (case,) = ElementTree.parse(str(tmp_path / "out.xml")).iter("testcase")
    assert {"file": file, "classname": classname, "name": name, "time": "1.500000"} == case.attrib
    assert [] == list(case)


def test_what_xml_cannot_hold_is_in_sight(tmp_path: Path) -> None:
    write(tmp_path / "out.xml", [Result("a.py::b", FAILED, 0.0, "\x1b[31mred", "]]>\0\r\n" + SURROGATE)])

    assert [Result("a.py::b", FAILED, 0.0, r"\x1b[31mred", "]]>\\x00\\r\n\\ud800")] == read(tmp_path / "out.xml")


def test_a_report_has_totals_and_neither_host_nor_date(tmp_path: Path) -> None:
    results = [Result(f"a.py::{name}", name, 0.5) for name in (PASSED, FAILED, ERROR, SKIPPED)]

    write(tmp_path / "out.xml", results)

    (suite,) = ElementTree.parse(str(tmp_path / "out.xml")).getroot()
    totals = {"name": "pytest", "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "2.000000"}
    assert totals == suite.attrib
    assert ["out.xml"] == [path.name for path in tmp_path.iterdir()]
