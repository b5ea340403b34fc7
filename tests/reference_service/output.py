"""What leaves the service: lines for its log, and sound as a WAV."""

from __future__ import annotations

import io
import sys
import wave
from typing import Iterable


def say(line: str) -> None:
    """Write a line to the log, at once: several threads do."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def as_wav(frames: Iterable[bytes], rate_hz: int) -> bytes:
    """Make a WAV of parts (16 bit, mono), one after the other: minutes of speech would be held several times over."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        for part in frames:
            out.writeframesraw(part)
    return buffer.getvalue()
