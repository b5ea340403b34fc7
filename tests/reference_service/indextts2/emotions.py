"""The API's emotions as the engine's vector.

Order, factors and cap are those of index-tts (infer_v2.py at ee40fa7, normalize_emo_vec; indextts2-inference 2.1.1 has
the same). Its web page applies them, its Python class does not.
"""

from __future__ import annotations

from typing import List, Optional

from protocol import NEUTRAL

ORDER = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
FACTORS = (0.9375, 0.875, 1.0, 1.0, 0.9375, 0.9375, 0.6875, 0.5625)
CAP = 0.8  # of the sum; more makes the voice fall apart


def vector(emotion: str, intensity: float) -> Optional[List[float]]:
    """Give the engine's vector: at intensity 1 the most that its page would allow; None says nothing of emotion.

    >>> vector("sad", 0.5), vector("calm", 1.0), vector("happy", 0.0)
    ([0.0, 0.0, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5625], None)
    """
    if emotion == NEUTRAL or not intensity:
        return None
    return [intensity * min(factor, CAP) if name == emotion else 0.0 for name, factor in zip(ORDER, FACTORS)]
