"""By which rule two answers are the same: to the byte where that is promised, else by their sound."""

from __future__ import annotations

import numpy as np
import pytest

from tests.integration import gates, promises, rules
from tests.integration.evidence import Exchange
from tests.integration.promises import Promises
from tests.integration.rules import BYTES, OF_ANY, SOUND, check_same
from tests.integration.service import Speech
from tests.unit.audio.signals import wav_bytes
from tests.unit.audio.voices import spoken


@pytest.fixture
def repeatable(request: pytest.FixtureRequest) -> bool:
    return bool(getattr(request, "param", False))


@pytest.fixture(autouse=True)
def engine(repeatable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of a voice that nobody has measured."""
    told = Promises(24000, ("zh",), ("neutral",), 1000, repeatable, 2.0, "somebody", 20)
    monkeypatch.setenv("SERVICE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(promises, "_asked", lambda url: told)
    monkeypatch.setattr(rules, "_rules", {})


def speech(seed: int, text: str = "今天心情不好。", **other: float) -> Speech:
    body = wav_bytes(np.round(spoken(0.9, seed, **other) * 32767).astype("<i2").tobytes())
    return Speech({"text": text}, body, {}, 0.1, Exchange("POST", "/tts"))


def judged() -> set[str]:
    return set(rules.tests_by_rule())


@pytest.mark.parametrize("repeatable", [True, False], indirect=True)
def test_the_same_bytes_are_the_same(repeatable: bool) -> None:
    check_same(speech(1), speech(1), "again")

    assert {BYTES} == judged()


@pytest.mark.parametrize("repeatable", [True], indirect=True)
def test_whoever_promises_the_bytes_is_held_to_them(repeatable: bool) -> None:
    with pytest.raises(AssertionError, match="again: expected the same"):
        check_same(speech(1, speed=1.01), speech(1), "again")


def test_else_the_sound_is_compared() -> None:
    check_same(speech(1, speed=1.01), speech(1), "again")
    assert {SOUND} == judged()

    with pytest.raises(AssertionError, match="again: distance"):
        check_same(speech(2), speech(1), "again")


def test_what_is_nearer_to_what_it_must_not_be_is_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SAME_SOUND", 100.0)  # as lax as may be: then only the others tell
    neutral, acted = speech(1), speech(2)

    check_same(speech(1, speed=1.01), neutral, "intensity 0", [acted])
    with pytest.raises(AssertionError, match="intensity 0: distance"):
        check_same(speech(2, speed=1.01), neutral, "intensity 0", [acted])


def test_a_measure_that_nobody_gave_a_limit_judges_nothing() -> None:
    gates.check("longest_gap_s", speech(1))
    assert {OF_ANY} == judged()

    with pytest.raises(AssertionError, match="pace_percent: nobody has given it a limit"):
        gates.check("pace_percent", speech(1))


def test_the_baseline_of_another_voice_fails_where_it_was_named_for_this_one(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("audio")
    monkeypatch.setenv("SHARDLINE_BASELINE", str(folder))
    assert 0 == gates.known().clips  # nobody has recorded one yet

    gates._loaded.cache_clear()
    (folder / "baseline.json").write_text('{"schema": 1, "voice": "another", "clips": 20}')
    with pytest.raises(AssertionError, match="is of 'another', and 'somebody' speaks"):
        gates.known()
