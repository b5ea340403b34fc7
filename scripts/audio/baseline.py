"""What a voice sounded like when all was well: limits, profile and golden recordings, in a folder of files.

audio/baseline.json      limits, which a person may change, and what they were learnt from
audio/golden/NAME.flac   the golden recording of a text, or NAME.wav; `golden_name` makes NAME of the text
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from .catalogue import BY_NAME, Limit
from .intervals import bounds

SCHEMA = 1
FILE, GOLDEN = "baseline.json", "golden"
SUFFIXES = (".flac", ".wav", ".ogg")


class BaselineError(ValueError):
    """A baseline cannot be read; the message says where it goes wrong."""


@dataclass(frozen=True)
class Baseline:
    """The limits, by measure, and the voice.

    Args:
        clips: how many recordings taught it.
        alarms: how many of them limits call bad that were learnt from the others.
    """

    limits: Dict[str, Limit] = field(default_factory=dict)
    profile: Dict[str, Any] = field(default_factory=dict)
    engine: str = ""
    voice: str = ""
    clips: int = 0
    alarms: int = 0


def is_outside(value: float, limit: Limit) -> bool:
    """Tell whether a value lies beyond its limit; one that does not apply lies nowhere."""
    if math.isnan(value):
        return False
    return (limit.low is not None and value < limit.low) or (limit.high is not None and value > limit.high)


def golden_name(text: str, options: Mapping[str, Any] = {}) -> str:
    """Name the golden recording of a text, spoken with these options (emotion ...)."""
    asked = json.dumps([text, sorted(options.items())], ensure_ascii=False)
    return hashlib.sha256(asked.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def golden_file(folder: Path, name: str) -> Optional[Path]:
    """Find a golden recording; None where there is none."""
    found = (folder / GOLDEN / (name + suffix) for suffix in SUFFIXES)
    return next((path for path in found if path.is_file()), None)


def to_json(baseline: Baseline) -> str:
    """Write it so that a person can read and change it: a line for each measure."""
    low, high = bounds(baseline.alarms, baseline.clips) if baseline.clips else (0.0, 1.0)
    lines = [f"    {json.dumps(name)}: {json.dumps(_as_dict(limit))}" for name, limit in baseline.limits.items()]
    about = {
        "schema": SCHEMA,
        "engine": baseline.engine,
        "voice": baseline.voice,
        "clips": baseline.clips,
        "false_alarms": {"clips": baseline.alarms, "share_from": round(low, 3), "share_to": round(high, 3)},
    }
    head = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in about.items())
    body = ",\n".join(lines)
    return f'{{\n{head},\n  "limits": {{\n{body}\n  }},\n  "profile": {json.dumps(baseline.profile)}\n}}\n'


def _as_dict(limit: Limit) -> Dict[str, Optional[float]]:
    return {side: value if value is None else float(f"{value:.4g}") for side, value in limit._asdict().items()}


def from_json(text: str, path: object = FILE) -> Baseline:
    """Read a baseline.

    Raises:
        BaselineError: it is none, or a limit in it is of no measure, or no number.
    """
    try:
        read = json.loads(text)
    except ValueError as error:
        raise BaselineError(f"{path}: expected JSON: {error}") from None
    if not isinstance(read, dict) or read.get("schema") != SCHEMA:
        came = read.get("schema") if isinstance(read, dict) else type(read).__name__
        raise BaselineError(f'{path}: expected "schema": {SCHEMA}, got {came}')
    alarms = read.get("false_alarms") or {}
    return Baseline(
        limits=limits_of(read.get("limits", {}), path),
        profile=read.get("profile", {}),
        engine=str(read.get("engine", "")),
        voice=str(read.get("voice", "")),
        clips=int(read.get("clips", 0)),
        alarms=int(alarms.get("clips", 0)),
    )


def limits_of(given: Any, path: object) -> Dict[str, Limit]:
    """Read limits as {measure: {low: number, high: number}}.

    Raises:
        BaselineError: one is of no measure, or no number.
    """
    if not isinstance(given, dict):
        raise BaselineError(f"{path}: expected limits by measure, got {given!r}")
    found = {}
    for name, sides in given.items():
        if name not in BY_NAME:
            raise BaselineError(f"{path}: no measure is called {name!r}; there are {', '.join(BY_NAME)}")
        if not isinstance(sides, dict) or set(sides) - {"low", "high"} or not all(map(_is_limit, sides.values())):
            raise BaselineError(f"{path}: {name}: expected low, high or both, numbers or null, got {sides!r}")
        found[name] = Limit(sides.get("low"), sides.get("high"))
    return found


def _is_limit(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value))


def load(folder: Path) -> Baseline:
    """Read the baseline of a folder.

    Raises:
        BaselineError: it cannot be read.
    """
    path = folder / FILE
    try:
        return from_json(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror}") from None


def given_folder(environ: Mapping[str, str]) -> Optional[Path]:
    """Find the folder that `suite.baseline` of pipeline.yml names; it is handed on as SHARDLINE_BASELINE."""
    given = environ.get("SHARDLINE_BASELINE", "")
    return Path(given) if given else None


def own_limits(environ: Mapping[str, str]) -> Dict[str, Limit]:
    """Read `quality:` of pipeline.yml, which the pipeline hands on as SHARDLINE_QUALITY."""
    given = environ.get("SHARDLINE_QUALITY", "")
    return limits_of(json.loads(given), "quality") if given else {}


def usual() -> Dict[str, Limit]:
    """Give the limits of any speech, for a voice that nobody recorded a baseline of."""
    return {name: each.usual for name, each in BY_NAME.items()}
