"""By what a class shows that its tests go on where those before them left off."""

from __future__ import annotations

import unittest
from contextlib import contextmanager
from typing import Any, ClassVar, Dict, Iterator, List

import pytest

from scripts.runner.shardline_pytest.class_state import sign_of


class Named:
    token = ""

    def test(self) -> None:
        Named.token = "x"


class Inherited(Named):
    pass


class OfBase(Inherited):
    def test(self) -> None:
        Named.token = "x"


class Counting:
    count = 0

    def test(self) -> None:
        Counting.count += 1


class CountingByType:
    count = 0

    def test(self) -> None:
        type(self).count += 1


class ByInstance:
    token = ""

    def test(self) -> None:
        self.__class__.token = "x"


class ByType(unittest.TestCase):
    token = ""

    def test(self) -> None:
        type(self).token = "x"


class ByMethod:
    token = ""

    @classmethod
    def log_in(cls) -> None:
        cls.token = "x"


class BySetattr:
    def test(self, name: str = "token") -> None:
        setattr(BySetattr, name, "x")


class InPair:
    token = name = ""

    def test(self) -> None:
        InPair.token, InPair.name = "x", "y"


class Filled:
    made: ClassVar[List[str]] = []


class InList:
    made: ClassVar[List[int]] = [1]

    def test(self) -> None:
        self.made.append(2)


class InDict:
    made: ClassVar[Dict[str, int]] = {"a": 1}

    def test(self) -> None:
        self.made["a"] = 2


class OutOfDict:
    made: ClassVar[Dict[str, int]] = {"a": 1}

    async def test(self) -> None:
        del self.made["a"]


CHANGING = [Named, Inherited, OfBase, Counting, CountingByType, ByInstance, ByType, ByMethod, BySetattr, InPair]


class Decorated:
    token = ""

    @contextmanager
    def test(self) -> Iterator[None]:
        Decorated.token = "x"
        yield


class Asleep:
    """Stands for something that is not there yet, as lazy objects of frameworks do."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("working outside of a context")


class WithLazy:
    client = Asleep()


class Plain:
    URLS: ClassVar[List[str]] = ["/health"]
    limit = 3

    def test(self) -> None:
        self.limit = 4
        found = []
        for url in self.URLS:
            found.append(type(self).__name__ + url)
        copied = {"urls": self.URLS}
        copied["b"] = list(self.URLS)


class PlainCase(unittest.TestCase):
    def test(self) -> None:
        self.kind = type(self)


@pytest.mark.parametrize("cls", [*CHANGING, Decorated, Filled, InList, InDict, OutOfDict])
def test_a_class_whose_tests_change_it_shows_it(cls: Any) -> None:
    assert sign_of(cls)


@pytest.mark.parametrize(
    "cls", [Plain, PlainCase, WithLazy, object, None, type("Made", (), {"test": lambda self: None})]
)
def test_other_classes_do_not(cls: Any) -> None:
    assert "" == sign_of(cls)
