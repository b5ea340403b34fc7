"""Read and write JUnit XML as pytest does (xunit1): what became of each test."""

from __future__ import annotations

import codecs
import json
import posixpath
import re
import stat
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..console import human_bytes
from ..system.files import replacing
from . import findings as f
from .findings import Verdict
from .outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, UNFINISHED, WORST_FIRST, XFAILED
from .receipt import ExtraError, Selected

_OUTCOMES = {"failure": FAILED, "error": ERROR, "skipped": SKIPPED}
TAGS = {
    FAILED: "failure",
    ERROR: "error",
    UNFINISHED: "error",
    NOT_RUN: "error",
    SKIPPED: "skipped",
    XFAILED: "skipped",
}
_IN_ERRORS = (f.SERVICE_DEATH, f.SHARD_ERROR, f.STOPPED)  # findings that a shard's error, or a test, stands for
_IN_TESTS = (f.RED_TEST, f.LOST, f.NOT_RUN, f.LEFT)  # those that a collected test stands for
_SKIPPED_TYPES = {SKIPPED: "pytest.skip", XFAILED: "pytest.xfail"}  # as pytest's own report has them
_NODEID = "nodeid"  # a test's property, where file, classname and name do not tell it
# All but \t, \n, \x20-\ud7ff, \ue000-\ufffd and \U00010000-\U0010ffff, said so that it compiles in a tenth of the time.
_FOREIGN_TO_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

MOST_BYTES = 10**9  # a report of 27,000 failed tests has half of it
_PIECE = 1 << 20
_DEEPEST = 100  # elements in each other; reports have six
_LONGEST_S = 10**9  # thirty years
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_GROUPED = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?$")  # Surefire writes 1,234.5


@dataclass(frozen=True)
class Result:
    """One test: its node id, outcome, seconds, the first line of what went wrong, and all of it.

    `folder` is what the id's file is relative to, from the repository's; mostly they are the same, and it is empty.
    `timed` is whether the report said how long it took; else `seconds` is 0.
    """

    nodeid: str
    outcome: str
    seconds: float
    message: str = ""
    text: str = ""
    folder: str = ""
    timed: bool = True


class Unreadable(ValueError):
    """Says why a file is no JUnit report."""


def read(file: Path) -> Optional[List[Result]]:
    """Read the results of a report, one per node id with its worst outcome; None where there is no whole report.

    A test whose teardown fails has two entries in pytest's report; they count as one test.
    """
    try:
        return parse(file)
    except Unreadable:
        return None


def parse(file: Path) -> List[Result]:
    """Read the results of a report, of pytest or of anybody else.

    Raises:
        Unreadable: it is no whole report, or nothing that should be read.
    """
    cases = _Cases()
    parser = ElementTree.XMLParser(target=cases)  # noqa: S314 - which refuses document types
    try:
        for piece in _pieces(file):
            parser.feed(piece)
        parser.close()
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(" ".join(str(error).split())) from error
    results: Dict[str, Result] = {}
    for result in cases.results:
        known = results.get(result.nodeid, result)
        results[result.nodeid] = min(known, result, key=lambda r: WORST_FIRST.index(r.outcome))
    return list(results.values())


def _pieces(file: Path) -> Iterator[str]:
    """Read a regular file of a bearable size piece by piece: a pipe might never end."""
    state = file.stat()
    if not stat.S_ISREG(state.st_mode):
        raise Unreadable("it is no regular file")
    if state.st_size > MOST_BYTES:
        raise Unreadable(f"it has {human_bytes(state.st_size)}, expected at most {human_bytes(MOST_BYTES)}")
    with file.open("rb") as stream:
        piece = stream.read(_PIECE)
        decoder = codecs.getincrementaldecoder(_encoding(piece))()
        while piece:
            yield decoder.decode(piece)
            piece = stream.read(_PIECE)
        yield decoder.decode(b"", final=True)


