"""Which symbols the acoustic model is given for a piece of hanzi."""

from __future__ import annotations

import re
from typing import Any, Dict, List

from pypinyin import Style, pinyin

from .reading import PAUSE
from .tones import Syllable, sandhi

# Interjections that the symbol table spells otherwise.
RESPELLED = {"n": "en", "ng": "en", "m": "en", "hm": "heng", "hng": "heng", "ê": "ei"}
# 儿 that only colours the syllable before it: 花儿, 这儿; not 女儿, 儿子.
COLOURING = re.compile(r"(?<=[这那哪会点事玩花块味样劲边])儿(?![子女童歌科])")


class Frontend:
    """Turns hanzi into symbol ids with the tables of baker_mapper.json."""

    def __init__(self, mapper: Dict[str, Any]) -> None:
        self._ids = mapper["symbol_to_id"]
        self._parts = mapper["pinyin_dict"]

    def ids(self, text: str) -> List[int]:
        """Return the model's input for hanzi and ，; empty where nothing can be said."""
        symbols: List[str] = []
        for clause in text.split(PAUSE):
            spoken = self._clause(clause)
            symbols += ["#3" if symbols else "sil", *spoken] if spoken else []
        return [self._ids[symbol] for symbol in [*symbols, "sil", "eos"]] if symbols else []

    def _clause(self, text: str) -> List[str]:
        symbols: List[str] = []
        for syllable in sandhi(self._syllables(text)):
            initial, final = self._parts[syllable.sound]
            symbols += ["#0"] if symbols else []
            symbols += [initial, f"{final}{syllable.tone}"]
            symbols += ["er5"] if syllable.coloured else []
        return symbols

    def _syllables(self, text: str) -> List[Syllable]:
        """Read each hanzi; those nobody knows are left out."""
        colouring = {match.start() for match in COLOURING.finditer(text)}
        syllables: List[Syllable] = []
        for index, (char, reading) in enumerate(zip(text, _pinyin(text))):
            sound, tone = RESPELLED.get(reading[:-1], reading[:-1]), reading[-1:]
            if index in colouring and syllables:
                syllables[-1] = syllables[-1]._replace(coloured=True)
            elif sound in self._parts and tone.isdigit():
                syllables.append(Syllable(char, sound, int(tone)))
        return syllables


def _pinyin(text: str) -> List[str]:
    """Return one reading per hanzi, such as 'hao3'; '' or nonsense where there is none."""
    readings = pinyin(
        text,
        style=Style.TONE3,
        neutral_tone_with_five=True,
        errors=lambda unknown: [""] * len(unknown),
    )
    return [reading[0] for reading in readings]
