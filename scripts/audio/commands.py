"""What `audio measure` and `audio compare` do: files in, a table of measures with their verdicts out.

It runs in the suite's environment, which has the packages that the measures need: `python -m scripts.audio`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from . import baseline, judging, set_command
from .baseline import Baseline, BaselineError
from .catalogue import BY_NAME, Limit
from .clip import read_clip
from .judging import Verdict
from .wav import WavError

GOOD, BAD, UNUSABLE = 0, 1, 2  # exit codes


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
    for run, words in ((measure, "FILE"), (compare, "FILE GOLDEN")):
        one = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        for word in words.split():
            one.add_argument(word.lower(), type=Path, metavar=word)
        one.add_argument("--text", default="", help="what it should say")
        one.add_argument("--baseline", type=Path, metavar="FOLDER", help="the folder of baseline.json")
        one.add_argument("--json", action="store_true", help="all verdicts, for a program")
        one.set_defaults(run=run)
    set_command.add_to(commands)
    return whole


def measure(options: argparse.Namespace) -> int:
    """Print every measure of a recording, with its verdict."""
    return _told(_judged(options.file, options.text, None, _known(options.baseline)), options.json)


def compare(options: argparse.Namespace) -> int:
    """Say whether a recording is still the same speech as a golden one."""
    verdicts = _judged(options.file, options.text, options.golden, _known(options.baseline))
    return _told(verdicts, options.json)


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


def _judged(file: Path, said: str, golden: Optional[Path], known: Optional[Baseline]) -> List[Verdict]:
    beside = read_clip(golden, said) if golden else None
    return judging.judge(read_clip(file, said), beside, known, baseline.own_limits(os.environ))


def _told(verdicts: List[Verdict], as_json: bool) -> int:
    heard = judging.faults(verdicts)
    if as_json:
        print(json.dumps([judging.as_dict(each) for each in verdicts], ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines_of(verdicts)))
        print(f"\nbad: {'; '.join(heard)}" if heard else "\ngood")
    return BAD if heard else GOOD


def _known(folder: Optional[Path]) -> Optional[Baseline]:
    return baseline.load(folder) if folder else None
