"""Part `redaction`: how much a core takes secrets out of in a second, of what a run stores."""

from __future__ import annotations

import io
import json
import random
import time
from typing import Callable, Dict, Iterator, List, Sequence

from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor

from .measuring import Table, load, low_median_high

BYTES = 8_000_000
WANTED = 50  # MB/s

LONG = "Zk3Vq8Lw2Np7Rt5Xy1Bc"


def tables(rounds: int) -> Iterator[Table]:
    """Redact each kind of text, with nothing known, and with what a project in CI may know."""
    known = [*(Secret(f"{LONG}{number}") for number in range(6)), Secret("sword-fish"), Secret("hunter-22")]
    rows = [(name, *(_speeds(_text(line), few, rounds) for few in ([], known))) for name, line in LINES.items()]
    notes = [f"MB/s of processor time: least / median / most of {rounds}; {WANTED} are wanted; {load()}."]
    header = ("text", "nothing known", f"{len(known)} secrets known")
    yield Table("Secrets taken out", header, rows, notes)


def _speeds(text: bytes, known: Sequence[Secret], rounds: int) -> str:
    speeds: List[float] = []
    for _ in range(rounds):
        began = time.process_time()
        Redactor(known).stream(io.BytesIO(text), io.BytesIO())
        speeds.append(len(text) / (time.process_time() - began) / 1e6)
    return low_median_high(speeds, 0)


def _text(line: Callable[[int, random.Random], str]) -> bytes:
    rng = random.Random(1)
    few = "".join(line(number, rng) + "\n" for number in range(2000)).encode("utf-8")
    return few * (BYTES // len(few))


def _log(number: int, rng: random.Random) -> str:
    head = f"2026-11-26 22:{number % 60:02d}:{number % 59:02d},{number % 1000:03d} INFO tts.server[1234]"
    return f"{head} request {number}: POST /tts 200 in {rng.random():.3f} s, text={number % 400} chars, emotion=happy"


def _json_log(number: int, rng: random.Random) -> str:
    said = {"level": "INFO", "message": "request done", "request_id": f"{rng.getrandbits(128):032x}", "path": "/tts"}
    return json.dumps(
        {"time": 1.5 * number, **said, "tokens": number % 500, "key": "emotion", "ms": rng.random() * 1000}
    )


def _journal(number: int, rng: random.Random) -> str:
    nodeid = f"tests/integration/test_emotion.py::test_emotion_changes_the_pitch[{number}-happy]"
    return json.dumps({"event": "report", "nodeid": nodeid, "when": "call", "outcome": "passed", "s": rng.random()})


LINES: Dict[str, Callable[[int, random.Random], str]] = {"log": _log, "log in JSON": _json_log, "journal": _journal}
