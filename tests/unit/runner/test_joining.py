"""Reports of several shards become the one that plain pytest would have made."""

from __future__ import annotations

import json
from typing import Any, List
from xml.etree import ElementTree

import pytest

from scripts.runner import joining


def joined(*reports: object) -> Any:
    text = joining.reports([json.dumps(each).encode() for each in reports])
    return None if text is None else json.loads(text)


def test_lists_are_one_list() -> None:
    assert [1, 2, 3] == joined([1], [2, 3])


def test_a_json_report_counts_the_tests_of_all_and_what_was_collected_once() -> None:
    shards = [
        {"created": 9 - passed, "exitcode": passed - 1, "duration": 1.5, "tests": [{}] * passed} for passed in (1, 2)
    ]
    for shard, passed in zip(shards, (1, 2)):
        shard["summary"] = {"passed": passed, "total": passed, "collected": 3, "deselected": 3 - passed}

    found = joined(*shards)

    assert {"passed": 3, "total": 3, "collected": 3} == found["summary"]
    assert (7, 1, 3.0, 3) == (found["created"], found["exitcode"], found["duration"], len(found["tests"]))


def test_a_ctrf_report_begins_with_the_first_and_ends_with_the_last() -> None:
    shards = [
        {"results": {"summary": {"tests": 1, "start": start, "stop": start + 5}, "tests": [start]}} for start in (4, 2)
    ]

    assert {"summary": {"tests": 2, "start": 2, "stop": 9}, "tests": [4, 2]} == joined(*shards)["results"]


def test_benchmarks_are_those_of_all() -> None:
    assert [1, 2] == joined(*({"machine_info": {}, "benchmarks": [each]} for each in (1, 2)))["benchmarks"]


@pytest.mark.parametrize("reports", [[], [{}], [[1], {}], [{"created": 1}], [{"results": 1}, {"results": {}}]])
def test_what_has_another_form_is_not_joined(reports: List[object]) -> None:
    assert None is joined(*reports)


def test_what_is_damaged_is_not_joined() -> None:
    assert None is joining.reports([b"[1]", b"[1"])
    assert None is joining.objects([b"{}", b"[]"])
    assert None is joining.tables([b"a,b\n", b"b,a\n"])


SUITE = """<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="mine" errors="0" failures="{failures}"
 skipped="0" tests="{tests}" time="1.5" timestamp="2026-01-0{day}" hostname="h">{inside}</testsuite></testsuites>"""
OWN = "<properties><property name='build' value='7'/></properties>"


def suite_of(inside: str, failures: int = 0, day: int = 1) -> bytes:
    return SUITE.format(inside=inside, failures=failures, tests=inside.count("<testcase"), day=day).encode()


def test_a_junit_report_keeps_the_suite_s_name_and_properties_and_counts_the_tests_of_all() -> None:
    one = suite_of(f"{OWN}<testcase name='a'/>", day=2)
    two = suite_of(f"{OWN}<testcase name='b'><failure/></testcase><testcase name='c'/>", failures=1)

    suites = ElementTree.fromstring(joining.junit([one, two]) or b"")

    suite = suites[0]
    expected = {"name": "mine", "errors": "0", "failures": "1", "skipped": "0", "tests": "3", "time": "3.000"}
    assert {**expected, "timestamp": "2026-01-01", "hostname": "h"} == suite.attrib
    assert ["a", "b", "c"] == [case.get("name") for case in suite.iter("testcase")]
    assert ["7"] == [one.get("value") for one in suite.iter("property")]


def test_a_property_that_only_a_later_shard_has_is_kept() -> None:
    suites = ElementTree.fromstring(joining.junit([suite_of("<testcase name='a'/>"), suite_of(OWN)]) or b"")

    assert ["build"] == [one.get("name") for one in suites[0].iter("property")]


@pytest.mark.parametrize(
    "other",
    [
        b"",
        suite_of("<testcase/>")[:-5],
        b"<testsuites/>",
        b"<testsuite/>",
        b"<!DOCTYPE a><testsuites><testsuite/></testsuites>",
        b"<testsuites><testsuite tests='many'/></testsuites>",
    ],
)
def test_what_is_no_junit_report_of_pytest_is_not_joined(other: bytes) -> None:
    assert joining.junit([suite_of("<testcase/>"), other]) is None
