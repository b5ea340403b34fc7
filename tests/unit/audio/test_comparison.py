"""Beside its golden recording, what changed in speech is seen, and what nobody minds is not."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict

import numpy as np
import pytest

from scripts.audio import judging
from scripts.audio.baseline import usual
from scripts.audio.clip import Clip
from scripts.audio.taking import compare
from tests.unit.audio.signals import RATE_HZ, recording, silence
from tests.unit.audio.voices import spoken

GOLDEN = Clip(recording(spoken()))


def found(samples: Any) -> Dict[str, float]:
    """What is beyond the usual limits, and by how much."""
    values = compare(Clip(recording(samples)), GOLDEN)
    return {each.measure: each.value for each in judging.verdicts(values, usual()) if not each.passed}


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(lambda samples: samples, id="itself"),
        pytest.param(lambda samples: 0.3 * samples, id="softer"),
        pytest.param(lambda samples: np.concatenate([silence(0.4), samples, silence(0.3)]), id="later"),
        pytest.param(lambda samples: samples + np.random.default_rng(1).normal(0, 1e-5, len(samples)), id="dithered"),
        pytest.param(lambda _: spoken(speed=1.05), id="5-percent-faster"),
        pytest.param(lambda _: spoken(speed=1 / 1.05), id="5-percent-slower"),
    ],
)
def test_what_nobody_minds_passes(same: Callable[[Any], Any]) -> None:
    assert {} == found(same(spoken()))


def reversed_part(samples: Any) -> Any:
    """Play 0.3 s of it backwards."""
    start, size = round(0.6 * RATE_HZ), round(0.3 * RATE_HZ)
    changed = samples.copy()
    changed[start : start + size] = samples[start : start + size][::-1]
    return changed


@pytest.mark.parametrize(
    "measure, worse",
    [
        ("longest_run_s", lambda samples: np.delete(samples, slice(RATE_HZ // 2, RATE_HZ))),
        ("length_percent", lambda samples: samples[: len(samples) // 2]),
        ("worst_distance", lambda samples: np.concatenate([samples[:RATE_HZ], spoken(seed=2)[RATE_HZ:]])),
        ("backwards", reversed_part),
        ("pitch_shift_st", lambda _: spoken(pitch=1.15)),
        ("hiss_db", lambda samples: samples + np.random.default_rng(1).normal(0, 0.01, len(samples))),
    ],
)
def test_what_got_worse_is_seen(measure: str, worse: Callable[[Any], Any]) -> None:
    assert measure in found(worse(spoken()))


def test_a_rising_pitch_drifts() -> None:
    samples = spoken(pitch=np.linspace(1, 1.3, round(1.5 * RATE_HZ)))

    assert found(samples)["pitch_drift_st"] > 1.5


def test_what_is_too_short_to_compare_has_no_values() -> None:
    values = compare(Clip(recording(silence(0.05))), GOLDEN)

    assert values and all(math.isnan(value) for value in values.values())


def test_long_recordings_are_compared_in_longer_frames() -> None:
    long = Clip(recording(*(spoken(seed=seed) for seed in range(9))))

    assert [] == [each for each in judging.verdicts(compare(long, long), usual()) if not each.passed]
