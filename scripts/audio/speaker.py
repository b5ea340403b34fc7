"""Who speaks? A voice as 256 numbers, near for one speaker, far for two: Resemblyzer's encoder, without torch.

It is the encoder of Wan and others 2018, "Generalized end-to-end loss for speaker verification" (arXiv:1710.10467):
three LSTM layers over 40 mel bands, then one linear layer, on pieces of 1.6 s. The weights are those of the package
Resemblyzer (Apache 2.0); reading and running them takes numpy alone. How alike two voices are is the cosine of their
numbers.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from .activity import resampled
from .likeness import trimmed
from .measures import speaking
from .mel import mel_spectrogram
from .network import installed_file
from .torch_file import tensors
from .wav import Samples, Wav

FILE, PACKAGE, MEMBER = "speaker_encoder.pt", "resemblyzer", "pretrained.pt"
RATE_HZ, WINDOW, HOP, BANDS = 16000, 400, 160, 40
LEVEL = 10 ** (-30 / 20)  # that a softer recording is raised to
PIECE, STEP = 160, 77  # frames: 1.6 s, and 1.3 of them start each second
LEAST_COVERED = 0.75  # of a last piece
LONGEST_PAUSE = 20  # frames of 10 ms; what is longer is cut out
LAYERS, SIZE = 3, 256


def weights() -> Optional[Path]:
    """Find the encoder: in the folder SHARDLINE_MODELS, else in the package Resemblyzer; None for neither."""
    return installed_file(FILE, PACKAGE, MEMBER)


def voice(wav: Wav) -> Optional[List[float]]:
    """Give the 256 numbers of the voice, of length 1; None where nobody speaks."""
    rows = _bands(wav)
    if rows is None:
        return None
    found = _encode(_pieces(rows), _network(str(weights()))).mean(axis=0)
    return [round(float(number), 5) for number in found / np.linalg.norm(found)]


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the cosine between two voices: 1 for the same."""
    dot = sum(a * b for a, b in zip(one, other))
    return dot / (math.sqrt(sum(a * a for a in one)) * math.sqrt(sum(b * b for b in other)))


def mean_voice(voices: Sequence[Sequence[float]]) -> List[float]:
    """Average voices."""
    return [round(float(number), 5) for number in np.mean(np.asarray(voices), axis=0)]


def _bands(wav: Wav) -> Optional[Samples]:
    spoken = _without_pauses(trimmed(wav))
    samples = resampled(spoken, RATE_HZ)
    rms = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    if not rms:
        return None
    return mel_spectrogram(samples * max(1.0, LEVEL / rms), RATE_HZ, WINDOW, HOP, BANDS).astype(np.float32)


def _without_pauses(wav: Wav) -> Wav:
    """Cut out what nobody speaks in for longer than 0.2 s: a pause has no voice."""
    speaks = speaking(wav)
    if not len(speaks):
        return wav
    near = np.convolve(speaks, np.ones(LONGEST_PAUSE + 1), mode="same") > 0.5
    kept = np.repeat(near, len(wav.samples) // len(speaks))
    return Wav(wav.samples[: len(kept)][kept], wav.rate_hz, 1)


def _pieces(rows: Samples) -> Samples:
    """Cut pieces of 1.6 s that overlap by half; the last one counts if it is three quarters full."""
    starts = list(range(0, max(1, len(rows) - PIECE + STEP + 1), STEP))
    if len(starts) > 1 and len(rows) - starts[-1] < LEAST_COVERED * PIECE:
        starts.pop()
    padded = np.concatenate([rows, np.zeros((max(0, starts[-1] + PIECE - len(rows)), BANDS), rows.dtype)])
    return np.array([padded[start : start + PIECE] for start in starts])


def _encode(pieces: Samples, network: Dict[str, Samples]) -> Samples:
    """Run the network: a row of length 1 for each piece."""
    rows = pieces.transpose(1, 0, 2)  # time first
    for layer in range(LAYERS):
        rows = _lstm(
            rows, *(network[f"lstm.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        )
    raw = np.maximum(0, rows[-1] @ network["linear.weight"].T + network["linear.bias"])
    encoded: Samples = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
    return encoded


def _lstm(rows: Samples, into: Samples, back: Samples, bias: Samples, back_bias: Samples) -> Samples:
    """Run one layer (Hochreiter and Schmidhuber 1997; gates in torch's order: input, forget, cell, output)."""
    given = rows @ into.T + (bias + back_bias)
    hidden = cell = np.zeros((rows.shape[1], SIZE), np.float32)
    found = np.empty((*rows.shape[:2], SIZE), np.float32)
    for at, each in enumerate(given):
        gates = each + hidden @ back.T
        opens, keeps, shows = (_sigmoid(gates[:, SIZE * gate : SIZE * (gate + 1)]) for gate in (0, 1, 3))
        cell = keeps * cell + opens * np.tanh(gates[:, 2 * SIZE : 3 * SIZE])
        hidden = shows * np.tanh(cell)
        found[at] = hidden
    return found


def _sigmoid(values: Samples) -> Any:
    return 0.5 + 0.5 * np.tanh(0.5 * values)  # overflows nowhere


@functools.lru_cache(maxsize=None)
def _network(path: str) -> Dict[str, Samples]:
    return tensors(Path(path), "model_state")
