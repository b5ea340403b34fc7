"""Is what was said what should be said? Recognise the speech, and count the words or characters that differ.

English is recognised by pocketsphinx, with the model in its wheel. Any other language, and a better recogniser for
English, by a command of the project's own: it gets WAV files (16 kHz, mono, 16 bit) and prints the text of each, a line
a file. `python` in it is the suite's. In pipeline.yml below suite:

    recogniser: [python, tools/recognise.py, "{wav}"]      # started for each recording
    recogniser: [python, tools/recognise.py, "{wavs}"]     # started once for all: for whoever loads a large model

Texts with digits are left out: how they are read out is not written in them.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
import unicodedata
import wave
from pathlib import Path
from typing import Any, List, Mapping, Sequence

import numpy as np

from .activity import resampled
from .network import is_installed
from .wav import Wav

RATE_HZ = 16000
TIMEOUT_S = 120.0  # for a recording
ONE, ALL = "{wav}", "{wavs}"
SAID = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # hanzi and kana
LAST_WORDS = 300  # characters of what a failed command said


class RecogniserError(ChildProcessError):
    """The recogniser failed; the message says which command, and what it said."""


def recogniser(environ: Mapping[str, str]) -> List[str]:
    """Read `suite.recogniser` of pipeline.yml, which the pipeline hands on as SHARDLINE_RECOGNISER; empty: none.

    Raises:
        RecogniserError: it is no list of words with a place for the recording.
    """
    said = environ.get("SHARDLINE_RECOGNISER", "")
    try:
        given = json.loads(said) if said else []
    except ValueError:
        given = said
    if not isinstance(given, list) or (given and not any(ONE in str(word) or str(word) == ALL for word in given)):
        raise RecogniserError(f"SHARDLINE_RECOGNISER: expected a list of words with {ONE} or {ALL}, got {given!r}")
    return [str(word) for word in given]


def recognise(wavs: Sequence[Wav], command: Sequence[str] = (), timeout_s: float = TIMEOUT_S) -> List[str]:
    """Write down what is said in each recording: by the command, else by pocketsphinx in English.

    Raises:
        RecogniserError: the command failed, took longer than the timeout for each recording, or printed another number
            of lines.
    """
    if not command:
        return [_english(wav) for wav in wavs]
    with tempfile.TemporaryDirectory(prefix="shardline-recognise-") as folder:
        paths = [Path(folder, f"{index:05}.wav") for index in range(len(wavs))]
        for path, wav in zip(paths, wavs):
            _write(path, wav)
        if ALL in command:
            files = [str(path) for path in paths]
            at = list(command).index(ALL)
            return _asked([*command[:at], *files, *command[at + 1 :]], timeout_s * len(wavs), len(wavs))
        return [_asked([word.replace(ONE, str(path)) for word in command], timeout_s, 1)[0] for path in paths]


def _write(path: Path, wav: Wav) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(_pcm(wav))


def _pcm(wav: Wav) -> bytes:
    return bytes(np.clip(resampled(wav, RATE_HZ) * 32767, -32768, 32767).astype("<i2").tobytes())


def _asked(command: Sequence[str], timeout_s: float, count: int) -> List[str]:
    command = [sys.executable if command[0] == "python" else command[0], *command[1:]]
    shown = " ".join(command[:4]) + (" ..." if len(command) > 4 else "")
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603 - the project's own command
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecogniserError(f"recogniser {shown}: {error}") from None
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        last = (done.stderr.decode("utf-8", "replace").strip() or said.strip())[-LAST_WORDS:]
        raise RecogniserError(f"recogniser {shown}: ended with {done.returncode}: {last}")
    lines = said.splitlines() if count > 1 else [" ".join(said.split())]
    if len(lines) != count:
        raise RecogniserError(f"recogniser {shown}: expected a line for each of {count} files, came {len(lines)}")
    return lines


def has_english() -> bool:
    """Tell whether pocketsphinx is here: it has no wheel for every Python."""
    return is_installed("pocketsphinx")


def _english(wav: Wav) -> str:
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(_pcm(wav), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return str(found.hypstr) if found else ""


def _decoder() -> Any:
    """Make one for each recording: it adapts to what it hears, and should not know the one before."""
    import pocketsphinx

    return pocketsphinx.Decoder(samprate=RATE_HZ, loglevel="FATAL")


def is_english(text: str) -> bool:
    """Tell whether a text is one that pocketsphinx may be asked about."""
    return bool(re.search("[A-Za-z]", text)) and text.isascii()


def error_share(text: str, heard: str) -> float:
    """Divide the words that were added, lost or changed by those of the text; of characters, where it has no spaces.

    That is the word error rate, and the character error rate of Mandarin; nan for a text with digits or without words.

    >>> error_share("Good morning, dear Sir.", "good morning deer sir"), error_share("你好吗吗？", "你好")
    (0.25, 0.5)
    """
    wanted = units(text)
    if not wanted or any(unit.isdigit() for unit in text):
        return math.nan
    return edits(wanted, units(heard, bool(SPACELESS.search(text)))) / len(wanted)


def units(text: str, by_character: bool = False) -> List[str]:
    """Take a text apart: words in small letters without marks; characters, where it is written without spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    words = SAID.findall(plain)
    return list("".join(words)) if by_character or SPACELESS.search(plain) else words


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the least insertions, deletions and changes from one to the other (Levenshtein 1966).

    >>> edits("kitten", "sitting")
    3
    """
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, yours in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (mine != yours))
    return row[-1]
