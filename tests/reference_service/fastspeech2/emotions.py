"""Which controls make the voice sound happy, sad, afraid ..."""

from __future__ import annotations

from typing import NamedTuple

from protocol import NEUTRAL


class Prosody(NamedTuple):
    """How one utterance is said: three controls of the acoustic model and the final gain."""

    duration_ratio: float = 1.0  # 1.25 is a quarter slower
    f0_shift: float = 0.0  # in standard deviations of the voice's pitch, about 2.2 semitones each
    energy_ratio: float = 1.0  # a softer or harder voice; the level follows only on average
    gain_db: float = 0.0  # so the level gets its own control


# Measured against neutral on the same text, 24 sentences: change of the F0 median in semitones
# (Praat), of the duration, and of the RMS level in dB. Mean at intensity .25 / .5 / 1, and in
# brackets the smallest and largest single sentence at 1. Neutral: 251 Hz, 2.8 s, -21.9 dB.
#
#               F0, semitones                        duration                       level, dB
# happy         +0.7 / +1.4 / +2.4 [+1.2 +3.0]   .97 /  .94 /  .90 [ .88  .93]  +0.4 [-0.7 +1.4]
# angry         +0.5 / +1.1 / +2.1 [+1.2 +3.0]   .94 /  .90 /  .80 [ .78  .82]  +3.4 [+1.2 +4.9]
# sad           -0.9 / -1.7 / -3.1 [-3.8 -2.6]  1.06 / 1.12 / 1.26 [1.22 1.34]  -3.2 [-4.8 -2.3]
# afraid        +0.8 / +1.4 / +2.4 [+1.1 +3.2]   .95 /  .91 /  .82 [ .79  .86]  -3.9 [-4.9 -2.6]
# disgusted     -0.6 / -1.3 / -2.4 [-2.7 -2.0]  1.04 / 1.07 / 1.16 [1.13 1.19]  +1.8 [+0.4 +2.8]
# melancholic   -0.6 / -1.2 / -2.1 [-2.8 -1.9]  1.11 / 1.24 / 1.47 [1.44 1.51]  -1.7 [-2.4 -1.3]
# surprised     +1.1 / +2.0 / +3.3 [+2.0 +4.2]   .98 /  .96 /  .93 [ .89  .96]  +1.0 [-1.3 +2.7]
# calm          -0.4 / -0.8 / -1.4 [-1.8 -1.1]  1.03 / 1.06 / 1.11 [1.08 1.14]  -0.4 [-0.8 +0.2]
EMOTIONS = {
    NEUTRAL: Prosody(),
    "happy": Prosody(0.90, 1.2, 1.5, 0.0),
    "angry": Prosody(0.80, 0.9, 2.5, 3.0),
    "sad": Prosody(1.25, -1.2, 0.4, -1.0),
    "afraid": Prosody(0.78, 1.2, 0.3, -2.5),
    "disgusted": Prosody(1.20, -0.9, 1.8, 1.5),
    "melancholic": Prosody(1.50, -0.8, 0.7, -0.5),
    "surprised": Prosody(0.95, 1.8, 2.0, 0.0),
    "calm": Prosody(1.12, -0.5, 0.8, 0.0),
}


def prosody(emotion: str, intensity: float) -> Prosody:
    """Return the controls on the straight line from neutral (intensity 0) to `emotion` (1).

    >>> prosody("sad", 0.5)
    Prosody(duration_ratio=1.125, f0_shift=-0.6, energy_ratio=0.7, gain_db=-0.5)
    """
    full = EMOTIONS[emotion]
    return Prosody(*(start + (end - start) * intensity for start, end in zip(Prosody(), full)))
