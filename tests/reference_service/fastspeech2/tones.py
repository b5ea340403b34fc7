"""How a syllable's tone changes beside its neighbours (tone sandhi)."""

from __future__ import annotations

from typing import List, NamedTuple

SPOKEN_DIGITS = "零〇一二三四五六七八九幺"
# 第一, 周一, 十一, 一月: ordinals keep the first tone.
BEFORE_ORDINAL = tuple(SPOKEN_DIGITS + "第初周期十")
AFTER_ORDINAL = ("", *SPOKEN_DIGITS, *"月日号")  # nothing follows in 万一


class Syllable(NamedTuple):
    """A hanzi and its reading; `sound` is pinyin without tone, `tone` 1..5 (5 is neutral)."""

    char: str
    sound: str
    tone: int
    coloured: bool = False  # followed by the 儿 of 花儿


NOTHING = Syllable("", "", 0)


def sandhi(syllables: List[Syllable]) -> List[Syllable]:
    """Return the syllables of one clause with the tones that are really spoken."""
    return _third_tones(_yi_and_bu(syllables))


def _yi_and_bu(syllables: List[Syllable]) -> List[Syllable]:
    """Say 一 and 不 in the second tone before a fourth, and 一 in the fourth before others."""
    changed = []
    for before, syllable, after in zip([NOTHING, *syllables], syllables, [*syllables[1:], NOTHING]):
        falling = after.tone == 4 or after.char == "个"
        if syllable.char == "一":
            ordinal = before.char in BEFORE_ORDINAL or after.char in AFTER_ORDINAL
            syllable = syllable._replace(tone=1 if ordinal else 2 if falling else 4)
        elif syllable.char == "不" and falling:
            syllable = syllable._replace(tone=2)
        changed.append(syllable)
    return changed


def _third_tones(syllables: List[Syllable]) -> List[Syllable]:
    """Raise a third tone to the second before another third."""
    following = [syllable.tone for syllable in syllables[1:]] + [0]
    return [
        syllable._replace(tone=2) if syllable.tone == after == 3 else syllable
        for syllable, after in zip(syllables, following)
    ]
