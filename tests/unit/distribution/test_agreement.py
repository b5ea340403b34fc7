from __future__ import annotations

import pytest

from scripts.distribution.agreement import agreed_plan, check_plan
from scripts.distribution.store import StoreError
from scripts.errors import SettingsError
from tests.unit.distribution.runs import MemoryStore

TEXT = '{"id": "\udcff 测试"}'


def test_the_plan_of_the_first_is_everybodys() -> None:
    store = MemoryStore()

    assert [TEXT, TEXT] == [agreed_plan(store, lambda: TEXT), agreed_plan(store, lambda: "another")]


def test_who_comes_while_another_puts_its_plan_takes_that() -> None:
    store = MemoryStore()

    def made() -> str:
        agreed_plan(store, lambda: TEXT)
        return "too late"

    assert TEXT == agreed_plan(store, made)


@pytest.mark.parametrize("damaged", ["no base 64", "bm8gemxpYg==", ""])
def test_a_damaged_plan_is_refused(damaged: str) -> None:
    store = MemoryStore()
    store.kept["plan"] = damaged

    with pytest.raises(StoreError, match="damaged"):
        agreed_plan(store, lambda: TEXT)


def test_shards_of_one_try_go_by_one_plan() -> None:
    store = MemoryStore()
    check_plan(store, "1", "abcdefghi")
    check_plan(store, "1", "abcdefghi")
    check_plan(store, "2", "later")

    with pytest.raises(SettingsError, match="abcdefgh, got other"):
        check_plan(store, "1", "other")
