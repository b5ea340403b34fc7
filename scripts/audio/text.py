"""How many syllables a text has when it is read out, in Mandarin, in English, or mixed; near enough to judge a pace."""

from __future__ import annotations

import re

HANZI = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?%?|[A-Za-z][A-Za-z'\u2019]*")
PAUSES = re.compile(r"[，。！？；：、,.!?;:\u2026]+")
YEAR = re.compile(r"\d{4}(?=年)")  # read digit by digit
VOWELS = re.compile(r"[aeiouy]+")
SILENT_E = re.compile(r"(?<![aeiouyl])e$|(?<=[aeiouy][^aeiouy])es$|(?<=[^aeiouytd])ed$")
LONGEST_NUMBER = 8  # digits; longer ones are read one by one, as telephone numbers are


def syllables(text: str) -> int:
    """Count the syllables: one for each hanzi, by rule for numbers and English words.

    >>> syllables("现在打八折，原价320元"), syllables("Hello, world!"), syllables("320 apples")
    (12, 3, 7)
    """
    is_chinese = bool(HANZI.search(text)) or not re.search("[A-Za-z]", text)
    text = YEAR.sub(_spelled, text)
    return len(HANZI.findall(text)) + sum(_of_token(token, is_chinese) for token in TOKEN.findall(text))


def pauses(text: str) -> int:
    """Count the marks inside the text at which a voice pauses.

    >>> pauses("如果明天不下雨，我们就去公园划船。")
    1
    """
    return len(PAUSES.findall(text.strip().rstrip('。！？.!?…"”')))


def _spelled(digits: re.Match[str]) -> str:
    return "年" * len(digits.group())


def _of_token(token: str, is_chinese: bool) -> int:
    if not token[0].isdigit():
        return _of_word(token) if not is_chinese or len(token) > 3 else len(token)
    whole, point, decimals = token.rstrip("%").replace(",", "").partition(".")
    number = _chinese_number(whole) if is_chinese else _english_number(whole)
    after = (len(decimals) + 1) if point else 0
    percent = (3 if is_chinese else 2) if token.endswith("%") else 0
    return number + after + percent


def _of_word(word: str) -> int:
    """Count the groups of vowels of an English word, silent endings left out; capitals are spelled."""
    if word.isupper() and len(word) > 1:
        return len(word) + 2 * word.count("W")
    plain = re.sub(r"[^a-z]", "", word.lower())
    return max(1, len(VOWELS.findall(SILENT_E.sub("", plain))))


def _chinese_number(digits: str) -> int:
    """Count as 三百二十 is read: a digit and its place, one zero for a row of them; 一 of 十 to 十九 is not said."""
    if len(digits) > LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0"):
        return len(digits)
    if not digits.strip("0"):
        return 1
    spoken = re.sub("0+", "0", digits.rstrip("0"))
    places = sum(digit != "0" and (len(digits) - 1 - at) % 4 > 0 for at, digit in enumerate(digits))
    teen = len(digits) in (2, 6) and digits[0] == "1"
    return len(spoken) + places + (len(digits) > 4) - teen


def _english_number(digits: str) -> int:
    """Count as three hundred twenty is read, three digits at a time."""
    if len(digits) > LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0"):
        return sum(map(_one_digit, digits))
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)]
    names = (0, 2, 2)  # thousand, million
    counted = sum(_three_digits(int(group)) + (names[at] if int(group) else 0) for at, group in enumerate(groups))
    return counted or 2


def _three_digits(number: int) -> int:
    hundreds, rest = divmod(number, 100)
    below = _one_digit(str(rest)) if 0 < rest < 10 else 0
    if 10 <= rest < 20:
        below = {10: 1, 11: 3, 12: 1, 17: 3}.get(rest, 2)
    elif rest >= 20:
        below = (3 if rest // 10 == 7 else 2) + (_one_digit(str(rest % 10)) if rest % 10 else 0)
    return (_one_digit(str(hundreds)) + 2 if hundreds else 0) + below


def _one_digit(digit: str) -> int:
    return 2 if digit in "07" else 1
