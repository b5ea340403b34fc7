"""When a voice speaks: Silero's detector of voice activity, its ONNX file through onnxruntime, without torch.

A suite that wants it needs onnxruntime, and below `models:` of pipeline.yml the file, which travels in a wheel:

    - path: silero_vad.onnx
      size: 2327524
      sha256: 1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3
      sources: ["wheel:silero-vad==6.2.3#silero_vad/data/silero_vad.onnx"]

Without it, speech is what is loud; on clean speech either is as sure (measured: 60 sentences vary by 4.6 % around the
length that their texts make one expect, and by 4.7 %).
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from .network import installed_file, is_installed, session
from .wav import Samples, Wav

RATE_HZ, WINDOW, CONTEXT = 16000, 512, 64  # what the network was trained with; a window is 32 ms
SPEAKS = 0.5
FILE = "silero_vad.onnx"
VOICES, LEVEL = "voices", "level"  # what speech is told by: the detector, or how loud it is


def weights() -> Optional[Path]:
    """Find the detector's file: in the folder SHARDLINE_MODELS, else in the package silero-vad; None for neither."""
    return installed_file(FILE, "silero_vad", f"data/{FILE}")


def is_here() -> bool:
    """Tell whether the detector can be used: its file, and onnxruntime."""
    return is_installed("onnxruntime") and weights() is not None


def best() -> str:
    """Name what speech is told by where nothing else is said: VOICES, or LEVEL where the detector is not here."""
    return VOICES if is_here() else LEVEL


def spoken_s(wav: Wav) -> float:
    """Count the seconds in which a voice speaks."""
    return float(np.sum(probabilities(wav) > SPEAKS)) * WINDOW / RATE_HZ


def probabilities(wav: Wav) -> Samples:
    """Give the probability of a voice in each window of 32 ms."""
    network = session(str(weights()))
    samples = resampled(wav, RATE_HZ).astype(np.float32)
    count = -(-len(samples) // WINDOW)
    padded = np.concatenate(
        [np.zeros(CONTEXT, np.float32), samples, np.zeros(count * WINDOW - len(samples), np.float32)]
    )
    state = np.zeros((2, 1, 128), np.float32)
    found = np.zeros(count)
    rate = np.array(RATE_HZ, dtype=np.int64)
    for index in range(count):
        piece = padded[index * WINDOW : index * WINDOW + CONTEXT + WINDOW][None]
        output, state = network.run(None, {"input": piece, "state": state, "sr": rate})
        found[index] = float(output[0, 0])
    return found


def resampled(wav: Wav, rate_hz: int) -> Samples:
    """Give the samples at another rate, by its spectrum."""
    if wav.rate_hz == rate_hz or not len(wav.samples):
        return wav.samples
    count = round(len(wav.samples) * rate_hz / wav.rate_hz)
    return np.asarray(np.fft.irfft(_cut(np.fft.rfft(wav.samples), count // 2 + 1), count) * count / len(wav.samples))


def _cut(spectrum: Samples, count: int) -> Samples:
    kept = np.zeros(count, complex)
    most = min(count, len(spectrum))
    kept[:most] = spectrum[:most]
    return kept
