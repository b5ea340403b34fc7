"""What a written text sounds like: hanzi for every syllable, and only two marks, ， and 。

Numbers, dates, times, telephone numbers, sums, units and Latin letters become hanzi; what cannot
be said is dropped. Text without a single hanzi or digit reads as the empty string: Latin letters
are spelled only inside a Chinese text, since a foreign text spelled letter by letter is no speech.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Callable, Dict, Match, Pattern, Tuple, Union

from .numerals import decimal, integer, spelled

# The blocks of CJK ideographs: common, extension A, extensions B to H.
HANZI = (("一", "鿿"), ("㐀", "䶿"), ("\U00020000", "\U000323af"))
PAUSE, STOP = "，", "。"
Replacement = Union[str, Callable[[Match[str]], str]]
NUMBER = r"\d+(?:\.\d+)?"

LETTER_NAMES = "诶 必 西 帝 亿 艾弗 寄 诶吃 爱 杰 克 艾勒 艾姆 恩 欧 披 秋 啊尔 艾斯 提 优 微 达布溜 艾克斯 外 贼"
LETTERS = dict(zip(string.ascii_uppercase, LETTER_NAMES.split()))

UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "km2": "平方公里",
    "m2": "平方米",
    "m3": "立方米",
    "cm2": "平方厘米",
    "km": "公里",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "kg": "公斤",
    "mg": "毫克",
    "g": "克",
    "t": "吨",
    "mL": "毫升",
    "ml": "毫升",
    "L": "升",
    "h": "小时",
    "min": "分钟",
    "ms": "毫秒",
    "s": "秒",
    "kHz": "千赫兹",
    "MHz": "兆赫兹",
    "GHz": "吉赫兹",
    "Hz": "赫兹",
    "kW": "千瓦",
    "W": "瓦",
    "V": "伏",
    "°C": "摄氏度",
    "°F": "华氏度",
    "°": "度",
}
CURRENCIES = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
SIGNS = {"+": "加", "-": "减", "*": "乘", "×": "乘", "/": "除以", "÷": "除以"}


def read(text: str) -> str:
    """Return what is said for `text`: hanzi, ， inside a sentence and 。 between sentences.

    >>> read("今天是2024-05-01，25℃!")
    '今天是二零二四年五月一日，二十五摄氏度。'
    """
    text = _plain(text)
    if not any(char.isdigit() or is_hanzi(char) for char in text):
        return ""
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return _marks(text)


def is_hanzi(char: str) -> bool:
    """Say whether `char` is a Chinese character, rare ones and 〇 included."""
    return char == "〇" or any(first <= char <= last for first, last in HANZI)


def _plain(text: str) -> str:
    """Fold full-width and compatibility forms, drop what is invisible."""
    # Before folding: a full-width comma separates numbers, only the ASCII one groups digits.
    text = re.sub(r"(?<!\d)\d{1,3}(?:,\d{3})+(?![\d,])", lambda m: m[0].replace(",", ""), text)
    text = unicodedata.normalize("NFKC", text)
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return "" if unicodedata.category(char) in ("Cf", "Mn", "Cc") and char not in "\t\n\r" else char


def _date(match: Match[str]) -> str:
    year, month, day = match[1], int(match[2]), int(match[3])
    return f"{spelled(year)}年{month}月{day}日"


def _time(match: Match[str]) -> str:
    hour, minute, second = int(match[1]), match[2], match[3]
    said = f"{hour}点" + ("" if minute == "00" and not second else f"{minute}分")
    return said + (f"{second}秒" if second else "")


def _telephone(match: Match[str]) -> str:
    """Say 一 as 幺, as people do in telephone numbers."""
    groups = re.findall(r"\d+", match[0])
    return PAUSE.join(map(spelled, groups)).replace("一", "幺")


def _sum(match: Match[str]) -> str:
    return "".join(SIGNS.get(char, char) for char in match[0])


def _rule(pattern: str, replacement: Replacement) -> Tuple[Pattern[str], Replacement]:
    return re.compile(pattern, re.ASCII), replacement


def _alternatives(words: Dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# In order: what a rule leaves behind is read by the ones below it.
RULES = [
    _rule(r"(?<!\d)(\d{4})[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])(?![-/.]?\d)", _date),
    _rule(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])", _time),
    _rule(r"(?<![\d.])(?:\+86[- ]?)?1[3-9]\d{9}(?![\d.])", _telephone),
    _rule(r"(?<![\d-])0\d{2,3}[- ]?\d{7,8}(?![\d-])", _telephone),
    _rule(r"(?<![\d.-])\d+(?:-\d+){2,}(?![\d.-])", _telephone),
    _rule(r"(?<!\d)0(?=[1-9][月日号时点])", ""),
    _rule(rf"{NUMBER}(?:\s*[-+*/×÷]\s*{NUMBER})+(?=\s*=)", _sum),
    _rule(r"(?<=\d)\s*=\s*(?:\?|$)", "等于多少?"),
    _rule(r"(?<=\d)\s*=\s*", "等于"),
    _rule(r"(?<=\d)\s*([+×÷*])\s*(?=\d)", _sum),
    _rule(r"(?<=[\d年月日号点分%C])\s*(?:-|~|–|—{1,2})\s*(?=\d)", "到"),
    _rule(r"(?<=[\d%C])\s*~\s*(?=-\d)", "到"),
    _rule(r"(?<!\d)[12]\d{3}(?=(?:[到至][12]\d{3})?\s*年)", lambda m: spelled(m[0])),
    _rule(r"(?<![\dA-Za-z)-])[-−](?=\d)", "负"),
    _rule(
        rf"([{''.join(map(re.escape, CURRENCIES))}])\s*({NUMBER}[万亿]*)",
        lambda m: m[2] + CURRENCIES[m[1]],
    ),
    _rule(rf"({NUMBER})\s*%", r"百分之\1"),
    _rule(rf"({NUMBER})\s*‰", r"千分之\1"),
    _rule(rf"(?<=\d)\s*({_alternatives(UNITS)})(?![A-Za-z0-9])", lambda m: UNITS[m[1]]),
    _rule(r"(\d+)\s*[/⁄]\s*(\d+)", r"\2分之\1"),
    _rule(r"(?<=\d):(?=\d)", "比"),
    _rule(r"(?<![\d.第])2(?=[个只位条次本张件天种岁])", "两"),
    _rule(r"\d+\.\d+(?:\.\d+)*", lambda m: decimal(m[0])),
    _rule(r"\d+", lambda m: integer(m[0])),
    _rule(r"[A-Za-z]", lambda m: LETTERS[m[0].upper()]),
]

MARKS = {**dict.fromkeys(PAUSE + ",、:()[]—–", PAUSE), **dict.fromkeys(".。!?;…\n", STOP)}


def _marks(text: str) -> str:
    """Keep hanzi and one mark between them, the stronger one where several meet."""
    kept = "".join(char if is_hanzi(char) else MARKS.get(char, "") for char in text)
    single = re.sub(f"[{PAUSE}{STOP}]+", lambda run: STOP if STOP in run[0] else PAUSE, kept)
    return single.lstrip(PAUSE + STOP)
