"""Did an engine get worse as a whole? Means over a set of recordings, each with its confidence, beside those of before.

What is measured here says little of one recording (a muffled voice raises DNSMOS) and much of many: opinions as
listeners would give them, whether it is one speaker, and whether what is said can be recognised. So nothing is judged
for fewer than 20 recordings, and only a fall that cannot be chance and is large enough to matter fails. The same texts
in both sets make the sharpest comparison: what one text has by itself is then the same on both sides.

    row = measure(clip)                          # for each recording; `recognised` adds what needs a recogniser
    taken = Set(rows={name: row, ...}, voices={name: voice, ...})
    judge(taken, before)                         # before: from_json of the file that to_json wrote
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import opinions, speaker, words
from .clip import Clip
from .estimates import Mean, difference, mean_of
from .judging import Verdict
from .network import is_installed

SCHEMA = 1
LEAST_CLIPS = 20
Rows = Mapping[str, Mapping[str, float]]
Voices = Mapping[str, Sequence[float]]


class SetError(ValueError):
    """A set cannot be read; the message says where it goes wrong."""


class Trend(NamedTuple):
    """A number whose mean over a set is looked at.

    Args:
        words: what it is.
        better: +1 where more is better, -1 where less is.
        least: how far the mean may get worse before anybody minds.
        odd: what a mean that got better may come from, too; empty: nothing bad.
    """

    name: str
    words: str
    better: int
    least: float
    digits: int = 2
    odd: str = ""


MUFFLED = "a muffled voice, or a wrong sample rate, raises it, too: listen"
TRENDS = (
    Trend("mos_overall", "the predicted opinion of all (DNSMOS, 1 to 5)", +1, 0.1, odd=MUFFLED),
    Trend("mos_signal", "the predicted opinion of the speech (DNSMOS, 1 to 5)", +1, 0.1, odd=MUFFLED),
    Trend("mos_background", "the predicted opinion of the background (DNSMOS, 1 to 5)", +1, 0.1, odd=MUFFLED),
    Trend("mos_p808", "the predicted opinion of all (P.808, 1 to 5)", +1, 0.1, odd=MUFFLED),
    Trend("speaker_consistency", "how alike the recordings' speakers are (cosine)", +1, 0.02, 3),
    Trend("speaker_likeness", "how alike the speaker is to that of before (cosine)", +1, 0.02, 3),
    Trend("word_errors", "the share of words or characters that are not recognised", -1, 0.03, 3),
)
BY_NAME = {each.name: each for each in TRENDS}


@dataclass(frozen=True)
class Set:
    """What was measured of a set of recordings.

    Args:
        rows: by the recording's name (baseline.golden_name makes one of a text), its values by trend.
        voices: by the same names.
    """

    rows: Dict[str, Dict[str, float]] = field(default_factory=dict)
    voices: Dict[str, List[float]] = field(default_factory=dict)


def measure(clips: Mapping[str, Clip], command: Sequence[str] = ()) -> Set:
    """Measure a set: all whose package or weights are here.

    Args:
        command: of a recogniser; without one, English texts are recognised by pocketsphinx, and others not.
    """
    rows: Dict[str, Dict[str, float]] = {name: {} for name in clips}
    voices: Dict[str, List[float]] = {}
    for name, clip in clips.items():
        if opinions.is_here():
            rows[name].update(opinions.opinions(clip.wav))
        voice = speaker.voice(clip.wav) if speaker.weights() else None
        if voice:
            voices[name] = voice
    asked = {name: clip for name, clip in clips.items() if clip.said and _is_recognised(clip.said, command)}
    heard = words.recognise([clip.wav for clip in asked.values()], command) if asked else []
    for (name, clip), text in zip(asked.items(), heard):
        rows[name]["word_errors"] = words.error_share(clip.said, text)
    return Set(rows, voices)


def _is_recognised(text: str, command: Sequence[str]) -> bool:
    return bool(command) or (words.has_english() and words.is_english(text))


def skipped(command: Sequence[str] = ()) -> Dict[str, str]:
    """Name the trends that are not measured here, and what each wants."""
    wanted: Dict[str, str] = {}
    if not opinions.is_here():
        runs = is_installed("onnxruntime")
        lacks = f"{opinions.PRIMARY} and {opinions.P808} of speechmos" if runs else "onnxruntime"
        wanted.update((each.name, lacks) for each in TRENDS if each.name.startswith("mos_"))
    if not speaker.weights():
        wanted.update((name, f"{speaker.FILE} of Resemblyzer") for name in ("speaker_consistency", "speaker_likeness"))
    if not command and not words.has_english():
        wanted["word_errors"] = "pocketsphinx for English, or suite.recogniser"
    return wanted


def judge(now: Set, before: Optional[Set] = None) -> List[Verdict]:
    """Judge the means: worse than before by more than chance and more than anybody minds.

    Without a set of before, all pass; the values are the means.
    """
    old = values(before, before) if before else {}
    return [_verdict(BY_NAME[name], column, old.get(name, {})) for name, column in values(now, before).items()]


def values(taken: Set, before: Optional[Set]) -> Dict[str, Dict[str, float]]:
    """Give each trend's values by recording; those of the speaker are against the others, and against before."""
    columns: Dict[str, Dict[str, float]] = {each.name: {} for each in TRENDS}
    for name, row in taken.rows.items():
        for key, value in row.items():
            if key in columns and math.isfinite(value):
                columns[key][name] = value
    columns["speaker_consistency"] = _against_others(taken.voices, taken.voices)
    if before:
        columns["speaker_likeness"] = _against_others(taken.voices, before.voices)
    return {name: column for name, column in columns.items() if column}


