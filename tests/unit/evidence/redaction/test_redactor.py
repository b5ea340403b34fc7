from __future__ import annotations

import base64
import io
import json
import re
import shlex
from typing import Callable, List
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor

from .samples import HEX, A, B, alike, parts, secrets

STAND_IN = r'"?\(secret[a-z0-9-]*\)"?'


@pytest.mark.parametrize("marked", secrets())
def test_a_secret_is_taken_out_and_nothing_else(marked: str) -> None:
    text, found = parts(marked)
    assert found

    shown = Redactor().text(text)

    assert re.fullmatch(STAND_IN.join(map(re.escape, re.split("⟦.*?⟧", marked, flags=re.DOTALL))), shown)
    assert shown == Redactor().text(shown), "what is clean stays as it is"


@pytest.mark.parametrize("text", alike())
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert text == Redactor().text(text)


def test_all_samples_in_one_file_are_as_each_by_itself() -> None:
    texts = [parts(marked)[0] for marked in secrets()] + alike()
    cleaner = Redactor()

    whole = cleaner.text("\n\n".join(texts))

    assert "\n\n".join(map(cleaner.text, texts)) == whole


ESCAPINGS: List[Callable[[str], str]] = [
    str,
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False),
    lambda value: json.dumps(json.dumps(value)),
    lambda value: json.dumps({"said": json.dumps({"x": value}, ensure_ascii=False)}),
    escape,
    lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}),
    repr,
    ascii,
    lambda value: repr(value.encode()),
    lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    lambda value: quote(value, ""),
    quote_plus,
    shlex.quote,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.b64encode(b"a" + value.encode() + b"bc").decode(),
    lambda value: base64.b64encode(b"ab" + value.encode() + b"c").decode(),
    lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
]
VALUES = st.text(st.sampled_from("aZ09-_+/=&<>'\"\\ $!%é你\n"), min_size=8, max_size=20)


@given(VALUES.filter(lambda value: value == value.strip()), st.sampled_from(ESCAPINGS))
def test_a_known_value_survives_in_no_escaping(value: str, escaping: Callable[[str], str]) -> None:
    form = escaping(value)

    shown = Redactor([Secret(value)]).text(f"x {form} y")

    assert form not in shown
    assert value not in shown


@pytest.mark.parametrize("between", ["\n", "\r\n    ", "\x1b[1m", "\x1b[0m\n\x1b[31m"])
def test_a_known_value_is_found_over_line_ends_and_colours(between: str) -> None:
    value = "sword-fish-and-chips"

    assert "as (secret)." == Redactor([Secret(value)]).text(f"as {value[:9]}{between}{value[9:]}.")


@pytest.mark.parametrize("before", ["", "id=", "a", f"{HEX}{HEX} ", "sha256:", "\n"])
@pytest.mark.parametrize("after", ["", "\n", ".wav", "0"])
def test_a_known_value_that_looks_like_an_identifier_is_found(before: str, after: str) -> None:
    known = Redactor([Secret("0123456789abcdef" * 2)])

    assert f"{before}(secret-" == known.text(f"{before}{'0123456789abcdef' * 2}{after}")[: len(before) + 8]


@given(st.text(st.sampled_from("abc xyz ghij 0123-_./[]{}(),\n"), max_size=300))
def test_a_text_without_secrets_stays_byte_for_byte(text: str) -> None:
    assert text == Redactor([Secret("Swordfish!")]).text(text)


PIECES = st.sampled_from([*(parts(marked)[0] for marked in secrets()), *alike()[:20], " ", "\n", "x" * 50])


@given(st.lists(PIECES, min_size=1, max_size=12), st.integers(1, 400))
def test_it_never_matters_where_a_stream_is_cut(texts: List[str], size: int) -> None:
    text = "\n".join(texts).encode()
    sink = io.BytesIO()

    Redactor(block_bytes=size).stream(Dripping(text, size), sink)

    assert Redactor().bytes(text) == sink.getvalue()


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as a pipe does."""

    def __init__(self, text: bytes, size: int) -> None:
        super().__init__(text)
        self._size = size

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        return super().read(min(size, self._size))


@given(st.lists(PIECES, min_size=1, max_size=8))
def test_to_redact_twice_changes_nothing(texts: List[str]) -> None:
    once = Redactor().text("\n".join(texts))

    assert once == Redactor().text(once)


def test_the_same_secret_has_the_same_stand_in_in_all_files_and_another_has_another() -> None:
    known = [Secret("hunter2-hunter2"), Secret("Zk3Vq8Lw2Np7Rt5Xy1Bc")]

    first, second = Redactor(known), Redactor(known)

    assert first.text("password=hunter2") == second.text("password=hunter2")
    assert first.text("password=hunter2") != first.text("password=hunter3")
    assert first.text("as hunter2-hunter2") == "as " + second.text(json.dumps("hunter2-hunter2")).strip('"')


def test_a_short_secret_cannot_be_guessed_from_its_stand_in() -> None:
    assert "password=(secret)" == Redactor().text("password=hunter2")
    with_key = [
        Redactor([Secret(key)]).text("password=hunter2") for key in ("Zk3Vq8Lw2Np7Rt5Xy1Bc", "Zk3Vq8Lw2Np7Rt5Xy1Bd")
    ]
    assert with_key[0] != with_key[1]


def test_it_is_counted_by_kind_and_never_by_value() -> None:
    cleaner = Redactor([Secret("hunter2-hunter2")])

    cleaner.text("hunter2-hunter2 password=abc gh" + f"p_{HEX}{HEX}")

    assert {"known here": 1, "named": 1, "token": 1} == dict(cleaner.count)


@pytest.mark.parametrize("place", [1, 3, 4, 8, 20])
@pytest.mark.parametrize(
    "token", ["gh" + f"p_{A}{B}", "s" + f"k-{HEX}{HEX}", "LT" + f"AI5t{A}", "da" + f"pi{HEX}{HEX}"]
)
def test_a_token_is_found_wherever_its_line_was_wrapped(token: str, place: int) -> None:
    text = f"{'x' * 60} {token[:place]}\n{token[place:]}\nnext line"

    assert token[place:] not in Redactor().text(text)


@pytest.mark.parametrize(
    "letters",
    ["a", "0", "aA", '"', "\\", "=", "key", "key=", "token:", 'password"', "sk-", "gh" + "p_", "eyJ", "://", "a@"],
)
def test_a_secret_is_found_after_what_is_hostile(letters: str) -> None:
    text = letters * (20_000 // len(letters)) + "\n\n password=hunter2\n"

    assert "hunter2" not in Redactor().text(text)
