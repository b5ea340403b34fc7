"""Any format is read; what is wrong with a WAV is told, and read all the same."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from scripts.audio.reading import read
from scripts.audio.wav import WavError
from tests.unit.audio.signals import sine, wav_bytes

TONE = np.round(sine(440, 0.2) * 32767).astype("<i2")
GOOD = wav_bytes(TONE.tobytes())


def test_a_correct_wav_is_read_by_ourselves() -> None:
    wav = read(GOOD)

    assert (24000, 1, len(TONE), "") == (wav.rate_hz, wav.channels, len(wav.samples), wav.problem)
    assert wav.sides is None


def test_the_sides_of_a_stereo_recording_are_kept() -> None:
    wav = read(wav_bytes(np.stack([TONE, 0 * TONE], axis=1).tobytes(), channels=2))

    assert wav.sides is not None
    assert (len(TONE), 2) == wav.sides.shape
    assert 0 == np.abs(wav.sides[:, 1]).max()


def test_other_formats_name_the_package_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)

    with pytest.raises(WavError, match="need the package soundfile"):
        read(b"fLaC" + bytes(50))


@pytest.mark.parametrize("kind, subtype", [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("WAV", "FLOAT"), ("WAV", "PCM_24")])
def test_any_format_is_read(kind: str, subtype: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    soundfile.write(file, TONE / 32768, 22050, format=kind, subtype=subtype)
    wav = read(file.getvalue())

    assert (22050, 1, "") == (wav.rate_hz, wav.channels, wav.problem)
    assert pytest.approx(len(TONE), abs=5) == len(wav.samples)


def test_a_wrong_size_in_the_header_is_forgiven_and_told() -> None:
    pytest.importorskip("soundfile")
    wrong = GOOD[:4] + b"\x00\x00\x00\x00" + GOOD[8:]

    assert "the RIFF header promises 0 bytes" in read(wrong).problem


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(WavError, match="starts with"):
        read(b"<html>502 Bad Gateway</html>")
