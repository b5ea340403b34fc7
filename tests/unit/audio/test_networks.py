"""What the networks are given and what is made of their answers; the networks themselves are not here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scripts.audio import mel, opinions, speaker
from scripts.audio.wav import Wav
from tests.unit.audio.signals import recording, silence, sine

RNG = np.random.default_rng(1)
SMALL = {
    f"lstm.{name}_l{layer}": RNG.normal(0, 0.1, shape).astype(np.float32)
    for layer in range(3)
    for name, shape in (
        ("weight_ih", (1024, 256 if layer else 40)),
        ("weight_hh", (1024, 256)),
        ("bias_ih", (1024,)),
        ("bias_hh", (1024,)),
    )
}
NETWORK = {**SMALL, "linear.weight": np.eye(256, dtype=np.float32), "linear.bias": np.full(256, 0.1, np.float32)}


def test_a_band_hears_its_own_pitch() -> None:
    rows = mel.mel_spectrogram(recording(sine(1000, 0.2)).samples, 24000, 600, 240, 40)
    edges = mel.filters(24000, 600, 40)

    loudest = int(rows.mean(axis=0).argmax())
    assert edges[loudest, 25] > 0  # 1000 Hz is the 25th of steps of 40 Hz


def test_bands_have_the_same_area() -> None:
    areas = mel.filters(16000, 400, 10).sum(axis=1) * 40

    assert pytest.approx(np.ones(10), abs=0.1) == areas


def test_pieces_of_nine_seconds_are_scaled_and_averaged() -> None:
    asked = []

    def primary(given: Any) -> Any:
        asked.append(given.shape)
        return np.array([[3.0, 3.0, 2.0 + len(asked)]])

    found = opinions.predicted(Wav(np.zeros(10 * 16000 + 160), 16000, 1), primary, lambda given: np.array([[3.25]]))

    assert [(1, 144160)] * 2 == asked
    assert pytest.approx(2.9119, abs=0.001) == found["mos_signal"]
    assert pytest.approx((2.7835 + 3.4255) / 2, abs=0.001) == found["mos_overall"]
    assert 3.25 == found["mos_p808"]


def test_a_short_recording_is_repeated_and_an_empty_one_has_no_opinion() -> None:
    shapes = []

    def p808(given: Any) -> Any:
        shapes.append(given.shape)
        return np.array([[3.0]])

    opinions.predicted(recording(sine(200, 0.5)), lambda given: np.ones((1, 3)), p808)

    assert all((1, 900, 120) == shape for shape in shapes)
    assert {} == opinions.predicted(recording([]), p808, p808)


def test_a_voice_has_length_one_and_silence_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "_network", lambda path: NETWORK)

    found = speaker.voice(recording(sine(200, 0.4), silence(0.3), sine(300, 0.2)))

    assert found is not None
    assert pytest.approx(1.0, abs=1e-3) == sum(number**2 for number in found)
    assert None is speaker.voice(recording(silence(0.5)))
    assert None is speaker.voice(recording([]))


def test_likeness_is_the_cosine() -> None:
    assert pytest.approx(0.6) == speaker.likeness([1.0, 0.0], [3.0, 4.0])
    assert [0.5, 0.5] == speaker.mean_voice([[1.0, 0.0], [0.0, 1.0]])
