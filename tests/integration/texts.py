"""What the tests have the service say, and how many syllables that is."""

from __future__ import annotations

# None of these took part in measuring the limits in the tests: they are held out.
SENTENCES = (
    "今天心情不好。",
    "请把窗户关上，外面下雨了。",
    "他每天早上六点起床跑步。",
    "这家饭馆的鱼做得很好吃。",
    "我们下个星期去北京开会。",
    "妹妹买了一条红色的围巾。",
    "老师说明天不用交作业。",
    "桌子上放着两本新的杂志。",
)

# A passage of 40 characters, to be repeated and cut to any length.
PASSAGE = "春天来了，山上的花都开了。孩子们在草地上放风筝，老人坐在树下聊天，大家都很高兴。"


def syllables(text: str) -> int:
    """Count the hanzi: each is one syllable, and nothing else in these texts is spoken."""
    return sum("\u4e00" <= character <= "\u9fff" for character in text)


def passage(length: int) -> str:
    """Take the first `length` characters of the passage repeated without end."""
    return (PASSAGE * (length // len(PASSAGE) + 1))[:length]
