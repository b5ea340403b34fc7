"""Read a WAV strictly: what a lenient reader forgives is what a broken service sends.

The layout is "Multimedia Programming Interface and Data Specifications 1.0" (IBM and
Microsoft, 1991), chapter "Waveform Audio File Format": a RIFF header, then chunks of a
four-letter name, a little-endian size, and a body padded to an even length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

PCM = 1
SAMPLE_BYTES = 2
FULL_SCALE = 32768.0


class WavError(ValueError):
    """The bytes are not a correct 16 bit PCM WAV; the message says where they go wrong."""


@dataclass(frozen=True, eq=False)  # comparing arrays yields an array, not a yes or no
class Wav:
    """One recording: samples from -1 to 1, several channels averaged to one.

    Args:
        sides: the channels by themselves, a column each, where there are several.
        problem: what a lenient reader forgave; empty where the file is correct.
    """

    samples: Samples
    rate_hz: int
    channels: int
    sides: Optional[Samples] = None
    problem: str = ""

    def __repr__(self) -> str:
        return f"Wav({len(self.samples)} samples, {self.rate_hz} Hz, {self.channels} channel(s))"


def parse_wav(body: bytes) -> Wav:
    """Read the recording in `body`; WavError where a header field, a size or the data is wrong."""
    chunks = _chunks(body)
    for name in (b"fmt ", b"data"):
        if name not in chunks:
            found = ", ".join(repr(chunk.decode("latin-1")) for chunk in chunks) or "none"
            raise WavError(f"no {name.decode()!r} chunk; chunks found: {found}")
    channels, rate_hz = _format(chunks[b"fmt "])
    frame_bytes = channels * SAMPLE_BYTES
    data = chunks[b"data"]
    if len(data) % frame_bytes:
        raise WavError(f"{len(data)} data bytes are no whole number of {frame_bytes}-byte frames")
    frames = np.frombuffer(data, dtype="<i2").reshape(-1, channels) / FULL_SCALE
    return of_sides(frames, rate_hz)


def of_sides(frames: Samples, rate_hz: int, problem: str = "") -> Wav:
    """Make a recording of its channels, a column each."""
    channels = frames.shape[1]
    return Wav(frames.mean(axis=1), rate_hz, channels, frames if channels > 1 else None, problem)


def _chunks(body: bytes) -> dict[bytes, bytes]:
    """Take the file's chunks by name."""
    if len(body) < 12:
        raise WavError(f"{len(body)} bytes are too few for a RIFF header of 12")
    riff, size, wave = struct.unpack_from("<4sI4s", body)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise WavError(f"starts with {body[:12]!r}, not with RIFF....WAVE")
    if size != len(body) - 8:
        raise WavError(f"the RIFF header promises {size} bytes, {len(body) - 8} follow")
    chunks: dict[bytes, bytes] = {}
    offset = 12
    while offset < len(body):
        offset = _read_chunk(body, offset, chunks)
    return chunks


def _read_chunk(body: bytes, offset: int, chunks: dict[bytes, bytes]) -> int:
    """Add the chunk at `offset` to `chunks`; return where the next one starts."""
    rest = len(body) - offset - 8
    if rest < 0:
        raise WavError(f"{rest + 8} stray bytes at offset {offset}, too few for a chunk")
    name, size = struct.unpack_from("<4sI", body, offset)
    padded = size + size % 2
    if padded > rest:
        raise WavError(f"chunk {name.decode('latin-1')!r} promises {padded} bytes, {rest} follow")
    if name in chunks:
        raise WavError(f"chunk {name.decode('latin-1')!r} comes twice")
    chunks[name] = body[offset + 8 : offset + 8 + size]
    return int(offset + 8 + padded)


def _format(chunk: bytes) -> tuple[int, int]:
    """Read channels and sample rate, once the fields of the fmt chunk agree with each other."""
    if len(chunk) < 16:
        raise WavError(f"the fmt chunk has {len(chunk)} bytes, PCM needs 16")
    tag, channels, rate_hz, byte_rate, frame_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag != PCM:
        raise WavError(f"format tag {tag}, expected {PCM} (PCM)")
    if bits != 8 * SAMPLE_BYTES:
        raise WavError(f"{bits} bits a sample, expected {8 * SAMPLE_BYTES}")
    if not channels or not rate_hz:
        raise WavError(f"{channels} channels at {rate_hz} Hz, expected at least one of each")
    if frame_bytes != channels * SAMPLE_BYTES:
        raise WavError(f"block align {frame_bytes}, expected {channels * SAMPLE_BYTES}")
    if byte_rate != rate_hz * frame_bytes:
        raise WavError(f"{byte_rate} bytes a second, expected {rate_hz * frame_bytes}")
    return channels, rate_hz
