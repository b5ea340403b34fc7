"""Part `redaction`: how much a core takes secrets out of in a second, of what a run stores."""

from __future__ import annotations

import io
import time
from typing import Iterator, List, Sequence

from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor

from . import log_texts
from .measuring import Table, load, low_median_high

BYTES, WANTED = 20_000_000, 50  # MB/s
HOSTILE_BYTES, WANTED_OF_HOSTILE = 1_000_000, 5

LONG = "Zk3Vq8Lw2Np7Rt5Xy1Bc"


def tables(rounds: int) -> Iterator[Table]:
    """Redact each kind of text, with nothing known, and with what a project in CI may know."""
    known = [*(Secret(f"{LONG}{number}") for number in range(4)), Secret("hunter-22")]
    known += [Secret(word, is_word=True) for word in ("swordfish", "quantised", "happiest")]
    header = ("text", "nothing known", f"{len(known)} secrets known")
    for title, lines, size, wanted in (
        ("Secrets taken out", log_texts.TEXTS, BYTES, WANTED),
        ("Secrets taken out of what is made to take long", log_texts.HOSTILE, HOSTILE_BYTES, WANTED_OF_HOSTILE),
    ):
        texts = ((name, log_texts.text(line, size)) for name, line in lines.items())
        rows = [(name, *(_speeds(text, few, rounds) for few in ([], known))) for name, text in texts]
        notes = [f"MB/s of processor time: least / median / most of {rounds}; {wanted} are wanted; {load()}."]
        yield Table(title, header, rows, notes)


def _speeds(text: bytes, known: Sequence[Secret], rounds: int) -> str:
    speeds: List[float] = []
    for _ in range(rounds):
        began = time.process_time()
        Redactor(known).stream(io.BytesIO(text), io.BytesIO())
        speeds.append(len(text) / (time.process_time() - began) / 1e6)
    return low_median_high(speeds, 0)
