"""Does an emotion move the voice as it should? Everything is paired: the same text, spoken neutrally and acted.

What pitch, tempo and level a sentence has by itself says little; how far they move says whether the emotion works.
`listen` measures a recording; all else is computed from such measures:

    neutral, sad = [listen(Clip(read(body))) for body in ...], ...
    moves = [move(*pair) for pair in zip(neutral, sad)]
    judge_direction("sad", moves, USUAL["sad"])
    judge_growth("sad", {0.25: ..., 0.5: ..., 1.0: moves}, Leading("pitch_st", -1))

How sure several sentences are is told by an effect size (estimates.py): an engine that samples never says a text twice
alike, so that a mean that moved may be chance; one that moves steadily is none.
"""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Dict, List, Mapping, NamedTuple, Sequence

from . import likeness, measures
from .catalogue import Limit
from .clip import Clip
from .estimates import agreement, effect_size, mean_of
from .judging import Verdict
from .network import is_installed

LARGE = 0.8  # of an effect size: so much a mean of three or more sentences must move against its spread (Cohen 1988)
LEAST_SENTENCES = 3  # for an effect size
GROWS = 0.5  # mean rank correlation of intensity and way: 1 in perfect order, 0 where intensity does nothing


class Voice(NamedTuple):
    """How one recording is spoken; pitch and its range are nan without praat-parselmouth."""

    pitch_hz: float
    range_st: float
    speech_s: float
    level_db: float


class Move(NamedTuple):
    """The way from neutral to the acted recording of the same text."""

    pitch_st: float  # median pitch, semitones
    range_st: float  # liveliness: pitch range from the 10th to the 90th percentile, semitones
    length_percent: float  # from the first to the last sound; slower is longer
    level_db: float


class Leading(NamedTuple):
    """What an emotion moves most clearly, and the way it goes.

    Args:
        least_step: how far the mean over the sentences goes on at each step of intensity; None: any way will do, as
            long as the sentences agree that it goes on.
    """

    property: str
    sign: int
    least_step: float = math.nan


# What a listener notices: 5 % of the tempo (Quene 2007, "On the just noticeable difference for tempo in speech"),
# 1 dB; of pitch and its range, what is sure to be heard in running speech.
NOTICEABLE = Move(pitch_st=0.5, range_st=1.0, length_percent=5.0, level_db=1.0)
UP = {name: Limit(low=value) for name, value in NOTICEABLE._asdict().items()}
DOWN = {name: Limit(high=-value) for name, value in NOTICEABLE._asdict().items()}

# Where speakers take their voice, as most of 104 studies found (Juslin and Laukka 2003, "Communication of emotions in
# vocal expression and music performance", Psychological Bulletin 129), of what engines are expected to do at the least.
USUAL: Dict[str, Dict[str, Limit]] = {
    "happy": {"pitch_st": UP["pitch_st"]},
    "angry": {"level_db": UP["level_db"], "length_percent": DOWN["length_percent"]},
    "sad": {"pitch_st": DOWN["pitch_st"], "length_percent": UP["length_percent"]},
    "afraid": {"pitch_st": UP["pitch_st"], "length_percent": DOWN["length_percent"]},
    "surprised": {"pitch_st": UP["pitch_st"]},
    "calm": {"length_percent": UP["length_percent"]},
}
WORDS = {
    "pitch_st": ("pitch", "semitones"),
    "range_st": ("pitch range", "semitones"),
    "length_percent": ("length", "percent"),
    "level_db": ("level", "dB"),
}


def listen(clip: Clip) -> Voice:
    """Measure how a recording is spoken."""
    spoken_s = measures.duration_s(likeness.trimmed(clip.wav))
    if not is_installed("parselmouth"):
        return Voice(math.nan, math.nan, spoken_s, measures.rms_db(clip.wav))
    from . import pitch

    hertz, reach = pitch.median_hz(clip.contour_hz), pitch.range_semitones(clip.contour_hz)
    return Voice(hertz, reach, spoken_s, measures.rms_db(clip.wav))


def move(neutral: Voice, acted: Voice) -> Move:
    """Measure the way from the neutral recording to the acted one of the same text."""
    rise = 12 * math.log2(acted.pitch_hz / neutral.pitch_hz) if acted.pitch_hz > 0 < neutral.pitch_hz else math.nan
    longer = 100 * (acted.speech_s / neutral.speech_s - 1) if neutral.speech_s else math.nan
    return Move(rise, acted.range_st - neutral.range_st, longer, acted.level_db - neutral.level_db)


def mean_move(moves: Sequence[Move]) -> Move:
    """Average over the sentences; rounded for the reader."""
    return Move(*(round(statistics.fmean(column), 2) for column in zip(*moves)))


def judge_direction(emotion: str, moves: Sequence[Move], expected: Mapping[str, Limit]) -> List[Verdict]:
    """Judge where the sentences go on average: within the limits, and, where there are three or more, steadily.

    Args:
        expected: by the properties of Move. Where both limits lie on one side of 0, the way there must be steady.
    """
    return [_direction(emotion, name, _column(moves, name), limit) for name, limit in expected.items()]


