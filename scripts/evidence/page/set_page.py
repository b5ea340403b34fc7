"""Write a page on a whole set of recordings: what is bad first, beside its golden ones, then spread, trends and all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import audio_history
from . import curves, sheets, sound_words, verdicts
from .curves import Point
from .sounding import Room, Sound
from .text import clean
from .verdicts import Row
from .words import Both

MOST_BAD = 30  # told of at length
MOST_CLIPS = 500
MOST_TEXT = 300  # characters
MOST_RUNS = 50


class Clip(NamedTuple):
    """A recording of the set."""

    key: str
    text: str
    options: str
    sound: Sound
    golden: Optional[Sound]
    rows: Sequence[Row]
    heard: Sequence[Both]

    @property
    def longest_s(self) -> float:
        """Say how long the longer of it and its golden one is."""
        return max(_seconds(self.sound), _seconds(self.golden))


class Spread(NamedTuple):
    """Where the values of a measure lie between its limits."""

    key: str
    name: Both
    low: str
    high: str
    places: Sequence[Tuple[float, bool]]
    bad: int


class Trend(NamedTuple):
    """The mean of a measure over the runs; `moved`: by more than chance explains."""

    key: str
    name: Both
    before: str
    now: str
    moved: bool
    points: Sequence[Point]


def render(name: str, found: Mapping[str, Any], past: Sequence[Mapping[str, Any]], allowed: int, base: Path) -> str:
    """Write the page.

    Args:
        found: what `audio.telling.judge` answered.
        past: this set in all runs, this one last; none where it is judged for once.
        allowed: how many recordings may be bad.
        base: the folder that the page lies in.
    """
    view = _View(name, found, past, allowed, base)
    html = sheets.template("audio.html").render(view=view, **sheets.files("page.css", "players.js"))
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


class _View:
    """What the template asks for."""

    def __init__(
        self, name: str, found: Mapping[str, Any], past: Sequence[Mapping[str, Any]], allowed: int, base: Path
    ) -> None:
        self.name, self._found, self._allowed = name, found, allowed
        self._room = Room(base)
        told = sorted(found["clips"], key=lambda each: not each["faults"])  # the bad get their sound in first
        every = [_clip(index, each, self._room) for index, each in enumerate(told[:MOST_CLIPS])]
        self._bad_count = sum(bool(each["faults"]) for each in told)
        self.bad = [each for each in every if each.heard][:MOST_BAD]
        self.more_bad = self._bad_count - len(self.bad)
        self.clips = every
        self.longest_s = max([_seconds(each.sound) for each in every], default=0.0)
        self.sounds = self._room.contents()
        self.whole = verdicts.rows(found["whole"]["verdicts"])
        self.fallen = [row for row in self.whole if not row.passed]
        self.spreads = spreads([each.rows for each in every])
        self.runs = min(len(past), MOST_RUNS)
        self.trends = trends(past[-MOST_RUNS:])

    @property
    def state(self) -> str:
        """Say how it ended, in a word of the table of words."""
        return "red" if self.fallen or self._bad_count > self._allowed else "green"

    @property
    def sentence(self) -> Both:
        """Say in a sentence what was found."""
        if not self.fallen:
            return self._counted()
        told, as_well = sound_words.say("fallen"), self._counted()
        return Both(f"{told.en}; {as_well.en[0].lower()}{as_well.en[1:]}", f"{told.zh}；{as_well.zh}")

    def _counted(self) -> Both:
        count = len(self._found["clips"])
        if not self._bad_count:
            return sound_words.say("one_good" if count == 1 else "all_good", all=count)
        told = sound_words.say("some_bad", bad=self._bad_count, all=count)
        if not self._allowed:
            return told
        may = sound_words.say("allowed", allowed=self._allowed)
        return Both(f"{told.en}; {may.en}", f"{told.zh}；{may.zh}")

    @property
    def facts(self) -> List[Both]:
        """List what it was judged by."""
        known = self._found["baseline"]
        if not known:
            return []
        told = [sound_words.say("by_baseline", clips=known["clips"])]
        told += [sound_words.say("of_engine", engine=clean(known["engine"], 80))] if known["engine"] else []
        return told + ([sound_words.say("of_voice", voice=clean(known["voice"], 80))] if known["voice"] else [])

    @property
    def notes(self) -> List[Both]:
        """List what a reader must know to believe it, or not."""
        known, clips = self._found["baseline"], self._found["clips"]
        told: List[Both] = []
        if not known:
            told.append(sound_words.say("no_baseline"))
        elif known["clips"] < audio_history.LEAST_CLIPS:
            told.append(sound_words.say("few_of_baseline", clips=known["clips"]))
        elif self._bad_count:
            most = sound_words.number(100 * known["share_to"])
            told.append(sound_words.say("false_alarms", alarms=known["alarms"], clips=known["clips"], most=most))
        if len(clips) < audio_history.LEAST_CLIPS:
            told.append(sound_words.say("few_clips", clips=len(clips)))
        alone = sum(not each["golden"] and bool(each["picture"]) for each in clips)
        if known and alone:
            told.append(sound_words.say("no_golden", count=alone))
        return told

    @property
    def not_measured(self) -> List[Both]:
        """List what was not measured, for want of which package."""
        return _not_measured({**self._found["skipped"], **self._found["whole"]["skipped"]})


def _not_measured(skipped: Mapping[str, str]) -> List[Both]:
    names: Dict[str, List[Both]] = {}
    for measure, package in skipped.items():
        names.setdefault(clean(package, 80), []).append(sound_words.measure(clean(measure, 80)))
    return [
        sound_words.say(
            "not_measured",
            package=package,
            names=Both(", ".join(each.en for each in measures), "、".join(each.zh for each in measures)),
        )
        for package, measures in names.items()
    ]


def _clip(index: int, told: Mapping[str, Any], room: Room) -> Clip:
    rows = verdicts.rows(told["verdicts"])
    golden = room.sound(told["golden"], told["golden_picture"]) if told["golden"] and told["faults"] else None
    return Clip(
        key=f"clip-{index}",
        text=clean(told["text"], MOST_TEXT),
        options=clean(json.dumps(told["options"], ensure_ascii=False), MOST_TEXT) if told["options"] else "",
        sound=room.sound(told["file"], told["picture"]),
        golden=golden,
        rows=rows,
        heard=[row.heard for row in rows if not row.passed],
    )


def _seconds(sound: Optional[Sound]) -> float:
    return float(sound.picture["seconds"]) if sound and sound.picture else 0.0


def spreads(sets: Sequence[Sequence[Row]]) -> List[Spread]:
    """Gather the values of each measure that has a limit, those with bad ones first."""
    by_key: Dict[str, List[Row]] = {}
    for rows in sets:
        for row in rows:
            if row.at is not None:
                by_key.setdefault(row.key, []).append(row)
    found = [
        Spread(
            key,
            rows[0].name,
            rows[0].low,
            rows[0].high,
            [(row.at or 0.0, row.passed) for row in rows],
            sum(not row.passed for row in rows),
        )
        for key, rows in by_key.items()
    ]
    return sorted(found, key=lambda each: -each.bad)


def trends(runs: Sequence[Mapping[str, Any]]) -> List[Trend]:
    """Follow the mean of each measure over the runs, and how many are bad; what moved in the last one comes first."""
    if not runs:
        return []
    shares = [(100 * run["bad"] / max(1, run["clips"]), 0.0) for run in runs]
    bad = Trend(
        "bad",
        sound_words.say("bad_share"),
        f"{sound_words.number(shares[max(0, len(runs) - 2)][0])} %",
        f"{sound_words.number(shares[-1][0])} %",
        len(shares) > 1 and shares[-1] != shares[-2],
        curves.scaled(shares, 5.0),
    )
    moved = runs[-1]["moved"]
    found = [_trend(key, runs, key in moved) for key in runs[-1]["means"]]
    return [bad, *sorted(found, key=lambda each: not each.moved)]


def _trend(key: str, runs: Sequence[Mapping[str, Any]], moved: bool) -> Trend:
    means = [tuple(run["means"][key]) for run in runs if key in run["means"]]
    before, now = (sound_words.number(mean[0]) for mean in (means[max(0, len(means) - 2)], means[-1]))
    return Trend(key, sound_words.measure(key), before, now, moved, curves.scaled(means))
