"""The strict WAV reader: right files in, wrong ones named."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio.wav import WavError, parse_wav
from tests.unit.audio.signals import chunk, riff, wav_bytes

GOOD = wav_bytes()
FMT = struct.pack("<HHIIHH", 1, 1, 24000, 48000, 2, 16)


def test_samples_are_scaled_to_one() -> None:
    wav = parse_wav(wav_bytes(struct.pack("<3h", 0, -32768, 16384)))

    assert [0.0, -1.0, 0.5] == wav.samples.tolist()
    assert (24000, 1) == (wav.rate_hz, wav.channels)


def test_channels_are_averaged() -> None:
    wav = parse_wav(wav_bytes(struct.pack("<4h", 16384, 0, 0, -16384), channels=2))

    assert [0.25, -0.25] == wav.samples.tolist()


def test_chunks_of_other_kinds_are_skipped_with_their_padding() -> None:
    body = riff(chunk(b"fmt ", FMT), chunk(b"LIST", b"odd") + b"\0", chunk(b"data", b"\0\0"))

    assert 1 == len(parse_wav(body).samples)


def test_no_samples_is_a_correct_file() -> None:
    assert 0 == len(parse_wav(wav_bytes(b"")).samples)


@given(st.lists(st.integers(-32768, 32767)))
def test_every_sample_survives(samples: list[int]) -> None:
    wav = parse_wav(wav_bytes(np.array(samples, dtype="<i2").tobytes()))

    assert samples == (wav.samples * 32768).astype(int).tolist()


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(WavError):
        parse_wav(GOOD[:length])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "0 bytes are too few for a RIFF header of 12"),
        (b"<!doctype html>", "not with RIFF....WAVE"),
        (GOOD + b"\0", "the RIFF header promises 40 bytes, 41 follow"),
        (riff(chunk(b"fmt ", FMT)), "no 'data' chunk; chunks found: 'fmt '"),
        (riff(), "no 'fmt ' chunk; chunks found: none"),
        (riff(chunk(b"fmt ", FMT), chunk(b"data", b"\0\0")[:-1]), "promises 2 bytes, 1 follow"),
        (riff(chunk(b"fmt ", FMT), b"dat"), "3 stray bytes at offset 36"),
        (riff(chunk(b"fmt ", FMT), chunk(b"fmt ", FMT)), "chunk 'fmt ' comes twice"),
        (riff(chunk(b"fmt ", FMT[:14]), chunk(b"data", b"")), "has 14 bytes, PCM needs 16"),
        (wav_bytes(tag=3), "format tag 3, expected 1 (PCM)"),
        (wav_bytes(bits=24), "24 bits a sample, expected 16"),
        (wav_bytes(channels=0), "0 channels at 24000 Hz"),
        (wav_bytes(rate_hz=0), "1 channels at 0 Hz"),
        (wav_bytes(block_align=4), "block align 4, expected 2"),
        (wav_bytes(byte_rate=24000), "24000 bytes a second, expected 48000"),
        (wav_bytes(b"\0\0\0\0\0\0", channels=2), "6 data bytes are no whole number of 4-byte"),
    ],
)
def test_the_error_says_what_is_wrong(body: bytes, message: str) -> None:
    with pytest.raises(WavError) as error:
        parse_wav(body)

    assert message in str(error.value)


def test_a_recording_is_short_in_a_failure_message() -> None:
    assert "Wav(2 samples, 24000 Hz, 1 channel(s))" == repr(parse_wav(GOOD))