def _encoding(start: bytes) -> str:
    """Tell the encoding as the file says it itself: expat alone knows few of them."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _DECLARED.match(start)
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    b"<>".decode(encoding)  # LookupError where Python knows none of this name, or one that makes no text
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


class _Cases:
    """Collect the test cases of a report while it is parsed: the rest of it is never kept."""

    def __init__(self) -> None:
        self.results: List[Result] = []
        self._tags: List[str] = []
        self._case: Optional[ElementTree.TreeBuilder] = None

    def doctype(self, name: str, pubid: Optional[str], system: Optional[str]) -> None:
        """Refuse what could define entities that grow without end."""
        raise Unreadable("it has a document type (DOCTYPE), which no test report needs")

    def start(self, tag: str, attributes: Dict[str, str]) -> None:
        """Begin an element."""
        name = tag.rpartition("}")[2]
        self._tags.append(name)
        if len(self._tags) > _DEEPEST:
            raise Unreadable(f"its elements lie deeper than {_DEEPEST} in each other")
        if name == "testcase" and self._case is None:
            self._case = ElementTree.TreeBuilder()
        if self._case is not None:
            self._case.start(name, attributes)

    def data(self, text: str) -> None:
        """Keep what went wrong, and not what was printed."""
        if self._case is not None and self._tags[-1] in _OUTCOMES:
            self._case.data(text)

    def end(self, tag: str) -> None:
        """End an element, and a test case with the last of it."""
        name = self._tags.pop()
        if self._case is not None:
            self._case.end(name)
            if name == "testcase" and "testcase" not in self._tags:
                self.results.append(_result(self._case.close()))
                self._case = None

    def close(self) -> None:
        """End the report."""


def _result(case: ElementTree.Element) -> Result:
    outcome, message, text = _outcome(case)
    nodeid = _kept_nodeid(case) or _nodeid(case)
    file, own = case.get("file") or "", "/" + visible(nodeid.partition("::")[0])
    folder = file[: -len(own)] if file.endswith(own) else ""
    seconds = seconds_of(case.get("time") or "")
    return Result(nodeid, outcome, seconds or 0.0, message, text, folder, seconds is not None)


def seconds_of(text: str) -> Optional[float]:
    """Read a duration as reporters write it, also with separators; None where it is none.

    >>> seconds_of("1.5"), seconds_of("1,234.5"), seconds_of("1,234"), seconds_of("0,25"), seconds_of("1.234,5")
    (1.5, 1234.5, 1234.0, 0.25, 1234.5)
    >>> seconds_of("NaN"), seconds_of("inf"), seconds_of("-1"), seconds_of(""), seconds_of("1e999")
    (None, None, None, None, None)
    """
    text = text.strip()
    if _GROUPED.match(text):
        text = text.replace(",", "")
    elif "," in text:  # a decimal comma
        text = text.replace(".", "").replace(",", ".")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_S else None


def _kept_nodeid(case: ElementTree.Element) -> str:
    """Read the node id that `write` kept beside the address; nothing where there is none."""
    kept = case.find(f"properties/property[@name='{_NODEID}']")
    try:
        nodeid = json.loads(kept.get("value") or '""') if kept is not None else ""
    except (ValueError, RecursionError):
        return ""
    return nodeid if isinstance(nodeid, str) else ""


def _outcome(case: ElementTree.Element) -> Tuple[str, str, str]:
    for child in case:
        if child.tag in _OUTCOMES:
            text = child.text or ""
            xfailed = child.tag == "skipped" and child.get("type") == _SKIPPED_TYPES[XFAILED]
            return XFAILED if xfailed else _OUTCOMES[child.tag], _first_line(child.get("message", text)), text
    return PASSED, "", ""


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]


def _nodeid(case: ElementTree.Element) -> str:
    """Make file::Class::name, as pytest names it; xunit1 has file, dotted class name and name."""
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
    """Put what went wrong outside tests into a report, each under a name of its own with the shard that says so."""
    times: Counter[str] = Counter()
    results = []
    for error in errors:
        times[error.name] += 1
        again = f" ({times[error.name]})" if times[error.name] > 1 else ""
        results.append(Result(f"{who}: {error.name}{again}", ERROR, 0.0, error.message))
    return results


def of_doubts(verdict: Verdict) -> List[Result]:
    """Put into a report what makes a verdict red and stands in no test of it, nor in the errors of a shard.

    Else a report of an incomplete run could be without anything red.
    """
    collected = verdict.outcomes
    return [
        Result(f"merge: {finding.kind}: {finding.nodeid or finding.text}", ERROR, 0.0, finding.text)
        for finding in verdict.findings
        if finding.red and finding.kind not in _IN_ERRORS
        if finding.kind not in _IN_TESTS or finding.nodeid not in collected
    ]


def visible(text: str) -> str:
    r"""Put what XML cannot hold in sight: control characters, surrogates, non-characters.

    >>> visible("\x1b[31mred\ud800")
    '\\x1b[31mred\\ud800'
    """
    return _FOREIGN_TO_XML.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _totals(results: Sequence[Result]) -> Dict[str, str]:
    number = Counter(TAGS.get(result.outcome) for result in results)
    tags = {"errors": "error", "failures": "failure", "skipped": "skipped"}
    totals = {name: str(number[tag]) for name, tag in tags.items()}
    seconds = sum(result.seconds for result in results)
    return {"name": "pytest", **totals, "tests": str(len(results)), "time": f"{seconds:.6f}"}


def _case(result: Result) -> ElementTree.Element:
    file, classname, name = _address(result.nodeid)
    file = posixpath.normpath(f"{result.folder}/{file}") if result.folder and file else file
    address = {"classname": visible(classname), "name": visible(name), "file": visible(file)}
    case = ElementTree.Element("testcase", {**address, "time": f"{result.seconds:.6f}"})
    if _nodeid(case) != result.nodeid:  # no file, a dot in a class's name, a character foreign to XML
        properties = ElementTree.SubElement(case, "properties")
        ElementTree.SubElement(properties, "property", {"name": _NODEID, "value": json.dumps(result.nodeid)})
    if result.outcome in TAGS:
        kind = {"type": _SKIPPED_TYPES[result.outcome]} if result.outcome in _SKIPPED_TYPES else {}
        child = ElementTree.SubElement(case, TAGS[result.outcome], {**kind, "message": visible(result.message)})
        child.text = visible(result.text)
    return case


def _address(nodeid: str) -> Tuple[str, str, str]:
    """Split an id into file, dotted class name and name.

    >>> _address("a/test_b.py::C::test_d[e::f]")
    ('a/test_b.py', 'a.test_b.C', 'test_d[e::f]')
    """
    file, _, rest = nodeid.partition("::")
    path, bracket, parameters = rest.partition("[")
    names = path.split("::")
    dotted = (file[: -len(".py")] if file.endswith(".py") else file).replace("/", ".")
    return file, ".".join([dotted, *names[:-1]]), names[-1] + bracket + parameters
