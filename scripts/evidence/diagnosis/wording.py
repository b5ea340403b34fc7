"""Short names and Chinese forms of what sentences are made of."""

from __future__ import annotations

import re
from typing import Sequence

from ...proof.receipt import shown

LONGEST_TEST = 60  # characters of a test's name in a sentence


def short(nodeid: str) -> str:
    """Name a test in a sentence: without its file, whose whole id stands below.

    >>> short("tests/test_a.py::TestA::test_b[1/2]"), short("tests/test_a.py")
    ('test_b[1/2]', 'tests/test_a.py')
    """
    path, bracket, rest = nodeid.partition("[")
    name = shown(path.rpartition("::")[2] + bracket + rest)
    return name if len(name) <= LONGEST_TEST else f"{name[: LONGEST_TEST - 3]}..."


# Our own words of probes and ends; longer ones before those that they begin with.
PHRASES = (
    (r"refused the connection: nothing listens there", "拒绝连接：端口无人监听"),
    (r",? and it listens nowhere else", "，也没有监听其他端口"),
    (r"accepted the connection but did not answer within ([\d.]+ s)", r"接受了连接，但 \1内没有应答"),
    (r"did not accept the connection within ([\d.]+ s)", r"\1内没有接受连接"),
    (r"did not answer in time, or not to the end", "没有及时或完整地应答"),
    (r"closed the connection without an answer", "未应答就关闭了连接"),
    (r"answered (\d{3}[ \w]*), expected (\w{3}[ \w]*): ", r"返回 \1，应为 \2："),
    (r"the warm-up (\S+ \S+)", r"预热请求 \1"),
    (r"took longer than (.*)", r"运行超过 \1"),
    (r"\bexit code (\d+)", r"退出码 \1"),
    (r"\bsignal (\w+ \(\d+\))", r"信号 \1"),
    (r"\bended with\b ", "以"),
    (r"ready after ([\d.]+ \w+), ", r"\1 后就绪，"),
    (r"memory grows by (\S+ \w+) per (\d+) requests, ", r"每 \2 个请求增长 \1，"),
    (r"memory grows by (\S+ \w+) per (\d+) tests, ", r"每 \2 个测试增长 \1，"),
    (r"(probe latency|GPU memory|memory|open files) (\S+(?: [kMGT]?B| bytes| ms| s)?) at ([\d:]+) ", r"\3 时达到 \2，"),
    (r"while no test ran, ", "当时没有测试运行，"),
    (r"during (.*), (?=service)", r"正在运行 \1，"),
    (r"(services?\.[\w.]+) is (\S+(?: \w+)?)$", r"\1 为 \2"),
)


def in_chinese(text: str) -> str:
    """Say our own words of probes, budgets and ends in Chinese; what others wrote stays.

    >>> in_chinese("accepted the connection but did not answer within 2.0 s")
    '接受了连接，但 2.0 秒内没有应答'
    """
    for pattern, replacement in PHRASES:
        text = re.sub(pattern, replacement, text)
    return chinese_time(text)


def chinese_time(text: str) -> str:
    """Turn durations and ends of our own words into Chinese.

    >>> chinese_time("exit code 1 after 2 min 05 s"), chinese_time("signal SIGSEGV (11)"), chinese_time("41.2 s")
    ('退出码 1，运行 2 分 05 秒', '信号 SIGSEGV (11)', '41.2 秒')
    """
    words = ((r"\bexit code\b", "退出码"), (r"\bsignal\b", "信号"), (r" after ", "，运行 "))
    for pattern, replacement in (
        *words,
        (r"(\d) h(?![a-z])", r"\1 小时"),
        (r"(\d) min(?![a-z])", r"\1 分"),
        (r"(\d) s(?![a-z])", r"\1 秒"),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def listed(names: Sequence[str], most: int = 3) -> str:
    """List names in a sentence.

    >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    few = list(names[:most])
    if len(names) > most:
        return f"{', '.join(few)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(few[:-1]), *few[-1:]]))


def indices(shards: Sequence[int]) -> str:
    """Name shards by their indices.

    >>> indices([2]), indices([0, 2])
    ('shard index 2', 'shard indices 0 and 2')
    """
    return f"shard {'index' if len(shards) == 1 else 'indices'} {listed([str(index) for index in shards], 6)}"
