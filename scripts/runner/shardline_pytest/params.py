"""Tells which parameters of shared fixtures each test has: pytest runs tests of one value side by side.

A fixture is set up anew for each change of its parameter, such as a model that is loaded.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import pytest

from .wishes import ranges

WIDE = ("session", "package")  # such fixtures outlive files
NARROW = ("module", "class")
LONGEST = 100  # characters of a value that names itself

Params = Tuple[Tuple[str, ...], Tuple[str, ...]]


def params_of(items: Sequence[pytest.Item]) -> List[Dict[str, Any]]:
    """List what tests have in common: parameters that outlive files, and others, with ranges [first, last] of places.

    They are in the order of the collection. Tests without any are left out.
    """
    places: Dict[Params, List[int]] = {}
    for place, item in enumerate(items):
        callspec = getattr(item, "callspec", None)
        if callspec is not None:
            found = _named(callspec, WIDE), _named(callspec, NARROW)
            places.setdefault(found, []).append(place)
    places.pop(((), ()), None)
    return [{"wide": wide, "narrow": narrow, "tests": ranges(found)} for (wide, narrow), found in places.items()]


def _named(callspec: Any, scopes: Sequence[str]) -> Tuple[str, ...]:
    """Name the parameters of these scopes, the widest first, with their values."""
    of = {name: getattr(scope, "value", scope) for name, scope in getattr(callspec, "_arg2scope", {}).items()}
    return tuple(
        f"{name}[{_value(callspec, name)}]" for scope in scopes for name in callspec.params if of.get(name) == scope
    )


def _value(callspec: Any, name: str) -> object:
    """Say a value that names itself; of any other, its place among the parameters."""
    value = callspec.params[name]
    is_plain = type(value) in (str, int, float, bool, type(None))
    return str(value)[:LONGEST] if is_plain else getattr(callspec, "indices", {}).get(name, 0)
