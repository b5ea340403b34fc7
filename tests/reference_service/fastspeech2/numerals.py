"""How a number is said in Mandarin, written in hanzi."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
GROUP_UNITS = ("", "万", "亿", "万亿")
LONGEST_INTEGER = 4 * len(GROUP_UNITS)


def spelled(digits: str) -> str:
    """Say each digit by itself.

    >>> spelled("2024")
    '二零二四'
    """
    return "".join(DIGITS[int(digit)] for digit in digits)


def integer(digits: str) -> str:
    """Say digits as a quantity; codes (a leading zero) and endless ones digit by digit.

    >>> integer("184556")
    '十八万四千五百五十六'
    >>> integer("007")
    '零零七'
    """
    if digits == "0" or digits.startswith("0") or len(digits) > LONGEST_INTEGER:
        return spelled(digits)
    said, gap = "", False
    for power in range((len(digits) - 1) // 4, -1, -1):
        end = len(digits) - 4 * power
        group = int(digits[max(0, end - 4) : end])
        if group:
            said += "零" if said and (gap or group < 1000) else ""
            said += _group(group) + GROUP_UNITS[power]
        gap = not group
    return said[1:] if said.startswith("一十") else said


def decimal(number: str) -> str:
    """Say a number with any count of points: '3.14', also versions such as '1.2.3'.

    >>> decimal("3.14")
    '三点一四'
    """
    whole, *parts = number.split(".")
    return "点".join([integer(whole), *map(spelled, parts)])


def _group(value: int) -> str:
    """Say 1..9999."""
    said, gap = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // size % 10
        if digit:
            said += "零" if gap and said else ""
            said += DIGITS[digit] + unit
        gap = not digit
    return said