def _against_others(voices: Voices, known: Voices) -> Dict[str, float]:
    """Compare each voice with the mean of all that are known, but for the one of the same name."""
    found = {}
    for name, voice in voices.items():
        others = [each for other, each in known.items() if other != name]
        if others:
            found[name] = speaker.likeness(voice, speaker.mean_voice(others))
    return found


def _verdict(trend: Trend, column: Mapping[str, float], old: Mapping[str, float]) -> Verdict:
    mean = mean_of(list(column.values()))
    if mean.number < LEAST_CLIPS:
        few = f"{LEAST_CLIPS} recordings: {mean.number} are here"
        return Verdict(trend.name, mean.value, None, None, True, skipped=few)
    if len(old) < LEAST_CLIPS:
        return Verdict(trend.name, mean.value, None, None, True)
    moved, how = change(column, old)
    low, high = sorted((trend.better * moved.low, trend.better * moved.high))
    past = mean_of(list(old.values())).value
    limit = past - trend.better * trend.least
    if high < 0 and trend.better * moved.value < -trend.least:
        return _told(trend, mean, past, moved, how, limit, passed=False)
    is_odd = bool(trend.odd) and low > 0 and trend.better * moved.value > trend.least
    return _told(trend, mean, past, moved, how, limit, passed=True, told=is_odd)


def change(now: Mapping[str, float], before: Mapping[str, float]) -> Tuple[Mean, str]:
    """Compare two sets: recording by recording where 20 are in both, else their means."""
    both = sorted(now.keys() & before.keys())
    if len(both) >= LEAST_CLIPS:
        return mean_of([now[name] - before[name] for name in both]), f"{len(both)} texts, each beside itself"
    return difference(list(now.values()), list(before.values())), f"{len(now)} and {len(before)} recordings"


def _told(
    trend: Trend, mean: Mean, past: float, moved: Mean, how: str, limit: float, passed: bool, told: bool = True
) -> Verdict:
    digits = trend.digits
    text = (
        f"{trend.words} {'rose' if moved.value > 0 else 'fell'} from {past:.{digits}f} by {abs(moved.value):.{digits}f}"
        f", and not by chance (95 %: {moved.low:+.{digits}f} to {moved.high:+.{digits}f}; {how})"
    )
    text += f"; {trend.odd}" if passed else ""
    low, high = (limit, None) if trend.better > 0 else (None, limit)
    return Verdict(trend.name, mean.value, low, high, passed, text if told else "")


def to_json(taken: Set) -> str:
    """Write it down, a line for each recording."""
    lines = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps({**_rounded(row), 'voice': taken.voices.get(name)})}"
        for name, row in sorted(taken.rows.items())
    )
    return f'{{\n  "schema": {SCHEMA},\n  "clips": {{\n{lines}\n  }}\n}}\n'


def _rounded(row: Mapping[str, float]) -> Dict[str, float]:
    return {name: round(value, 4) for name, value in row.items() if math.isfinite(value)}


def from_json(text: str, path: object = "set.json") -> Set:
    """Read what was written down.

    Raises:
        SetError: it is something else.
    """
    try:
        read = json.loads(text)
        if read["schema"] != SCHEMA:
            raise SetError(f'{path}: expected "schema": {SCHEMA}, got {read["schema"]!r}')
        rows, voices = {}, {}
        for name, row in read["clips"].items():
            rows[name] = {key: float(value) for key, value in row.items() if key != "voice"}
            if row.get("voice"):
                voices[name] = [float(number) for number in row["voice"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, SetError):
            raise
        raise SetError(f"{path}: expected a set of recordings as JSON: {error!r}") from None
    return Set(rows, voices)


def means(taken: Set, before: Optional[Set] = None) -> Dict[str, Mean]:
    """Give each trend's mean with its confidence, for whoever draws them over time."""
    return {name: mean_of(list(column.values())) for name, column in values(taken, before).items()}


def as_dict(mean: Mean) -> Dict[str, Any]:
    """Make a mean fit for JSON."""
    return {key: round(value, 4) if math.isfinite(value) else None for key, value in mean._asdict().items()}
