"""Learn a baseline from recordings, degrade others, judge them: in the suite's environment, for part `audio`.

    python -m tests.bench.judged < task.json

The task and the answer are JSON: {"learn": sounds, "held_out": sounds}, a sound being [text, recording, golden].
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from scripts.audio import activity, judging, learning
from scripts.audio.baseline import Baseline
from scripts.audio.catalogue import COMPARISONS
from scripts.audio.clip import Clip
from scripts.audio.measures import duration_s
from scripts.audio.reading import read

from . import degradations
from .degradations import CLEAN, FURTHER, TABLE

Sound = Tuple[str, str, str]


def main() -> None:
    """Answer the task on stdin."""
    task = json.load(sys.stdin)
    with ProcessPoolExecutor() as pool:
        known = learning.learn(list(pool.map(hear, task["learn"])), engine="reference text-to-speech")
        judged = list(pool.map(judge, [(known, sound, number) for number, sound in enumerate(task["held_out"])]))
    json.dump({**described(known), "judged": judged}, sys.stdout)


def hear(sound: Sound) -> learning.Heard:
    """Measure a good recording for the baseline."""
    text, recording, golden = sound
    return learning.hear(_clip(recording, text), _clip(golden, text))


def judge(task: Tuple[Baseline, Sound, int]) -> Dict[str, Any]:
    """Degrade a recording in every way, and name the measures that find it.

    Returns:
        `faults` by degradation, `cpu_s` that the gates took, and the seconds of sound, `sound_s`.
    """
    known, (text, recording, of_golden), number = task
    wav, golden = read(Path(recording).read_bytes()), _clip(of_golden, text)
    told: Dict[str, Any] = {"faults": {}, "cpu_s": 0.0, "sound_s": 0.0}
    for name, degrade in {**TABLE, **FURTHER, **CLEAN}.items():
        clip = Clip(degrade(wav, np.random.default_rng(number)), text)
        began = time.process_time()
        told["faults"][name] = _found(clip, golden, known)
        told["cpu_s"] += time.process_time() - began
        told["sound_s"] += duration_s(clip.wav)
    for name, spoken in degradations.by_other_engines(text):
        told["faults"][name] = _found(Clip(read(spoken), text), golden, known)
    return told


def described(known: Baseline) -> Dict[str, Any]:
    """Tell of the baseline, and of the gates."""
    return {
        "limits": {name: list(limit) for name, limit in known.limits.items()},
        "clips": known.clips,
        "alarms": known.alarms,
        "comparisons": [each.name for each in COMPARISONS],
        "table": list(TABLE),
        "clean": list(CLEAN),
        "detector": activity.is_here(),
    }


def _found(clip: Clip, golden: Clip, known: Baseline) -> List[str]:
    return [each.measure for each in judging.judge(clip, golden, known) if not each.passed]


def _clip(path: str, text: str) -> Clip:
    return Clip(read(Path(path).read_bytes()), text)


if __name__ == "__main__":
    main()
