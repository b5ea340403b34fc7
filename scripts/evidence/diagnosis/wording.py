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


def chinese_time(text: str) -> str:
    """Turn durations and ends of our own words into Chinese.

    >>> chinese_time("exit code 1 after 2 min 05 s"), chinese_time("signal SIGSEGV (11)"), chinese_time("41.2 s")
    ('退出码 1，运行 2 分 05 秒', '信号 SIGSEGV (11)', '41.2 秒')
    """
    words = ((r"\bexit code\b", "退出码"), (r"\bsignal\b", "信号"), (r" after ", "，运行 "))
    for pattern, replacement in (*words, (r"(\d) h\b", r"\1 小时"), (r"(\d) min\b", r"\1 分"), (r"(\d) s\b", r"\1 秒")):
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
