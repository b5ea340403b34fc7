from __future__ import annotations

import math
import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import List, Optional, Sequence
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color

from scripts import console


@pytest.mark.parametrize(
    "count, expected",
    [
        (999, "999 bytes"),
        (14252, "14.3 kB"),
        (40_146_694, "40.1 MB"),
        (3_259_599_833, "3.3 GB"),
        (999_949, "999.9 kB"),
        (999_960, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (2.5e12, "2.5 TB"),
        (8e15, "8.0 PB"),
        (0, "0 bytes"),
        (999.7, "1.0 kB"),
        (-5000, "-5.0 kB"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_sizes_are_short(count: int, expected: str) -> None:
    assert expected == console.human_bytes(count)


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125.2, "2 min 05 s"),
        (119.6, "2 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3725, "1 h 02 min"),
        (7199, "2 h 00 min"),
        (-12.3, "-12.3 s"),
        (1e6, "277 h 47 min"),
        (1e300, "unknown"),
        (math.inf, "unknown"),
        (-math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_durations_are_short(seconds: float, expected: str) -> None:
    assert expected == console.human_seconds(seconds)


def test_an_escaped_id_is_shown_as_its_characters() -> None:
    assert "t.py::test[你好]" == console.readable("t.py::test[\\u4f60\\u597d]")


def test_an_escaped_emoji_is_shown_and_half_a_surrogate_pair_is_not() -> None:
    assert "[😀\\ud800]" == console.readable("[\\U0001f600\\ud800]")


WORDS = st.text(min_size=1, max_size=12).map(lambda text: f"s3cr3t{quote(text, safe='')}")


@given(WORDS, WORDS, WORDS, st.sampled_from(["https", "http", "redis", "S3", "git+ssh"]), st.sampled_from("?#"))
def test_no_part_of_a_url_that_may_be_secret_is_shown(user: str, word: str, query: str, scheme: str, mark: str) -> None:
    shown = console.bare_urls(f"fetch {scheme}://{user}:{word}@host:80/a/b{mark}token={query} now")

    assert f"fetch {scheme}://host:80/a/b?... now" == shown


@given(st.text(alphabet="abc @:?#/", max_size=30))
def test_text_without_a_url_is_as_it_was(text: str) -> None:
    assert text == console.bare_urls(text) or "://" in text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("你好\u3000😀\n\tb", "你好\u3000😀\n        b"),
        ("\x1b[1;38;5;208mloud\x1b[m\x1b(B", "loud"),
        ("\x9b31mred\x9b0m", "red"),  # the same as one character, which some terminals heed
        ("\x1b[2J\x1b[1;1Hgreen", "green"),
        ("\x1b[31", r"\x1b[31"),  # cut off
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9d52;c;cm0gLXJm\x9c", r"\x9d52;c;cm0gLXJm\x9c"),
        ("\x1bP$q\x1b_", r"\x1bP$q\x1b_"),
        ("\x1bc", r"\x1bc"),  # resets the terminal
        ("failed\rpassed\b\b\x07\0", r"failed\rpassed\x08\x08\x07\x00"),
        ("\u202eneerg\u2028", r"\u202eneerg\u2028"),
    ],
)
def test_what_another_program_wrote_cannot_steer_the_terminal(text: str, expected: str) -> None:
    assert expected == console.visible(text)


@given(st.text())
def test_nothing_visible_is_a_control_character(text: str) -> None:
    assert [] == [c for c in console.visible(text) if not c.isprintable() and c not in "\n\u3000"]


def luminance(colour: Color) -> float:
    """How bright a colour is, as WCAG 2 reckons it."""
    parts = (part / 255 for part in colour.get_truecolor())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("style", sorted({*console.COLOURS.values(), console.FAILURE} - {"none"}))
def test_colours_read_on_black_and_on_white(style: str) -> None:
    bright = luminance(Color.parse(style))

    assert (bright + 0.05) / 0.05 >= 3  # what WCAG asks of graphics
    assert 1.05 / (bright + 0.05) >= 3


def test_columns_line_up_under_chinese_text() -> None:
    lines = console.table(("test", "time"), [("你好", "1.0 s"), ("abc", "10.0 s")])

    assert ["test    time", "----  ------", "你好   1.0 s", "abc   10.0 s"] == lines


def test_a_program_on_the_person_s_path_is_named_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDLINE_SHELL_PATH", str(Path(sys.executable).parent))

    assert "python -m 'a b'" == console.command("python", "-m", "a b")


@pytest.mark.parametrize(
    "words, line",
    [
        (("nox", "-s", "merge"), "nox -s merge -- --settings 'my own.yml'"),
        (("nox", "-s", "merge", "--", "--run-missing"), "nox -s merge -- --run-missing --settings 'my own.yml'"),
        (("invoke", "stop"), "invoke stop --settings 'my own.yml'"),
        (("invoke", "--help", "models.add"), "invoke --help models.add"),
        (("python", "-V"), "python -V"),
    ],
)
def test_a_hint_is_about_the_project_that_the_person_named(words: Sequence[str], line: str) -> None:
    address = ("--settings", "my own.yml")

    assert line == re.sub(r"^\S*/", "", console.command(*words, about=address))


@given(st.binary().filter(lambda name: b"\0" not in name))
@settings(deadline=None, max_examples=20)
def test_a_word_of_any_bytes_can_be_copied_into_a_shell(name: bytes) -> None:
    line = console.command("printf", "%s", os.fsdecode(name))

    assert name == subprocess.check_output(["bash", "-c", line.encode()])
    assert line.isprintable()


def test_a_program_of_the_project_alone_is_named_with_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "nox"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHARDLINE_SHELL_PATH", str(tmp_path / "nowhere"))

    assert ".venv/bin/nox -s tests" == console.command("nox", "-s", "tests")


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_no_unit_overflows_and_longer_is_never_shown_shorter(one: float, other: float) -> None:
    def shown_s(seconds: float) -> float:
        units = {"s": 1, "min": 60, "h": 3600}
        words = console.human_seconds(seconds).split()
        numbers = dict(zip(words[1::2], map(float, words[::2])))
        assert all(number < 60 for unit, number in numbers.items() if unit != "h")
        return sum(units[unit] * number for unit, number in numbers.items())

    assert (one <= other) == (shown_s(one) <= shown_s(other)) or shown_s(one) == shown_s(other)


def test_long_work_is_told_in_plain_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(console, "QUIET_S", 0.05)
    monkeypatch.setattr(console, "say", said.put)
    with console.progress("fetching a.bin", total_bytes=2000) as advance:
        advance(1000)
        line = said.get(timeout=30)

    assert re.fullmatch(r"  fetching a\.bin \.\.\. \S+ s, 1\.0 kB of 2\.0 kB", line)


@pytest.mark.parametrize("terminal", [False, True])
def test_where_no_thread_is_to_be_had_work_goes_on_unseen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(console, "is_terminal", lambda: terminal)
    monkeypatch.setattr(threading.Thread, "start", refused)
    with console.progress("fetching a.bin", total_bytes=2000) as advance:
        advance(1000)
        print("done")

    assert "done" in capsys.readouterr().out


@pytest.mark.parametrize("terminal", [False, True])
def test_what_goes_on_in_threads_is_told_while_none_of_them_advances(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    asked = threading.Event()

    def state() -> str:
        asked.set()
        return "1 of 2 done, now a\x1b.bin"

    monkeypatch.setattr(console, "is_terminal", lambda: terminal)
    monkeypatch.setattr(console, "QUIET_S", 0.01)
    with console.progress("fetching", 2000, state):
        assert asked.wait(30)

    assert "\x1b." not in capsys.readouterr().out


def test_an_error_of_the_work_is_not_taken_for_one_of_the_display() -> None:
    with pytest.raises(RuntimeError, match="of the work"), console.progress("fetching a.bin"):
        raise RuntimeError("of the work")


def test_short_work_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("fetching a.bin"):
        pass

    assert "" == capsys.readouterr().out


def test_a_terminal_that_wants_no_color_gets_none() -> None:
    code = (
        "import pty, os, sys\n"
        "from scripts import console\n"
        "with console.progress('fetching', 10) as advance: advance(5)\n"
    )
    parent, child = os.openpty()
    environ = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=child, cwd=str(Path(__file__).parents[2]), env=environ
    )
    os.close(child)
    written = b""
    try:
        while True:
            written += os.read(parent, 65536)
    except OSError:  # the terminal's other end is closed
        pass
    os.close(parent)

    assert 0 == process.wait()
    assert b"fetching" in written
    assert b"\x1b[3" not in written


def test_what_is_said_is_clean_and_what_cannot_be_made_clean_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    def clean(text: str) -> str:
        return text.replace("hunter2", "(secret)") if text != "broken" else str(1 / 0)

    console.clean_by(clean)
    try:
        console.say("password: hunter2")
        console.say("broken")
    finally:
        console.clean_by(str)

    hidden = "(not shown, since secrets could not be taken out of it: ZeroDivisionError)"
    assert f"password: (secret)\n{hidden}\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    "words, stored",
    [
        (["--token", "abc"], ["--token", "$TOKEN"]),
        (["--token", "abc", "--token", "$TOKEN"], ["--token", "$TOKEN"] * 2),
        (["--override-ini=api_key=a=b"], ["--override-ini=api_key=$API_KEY"]),
        (["DB_PASSWORD=abc"], ["DB_PASSWORD=$DB_PASSWORD"]),
        (["--token", "-x", "--max-token", "512", "--token="], None),
        (["--show-token", "tests/test_a.py", "--password", "a.py::test"], None),
        (["tests/a.py::test_x[token=abc]", "-k", "token", "-m", "not secret", "--sort-key", "name"], None),
        ([], None),
    ],
)
def test_only_the_values_of_options_that_name_a_secret_are_not_stored(
    words: List[str], stored: Optional[List[str]]
) -> None:
    assert (stored or words) == console.without_values(words) == console.without_values(console.without_values(words))


@given(st.lists(st.sampled_from(["--token", "--token=abc", "abc", "-k", "", "password=a b", "$TOKEN", "--key", "-"])))
def test_what_is_not_stored_is_filled_in_from_its_variable(words: List[str]) -> None:
    environ = {hidden.variable: hidden.value for hidden in console.hidden_in(words) if hidden}
    alone = len(environ) == len([hidden for hidden in console.hidden_in(words) if hidden])

    assert not alone or words == console.with_values(console.without_values(words), environ)
