import doctest

import pytest
from fastspeech2 import reading
from fastspeech2.reading import read


def test_the_examples_hold():
    assert 0 == doctest.testmod(reading).failed


@pytest.mark.parametrize("date", ["2024年5月1日", "2024-05-01", "2024/5/1", "2024.05.01"])
def test_a_date_is_read_in_every_spelling(date):
    assert "二零二四年五月一日" == read(date)


@pytest.mark.parametrize(
    ("time", "said"),
    [("12:30", "十二点三十分"), ("12:00", "十二点"), ("8:05", "八点零五分"), ("08:05:09", "八点零五分零九秒")],
)
def test_a_time_is_read(time, said):
    assert said == read(time)


def test_a_time_that_no_clock_shows_is_a_ratio():
    assert "三比二" == read("3:2")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0373-8850893", "零三七三，八八五零八九三"),
        ("13800138000", "幺三八零零幺三八零零零"),
        ("400-820-8820", "四零零，八二零，八八二零"),
    ],
)
def test_a_phone_number_is_read_digit_by_digit(number, said):
    assert said == read(number)


def test_a_sum_is_read_sign_by_sign():
    assert "十八万四千五百五十六加四万五千五百六十五等于多少。" == read("184556+45565=?")
    assert "十减三等于七" == read("10-3=7")
    assert "六乘二除以三等于四" == read("6×2÷3=4")


def test_a_hyphen_between_numbers_without_a_sum_is_a_range():
    assert "三到五天" == read("3-5天")
    assert "二零二四到二零二五年" == read("2024-2025年")


def test_a_hyphen_before_a_number_is_a_minus():
    assert "气温负五到三摄氏度" == read("气温-5~3℃")
    assert "诶五" == read("A-5")


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("3%", "百分之三"),
        ("2‰", "千分之二"),
        ("1/2", "二分之一"),
        ("3.14", "三点一四"),
        ("¥12.5", "十二点五元"),
        ("$3万", "三万美元"),
        ("25℃", "二十五摄氏度"),
        ("60km/h", "六十公里每小时"),
        ("3m²", "三平方米"),
        ("5kg", "五公斤"),
        ("1,234,567", "一百二十三万四千五百六十七"),
    ],
)
def test_a_quantity_is_read_with_its_unit(quantity, said):
    assert said == read(quantity)


def test_full_width_forms_are_read_like_the_others():
    assert read("3.14%") == read("３．１４％")
    assert "十二点三十分" == read("１２：３０")


def test_a_full_width_comma_separates_numbers():
    assert "一百二十三，四百五十六" == read("123，456")


def test_letters_in_a_chinese_text_are_spelled():
    assert "提恤" == read("T恤")


@pytest.mark.parametrize(
    "text",
    ["ABC hello", "😀", "。。。", " \n\t", "+-=%", "℃", "\x00\x07", "\u202e\u200b", "ひらがな"],
)
def test_a_text_without_hanzi_and_digits_reads_as_nothing(text):
    assert "" == read(text)


def test_what_cannot_be_said_is_dropped_from_a_text():
    assert "你好" == read("你\x07\u200b😀好")


def test_repeated_syllables_are_all_kept():
    assert "四四四四" == read("四四四四")


def test_rare_hanzi_are_kept_for_the_dictionary_to_judge():
    assert "㐀龘𠮷" == read("㐀龘𠮷")


def test_only_the_strongest_of_neighbouring_marks_is_kept():
    assert "你，好。吗。" == read("，你、、好，……！吗？")


def test_a_long_sum_without_an_end_is_read_in_no_time():
    assert read("1+" * 500).startswith("一加一")
