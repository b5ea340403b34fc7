"""Read and write JUnit XML as pytest does (xunit1): what became of each test."""

from __future__ import annotations

import json
import posixpath
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..system.files import replacing
from .outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, WORST_FIRST, XFAILED
from .receipt import ExtraError, Selected

_OUTCOMES = {"failure": FAILED, "error": ERROR, "skipped": SKIPPED}
_TAGS = {FAILED: "failure", ERROR: "error", NOT_RUN: "error", SKIPPED: "skipped", XFAILED: "skipped"}
_SKIPPED_TYPES = {SKIPPED: "pytest.skip", XFAILED: "pytest.xfail"}  # as pytest's own report has them
_NODEID = "nodeid"  # a test's property, where file, classname and name do not tell it
_FOREIGN_TO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Result:
    """One test: its node id, outcome, seconds, the first line of what went wrong, and all of it.

    `folder` is what the id's file is relative to, from the repository's; mostly they are the same, and it is empty.
    """

    nodeid: str
    outcome: str
    seconds: float
    message: str = ""
    text: str = ""
    folder: str = ""


def read(file: Path) -> Optional[List[Result]]:
    """The results of a report, one per node id with its worst outcome; None where there is no whole report.

    A test whose teardown fails has two entries in pytest's report; they count as one test.
    """
    try:
        root = ElementTree.parse(str(file)).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    found: Dict[str, Result] = {}
    for result in map(_result, root.iter("testcase")):
        known = found.get(result.nodeid, result)
        found[result.nodeid] = min(known, result, key=lambda r: WORST_FIRST.index(r.outcome))
    return list(found.values())


def _result(case: ElementTree.Element) -> Result:
    outcome, message, text = _outcome(case)
    told = case.find(f"properties/property[@name='{_NODEID}']")
    nodeid = _nodeid(case) if told is None else str(json.loads(told.get("value") or '""'))
    file, own = case.get("file") or "", "/" + visible(nodeid.partition("::")[0])
    folder = file[: -len(own)] if file.endswith(own) else ""
    return Result(nodeid, outcome, float(case.get("time") or 0), message, text, folder)


def _outcome(case: ElementTree.Element) -> Tuple[str, str, str]:
    for child in case:
        if child.tag in _OUTCOMES:
            text = child.text or ""
            if child.get("type") == _SKIPPED_TYPES[XFAILED]:
                return XFAILED, _first_line(child.get("message", text)), text
            return _OUTCOMES[child.tag], _first_line(child.get("message", text)), text
    return PASSED, "", ""


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]


def _nodeid(case: ElementTree.Element) -> str:
    """file::Class::name, as pytest names it; xunit1 has file, dotted class name and name."""
    file, dotted, name = case.get("file") or "", case.get("classname") or "", case.get("name") or ""
    module = file[: -len(".py")].replace("/", ".") if file.endswith(".py") else file
    classes = dotted[len(module) + 1 :].split(".") if dotted.startswith(module + ".") else []
    return "::".join(part for part in (file or dotted, *classes, name) if part)


def write(file: Path, results: Sequence[Result]) -> None:
    """Write a report that `read` reads back, whatever the ids and texts are made of.

    `file` of each test is relative to the repository: CircleCI matches it with what it splits by. There is no host
    name and no date: the same results are the same bytes.
    """
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", _totals(results))
    suite.extend(map(_case, results))
    with replacing(file) as temporary:
        ElementTree.ElementTree(root).write(str(temporary), encoding="utf-8", xml_declaration=True)


def of_tests(tests: Iterable[Selected], texts: Mapping[str, str], folder: str = "") -> List[Result]:
    """Put tests as a verdict has them into a report: each once, with its worst outcome.

    Args:
        texts: the tracebacks, by id.
        folder: see `Result`.
    """
    return [
        Result(test.nodeid, test.proven, test.seconds, _why(test), texts.get(test.nodeid, ""), folder) for test in tests
    ]


def _why(test: Selected) -> str:
    return test.why or ("not run" if test.proven == NOT_RUN else "")


def of_errors(errors: Iterable[ExtraError], who: str) -> List[Result]:
    """Put what went wrong outside tests into a report, each under the name of the shard that says so."""
    return [Result(f"{who}: {error.name}", ERROR, 0.0, error.message) for error in errors]


def visible(text: str) -> str:
    r"""The text with what XML cannot hold in sight: control characters, surrogates, non-characters.

    >>> visible("\x1b[31mred\ud800")
    '\\x1b[31mred\\ud800'
    """
    return _FOREIGN_TO_XML.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _totals(results: Sequence[Result]) -> Dict[str, str]:
    number = Counter(result.outcome for result in results)
    tags = {"errors": (ERROR, NOT_RUN), "failures": (FAILED,), "skipped": (SKIPPED, XFAILED)}
    found = {name: str(sum(number[outcome] for outcome in outcomes)) for name, outcomes in tags.items()}
    seconds = sum(result.seconds for result in results)
    return {"name": "pytest", **found, "tests": str(len(results)), "time": f"{seconds:.6f}"}


def _case(result: Result) -> ElementTree.Element:
    file, classname, name = _address(result.nodeid)
    file = posixpath.normpath(f"{result.folder}/{file}") if result.folder and file else file
    address = {"classname": visible(classname), "name": visible(name), "file": visible(file)}
    case = ElementTree.Element("testcase", {**address, "time": f"{result.seconds:.6f}"})
    if _nodeid(case) != result.nodeid:  # no file, a dot in a class's name, a character foreign to XML
        properties = ElementTree.SubElement(case, "properties")
        ElementTree.SubElement(properties, "property", {"name": _NODEID, "value": json.dumps(result.nodeid)})
    if result.outcome in _TAGS:
        kind = {"type": _SKIPPED_TYPES[result.outcome]} if result.outcome in _SKIPPED_TYPES else {}
        child = ElementTree.SubElement(case, _TAGS[result.outcome], {**kind, "message": visible(result.message)})
        child.text = visible(result.text)
    return case


def _address(nodeid: str) -> Tuple[str, str, str]:
    """File, dotted class name and name: `a/test_b.py::C::test_d[e::f]` is (a/test_b.py, a.test_b.C, test_d[e::f])."""
    file, _, rest = nodeid.partition("::")
    path, bracket, parameters = rest.partition("[")
    names = path.split("::")
    dotted = (file[: -len(".py")] if file.endswith(".py") else file).replace("/", ".")
    return file, ".".join([dotted, *names[:-1]]), names[-1] + bracket + parameters
