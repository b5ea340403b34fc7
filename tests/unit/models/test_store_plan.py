"""What it takes to bring what is missing, and which files are fetched under one lock."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import pytest

from scripts.models.store import MISSING, Group, Missing, comes_alone, groups, sizes
from scripts.settings import ModelFile, Wheel
from scripts.typed_yaml import Bytes


def needs(name: str, size_bytes: int, *sources: str) -> ModelFile:
    return ModelFile(path=name, size_bytes=Bytes(size_bytes), sha256="f" * 64, sources=sources)


@pytest.mark.parametrize(
    "files, expected",
    [
        ([], (0, 0)),
        ([needs("a", 5, "file:a")], (5, 5)),
        ([needs("a", 5, "file:a", "wheel:v==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:unknown==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:v==1#b")], (100, 211)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:w==1#b"), needs("c", 7, "file:c")], (137, 248)),
    ],
)
def test_sizes_of_download_and_disk(files: Sequence[ModelFile], expected: Tuple[int, int]) -> None:
    wheels = {name: Wheel(size_bytes=Bytes(size), sha256="f" * 64) for name, size in (("v==1", 100), ("w==1", 30))}

    assert expected == sizes(files, wheels)


# Groups --------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "sources, alone",
    [
        (("https://a.test/b",), False),
        (("s3://bucket/b", "file:b"), False),
        (("file:b", "https://a.test/b"), True),
        (("wheel:a==1#b",), True),
        (("https://a.test/b", "wheel:a==1#b"), True),  # its installer has to end with an interruption
    ],
)
def test_only_what_servers_give_comes_several_at_a_time(sources: Tuple[str, ...], alone: bool) -> None:
    file = ModelFile(Bytes(1), "b", "b" * 64, sources)

    assert alone == comes_alone(Group("", "", [Missing(file, "")]))
