"""How a set of recordings sounded in past runs: the mean of each measure, kept between runs. Pure, but for reading."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ..errors import PipelineError
from ..system import files

SCHEMA = 1
MOST_RUNS = 200
LEAST_CLIPS = 20  # from which on a mean says something of an engine
CONFIDENCE = 1.96  # standard errors to either side: 95 %
SURE = 4.0  # standard errors that a mean must move by: of 30 measures in hundreds of runs, few do by chance
FAINT = 1e-3  # of the largest value; what is less is of another runtime, or rounding

Run = Mapping[str, Any]


class Mean(NamedTuple):
    """The mean of a measure over a set, and how far to either side it may be (95 %)."""

    value: float
    error: float


def means(clips: Sequence[Mapping[str, Any]]) -> Dict[str, Mean]:
    """Average each measure over the recordings in which it applies.

    >>> means([{"verdicts": [{"measure": "a", "value": value}]} for value in (1.0, 3.0, None)])
    {'a': Mean(value=2.0, error=1.96)}
    """
    values: Dict[str, List[float]] = {}
    for clip in clips:
        for verdict in clip["verdicts"]:
            if verdict["value"] is not None:
                values.setdefault(verdict["measure"], []).append(float(verdict["value"]))
    return {name: _mean(found) for name, found in values.items()}


def _mean(values: Sequence[float]) -> Mean:
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Mean(mean, 0.0)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return Mean(mean, CONFIDENCE * math.sqrt(variance / len(values)))


def add(
    past: Sequence[Run], found: Mapping[str, Any], at_s: float, commit: str, set_digest: str
) -> List[Dict[str, Any]]:
    """Add a set that was judged to the past ones; only the newest of a set keeps the values of each recording.

    Args:
        set_digest: of its texts and baseline: only the same sets can be compared.
    """
    clips = found["clips"]
    values = {name: [_value(clip, name) for clip in clips] for name in means(clips)}
    before: Mapping[str, Any] = next((run.get("values", {}) for run in reversed(past) if run["set"] == set_digest), {})
    run = {
        "at": round(at_s),
        "commit": commit[:40],
        "set": set_digest,
        "clips": len(clips),
        "bad": sum(bool(each["faults"]) for each in clips),
        "means": {name: _rounded(mean) for name, mean in means(clips).items()},
        "moved": [name for name, each in values.items() if has_moved(before.get(name), each)],
        "values": values,
    }
    older = [{**each, "values": {}} if each["set"] == set_digest else dict(each) for each in past]
    return [*older, run]


def _rounded(mean: Mean) -> List[float]:
    return [round(number, 5) for number in mean]


def _value(clip: Mapping[str, Any], name: str) -> Optional[float]:
    return next((each["value"] for each in clip["verdicts"] if each["measure"] == name), None)


def has_moved(before: Any, now: Sequence[Optional[float]]) -> bool:
    """Tell whether a measure differs from the last run of the same texts, in one direction, by more than chance.

    Each recording is compared with that of the same text: what texts differ by does not hide what an engine does.

    >>> has_moved([1.0, 2.0, 3.0], [1.1, 2.1, 3.1]), has_moved([1.0, 2.0, 3.0], [1.1, 1.9, 3.0]), has_moved(None, [1.0])
    (True, False, False)
    """
    if not isinstance(before, list) or len(before) != len(now):
        return False
    pairs = [(old, new) for old, new in zip(before, now) if _is_number(old) and new is not None]
    if len(pairs) < 2:
        return False
    mean = _mean([new - old for old, new in pairs])
    least = FAINT * max(abs(new) for _, new in pairs)
    return abs(mean.value) > max(SURE * mean.error / CONFIDENCE, least)


def written(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write the newest runs, a line each."""
    lines = ",\n".join(json.dumps(run) for run in runs[-MOST_RUNS:])
    return f'{{"schema": {SCHEMA}, "runs": [\n{lines}\n]}}\n'


def read(file: Path) -> List[Dict[str, Any]]:
    """Read the past runs; none where there is no such file, or one that says something else: it only shows a trend."""
    try:
        runs = files.read_json(file, SCHEMA, "").get("runs")
    except PipelineError:
        return []
    return [run for run in runs if _is_run(run)] if isinstance(runs, list) else []


def _is_run(run: Any) -> bool:
    if not isinstance(run, dict) or not all(_is_number(run.get(key)) for key in ("at", "clips", "bad")):
        return False
    told, values, moved = run.get("means"), run.get("values"), run.get("moved")
    if not isinstance(values, dict) or not isinstance(moved, list):
        return False
    texts = all(isinstance(run.get(key), str) for key in ("set", "commit"))
    return texts and isinstance(told, dict) and all(map(_is_mean, told.values()))


def _is_mean(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
