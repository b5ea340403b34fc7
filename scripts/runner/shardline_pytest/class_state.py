"""Does a class carry state from test to test by what belongs to it? What its source says; nothing is run.

pytest makes an object for each test, so what one keeps in `self` is gone. What it keeps in the class stays:
`TestFlow.token = x`, `type(self).token = x`, `self.seen.append(x)` where `seen` is a list of the class.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, Dict, List, NamedTuple, Set

_FOREIGN = ("builtins", "unittest.case")
_OF_UNITTEST = ("_class_cleanups", "tearDown_exceptions")  # each TestCase has such lists of its own
_OF_LISTS = ("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse")
_CHANGING = frozenset((*_OF_LISTS, "update", "setdefault", "popitem", "add", "discard"))  # and of dicts and sets
_SELF = ("__class__", "type")  # by which an object speaks of its class


class _Known(NamedTuple):
    """The names of a class and of those it is derived from, and of the lists, dicts and sets that belong to them."""

    classes: Set[str]
    containers: Set[str]


def sign_of(cls: Any) -> str:
    """Say by what a class shows it, '' for nothing: an empty container, or a method that changes what is the class's.

    A value that is handed to other functions is not followed.
    """
    bases = [base for base in getattr(cls, "__mro__", ()) if getattr(base, "__module__", "") not in _FOREIGN]
    own = [(name, value) for base in bases for name, value in list(vars(base).items()) if name not in _OF_UNITTEST]
    containers = {name for name, value in own if type(value) in (list, dict, set) and not name.startswith("__")}
    empty = next((name for name, value in own if name in containers and not value), "")
    if empty:
        return f"{empty} of the class is filled by its tests"
    known = _Known({base.__name__ for base in bases}, containers)
    speaking = [base for base in bases if any(_speaks(value, known) for value in list(vars(base).values()))]
    for method in (method for base in speaking for method in _methods(base)):
        if any(_changes(node, known) for node in ast.walk(method)):
            return f"{method.name} changes the class"
    return ""


def _speaks(value: Any, known: _Known) -> bool:
    """Tell whether a method names the class at all, or what belongs to it: most do not, and need not be read."""
    if type(value) in (classmethod, staticmethod):
        return True
    while type(value) is FunctionType and "__wrapped__" in vars(value):  # by a decorator
        value = vars(value)["__wrapped__"]
    if type(value) is not FunctionType:  # by `type`: to ask a lazy object of a framework for anything wakes it up
        return False
    names = {*value.__code__.co_names, *value.__code__.co_freevars}
    return not names.isdisjoint({*_SELF, *known.classes, *known.containers})


def _methods(cls: type) -> List[Any]:
    """Read the methods of a class; none where there is no source."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    body = _classes_in(str(file)).get(cls.__qualname__, ()) if file else ()
    return [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@lru_cache(maxsize=8)  # tests come file by file
def _classes_in(file: str) -> Dict[str, List[ast.stmt]]:
    """Read what stands in each class of a module, by qualified name."""
    found: Dict[str, List[ast.stmt]] = {}
    with suppress(OSError, SyntaxError, ValueError):
        waiting = [("", ast.parse(Path(file).read_bytes()).body)]
        while waiting:
            prefix, body = waiting.pop()
            for node in (node for node in body if isinstance(node, ast.ClassDef)):
                found[prefix + node.name] = node.body
                waiting.append((f"{prefix}{node.name}.", node.body))
    return found


def _changes(node: ast.AST, known: _Known) -> bool:
    """Tell whether a node stores an attribute of the class, or changes a container of it."""
    for target in _targets(node):
        if isinstance(target, ast.Attribute) and _is_class(target.value, known):
            return True
        if isinstance(target, ast.Subscript) and _is_container(target.value, known):
            return True
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in ("setattr", "delattr") and bool(node.args) and _is_class(node.args[0], known)
    called = node.func
    return isinstance(called, ast.Attribute) and called.attr in _CHANGING and _is_container(called.value, known)


def _targets(node: ast.AST) -> List[ast.expr]:
    """List what a statement stores into, or deletes."""
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return [node.target]
    targets = list(node.targets) if isinstance(node, (ast.Assign, ast.Delete)) else []
    return [each for target in targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]


def _is_class(value: ast.expr, known: _Known) -> bool:
    """Tell whether an expression is the class: by its name, `cls`, `self.__class__` or `type(self)`."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "type"
    if isinstance(value, ast.Attribute):
        return value.attr == "__class__"
    return isinstance(value, ast.Name) and (value.id == "cls" or value.id in known.classes)


def _is_container(value: ast.expr, known: _Known) -> bool:
    return isinstance(value, ast.Attribute) and value.attr in known.containers
