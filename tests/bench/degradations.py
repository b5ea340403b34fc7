"""What a synthesis that got worse sounds like: each degradation, a function of a recording and of chance."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import Callable, Dict, Iterator, Tuple

import numpy as np
import parselmouth
from parselmouth.praat import call

from scripts.audio.wav import Samples, Wav, of_sides

Degrade = Callable[[Wav, np.random.Generator], Wav]


def with_samples(wav: Wav, samples: Samples) -> Wav:
    """Make the recording of these samples instead, kept in 16 bits as a service does."""
    return Wav(np.round(np.clip(samples, -1, 1) * 32767) / 32768, wav.rate_hz, 1)


def _spoken(samples: Samples) -> Samples:
    return np.flatnonzero(np.abs(samples) > 0.02)


def _truncated(wav: Wav, rng: np.random.Generator) -> Wav:
    return with_samples(wav, wav.samples[: int(0.6 * len(wav.samples))])


def _tail_cut(wav: Wav, rng: np.random.Generator) -> Wav:
    return with_samples(wav, wav.samples[: -int(0.45 * wav.rate_hz)])


def _dropped(wav: Wav, rng: np.random.Generator) -> Wav:
    count = len(wav.samples)
    return with_samples(wav, np.delete(wav.samples, slice(int(0.375 * count), int(0.625 * count))))


def _looped(wav: Wav, rng: np.random.Generator) -> Wav:
    one, other = int(0.3 * len(wav.samples)), int(0.6 * len(wav.samples))
    return with_samples(wav, np.concatenate([wav.samples[:other], wav.samples[one:]]))


def _silence_inside(wav: Wav, rng: np.random.Generator) -> Wav:
    return with_samples(wav, np.insert(wav.samples, len(wav.samples) // 2, np.zeros(int(1.5 * wav.rate_hz))))


def _clipped(wav: Wav, rng: np.random.Generator) -> Wav:
    loud = np.abs(wav.samples)
    return with_samples(wav, np.clip(wav.samples / np.percentile(loud, 78), -1, 1) * 0.999)


def noise(snr_db: float) -> Degrade:
    """White noise over all."""

    def degrade(wav: Wav, rng: np.random.Generator) -> Wav:
        size = np.sqrt(np.mean(wav.samples**2)) * 10 ** (-snr_db / 20)
        return with_samples(wav, wav.samples + rng.normal(0, size, len(wav.samples)))

    return degrade


def _muffled(wav: Wav, rng: np.random.Generator) -> Wav:
    spectrum = np.fft.rfft(wav.samples)
    hertz = np.fft.rfftfreq(len(wav.samples), 1 / wav.rate_hz)
    return with_samples(wav, np.fft.irfft(spectrum / np.sqrt(1 + (hertz / 2000) ** 16), len(wav.samples)))


def tempo(factor: float) -> Degrade:
    """Faster by the factor at the same pitch: waveform similarity overlap-add."""
    return lambda wav, rng: with_samples(wav, _overlap_added(wav.samples, factor, wav.rate_hz))


def _overlap_added(samples: Samples, factor: float, rate_hz: int) -> Samples:
    window = round(0.030 * rate_hz) // 2 * 2
    half, seek = window // 2, round(0.010 * rate_hz)
    shape = np.hanning(window + 1)[:-1]
    padded = np.concatenate([np.zeros(seek), samples, np.zeros(window + 2 * seek)])
    count = int(len(samples) / factor) // half
    out = np.zeros((count + 2) * half)
    expected = padded[seek : seek + window]
    for index in range(count):
        at = seek + int(index * half * factor)
        if at + window + seek + half > len(padded):
            break
        region = padded[at - seek : at + seek + window]
        best = int(np.argmax(np.correlate(region, expected, "valid")))
        start = at - seek + best
        out[index * half : index * half + window] += shape * padded[start : start + window]
        expected = padded[start + half : start + half + window]
        if len(expected) < window:
            break
    return out[: int(len(samples) / factor)]


def resampled(factor: float) -> Degrade:
    """Faster by the factor, and higher, as of a tape."""

    def degrade(wav: Wav, rng: np.random.Generator) -> Wav:
        count = int(len(wav.samples) / factor)
        spectrum = np.fft.rfft(wav.samples)
        kept = np.zeros(count // 2 + 1, complex)
        most = min(len(kept), len(spectrum))
        kept[:most] = spectrum[:most]
        return with_samples(wav, np.fft.irfft(kept, count) * count / len(wav.samples))

    return degrade


def _wrong_header(wav: Wav, rng: np.random.Generator) -> Wav:
    return Wav(wav.samples, 16000 * wav.rate_hz // 24000, 1)


def pitch_changed(change: Callable[[Samples, Samples], Samples]) -> Degrade:
    """Give it another melody: `change` has the times (0 to 1) and the pitch in Hz (overlap-add at the pitch)."""

    def degrade(wav: Wav, rng: np.random.Generator) -> Wav:
        sound = parselmouth.Sound(wav.samples, sampling_frequency=wav.rate_hz)
        manipulation = call(sound, "To Manipulation", 0.01, 75, 600)
        tier = call(manipulation, "Extract pitch tier")
        count = int(call(tier, "Get number of points"))
        if count:
            times = np.array([call(tier, "Get time from index", index + 1) for index in range(count)])
            hertz = np.array([call(tier, "Get value at index", index + 1) for index in range(count)])
            call(tier, "Remove points between", 0, sound.duration)
            for time, value in zip(times, change(times / sound.duration, hertz)):
                call(tier, "Add point", time, value)
            call([tier, manipulation], "Replace pitch tier")
        return with_samples(wav, call(manipulation, "Get resynthesis (overlap-add)").values[0])

    return degrade


def _reversed_syllable(wav: Wav, rng: np.random.Generator) -> Wav:
    start, size = _loud_place(wav, 0.22, rng)
    samples = wav.samples.copy()
    samples[start : start + size] = samples[start : start + size][::-1]
    return with_samples(wav, samples)


def _repeated_syllable(wav: Wav, rng: np.random.Generator) -> Wav:
    start, size = _loud_place(wav, 0.22, rng)
    return with_samples(wav, np.concatenate([wav.samples[: start + size], wav.samples[start:]]))


def _loud_place(wav: Wav, seconds: float, rng: np.random.Generator) -> tuple[int, int]:
    """Choose a stretch that speaks."""
    size = round(seconds * wav.rate_hz)
    power = np.convolve(wav.samples**2, np.ones(size) / size, "valid")
    places = np.flatnonzero(power > 0.5 * np.median(power[power > power.max() / 100]))
    return int(places[int(rng.integers(len(places)))]), size


def _hum(wav: Wav, rng: np.random.Generator) -> Wav:
    seconds = np.arange(len(wav.samples)) / wav.rate_hz
    size = np.sqrt(np.mean(wav.samples**2)) * 10 ** (-25 / 20)
    tones = sum(np.sin(2 * np.pi * 50 * k * seconds) / k for k in (1, 2, 3, 5))
    return with_samples(wav, wav.samples + size * tones)


def lost_frames(share: float, is_removed: bool) -> Degrade:
    """Lose this share of all frames of 20 ms: as zeros, or cut out."""

    def degrade(wav: Wav, rng: np.random.Generator) -> Wav:
        size = round(0.020 * wav.rate_hz)
        count = len(wav.samples) // size
        lost = rng.choice(count, max(1, round(share * count)), replace=False)
        frames = wav.samples[: count * size].reshape(count, size).copy()
        frames[lost] = 0
        return with_samples(wav, (np.delete(frames, lost, axis=0) if is_removed else frames).reshape(-1))

    return degrade


def _dead_side(wav: Wav, rng: np.random.Generator) -> Wav:
    return of_sides(np.stack([wav.samples, np.zeros(len(wav.samples))], axis=1), wav.rate_hz)


def _eight_bits(wav: Wav, rng: np.random.Generator) -> Wav:
    return with_samples(wav, np.round(wav.samples * 127) / 127)


def _formants_up(wav: Wav, rng: np.random.Generator) -> Wav:
    sound = parselmouth.Sound(wav.samples, sampling_frequency=wav.rate_hz)
    return with_samples(wav, call(sound, "Change gender", 75, 600, 1.25, 0, 1, 1).values[0])


TABLE: Dict[str, Degrade] = {
    "trunc": _truncated,
    "tail": _tail_cut,
    "drop": _dropped,
    "loop": _looped,
    "sil": _silence_inside,
    "clip": _clipped,
    "n10": noise(10),
    "n20": noise(20),
    "lp": _muffled,
    "x2": tempo(2),
    "srhdr": _wrong_header,
    "flat": pitch_changed(lambda times, hertz: np.full(len(hertz), np.median(hertz))),
}
FURTHER: Dict[str, Degrade] = {
    "drift up 3 st": pitch_changed(lambda times, hertz: hertz * 2 ** (3 * times / 12)),
    "drift down 3 st": pitch_changed(lambda times, hertz: hertz * 2 ** (-3 * times / 12)),
    "reversed syllable": _reversed_syllable,
    "repeated syllable": _repeated_syllable,
    "formants a quarter up": _formants_up,
    "hum -25 dB": _hum,
    "5 % of frames zero": lost_frames(0.05, False),
    "10 % of frames cut": lost_frames(0.10, True),
    "dead side": _dead_side,
    "8 bits": _eight_bits,
}
CLEAN: Dict[str, Degrade] = {
    "as it is": lambda wav, rng: wav,
    "5 % faster": tempo(1.05),
    "5 % slower": tempo(1 / 1.05),
    "5 % faster and higher": resampled(1.05),
    "5 % slower and lower": resampled(1 / 1.05),
}


def by_other_engines(text: str) -> Iterator[Tuple[str, bytes]]:
    """Have other engines speak, where they are installed: espeak-ng, in a voice of formants."""
    program = shutil.which("espeak-ng")
    if program:
        words = [program, "-v", "cmn", "--stdout", text]
        yield "another engine (espeak-ng)", with_sizes(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)


def with_sizes(wav: bytes) -> bytes:
    """Set the sizes of a WAV that was written to a pipe, which did not know them."""
    riff, data = struct.pack("<I", len(wav) - 8), struct.pack("<I", len(wav) - 44)
    return wav[:4] + riff + wav[8:40] + data + wav[44:]
