"""Synthetic recordings, as small as shows the point."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from scripts.audio.wav import Wav

RATE_HZ = 24000


def recording(*parts: Any) -> Wav:
    """The parts one after the other, as one recording."""
    return Wav(np.concatenate([np.asarray(part, dtype=float) for part in parts]), RATE_HZ, 1)


def sine(hertz: float, seconds: float, amplitude: float = 0.5) -> Any:
    """A pure tone."""
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def silence(seconds: float) -> Any:
    """Digital silence."""
    return np.zeros(round(seconds * RATE_HZ))


def wav_bytes(
    samples: bytes = b"\x00\x00\xff\x7f",
    *,
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = 24000,
    byte_rate: int | None = None,
    block_align: int | None = None,
    bits: int = 16,
) -> bytes:
    """A WAV file of little-endian samples; a field given by hand overrides the right one."""
    frame_bytes = channels * 2 if block_align is None else block_align
    per_second = rate_hz * frame_bytes if byte_rate is None else byte_rate
    fmt = struct.pack("<HHIIHH", tag, channels, rate_hz, per_second, frame_bytes, bits)
    return riff(chunk(b"fmt ", fmt), chunk(b"data", samples))


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk: name, size, body."""
    return name + struct.pack("<I", len(body)) + body


def riff(*chunks: bytes) -> bytes:
    """The chunks inside a RIFF header whose size is right."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
