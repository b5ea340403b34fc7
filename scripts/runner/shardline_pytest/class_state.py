"""Does a class carry state from test to test by its own attributes? What its code says, which is not run.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import dis
from types import CodeType
from typing import Any, Container, Iterator

_FOREIGN = ("builtins", "unittest.case")
_OF_UNITTEST = ("_class_cleanups", "tearDown_exceptions")  # each TestCase has such lists of its own
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF")
_SWAPS = ("SWAP", "ROT_TWO")  # before an attribute is stored by `+=`


def sign_of(cls: Any) -> str:
    """Say by what a class shows it, '' for nothing: an empty container, or a method that sets the class's attributes.

    >>> class Flow:
    ...     def test_login(self): type(self).token = "x"
    >>> sign_of(Flow)
    'test_login sets attributes of the class'
    """
    own = [base for base in getattr(cls, "__mro__", ()) if getattr(base, "__module__", "") not in _FOREIGN]
    names = {base.__name__ for base in own}
    for name, value in (pair for base in own for pair in list(vars(base).items())):
        if type(value) in (list, dict, set) and not value and name not in _OF_UNITTEST:
            return f"{name} of the class is filled by its tests"
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        if isinstance(code, CodeType) and any(_sets(code, names, isinstance(value, classmethod))):
            return f"{name} sets attributes of the class"
    return ""


def _sets(code: CodeType, names: Container[str], is_of_class: bool) -> Iterator[bool]:
    """Find where a function stores an attribute of one of the named classes, or of its own."""
    used = set(code.co_names) | set(code.co_freevars)
    if not is_of_class and used.isdisjoint(("__class__", "type")) and not any(name in names for name in used):
        return  # most do not speak of it
    yield "setattr" in used
    before = None
    for now in dis.get_instructions(code):
        if now.opname == "STORE_ATTR" and before is not None:
            loads = before.opname in _LOADS and before.argval in names
            is_own = before.opname == "LOAD_ATTR" and before.argval == "__class__"
            is_first = is_of_class and before.opname.startswith("LOAD_FAST") and before.argval == code.co_varnames[0]
            yield loads or is_own or is_first or before.opname in _SWAPS or "CALL" in before.opname
        before = now
