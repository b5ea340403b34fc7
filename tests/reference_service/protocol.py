"""What an engine of speech is to the HTTP face in front of it: the one thing that both know."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Protocol, Tuple

NEUTRAL = "neutral"


class StartError(Exception):
    """Why the service cannot start, in one line for people."""


class Unreadable(Exception):
    """Nothing in the text can be said by this voice; the text says what can."""


class EngineError(Exception):
    """The engine gave no speech that could be handed on: a code for programs and a message for people.

    Args:
        is_broken: it will give none any more; the service says so in /health.
    """

    def __init__(self, code: str, message: str, is_broken: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.is_broken = code, message, is_broken


class Promises(NamedTuple):
    """What an engine promises: /health says it, and a suite judges by it.

    Args:
        sample_rate_hz: of its sound, mono, 16 bit.
        languages: that it reads (zh, en).
        emotions: that it knows, neutral first.
        longest_text: in characters; a longer one is refused.
        repeatable: the same request gives the same bytes, whatever was asked before.
        real_time_factor: seconds of waiting for a second of sound, at most in the median, where nobody else asks.
        voice: who speaks; limits of the sound are learnt for each.
    """

    sample_rate_hz: int
    languages: Tuple[str, ...]
    emotions: Tuple[str, ...]
    longest_text: int
    repeatable: bool
    real_time_factor: float
    voice: str


class Engine(Protocol):
    """An engine before it is loaded, and after. All calls come from one thread, one at a time."""

    model: str  # its name, for people

    def load(self) -> Promises:
        """Load the weights, warm up what is lazy, and say what it promises from then on; raises StartError."""

    def speak(self, text: str, emotion: str, intensity: float) -> bytes:
        """Return a WAV (16 bit, mono); raises Unreadable and EngineError."""

    def device(self) -> str:
        """Name what it runs on: cpu, or a GPU."""

    def facts(self) -> Dict[str, Any]:
        """Tell what else /health should say: memory of a GPU. May be asked from any thread, at any time."""
