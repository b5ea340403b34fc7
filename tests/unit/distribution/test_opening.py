"""Which store a run has, what is filled in, and which stores are refused when they are tried."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Mapping, Optional

import pytest

from scripts.distribution import opening
from scripts.distribution.store import Store, StoreError
from scripts.errors import SettingsError
from scripts.settings.distribution import Distribution
from tests.unit.distribution.conftest import Place, opened


class Forgetful(Store):
    """Lets everybody win, as servers do that know nothing of conditions."""

    where = "s3://bucket"

    def __init__(self, answers: str) -> None:
        super().__init__()
        self._answers, self._kept = answers, {}  # type: str, Dict[str, str]

    def _claim(self, key: str, value: str) -> str:
        self._kept[key] = value if self._answers == "the last" else self._kept.get(key, value)
        return value

    def _put(self, key: str, value: str) -> None:
        self._kept[key] = value

    def _get(self, key: str) -> Optional[str]:
        return None if self._answers == "nothing" else self._kept.get(key)

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        return {}


@pytest.mark.parametrize("answers", ["the last", "the first", "nothing"])
def test_a_store_that_lets_everybody_win_is_refused(answers: str) -> None:
    with pytest.raises(SettingsError, match="s3://bucket lets everybody claim what one has claimed"):
        opening.probe(Forgetful(answers))


def test_every_kind_of_store_keeps_its_word(place: Place) -> None:
    for store in (place.open(), place.open()):
        opening.probe(store)


def test_a_server_that_does_not_know_the_condition_is_refused(s3_port: int, lead_to: Callable[[int], None]) -> None:
    lead_to(s3_port)

    with pytest.raises(SettingsError, match="the second was told that it won"):
        opened("s3://bucket/of-gcs", put_if_absent="gcs", trying=True)


@pytest.mark.parametrize(
    "said, handed, meant", [(None, "", ""), (None, "/f", "/f"), ("none", "/f", ""), ("redis://h", "/f", "redis://h")]
)
def test_the_settings_come_before_what_a_run_hands_to_its_shards(said: Optional[str], handed: str, meant: str) -> None:
    assert meant == opening.named(Distribution(store=said), {opening.HANDED: handed})


def test_a_run_without_a_store_opens_none() -> None:
    assert opening.open_store(Distribution(), {}, Path(), "run/1") is None


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(StoreError, match="the variable PASSWORD is not set"):
        opening.open_store(Distribution(store="redis://:$PASSWORD@host"), {}, Path(), "run/1")


def test_a_variable_may_hold_the_whole_store(tmp_path: Path) -> None:
    store = opening.open_store(Distribution(store="$STORE"), {"STORE": "folder"}, tmp_path, "run/1")

    assert store is not None and (str(tmp_path / "folder"), True) == (store.where, (tmp_path / "folder/run/1").is_dir())


def test_a_variable_that_names_no_store_is_refused_without_its_secrets() -> None:
    with pytest.raises(SettingsError, match=r"expected redis://.* got http://host") as caught:
        opening.open_store(Distribution(store="$STORE"), {"STORE": "http://me:geheim@host"}, Path(), "run/1")

    assert "geheim" not in str(caught.value)
