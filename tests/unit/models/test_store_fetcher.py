"""Which files are fetched under one lock."""

from __future__ import annotations

from typing import List

import pytest

from scripts.models.store import MISSING, Missing, groups
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes


def missing(name: str, digest: str, source: str) -> Missing:
    return Missing(ModelFile(path=name, size_bytes=Bytes(1), sha256=digest * 64, sources=(source,)), MISSING)


A = missing("a.bin", "a", "https://host/a")
SAME_AS_A = missing("copy.bin", "a", "https://host/copy")
V1 = missing("v1.bin", "1", "wheel:v==1#1")
V2 = missing("v2.bin", "2", "wheel:v==1#2")
W1 = missing("w1.bin", "1", "wheel:w==1#1")


@pytest.mark.parametrize(
    "files, expected",
    [
        ([], []),
        ([A, V1, SAME_AS_A, V2], [["a.bin", "copy.bin"], ["v1.bin", "v2.bin"]]),
        ([V1, W1], [["v1.bin"], ["w1.bin"]]),
    ],
)
def test_a_wheel_s_files_go_together_and_those_with_one_content(
    files: List[Missing], expected: List[List[str]]
) -> None:
    assert expected == [[each.file.path for each in group.members] for group in groups(files)]


def test_a_group_says_what_it_fetches() -> None:
    assert ["a.bin", "v==1"] == [group.what for group in groups([A, V1])]
