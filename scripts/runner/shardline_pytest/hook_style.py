"""How a hook encloses all others, or is enclosed by them, in the style that the pluggy at hand knows.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from inspect import signature
from typing import Any, Generator

import pytest

# pytest 7.0 allows a pluggy that has only hook wrappers of the old style, and a younger one runs those at twice the
# cost. A generator of the form `try: return (yield)`, `finally: ...` is a wrapper of both styles: to the old one,
# `yield` raises nothing and what is returned is nothing.
IS_YOUNG = "wrapper" in signature(pytest.hookimpl.__call__).parameters
if IS_YOUNG:
    outermost = pytest.hookimpl(wrapper=True, tryfirst=True)
    innermost = pytest.hookimpl(wrapper=True, trylast=True)
else:
    outermost = pytest.hookimpl(hookwrapper=True, tryfirst=True)
    innermost = pytest.hookimpl(hookwrapper=True, trylast=True)
Wrapper = Generator[None, Any, Any]


def is_wrapper(implementation: Any) -> bool:
    """Tell whether an implementation of a hook encloses others, in either style."""
    return bool(implementation.hookwrapper or getattr(implementation, "wrapper", False))
