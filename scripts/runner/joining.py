"""Join reports that several shards made for a suite's own options, in forms that allow it."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any, Dict, List, Mapping, Optional, Sequence
from xml.etree import ElementTree

from ..system import files


def lines(texts: Sequence[bytes]) -> bytes:
    r"""Join what is made of lines.

    >>> lines([b"a\n", b"b", b"", b"c\n"])
    b'a\nb\nc\n'
    """
    return b"".join(text if text.endswith(b"\n") or not text else text + b"\n" for text in texts)


def appended(before: bytes, texts: Sequence[bytes]) -> bytes:
    r"""Join what is made of lines behind what is there, where an earlier merge of the run may have put some of it.

    >>> appended(b"old\na\n", [b"a\n", b"b\n"])
    b'old\na\nb\n'
    """
    counts = range(len(texts), 0, -1)
    there = next((part for part in (lines(texts[:count]) for count in counts) if part and before.endswith(part)), b"")
    return lines([before[: len(before) - len(there)], *texts])


def tables(texts: Sequence[bytes]) -> Optional[bytes]:
    r"""Join tables that have one heading; None where it differs.

    >>> tables([b"id,s\na,1\n", b"id,s\nb,2\n"])
    b'id,s\na,1\nb,2\n'
    """
    found = [text.splitlines(keepends=True) for text in texts if text.strip()]
    if len({table[0].strip() for table in found}) != 1:
        return None
    return lines([found[0][0], *(line for table in found for line in table[1:])])


def objects(texts: Sequence[bytes]) -> Optional[bytes]:
    """Join JSON objects by key, the later ones' values over those of the earlier; None where one is none.

    >>> objects([b'{"a": 1}', b'{"b": 2}'])
    b'{\\n    "a": 1,\\n    "b": 2\\n}'
    """
    found = _parsed(texts)
    if found is None or not all(isinstance(one, dict) for one in found):
        return None
    return json.dumps({key: value for one in found for key, value in one.items()}, indent=4, sort_keys=True).encode()


def reports(texts: Sequence[bytes]) -> Optional[bytes]:
    """Join JSON reports: lists, as of cucumber, and those of pytest-json-report, pytest-benchmark and CTRF.

    None for others, and where one is damaged.
    """
    found = _parsed(texts)
    if not found:
        return None
    if all(isinstance(one, list) for one in found):
        return json.dumps([each for one in found for each in one], indent=1).encode()
    joined = None
    if all(isinstance(one, dict) for one in found):
        joined = _json_report(found) or _ctrf(found) or _benchmarks(found)
    return json.dumps(joined, indent=1).encode() if joined else None


def _parsed(texts: Sequence[bytes]) -> Optional[List[Any]]:
    try:
        return [files.parse_json(text) for text in texts]
    except ValueError:
        return None


def _benchmarks(found: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    if not all({"machine_info", "benchmarks"} <= set(one) and isinstance(one["benchmarks"], list) for one in found):
        return None
    return {**found[0], "benchmarks": [each for one in found for each in one["benchmarks"]]}


def _json_report(found: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    if not all({"created", "exitcode", "summary"} <= set(one) and isinstance(one["summary"], dict) for one in found):
        return None
    summary = _added([one["summary"] for one in found])
    if "collected" in summary:  # each shard collected all, and left the others'
        summary["collected"] = found[0]["summary"].get("collected", 0)
        summary["deselected"] = max(0, summary["collected"] - summary.get("total", 0))
    joined = {**found[0], "summary": {name: count for name, count in summary.items() if count or name != "deselected"}}
    for name in ("tests", "warnings"):
        if any(name in one for one in found):
            joined[name] = [each for one in found for each in one.get(name) or ()]
    joined["created"] = min(one["created"] for one in found)
    joined["exitcode"] = max(one["exitcode"] for one in found)
    joined["duration"] = sum(one.get("duration", 0) for one in found)
    return joined


def _ctrf(found: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    results = [one.get("results") for one in found]
    if not all(isinstance(one, dict) and {"summary", "tests"} <= set(one) for one in results):
        return None
    parts: List[Dict[str, Any]] = [one for one in results if one]
    summary = _added([one["summary"] for one in parts])
    for name, choose in (("start", min), ("stop", max)):
        if name in summary:
            summary[name] = choose(one["summary"][name] for one in parts)
    tests = [each for one in parts for each in one["tests"]]
    return {**found[0], "results": {**parts[0], "summary": summary, "tests": tests}}


def _added(counts: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Add numbers up by name."""
    added: Counter[str] = Counter()
    for one in counts:
        added.update({name: count for name, count in one.items() if isinstance(count, (int, float))})
    return dict(added)


def junit(texts: Sequence[bytes]) -> Optional[bytes]:
    """Join pytest's own JUnit reports: the name, properties and order of the first suite, the cases of all.

    None where one is damaged, or of another form.
    """
    roots = [_root(text) for text in texts]
    suites = [root[0] for root in roots if root is not None and [child.tag for child in root] == ["testsuite"]]
    if not suites or len(suites) < len(texts):
        return None
    first = suites[0]
    try:
        _add_up(suites)
    except ValueError:
        return None
    known = {ElementTree.tostring(each) for each in first.iterfind("properties/property")}
    for suite in suites[1:]:
        for child in suite:
            if child.tag != "properties":
                first.append(child)
        for each in suite.iterfind("properties/property"):
            if ElementTree.tostring(each) not in known:
                _properties_of(first).append(each)
    return ElementTree.tostring(roots[0], encoding="utf-8") if roots[0] is not None else None


def cases_in(text: bytes) -> int:
    """Count the test cases of a JUnit report; -1 where it is none.

    >>> cases_in(b"<testsuites><testsuite><testcase/></testsuite></testsuites>"), cases_in(b"")
    (1, -1)
    """
    root = _root(text)
    return -1 if root is None else sum(1 for _ in root.iter("testcase"))


def _root(text: bytes) -> Optional[ElementTree.Element]:
    """Parse a report; what declares entities is none of pytest's."""
    with suppress(ElementTree.ParseError, LookupError, ValueError):
        return None if b"<!" in text.partition(b"<testsuite")[0] else ElementTree.fromstring(text)  # noqa: S314 - no entities
    return None


def _add_up(suites: Sequence[ElementTree.Element]) -> None:
    """Set the totals of the first suite to those of all.

    Raises:
        ValueError: one is no number.
    """
    first = suites[0]
    for name in ("errors", "failures", "skipped", "tests"):
        first.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    first.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    first.set("timestamp", min(suite.get("timestamp", "") for suite in suites))


def _properties_of(suite: ElementTree.Element) -> ElementTree.Element:
    found = suite.find("properties")
    if found is None:
        found = ElementTree.Element("properties")
        suite.insert(0, found)
    return found
