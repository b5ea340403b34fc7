"""What became of each test, in SonarQube's generic format of test executions. Pure.

Its reader ends the whole analysis at a file that it does not know as a test, so that only those are written.
"""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ElementTree
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from ..proof.junit import TAGS, Result, visible

MOST_TEXT = 20_000  # characters of a traceback: SonarQube shows it in a narrow box


class Executions(NamedTuple):
    """The report, how many tests are in it, and the files of those that are not: they are none of the tests there."""

    xml: bytes
    tests: int
    left_out: Tuple[str, ...] = ()


def written(results: Iterable[Result], below: str, is_test: Callable[[str], bool]) -> Executions:
    """Write the results of tests; what a run has to say that is no test of a file goes without saying.

    Args:
        below: the folder that is analysed, from that of the repository, which the files of results are relative to;
            empty where they are the same.
        is_test: tells whether a file, from the folder that is analysed, is known as a test.
    """
    by_file: Dict[str, List[Result]] = {}
    left_out: Dict[str, None] = {}
    for result in results:
        file = result.nodeid.partition("::")[0]
        if not file.endswith(".py"):
            continue
        path = path_of(posixpath.normpath(posixpath.join(result.folder, file)), below)
        if path is not None and is_test(path):
            by_file.setdefault(path, []).append(result)
        else:
            left_out[file] = None
    root = ElementTree.Element("testExecutions", version="1")
    for path in sorted(by_file):
        element = ElementTree.SubElement(root, "file", path=visible(path))
        element.extend(map(_case, by_file[path]))
    text = ElementTree.tostring(root, encoding="utf-8")
    return Executions(text, sum(map(len, by_file.values())), tuple(left_out))


def path_of(file: str, below: str) -> Optional[str]:
    """Say where a file lies from a folder; None where it does not lie in it.

    >>> path_of("a/b/c.py", "a"), path_of("b/c.py", "a"), path_of("b/c.py", "")
    ('b/c.py', None, 'b/c.py')
    """
    if not below:
        return file
    return file[len(below) + 1 :] if file.startswith(f"{below}/") else None


def _case(result: Result) -> ElementTree.Element:
    name = result.nodeid.partition("::")[2] or result.nodeid
    duration_ms = str(round(result.seconds * 1000))
    case = ElementTree.Element("testCase", name=visible(name), duration=duration_ms)
    tag = TAGS.get(result.outcome)
    if tag:
        child = ElementTree.SubElement(case, tag, message=visible(result.message) or result.outcome)
        child.text = visible(result.text[-MOST_TEXT:])
    return case
