"""A voice made by code: syllables of harmonics whose pitch and colour wander, another melody for each seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.unit.audio.signals import RATE_HZ, silence

HARMONICS = 26  # up to some 6 kHz, as a voice has


def voice(seconds: float = 1.5, seed: int = 1, pitch: float = 1.0, speed: float = 1.0) -> Any:
    """Sing for so long; the same seed sings the same, at another pitch or speed where these are given."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds / speed * RATE_HZ)) / RATE_HZ * speed
    drift = np.interp(times, np.linspace(0, seconds, 8), rng.uniform(180, 260, 8)) * pitch
    phase = 2 * np.pi * np.cumsum(drift) / RATE_HZ
    colours = [np.interp(times, np.linspace(0, seconds, 12), rng.uniform(0, 1, 12)) for _ in range(HARMONICS)]
    return 0.15 * sum(colour * np.sin((k + 1) * phase) / (k + 1) for k, colour in enumerate(colours))


def spoken(seconds: float = 1.5, seed: int = 1, **other: float) -> Any:
    """Sing between two short silences, faded in and out."""
    samples = voice(seconds, seed, **other)
    fade = np.minimum(1, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / 500)
    return np.concatenate([silence(0.1), samples * fade, silence(0.15)])
