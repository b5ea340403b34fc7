"""What a node id says about its test: its file, its classes, the function it is a variant of."""

from __future__ import annotations

from typing import Tuple


def file_of(nodeid: str) -> str:
    """Name the file a test lies in; for an item that is no function, the id itself may be the file.

    >>> file_of("tests/test_a.py::TestB::test_c[x::y]")
    'tests/test_a.py'
    """
    return nodeid.split("::", 1)[0]


def function_of(nodeid: str) -> str:
    """Cut the parameters off an id: what the variants of one parametrised function share.

    >>> function_of("tests/test_a.py::test_c[x::y]")
    'tests/test_a.py::test_c'
    """
    file = file_of(nodeid)
    return file + nodeid[len(file) :].split("[", 1)[0]


def classes_of(nodeid: str) -> Tuple[str, ...]:
    """Name the classes a test lies in, outermost first, each by its own node id.

    >>> classes_of("test_a.py::TestB::TestC::test_d[x::y]")
    ('test_a.py::TestB', 'test_a.py::TestB::TestC')
    """
    if nodeid.count("::") < 2:  # most are in none
        return ()
    names = function_of(nodeid).split("::")
    return tuple("::".join(names[:count]) for count in range(2, len(names)))
