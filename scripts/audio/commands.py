"""What `audio measure`, `compare`, `baseline` and `judge` do: files in, a table of measures with their verdicts out.

It runs in the suite's environment, which has the packages that the measures need: `python -m scripts.audio`.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

from . import baseline, judging, learning
from .baseline import Baseline, BaselineError
from .catalogue import BY_NAME, Limit
from .clip import Clip
from .intervals import bounds
from .judging import Verdict
from .reading import read
from .wav import WavError

TEXTS = "texts.json"
SOUNDS = (".wav", ".flac", ".ogg")
GOOD, BAD, UNUSABLE = 0, 1, 2  # exit codes
FEW = 20  # recordings, below which a baseline knows little of how far a voice varies


class Recording(NamedTuple):
    """A file, and the text that it says; "" where that is not known."""

    path: Path
    text: str


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run a command.

    Returns:
        0, 1 where a recording is not as good as it should be, 2 where one or the baseline cannot be read.
    """
    options = parser().parse_args(words)
    try:
        return int(options.run(options))
    except (BaselineError, WavError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    whole = argparse.ArgumentParser(prog="audio", description="Judge speech by its sound.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for run, words in ((measure, "FILE"), (compare, "FILE GOLDEN"), (learn, "FOLDER"), (judge, "FOLDER")):
        name = "baseline" if run is learn else run.__name__
        one = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        for word in words.split():
            one.add_argument(word.lower(), type=Path, metavar=word)
        one.add_argument("--baseline", type=Path, metavar="DIR", help="the folder of baseline.json")
        one.set_defaults(run=run)
        if word != "FOLDER":
            one.add_argument("--text", default="", help="what it should say")
        if run is not learn:
            one.add_argument("--json", action="store_true", help="all verdicts, for a program")
            continue
        one.add_argument("--takes", type=Path, metavar="FOLDER", help="the same texts, by another runtime or seed")
        one.add_argument("--engine", default="", help="whose recordings they are")
        one.add_argument("--voice", default="")
    return whole


def measure(options: argparse.Namespace) -> int:
    """Print every measure of a recording, with its verdict."""
    return _told(_judged(Recording(options.file, options.text), None, _known(options.baseline)), options.json)


def compare(options: argparse.Namespace) -> int:
    """Say whether a recording is still the same speech as a golden one."""
    return _told(_judged(Recording(options.file, options.text), options.golden, _known(options.baseline)), options.json)


def learn(options: argparse.Namespace) -> int:
    """Learn limits and golden recordings from a folder of good ones, with a texts.json: {"hello.wav": "Hello."}."""
    recordings = list(recordings_of(options.folder))
    if not recordings:
        raise BaselineError(f"{options.folder}: expected recordings ({', '.join(SOUNDS)}), found none")
    heard = [learning.hear(_clip(each), _take(options.takes, each)) for each in recordings]
    known = learning.learn(heard, options.engine, options.voice)
    into = options.baseline or options.folder
    (into / baseline.GOLDEN).mkdir(parents=True, exist_ok=True)
    (into / baseline.FILE).write_text(baseline.to_json(known), encoding="utf-8")
    for each in recordings:
        if each.text:
            shutil.copyfile(each.path, into / baseline.GOLDEN / (baseline.golden_name(each.text) + each.path.suffix))
    low, high = bounds(known.alarms, known.clips)
    print(f"{into / baseline.FILE}: limits of {len(known.limits)} measures, learnt from {known.clips} recordings")
    print(f"false alarms: {known.alarms} of {known.clips} by the limits of the others ({low:.1%} to {high:.1%})")
    if known.clips < FEW:
        print(f"{known.clips} recordings are few: with {FEW} or more the limits fit the voice better")
    return GOOD


def judge(options: argparse.Namespace) -> int:
    """Judge every recording of a folder by a baseline and its golden recordings."""
    known, found = _known(options.baseline), {}
    for each in recordings_of(options.folder):
        golden = baseline.golden_file(options.baseline, baseline.golden_name(each.text)) if options.baseline else None
        found[each.path.name] = _judged(each, golden, known)
    if options.json:
        told = {name: [judging.as_dict(each) for each in verdicts] for name, verdicts in found.items()}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _summary(found)
    return BAD if any(map(judging.faults, found.values())) else GOOD


def recordings_of(folder: Path) -> Iterator[Recording]:
    """List the recordings of a folder, with their texts: of texts.json, or of NAME.txt beside NAME.wav."""
    file = folder / TEXTS
    try:
        texts: Dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise BaselineError(f"{file}: expected JSON, {{file name: text}}: {error}") from None
    for path in sorted(folder.iterdir()):
        beside = path.with_suffix(".txt")
        if path.suffix.lower() in SOUNDS:
            text = texts.get(path.name, beside.read_text(encoding="utf-8").strip() if beside.is_file() else "")
            yield Recording(path, text)


def lines_of(verdicts: Sequence[Verdict]) -> List[str]:
    """Write a line for each measure that applies, then what is skipped."""
    lines = []
    for each in verdicts:
        if not math.isnan(each.value):
            shown, limits = f"{each.value:.{BY_NAME[each.measure].digits}f}", _limits(Limit(each.low, each.high))
            lines.append(f"{'ok  ' if each.passed else 'BAD '}{each.measure:<22}{shown:>9}   {limits:<22}{each.words}")
        elif not each.passed:
            lines.append(f"BAD {each.measure:<22}{'':>9}   {'':<22}{each.words}")
    return [line.rstrip() for line in lines] + [
        f"skipped: {each.measure}, for want of {each.skipped}" for each in verdicts if each.skipped
    ]


def _limits(limit: Limit) -> str:
    low, high = ("" if side is None else f"{side:.4g}" for side in limit)
    return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""


def _judged(recording: Recording, golden: Optional[Path], known: Optional[Baseline]) -> List[Verdict]:
    beside = Clip(read(golden.read_bytes()), recording.text) if golden else None
    return judging.judge(_clip(recording), beside, known)


def _told(verdicts: List[Verdict], as_json: bool) -> int:
    heard = judging.faults(verdicts)
    if as_json:
        print(json.dumps([judging.as_dict(each) for each in verdicts], ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines_of(verdicts)))
        print(f"\nbad: {'; '.join(heard)}" if heard else "\ngood")
    return BAD if heard else GOOD


def _summary(found: Dict[str, List[Verdict]]) -> None:
    bad = {name: judging.faults(verdicts) for name, verdicts in found.items() if judging.faults(verdicts)}
    for name, heard in bad.items():
        print(f"BAD {name}: {'; '.join(heard)}")
    wanted = {each.measure: each.skipped for verdicts in found.values() for each in verdicts if each.skipped}
    for measure, package in wanted.items():
        print(f"skipped: {measure}, for want of {package}")
    print(f"{len(found)} recordings: {len(found) - len(bad)} good, {len(bad)} bad")


def _known(folder: Optional[Path]) -> Optional[Baseline]:
    return baseline.load(folder) if folder else None


def _clip(recording: Recording) -> Clip:
    try:
        return Clip(read(recording.path.read_bytes()), recording.text)
    except WavError as error:
        raise WavError(f"{recording.path}: {error}") from None


def _take(takes: Optional[Path], recording: Recording) -> Optional[Clip]:
    return _clip(Recording(takes / recording.path.name, recording.text)) if takes else None
