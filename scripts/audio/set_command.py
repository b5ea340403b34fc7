"""What `audio set` does: measure a folder of recordings as a whole, and judge it beside a set of before."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

from . import judging, sets, words
from .clip import Clip, read_clip
from .estimates import Mean
from .folder import recordings_of
from .judging import Verdict
from .sets import SetError
from .torch_file import TorchFileError
from .words import RecogniserError

GOOD, BAD, UNUSABLE = 0, 1, 2  # exit codes


def add_to(commands: Any) -> None:
    """Add it to the commands of a parser."""
    one = commands.add_parser("set", help=run.__doc__, description=run.__doc__)
    one.add_argument("folder", type=Path, metavar="FOLDER", help="recordings, with a texts.json")
    one.add_argument("--before", type=Path, metavar="FILE", help="a set of before, as --keep wrote it")
    one.add_argument("--keep", type=Path, metavar="FILE", help="write what was measured, for a later --before")
    one.add_argument("--json", action="store_true", help="means and verdicts, for a program")
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge a folder of recordings as a whole: opinions, speaker, recognised words."""
    try:
        before = sets.from_json(options.before.read_text(encoding="utf-8"), options.before) if options.before else None
        command = words.recogniser(os.environ)
        now = sets.measure(_clips(options.folder), command)
    except (SetError, RecogniserError, TorchFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE
    if options.keep:
        options.keep.write_text(sets.to_json(now), encoding="utf-8")
    verdicts, means = sets.judge(now, before), sets.means(now, before)
    skipped = sets.skipped(command)
    print(_json(verdicts, means, skipped) if options.json else "\n".join(lines_of(verdicts, means, skipped)))
    return BAD if judging.faults(verdicts) else GOOD


def _clips(folder: Path) -> Dict[str, Clip]:
    """Read the recordings, named by their texts, so that a text finds itself in the set of before."""
    clips = {}
    for each in recordings_of(folder):
        clips[each.key if each.key not in clips else each.path.name] = read_clip(each.path, each.text)
    if not clips:
        raise SetError(f"{folder}: expected recordings, found none")
    return clips


def lines_of(verdicts: List[Verdict], means: Mapping[str, Mean], skipped: Mapping[str, str]) -> List[str]:
    """Write a line for each trend, then what is skipped."""
    lines = []
    for each in verdicts:
        mean, digits = means[each.measure], sets.BY_NAME[each.measure].digits
        sure = f"{mean.low:.{digits}f} to {mean.high:.{digits}f}" if math.isfinite(mean.low) else ""
        note = each.words or (f"not judged, for want of {each.skipped}" if each.skipped else "")
        mark = "ok  " if each.passed else "BAD "
        lines.append(
            f"{mark}{each.measure:<20}{mean.value:>7.{digits}f}   {sure:<16}{mean.number:>4} recordings   {note}"
        )
    return [line.rstrip() for line in lines] + [
        f"skipped: {name}, for want of {lack}" for name, lack in skipped.items()
    ]


def _json(verdicts: List[Verdict], means: Mapping[str, Mean], skipped: Mapping[str, str]) -> str:
    told = {
        "means": {name: sets.as_dict(mean) for name, mean in means.items()},
        "verdicts": [judging.as_dict(each) for each in verdicts],
        "skipped": dict(skipped),
    }
    return json.dumps(told, ensure_ascii=False, indent=1)
