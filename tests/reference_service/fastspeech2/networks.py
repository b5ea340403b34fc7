"""Symbol ids in, waveform out: FastSpeech2 and Multi-band MelGAN on a TensorFlow Lite runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np

from . import weights
from .emotions import Prosody

try:  # Python >= 3.10, several times faster
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter

SAMPLE_RATE = 24000
HOP = 300  # samples per mel frame
MEL_BANDS = 80
# The vocoder runs in windows of one fixed size: a new size would allocate anew, and its memory
# grows by about 1 MB a frame. It hears 18 frames to each side (measured), so frames further than
# that from a cut come out exactly as from one run over the whole.
WINDOW = 128
CONTEXT = 20


class Networks:
    """The two networks."""

    def __init__(self, model_dir: Path) -> None:
        """Load and verify; raises weights.WeightsError."""
        self._acoustic = _interpreter(weights.load_acoustic(model_dir))
        self._vocoder = _interpreter(weights.load(model_dir, weights.VOCODER))
        self._mel_input = self._vocoder.get_input_details()[0]["index"]
        self._vocoder.resize_tensor_input(self._mel_input, [1, WINDOW, MEL_BANDS])
        self._vocoder.allocate_tensors()

    def say(self, ids: List[int], prosody: Prosody) -> np.ndarray:
        """Return float32 samples in -1..1 at SAMPLE_RATE, the same for the same arguments."""
        return self._waveform(self._mel(ids, prosody))

    def _mel(self, ids: List[int], prosody: Prosody) -> np.ndarray:
        """Return [frames, MEL_BANDS]."""
        speaker = 0
        values = (
            np.array([ids], np.int32),
            np.array([speaker], np.int32),
            np.array([prosody.duration_ratio], np.float32),
            np.array([prosody.f0_shift], np.float32),
            np.array([prosody.energy_ratio], np.float32),
        )
        inputs = self._acoustic.get_input_details()
        self._acoustic.resize_tensor_input(inputs[0]["index"], values[0].shape)
        self._acoustic.allocate_tensors()
        for detail, value in zip(inputs, values):
            self._acoustic.set_tensor(detail["index"], value)
        self._acoustic.invoke()
        after_postnet = self._acoustic.get_output_details()[1]["index"]
        return self._acoustic.get_tensor(after_postnet)[0]

    def _waveform(self, mel: np.ndarray) -> np.ndarray:
        """Return HOP samples per frame, window by window."""
        frames = len(mel)
        padded = np.pad(mel, ((0, max(0, WINDOW - frames)), (0, 0)), mode="edge")
        waveform = np.empty(len(padded) * HOP, np.float32)
        end = 0
        while end < len(padded):
            good = max(0, end - CONTEXT)  # the last frames before a cut are done again
            start = min(max(0, good - CONTEXT), len(padded) - WINDOW)
            end = start + WINDOW
            window = self._vocode(padded[start:end])
            waveform[good * HOP : end * HOP] = window[(good - start) * HOP :]
        return waveform[: frames * HOP]

    def _vocode(self, window: np.ndarray) -> np.ndarray:
        self._vocoder.set_tensor(self._mel_input, window[np.newaxis])
        self._vocoder.invoke()
        return self._vocoder.get_tensor(self._vocoder.get_output_details()[0]["index"])[0, :, 0]


def _interpreter(content: bytes) -> Any:
    return Interpreter(model_content=content, num_threads=1)
