from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.system.packed import packed, unpacked


@given(st.text(st.characters()))
def test_a_text_is_unpacked_as_it_was_packed(text: str) -> None:
    assert text == unpacked(packed(text), 1000)


@pytest.mark.parametrize("word", ["", "?", "你", "AAAA", packed("a plan")[:8], packed("a plan")[:-4], packed("a" * 9)])
def test_what_is_none_is_cut_or_too_long_is_refused(word: str) -> None:
    with pytest.raises(ValueError):
        unpacked(word, 8)
