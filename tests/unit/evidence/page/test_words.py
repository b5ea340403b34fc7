from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from typing import Dict, Tuple

import pytest

from scripts.evidence.diagnosis import kinds
from scripts.evidence.page import chinese, sound_words, words
from scripts.evidence.page.sheets import TEMPLATES
from scripts.proof import report_text
from scripts.proof.outcomes import RERUN, WORST_FIRST

SOURCES = "\n".join(
    path.read_text("utf-8") for path in [*TEMPLATES.iterdir(), *Path(words.__file__).parent.glob("*.py")]
)


@pytest.mark.parametrize("table", [words.WORDS, sound_words.WORDS], ids=["run", "sound"])
def test_both_languages_say_the_same_values(table: Dict[str, Tuple[str, str]]) -> None:
    for key, both in table.items():
        english, chinese = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in both)

        assert english == chinese, key
        assert all(text.strip() for text in both), key


def test_each_outcome_has_its_words() -> None:
    assert [] == [outcome for outcome in (*WORST_FIRST, RERUN) if f"outcome_{outcome}" not in words.WORDS]


def test_what_is_said_has_words() -> None:
    said = set(re.findall(r"""(?:\bt|(?<!sound_words\.)\bsay)\(["']([\w -]+)["'][,)]""", SOURCES))

    assert [] == sorted(said - set(words.WORDS))
    assert len(said) > 80


def test_what_is_said_of_sound_has_words_and_no_word_is_idle() -> None:
    said = set(re.findall(r"""(?:\bs|say_sound|sound_words\.say)\(["'](\w+)["'][,)]""", SOURCES))

    assert [] == sorted(said - set(sound_words.WORDS))
    assert [] == [key for key in sound_words.WORDS if SOURCES.count(f'"{key}"') < 2]


def test_each_kind_of_cause_has_a_chinese_name() -> None:
    assert set(kinds.ROOTS_FIRST) == set(chinese.KINDS)


def test_what_has_a_chinese_is_said_somewhere() -> None:
    folders = [Path(kinds.__file__).parent, Path(report_text.__file__).parent]
    trees = [ast.parse(path.read_text("utf-8")) for folder in folders for path in folder.glob("*.py")]
    said = {str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert [] == [
        text for text in chinese.PHRASES if text not in said and not any(f"({text})" in each for each in said)
    ]
