"""Syllables as they are read out."""

from __future__ import annotations

import pytest

from scripts.audio.text import pauses, syllables


@pytest.mark.parametrize(
    "text, count",
    [
        ("", 0),
        ("今天心情不好。", 6),
        ("𠮷野家", 3),
        ("现在是3点", 5),
        ("12个", 3),  # 十二个
        ("110个", 5),  # 一百一十个
        ("1005人", 5),  # 一千零五人
        ("12000人", 5),  # 一万二千人
        ("2026年", 5),  # digit by digit
        ("电话13805274691", 13),
        ("占25%", 7),  # 占百分之二十五
        ("3.14是圆周率", 8),
        ("用GPU算", 5),
        ("Hello, world!", 3),
        ("The quick brown fox jumped over the lazy dog.", 11),
        ("320 apples", 7),
        ("an NBA game", 5),
    ],
)
def test_syllables_are_counted_as_they_are_said(text: str, count: int) -> None:
    assert count == syllables(text)


@pytest.mark.parametrize("text, count", [("你好。", 0), ("你好，世界！", 1), ("a, b; c.", 2), ("等等……走吧", 1)])
def test_pauses_are_the_marks_inside(text: str, count: int) -> None:
    assert count == pauses(text)
