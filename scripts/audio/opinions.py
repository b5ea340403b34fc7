"""What listeners would say of a recording, as DNSMOS predicts it: from 1 (bad) to 5 (excellent), without librosa.

The networks are those of the package speechmos (Microsoft, MIT): DNSMOS (Reddy and others 2021, arXiv:2110.01763)
and its P.808 model. They were made for calls with noise: of single recordings of synthesised speech they say little,
and a muffled one they even praise. So they are looked at as means over a set (sets.py), never for one recording.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Callable, Dict, Optional

import numpy as np

from .activity import resampled
from .mel import mel_spectrogram
from .network import installed_file, is_installed, session
from .wav import Samples, Wav

PACKAGE = "speechmos"
PRIMARY, P808 = "sig_bak_ovr.onnx", "model_v8.onnx"
RATE_HZ = 16000
PIECE = 144160  # samples, 9.01 s: what the networks take; shorter recordings are repeated
HOP = RATE_HZ  # from one piece to the next
FFT, MEL_HOP, MEL_BANDS = 321, 160, 120
# From the networks' output to the scale of listeners, by speechmos: highest power first.
SCALES = {
    "mos_signal": (-0.08397278, 1.22083953, 0.0052439),
    "mos_background": (-0.13166888, 1.60915514, -0.39604546),
    "mos_overall": (-0.06766283, 1.11546468, 0.04602535),
}
Network = Callable[[Samples], Samples]


def weights(name: str) -> Optional[Path]:
    """Find a network: in the folder SHARDLINE_MODELS, else in the package speechmos; None for neither."""
    return installed_file(name, PACKAGE, f"dnsmos_models/{name}")


def is_here() -> bool:
    """Tell whether it can be asked: both networks, and onnxruntime."""
    return is_installed("onnxruntime") and weights(PRIMARY) is not None and weights(P808) is not None


def opinions(wav: Wav) -> Dict[str, float]:
    """Predict what listeners say of the speech, of the background and of all, and of all by the P.808 model."""
    return predicted(wav, _network(str(weights(PRIMARY))), _network(str(weights(P808))))


def predicted(wav: Wav, primary: Network, p808: Network) -> Dict[str, float]:
    """Ask the networks about each piece, and average; nothing for a recording without samples."""
    samples = np.clip(resampled(wav, RATE_HZ), -1, 1).astype(np.float32)
    if not len(samples):
        return {}
    pieces = _pieces(samples)
    raw = np.array([primary(piece[None])[0] for piece in pieces])
    found = {name: float(np.mean(np.polyval(scale, column))) for (name, scale), column in zip(SCALES.items(), raw.T)}
    found["mos_p808"] = float(np.mean([p808(_bands(piece)[None])[0, 0] for piece in pieces]))
    return found


def _pieces(samples: Samples) -> Samples:
    """Cut pieces of 9.01 s, a second from each other; a short recording is repeated, doubling, as speechmos does."""
    while len(samples) < PIECE:
        samples = np.concatenate([samples, samples])
    starts = range(0, len(samples) - PIECE + 1, HOP)
    return np.array([samples[start : start + PIECE] for start in starts])


def _bands(piece: Samples) -> Samples:
    """Make the picture that the P.808 model looks at: a row of 120 mel bands each 10 ms, in dB below the loudest."""
    power = mel_spectrogram(piece[:-160], RATE_HZ, FFT, MEL_HOP, MEL_BANDS)
    levels = 10 * np.log10(np.maximum(power, 1e-10)) - 10 * np.log10(max(float(power.max()), 1e-10))
    rows: Samples = ((np.maximum(levels, levels.max() - 80) + 40) / 40).astype(np.float32)
    return rows


@functools.lru_cache(maxsize=None)
def _network(path: str) -> Network:
    run = session(path).run
    return lambda given: np.asarray(run(None, {"input_1": given})[0])
