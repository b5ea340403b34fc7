"""By what a class shows that its tests go on where those before them left off."""

from __future__ import annotations

import unittest
from typing import Any, ClassVar, List

import pytest

from scripts.runner.shardline_pytest.class_state import sign_of


class Named:
    token = ""

    def test(self) -> None:
        Named.token = "x"


class Inherited(Named):
    pass


class Counting:
    count = 0

    def test(self) -> None:
        Counting.count += 1


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


class Filled:
    made: ClassVar[List[str]] = []


class Plain:
    URLS: ClassVar[List[str]] = ["/health"]

    def test(self) -> None:
        self.url = Plain.URLS[0]


class PlainCase(unittest.TestCase):
    def test(self) -> None:
        self.kind = type(self)


@pytest.mark.parametrize("cls", [Named, Inherited, Counting, ByInstance, ByType, ByMethod, BySetattr, Filled])
def test_a_class_whose_tests_change_it_shows_it(cls: Any) -> None:
    assert sign_of(cls)


@pytest.mark.parametrize("cls", [Plain, PlainCase, object, None])
def test_other_classes_do_not(cls: Any) -> None:
    assert "" == sign_of(cls)