def judge_sign(emotion: str, moves: Sequence[Move], leading: Leading) -> List[Verdict]:
    """Judge each sentence by itself: the leading property must go the right way."""
    limit = Limit(low=0.0) if leading.sign > 0 else Limit(high=0.0)
    return [_direction(emotion, leading.property, [value], limit) for value in _column(moves, leading.property)]


def _direction(emotion: str, name: str, values: Sequence[float], limit: Limit) -> Verdict:
    measure = f"{emotion}: {name}"
    if any(math.isnan(value) for value in values):
        return _unknown(measure, name, limit)
    mean, size = mean_of(values), effect_size(values)
    low, high = (-math.inf if limit.low is None else limit.low), (math.inf if limit.high is None else limit.high)
    passes = low <= mean.value <= high
    if passes and len(values) >= LEAST_SENTENCES and not low < 0 < high:
        passes = (size if low >= 0 else -size) >= LARGE
    words = "" if passes else _wording(emotion, name, values, limit)
    return Verdict(measure, mean.value, limit.low, limit.high, passes, words)


def _unknown(measure: str, name: str, limit: Limit) -> Verdict:
    if name in ("pitch_st", "range_st") and not is_installed("parselmouth"):
        return Verdict(measure, math.nan, limit.low, limit.high, True, skipped="praat-parselmouth")
    words = f"{measure}: cannot be measured, there is no voice in one of the recordings"
    return Verdict(measure, math.nan, limit.low, limit.high, False, words)


def _wording(emotion: str, name: str, values: Sequence[float], limit: Limit) -> str:
    what, unit = WORDS[name]
    mean = mean_of(values)
    bounds = [f"{number:+g}" for number in limit if number is not None]
    expected = " to ".join(bounds) + (" or more" if limit.high is None else " or less" if limit.low is None else "")
    text = f"{emotion} moves the {what} by {mean.value:+.2f} {unit}, expected {expected}"
    if len(values) < 2:
        return text
    text += f" (mean of {len(values)} sentences; 95 %: {mean.low:+.2f} to {mean.high:+.2f}"
    return text + (f"; effect size {effect_size(values):.1f})" if len(values) >= LEAST_SENTENCES else ")")


def judge_growth(emotion: str, steps: Mapping[float, Sequence[Move]], leading: Leading) -> List[Verdict]:
    """Judge whether more intensity goes further: whether the sentences agree, and how far the mean goes each step.

    Args:
        steps: by intensity, the moves of the same sentences in the same order.
    """
    order = sorted(steps)
    columns = [[leading.sign * value for value in _column(steps[step], leading.property)] for step in order]
    measure = f"{emotion}: {leading.property} over intensity"
    if any(math.isnan(value) for column in columns for value in column):
        return [_unknown(measure, leading.property, Limit(GROWS))]
    agreed = agreement(list(zip(*columns)))
    means = [statistics.fmean(column) for column in columns]
    told = ", ".join(f"{leading.sign * mean:+.2f} at {step:g}" for step, mean in zip(order, means))
    what, unit = WORDS[leading.property]
    heard = f"the {what} of {emotion} does not grow with intensity: {told} {unit}"
    words = "" if agreed >= GROWS else f"{heard}; sentences agree by {agreed:.2f}, expected {GROWS} at least"
    found = [Verdict(measure, agreed, GROWS, None, not words, words)]
    if not math.isnan(leading.least_step):
        least = min(after - before for before, after in zip([0.0, *means], means))
        words = "" if least > leading.least_step else f"{heard}; expected {leading.least_step:g} a step from 0 on"
        found.append(
            Verdict(f"{emotion}: {leading.property} a step", least, leading.least_step, None, not words, words)
        )
    return found


def alike(moves: Mapping[str, Move], least: Move = NOTICEABLE) -> List[str]:
    """List the pairs of emotions that nobody tells apart: they differ in nothing by what a listener notices."""
    return [
        f"{one} and {other}"
        for one, other in itertools.combinations(moves, 2)
        if not any(abs(a - b) >= step for a, b, step in zip(moves[one], moves[other], least))
    ]


def timbre_distance(pairs: Sequence[Sequence[Clip]]) -> float:
    """Measure how far the voice's colour moves over (neutral, acted) pairs: a new speaker moves it a lot."""
    colours = [(neutral.timbre, acted.timbre) for neutral, acted in pairs]
    moves = [other - one for one, other in colours if one is not None and other is not None]
    if not moves or len(moves) < len(colours):
        return math.inf  # somebody says nothing
    return math.sqrt(sum(statistics.fmean(column) ** 2 for column in zip(*moves)))


def _column(moves: Sequence[Move], name: str) -> List[float]:
    return [float(getattr(each, name)) for each in moves]
