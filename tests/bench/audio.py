"""Part `audio`: which degradations of speech the gates catch, and how often they call good speech bad.

The reference service's engine says two sets of sentences (spoken.py): the one teaches a baseline, the other is degraded
and judged by it. The golden recordings are those of another runtime, where one is at hand, so that even what is clean
differs from them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from scripts import settings
from scripts.audio.intervals import bounds
from scripts.errors import PipelineError
from scripts.runner import preparation
from scripts.settings import Settings

from . import spoken
from .measuring import ROOT, Table, load

ENGINE = ROOT / "tests" / "reference_service"
MOST_NAMED = 3
CAUGHT = 0.95

Answer = Dict[str, Any]


def tables(sentences: int, folder: Path, golden_python: Optional[str]) -> Iterator[Table]:
    """Speak, learn, degrade and judge.

    Args:
        sentences: at most so many of those that are held out.
        folder: keeps the recordings from one bench to the next.
        golden_python: of an environment that has the service's packages with another runtime.
    """
    project = settings.load(str(ROOT / "pipeline.yml"), {}, ROOT, None)
    made = preparation.install(project)
    pythons = str(next(iter(made.services.values())).python), golden_python
    own = folder / "shardline-bench-audio"
    learn = _speak(project, pythons, spoken.sentences(spoken.LEARN), own / "learn")
    held_out = _speak(project, pythons, spoken.sentences(spoken.HELD_OUT)[:sentences], own / "held-out")
    answer = _judged(project, str(made.suite.python), {"learn": learn, "held_out": held_out})
    yield _limits(answer)
    yield _caught(answer, bool(golden_python))
    yield _false_alarms(answer)


def _speak(
    project: Settings, pythons: Tuple[str, Optional[str]], texts: Sequence[str], folder: Path
) -> List[Tuple[str, str, str]]:
    """Have each text spoken, by both runtimes where there are two."""
    golden = folder.with_name(folder.name + "-golden") if pythons[1] else folder
    for python, place in zip(pythons, (folder, golden)):
        place.mkdir(parents=True, exist_ok=True)
        if python:
            script = str(Path(__file__).with_name("rendering.py"))
            words = [python, script, str(ENGINE), str(project.models_directory), str(place)]
            subprocess.run(words, input="\n".join(texts).encode("utf-8"), check=True)
    return [(text, f"{folder}/{number:03}.wav", f"{golden}/{number:03}.wav") for number, text in enumerate(texts)]


def _judged(project: Settings, python: str, task: Answer) -> Answer:
    """Learn and judge in the suite's environment, which has the packages for it."""
    environ = {**os.environ, "SHARDLINE_MODELS": str(project.models_directory), "PYTHONPATH": str(ROOT)}
    words = [python, "-m", "tests.bench.judged"]
    asked = json.dumps(task).encode("utf-8")
    done = subprocess.run(words, input=asked, stdout=subprocess.PIPE, cwd=str(ROOT), env=environ, check=False)
    if done.returncode:
        raise PipelineError(f"{' '.join(words)}: ended with {done.returncode}, for the reason above")
    return json.loads(done.stdout.decode("utf-8"))  # type: ignore[no-any-return]


def _limits(answer: Answer) -> Table:
    rows = [(name, *map(_number, limit)) for name, limit in answer["limits"].items()]
    alarms, clips = answer["alarms"], answer["clips"]
    note = f"Learnt from {clips} sentences; by the limits of the others, {alarms} of them are called bad"
    return Table("Limits of the baseline", ("measure", "low", "high"), rows, [f"{note} ({_percent(alarms, clips)})."])


def _number(value: Optional[float]) -> str:
    return "" if value is None else f"{value:.4g}"


def _caught(answer: Answer, is_other_runtime: bool) -> Table:
    judged = answer["judged"]
    names = [name for name in judged[0]["faults"] if name not in answer["clean"]]
    enough = CAUGHT * len(judged)
    with_golden, without = zip(*(_count(name, answer) for name in answer["table"]))
    took = sum(each["cpu_s"] for each in judged) / sum(each["sound_s"] for each in judged)
    notes = [
        f"{len(judged)} sentences, held out from the limits; in brackets: 95 % confidence. Golden recordings by "
        f"{'another' if is_other_runtime else 'the same'} runtime; speech found "
        f"{'by the detector of voices' if answer['detector'] else 'by level (no detector of voices here)'}.",
        f"Of the {len(answer['table'])} of the table, caught on {CAUGHT:.0%} of the sentences: "
        f"{sum(count >= enough for count in with_golden)} with golden, {sum(count >= enough for count in without)} "
        "without.",
        f"{took:.3f} s of processor time for a second of sound; {load()}.",
    ]
    header = ("degradation", "with golden", "without", "most often by")
    return Table("Degradations caught", header, [_row(name, answer) for name in names], notes)


def _false_alarms(answer: Answer) -> Table:
    header = ("clean recording", "with golden", "without", "most often by")
    note = "What the gates call bad of clean recordings; in brackets: 95 % confidence."
    return Table("False alarms", header, [_row(name, answer) for name in answer["clean"]], [note])


def _row(name: str, answer: Answer) -> Tuple[str, ...]:
    of = len(answer["judged"])
    shares = [f"{count} of {of} ({_percent(count, of)})" for count in _count(name, answer)]
    counted = Counter(measure for each in answer["judged"] for measure in each["faults"].get(name, ()))
    return (name, *shares, ", ".join(f"{measure} {count}" for measure, count in counted.most_common(MOST_NAMED)))


def _percent(count: int, of: int) -> str:
    low, high = bounds(count, of)
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _count(name: str, answer: Answer) -> Tuple[int, int]:
    """Count the sentences on which it is found with a golden recording, and without."""
    found = [set(each["faults"].get(name, ())) for each in answer["judged"]]
    return sum(map(bool, found)), sum(bool(each - set(answer["comparisons"])) for each in found)
