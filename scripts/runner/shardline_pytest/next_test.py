"""What stands for the next test where it is not known yet.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Callable, Optional, Tuple

import pytest


def _no_test() -> None:
    """Do nothing."""


class Unknown(pytest.Item):
    """Stands where the next test is not known: what belongs to the whole session lives on, all else is torn down."""

    # Hooks compare them with the test's own. Those that first ask whether there is a next test go on to look into its
    # module: they cannot see that what stands for it here may turn out to be none.
    module = ModuleType("no_test")
    cls = instance = None
    function = obj = staticmethod(_no_test)
    fixturenames: Tuple[str, ...] = ()

    def runtest(self) -> None:
        """Do nothing: it never runs."""


class Later:
    """Stands for the next test, which is found when somebody looks at it; then it is like that one.

    Args:
        find: gives it; None: there is no next test. Then this is false, and otherwise like `unknown`.
    """

    def __init__(self, find: Callable[[], Optional[pytest.Item]], unknown: pytest.Item) -> None:
        vars(self).update(_find=find, _unknown=unknown)

    def __bool__(self) -> bool:
        return self._look() is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._like(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._like(), name, value)

    def __eq__(self, other: object) -> bool:
        return bool(self._look() == other)

    def __hash__(self) -> int:
        return hash(self._look())

    def __repr__(self) -> str:
        return repr(self._look())

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._like()) if "_found" in vars(self) else pytest.Item

    def _look(self) -> Optional[pytest.Item]:
        mine = vars(self)
        if "_found" not in mine:
            mine["_found"] = mine["_find"]()
        found: Optional[pytest.Item] = mine["_found"]
        return found

    def _like(self) -> pytest.Item:
        found = self._look()
        return vars(self)["_unknown"] if found is None else found
