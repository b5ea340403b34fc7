"""The embedded voice as the HTTP face knows engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional

from output import say
from protocol import NEUTRAL, Promises, StartError

from .emotions import EMOTIONS
from .weights import WeightsError

if TYPE_CHECKING:
    from .speech import Speaker


# A real-time factor of 0.09 was measured (LiteRT, idle), of 0.42 with tflite-runtime; busy machines are slower.
PROMISES = Promises(24000, ("zh",), tuple(EMOTIONS), 1000, True, 2.0, "Baker/BZNSYP")


class FastSpeech2:
    """One Mandarin voice, deterministic, on the CPU."""

    model = "FastSpeech2 + MB-MelGAN, Mandarin, one female voice"

    def __init__(self, model_dir: Path, gpu: bool) -> None:
        self._model_dir = model_dir
        self._gpu = gpu
        self._speaker: Optional[Speaker] = None

    def load(self) -> Promises:
        """Load and verify the weights, and speak once, so that no request pays for what is lazy in the runtime."""
        if self._gpu:
            say("--gpu: no GPU backend in this runtime; running on the CPU")
        try:
            from .speech import SAMPLE_RATE, Speaker  # here, since it takes longer to import than to listen

            self._speaker = Speaker(self._model_dir)
        except WeightsError as error:
            raise StartError(str(error)) from error
        except ImportError as error:
            raise StartError(f"{error}; install {Path(__file__).parents[1] / 'requirements.txt'}") from error
        self._speaker.speak("你好", NEUTRAL, 1.0)
        assert SAMPLE_RATE == PROMISES.sample_rate_hz
        return PROMISES

    def speak(self, text: str, emotion: str, intensity: float) -> bytes:
        """Return a WAV; raises Unreadable."""
        assert self._speaker is not None
        return self._speaker.speak(text, emotion, intensity)

    def device(self) -> str:
        """It knows the CPU only."""
        return "cpu"

    def facts(self) -> Dict[str, Any]:
        """Say that a GPU was asked for in vain."""
        return {"gpu": "requested, no GPU backend in this runtime"} if self._gpu else {}
