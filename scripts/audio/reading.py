"""Read a recording of any common format: WAV strictly and by ourselves, what else there is through libsndfile."""

from __future__ import annotations

import io

from .wav import Wav, WavError, of_sides, parse_wav


def read(body: bytes) -> Wav:
    """Read a WAV, FLAC, OGG or what else libsndfile knows, of any rate and number of channels.

    A WAV that breaks the rules is read all the same, and `problem` says which rule.

    Raises:
        WavError: nothing can be read from it, or only by the package soundfile, which is not installed.
    """
    try:
        return parse_wav(body)
    except WavError as error:
        return _read_leniently(body, error)


def _read_leniently(body: bytes, strict: WavError) -> Wav:
    is_wav = body[:4] in (b"RIFF", b"RIFX", b"RF64")
    try:
        import soundfile
    except ImportError:
        raise WavError(f"{strict}; other formats than a 16 bit PCM WAV need the package soundfile") from None
    try:
        frames, rate_hz = soundfile.read(io.BytesIO(body), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise WavError(f"{strict}; as another format: {error}") from None
    if not rate_hz:
        raise WavError(f"{strict}; the sample rate is 0")
    return of_sides(frames, int(rate_hz), str(strict) if is_wav and not _is_other_pcm(strict) else "")


def _is_other_pcm(strict: WavError) -> bool:
    """Tell whether the strict reader only minds that the samples are not 16 bit PCM, which is no fault."""
    return str(strict).startswith("format tag ") or "bits a sample" in str(strict)
