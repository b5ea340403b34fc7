"""A settings file that nobody meant: each is told with file and line, in bounded time, and nothing else happens."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scripts import settings
from scripts.__main__ import main
from scripts.errors import SettingsError

BOUND_S = 20.0  # on a busy machine; each takes about 1 s alone, most of them none

SUITE = "suite: {path: tests}\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
)
WARM_UP = SUITE + "service: {url: 'http://h', warm_up: {path: /x, json: "
MEGABYTE = 900_000

# (what it is, its text, line, a part of what is said)
HOSTILE: List[Tuple[str, str, int, str]] = [
    ("3,000 levels in brackets", "[" * 3000, 1, "levels deep"),
    ("3,000 levels in braces", "{a: " * 3000, 1, "levels deep"),
    ("a megabyte of brackets", "[" * MEGABYTE, 1, "levels deep"),
    ("3,000 levels by indentation", "".join(" " * depth + "a:\n" for depth in range(1200)), 50, "levels deep"),
    ("lists in one line", "- " * 3000, 1, "levels deep"),
    ("an alias bomb", BOMB, 5, "30,000 values"),
    ("an alias bomb in a request", WARM_UP + "1}}\n" + BOMB, 7, "30,000 values"),
    ("an alias of itself", SUITE + "service: &a [*a]\n", 2, "inside of what it names"),
    ("an alias of itself as a value", WARM_UP + "&a {b: *a}}}", 2, "inside of what it names"),
    ("an unknown alias", SUITE + "name: *gone\n", 2, "undefined alias"),
    (
        "a chain of aliases",
        "".join(f"a{i}: &a{i} [*a{i - 1}]\n" if i else "a0: &a0 [x]\n" for i in range(99)),
        50,
        "deep",
    ),
    ("200,000 values", SUITE + "name:\n" + "- a\n" * 200_000, 29_999, "30,000 values"),
    ("10,000 unknown keys", SUITE + "".join(f"suit{i}: 1\n" for i in range(10_000)), 2, "unknown key suit0"),
    ("a key of a megabyte", SUITE + f"? {'s' * MEGABYTE}\n: 1\n", 2, "(900000 characters)"),
    ("a value of a megabyte", SUITE + f"nodes: {'x' * MEGABYTE}\n", 2, "(900000 characters)"),
    ("a name of an anchor of a megabyte", SUITE + f"name: *{'x' * MEGABYTE}\n", 2, "undefined alias"),
    ("400 digits", SUITE + f"nodes: {'9' * 400}\n", 2, "expected a whole number"),
    ("5,000 digits", SUITE + f"nodes: {'9' * 5000}\n", 2, "expected a whole number"),
    ("400 digits of a size", "models: {files: [], wheels: {a: {size: %s}}}" % ("9" * 400), 1, "at most 1 PB"),
    ("400 digits of a time", f"suite: {{path: t, test_timeout: {'9' * 400} s}}", 1, "at most 500 h"),
    ("a time of 100 years", "suite: {path: t, test_timeout: 876000 h}", 1, "at most 500 h"),
    ("an infinite time", "suite: {path: t, test_timeout: .inf}", 1, "expected a duration"),
    ("a negative time", "suite: {path: t, test_timeout: -5 s}", 1, "expected a duration"),
    ("no time to be ready", SUITE + "service: {url: 'http://h', ready: {timeout: 0 s}}", 2, "more than 0"),
    ("no time to warm up", SUITE + "service: {url: 'http://h', warm_up: {path: /, timeout: 0 s}}", 2, "more than 0"),
    ("a milliard of nodes", SUITE + "nodes: 1000000000\n", 2, "expected 1 to 1000"),
    ("nodes as 1e9", SUITE + "nodes: 1e9\n", 2, "expected a whole number, got '1e9'"),
    ("no nodes", SUITE + "nodes: 0\n", 2, "expected 1 to 1000, got 0"),
    ("an octal number", SUITE + "nodes: 010\n", 2, "plain decimal digits, got '010'"),
    ("a number in sixties", SUITE + "nodes: 1:30\n", 2, "plain decimal digits, got '1:30'"),
    ("a number in hexadecimal", SUITE + "nodes: 0x10\n", 2, "plain decimal digits"),
    ("a raw NUL", SUITE + "name: a\0b\n", 2, "special characters"),
    ("a NUL in a path", SUITE + 'service: {command: [a], requirements: "a\\0b"}\n', 2, "without NUL"),
    ("a NUL in an argument", SUITE + 'service: {command: ["a\\0"]}\n', 2, "without NUL"),
    ("a NUL in a variable", SUITE + 'service: {command: [a], environment: {A: "\\0"}}\n', 2, "without NUL"),
    ("a NUL in a key", SUITE + 'service: {command: [a], environment: {"A\\0": b}}\n', 2, "plain word as key"),
    ("a NUL in a request", WARM_UP + '["\\0"]}}', 2, "without NUL"),
    ("half a surrogate pair", SUITE + 'name: "\\ud800"\n', 2, "halves of surrogate pairs"),
    ("half a surrogate pair in a request", WARM_UP + '{a: "\\ud800"}}}', 2, "halves of surrogate pairs"),
    ("no character", SUITE + 'name: "\\UFFFFFFFF"\n', 2, "not valid YAML"),
    ("a wrong escape", SUITE + 'name: "\\q"\n', 2, "unknown escape"),
    ("A=B as a variable", SUITE + "service:\n  command: [a]\n  environment:\n    A=B: c\n", 5, "got 'A=B'"),
    ("no name of a variable", SUITE + "service: {command: [a], environment: {'': c}}\n", 2, "variable's name"),
    ("an empty path", "suite: {path: ''}", 1, "got none"),
    ("no paths", "suite: {path: []}", 1, "got none"),
    ("an empty path of several", "suite: {path: [a, '']}", 1, "expected text, got none"),
    ("an empty directory", "suite: {path: a, directory: ''}", 1, "expected a folder"),
    ("empty requirements", "suite: {path: a, requirements: ''}", 1, "expected text, got none"),
    ("an empty folder of weights", SUITE + "models: {files: [], directory: ''}", 2, "expected text, got none"),
    ("an empty url", SUITE + "service: {url: ''}", 2, "expected text, got none"),
    ("nothing as path", "suite: {path: }", 1, "expected text, got nothing"),
    ("a tab", "suite:\n\tpath: a\n", 2, "'\\t'"),
    ("two documents", SUITE + "---\n" + SUITE, 2, "another document"),
    ("a merge key", "base: &b {path: a}\nsuite: {<<: *b}\n", 2, "merge keys are not read"),
    ("a merge key of a variable", SUITE + "service: {command: [a], environment: {<<: {A: b}}}", 2, "merge keys"),
    ("a key twice", SUITE + SUITE, 2, "stands twice, first in line 1"),
    ("a key twice in a request", WARM_UP + "{a: 1, a: 2}}}", 2, "stands twice"),
    ("a call of Python", "suite: {path: !!python/object/apply:os.getcwd []}", 1, "python/object/apply:os.getcwd"),
    ("a name of Python", "suite: {path: !!python/name:os.system x}", 1, "python/name:os.system"),
    ("a tag of nobody", "suite: {path: !mine x}", 1, "the tag '!mine'"),
    ("a list as text", "suite: {path: t, requirements: !!str [%s]}" % ("a, " * 99), 1, "expected text, got a list"),
    ("a map as list", "suite: {path: !!seq {a: b}}", 1, "expected text, got a mapping"),
    ("a word as truth", WARM_UP + "!!bool maybe}}", 2, "not a value YAML can read"),
    ("binary text", SUITE + "name: !!binary YQ==", 2, "binary"),
    ("a set", SUITE + "service: {command: [a], environment: !!set {A}}", 2, "set"),
    ("a date in a request", WARM_UP + "{day: 2020-01-01}}}", 2, "JSON"),
    ("no number in a request", WARM_UP + "{a: .nan}}}", 2, "expected a number"),
    ("a key that is a list", "? [a, b]\n: c\n", 1, "plain word as key"),
    ("a key that is a list in a request", WARM_UP + "{? [a] : b}}}", 2, "plain word as key"),
    ("a list", "- a\n", 1, "expected a mapping"),
    ("a word", "a", 1, "expected a mapping"),
    ("nothing", "", 1, "empty"),
    ("a comment", "# nothing\n", 1, "empty"),
    ("a line of a megabyte", SUITE + "#" + "x" * MEGABYTE + "\nnods: 1\n", 3, "did you mean 'nodes'"),
    ("an anchor twice", "a: &a b\nc: &a d\n", 2, "duplicate anchor"),
    ("a directive", "%YAML 9.9\n---\n" + SUITE, 1, "not valid YAML"),
]


def complaint(folder: Path, content: bytes) -> str:
    """What is said about a settings file, within the bound."""
    (folder / "pipeline.yml").write_bytes(content)
    began = time.monotonic()
    with pytest.raises(SettingsError) as caught:
        settings.load(None, {}, folder)

    assert time.monotonic() - began < BOUND_S
    assert len(caught.value.message) < 20_000
    return caught.value.message


@pytest.mark.parametrize("text, line, part", [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_what_nobody_meant_is_told_with_file_and_line(tmp_path: Path, text: str, line: int, part: str) -> None:
    said = complaint(tmp_path, text.encode("utf-8", "surrogatepass"))

    assert [] != [
        told for told in said.splitlines() if told.startswith(f"{tmp_path}/pipeline.yml:{line}: ") and part in told
    ], said


@pytest.mark.parametrize(
    "content, part",
    [
        (b"suite: {path: t}\nname: \xff\n", ":2: not UTF-8"),
        (SUITE.encode("utf-16"), ":1: not UTF-8"),
        (b"x" * 1_000_001, "larger than 1.0 MB"),
    ],
    ids=["bytes", "UTF-16", "large"],
)
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes, part: str) -> None:
    assert f"{tmp_path}/pipeline.yml{part}" in complaint(tmp_path, content) or part in complaint(tmp_path, content)


def test_a_file_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "pipeline.yml").open("wb") as file:
        file.truncate(100_000_000)

    with pytest.raises(SettingsError, match="larger than"):
        settings.load(None, {}, tmp_path)


MAKE: Dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe, socket or device": os.mkfifo,
    "no settings file": lambda file: file.symlink_to("gone"),
    "cannot read the settings": lambda file: file.symlink_to(file),
}


@pytest.mark.parametrize("part", MAKE)
@pytest.mark.parametrize("named", ["pipeline.yml", None])
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path: Path, part: str, named: str) -> None:
    MAKE[part](tmp_path / "pipeline.yml")

    with pytest.raises(SettingsError, match=part):
        settings.load(named, {}, tmp_path)


@pytest.mark.parametrize("named", ["a\0b", "a" * 5000, "\udcff.yml", "pipeline.yml/x"])
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, named: str) -> None:
    (tmp_path / "pipeline.yml").write_text(SUITE)

    with pytest.raises(SettingsError):
        settings.load(named, {}, tmp_path)


def test_a_mark_of_an_editor_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_bytes(b"\xef\xbb\xbf" + SUITE.encode())

    assert ("tests",) == settings.load(None, {}, tmp_path).suite.paths


STEPS = ["deps", "models", "serve", "integration", "shard", "verdict", "plan", "merge", "lock"]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_refuses_it(tmp_path: Path, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.yml").write_text(BOMB)

    assert 2 == main([step, "--settings", str(tmp_path / "pipeline.yml")])
    assert "pipeline.yml:5: not valid YAML: comes to more than 30,000 values" in capsys.readouterr().err


def test_a_bundle_is_made_also_then(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(BOMB)

    assert not main(["debug-bundle", "--settings", str(tmp_path / "pipeline.yml")])
    assert (tmp_path / "reports" / "debug-bundle.tar.gz").is_file()


def test_services_that_need_each_other_over_more_ways_than_one_can_walk_are_read(tmp_path: Path) -> None:
    needs = {place: [f"s{other}" for other in range(place + 1, min(place + 12, 120))] for place in range(120)}
    text = "".join(f"  s{place}: {{command: [x], needs: {needed}}}\n" for place, needed in needs.items())
    (tmp_path / "pipeline.yml").write_text(f"services:\n{text}")

    assert [f"s{place}" for place in reversed(range(120))] == list(settings.load(None, {}, tmp_path).all_services)


def test_a_thousand_services_are_refused(tmp_path: Path) -> None:
    text = "".join(f"  s{place}: {{command: [x]}}\n" for place in range(1000))

    assert "services: expected at most 200 services, got 1000" in complaint(tmp_path, f"services:\n{text}".encode())


@given(text=st.text(st.sampled_from("[]{}&*a: -\n\"'!|>?%<~\t0#,\\u")))
@hypothesis_settings(deadline=None)
def test_whatever_stands_in_a_file_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")

    try:
        read = settings.load(None, {}, folder)
    except SettingsError:
        return
    assert settings.Suite() == read.suite  # {} says nothing, and no key can be written with these letters
