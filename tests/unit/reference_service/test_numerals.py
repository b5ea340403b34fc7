import doctest

import pytest
from fastspeech2 import numerals


def test_the_examples_hold():
    assert 0 == doctest.testmod(numerals).failed


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("12", "十二"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("10000", "一万"),
        ("100010", "十万零一十"),
        ("1000000001", "十亿零一"),
        ("184556", "十八万四千五百五十六"),
    ],
)
def test_a_whole_number_is_read_as_a_quantity(digits, said):
    assert said == numerals.integer(digits)


def test_a_code_with_a_leading_zero_is_read_digit_by_digit():
    assert "零零七" == numerals.integer("007")


def test_a_number_beyond_all_units_is_read_digit_by_digit():
    assert "一" * 17 == numerals.integer("1" * 17)


def test_a_version_keeps_all_its_points():
    assert "一点二点一零" == numerals.decimal("1.2.10")
