from fastspeech2.tones import Syllable, sandhi


def tones(text, *original):
    """Return the spoken tones; the sounds do not matter."""
    return [syllable.tone for syllable in sandhi([Syllable(c, "", t) for c, t in zip(text, original)])]


def test_a_third_tone_rises_before_another():
    assert [2, 3] == tones("你好", 3, 3)
    assert [2, 2, 3] == tones("展览馆", 3, 3, 3)


def test_a_third_tone_stays_before_others():
    assert [3, 1] == tones("老师", 3, 1)


def test_bu_rises_before_a_fourth_tone():
    assert [2, 4] == tones("不对", 4, 4)
    assert [4, 3] == tones("不好", 4, 3)


def test_yi_rises_before_a_fourth_tone_and_falls_before_others():
    assert [2, 4] == tones("一万", 1, 4)
    assert [2, 5] == tones("一个", 1, 5)
    assert [4, 1] == tones("一天", 1, 1)


def test_yi_keeps_its_tone_in_ordinals_and_at_the_end():
    assert [4, 1, 4] == tones("第一次", 4, 1, 4)
    assert [1, 4] == tones("一月", 1, 4)
    assert [4, 1] == tones("万一", 4, 1)


def test_yi_keeps_its_tone_among_digits():
    assert [4, 2, 1, 1, 2] == tones("二零一一年", 4, 2, 1, 1, 2)
