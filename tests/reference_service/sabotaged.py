"""The same service with one deliberate fault, to prove that a suite finds it. Never the default.

    python tests/reference_service/sabotaged.py --fault cut-end --model-dir DIR --port 7860

Every fault is a function around Speaker.speak, but those of two requests at once, which the face keeps from meeting in
the engine, and those of `prosody` and `read`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import threading
import time
from typing import Any, Callable, Dict, List

import api
import numpy as np
import webui
from fastspeech2 import emotions, speech
from protocol import Unreadable

Speak = Callable[[str, str, float], bytes]
Answer = Callable[[Any, Any], bytes]  # of the face: service, request
RATE = speech.SAMPLE_RATE
HEADER_BYTES = 44


def altered(speak: Speak, alter: Callable[[np.ndarray], np.ndarray]) -> Speak:
    """Return `speak` with its int16 samples altered."""

    def faulty(text: str, emotion: str, intensity: float) -> bytes:
        samples = np.frombuffer(speak(text, emotion, intensity)[HEADER_BYTES:], "<i2")
        return speech.to_wav([alter(samples.astype(np.float32) / 32768)])

    return faulty


def cut_end(speak: Speak) -> Speak:
    """Lose the last 0.35 s."""
    return altered(speak, lambda samples: samples[: -int(0.35 * RATE)])


def clip(speak: Speak) -> Speak:
    """Scale wrongly, so that the loud half is flat."""
    return altered(speak, lambda samples: np.clip(samples * 8, -1, 1))


def long_gap(speak: Speak) -> Speak:
    """Fall silent for 1.5 s in the middle."""
    gap = np.zeros(int(1.5 * RATE), np.float32)
    return altered(speak, lambda samples: np.insert(samples, len(samples) // 2, gap))


def not_repeatable(speak: Speak) -> Speak:
    """Answer the same request differently each time, as loud as before."""
    return altered(speak, lambda samples: samples * random.uniform(0.9, 0.99))


def wrong_rate(speak: Speak) -> Speak:
    """Claim 16 kHz in the header of 24 kHz sound."""

    def faulty(*request: Any) -> bytes:
        wav = speak(*request)
        rates = np.array([16000, 2 * 16000], "<u4").tobytes()
        return wav[:24] + rates + wav[32:]

    return faulty


def near_silence(speak: Speak) -> Speak:
    """Answer an unreadable text with 0.14 s of almost nothing instead of an error."""

    def faulty(*request: Any) -> bytes:
        try:
            return speak(*request)
        except Unreadable:
            return speech.to_wav([np.full(int(0.14 * RATE), 1e-4, np.float32)])

    return faulty


def leak(speak: Speak) -> Speak:
    """Keep half a MiB of every request."""
    kept: List[bytes] = []

    def faulty(*request: Any) -> bytes:
        kept.append(os.urandom(512 * 1024))
        return speak(*request)

    return faulty


def swap_answers(answer: Answer) -> Answer:
    """Answer each request with the latest text that anyone asked for."""
    latest: List[Any] = []

    def faulty(service: api.Service, wanted: Any) -> bytes:
        latest[:] = [wanted]
        time.sleep(0.05)  # long enough for a request that comes at the same time
        return answer(service, latest[0])

    return faulty


def slow_down(speak: Speak) -> Speak:
    """Take 20 ms longer with every request."""
    count = [0]

    def faulty(*request: Any) -> bytes:
        count[0] += 1
        time.sleep(0.02 * count[0])
        return speak(*request)

    return faulty


def crash_on_long(speak: Speak) -> Speak:
    """End the process on more than 400 characters."""

    def faulty(text: str, emotion: str, intensity: float) -> bytes:
        if len(text) > 400:
            os._exit(139)
        return speak(text, emotion, intensity)

    return faulty


def error_500(speak: Speak) -> Speak:
    """Fail without a clear error on what cannot be read."""

    def faulty(*request: Any) -> bytes:
        try:
            return speak(*request)
        except Unreadable as error:
            raise RuntimeError("need at least one array to concatenate") from error

    return faulty


def deadlock(answer: Answer) -> Answer:
    """Hang for ever as soon as two requests meet."""
    busy = threading.Semaphore(1)

    def faulty(service: api.Service, wanted: Any) -> bytes:
        if not busy.acquire(blocking=False):
            threading.Event().wait()
        try:
            return answer(service, wanted)
        finally:
            busy.release()

    return faulty


AROUND_SPEAK: Dict[str, Callable[[Speak], Speak]] = {
    "clip": clip,
    "crash-on-long": crash_on_long,
    "cut-end": cut_end,
    "error-500": error_500,
    "leak": leak,
    "long-gap": long_gap,
    "near-silence": near_silence,
    "not-repeatable": not_repeatable,
    "slow-down": slow_down,
    "wrong-rate": wrong_rate,
}

AROUND_FACE: Dict[str, Callable[[Answer], Answer]] = {"deadlock": deadlock, "swap-answers": swap_answers}

true_prosody, true_read = emotions.prosody, speech.read


def opposite_pitch(emotion: str, intensity: float) -> emotions.Prosody:
    """Lower the pitch where it should rise."""
    prosody = true_prosody(emotion, intensity)
    return prosody._replace(f0_shift=-prosody.f0_shift)


def full_intensity(emotion: str, _intensity: float) -> emotions.Prosody:
    """Ignore the intensity."""
    return true_prosody(emotion, 1.0)


def swallow_repeats(text: str) -> str:
    """Lose the last of repeated syllables: 四四四四 becomes 四四四."""
    return re.sub(r"(.)(\1+)", r"\2", true_read(text))


PROSODY = {"emotion-sign": opposite_pitch, "ignored-intensity": full_intensity}
READ = {"dropped-repeat": swallow_repeats}


def sabotage(fault: str) -> None:
    """Put the fault in place."""
    emotions.prosody = PROSODY.get(fault, true_prosody)
    speech.read = READ.get(fault, true_read)
    if fault in AROUND_FACE:
        api.Service.speak = AROUND_FACE[fault](api.Service.speak)  # type: ignore[method-assign]
    if fault in AROUND_SPEAK:
        true_init = speech.Speaker.__init__

        def faulty_init(self: Any, *arguments: Any) -> None:
            true_init(self, *arguments)
            self.speak = AROUND_SPEAK[fault](self.speak)

        speech.Speaker.__init__ = faulty_init  # type: ignore[method-assign]


def main() -> int:
    """Take --fault off the command line and hand the rest to webui.main."""
    parser = argparse.ArgumentParser(description="The reference service with one fault.")
    faults = sorted([*AROUND_SPEAK, *AROUND_FACE, *PROSODY, *READ])
    parser.add_argument("--fault", required=True, choices=faults)
    options, rest = parser.parse_known_args()
    sabotage(options.fault)
    return webui.main(rest)


if __name__ == "__main__":
    sys.exit(main())
