from __future__ import annotations

import json
from typing import Any, Dict, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.service import expectations
from scripts.service.asking import Answer
from scripts.service.expectations import ANY_OK, MISSING, ONE_OK, fault, field
from scripts.settings.service import Expected
from scripts.typed_yaml import Bytes

READY = Answer(
    200,
    b'{"model": {"state": "ready"}, "gpus": [{"ok": true}], '
    b'"size": {"fields": {"a": 1, "b": 2}, "list": [{"a": 1, "b": 2}]}}',
    headers={"Content-Type": "audio/wav"},
)


@pytest.mark.parametrize(
    "expected",
    [
        Expected(),
        Expected(status=(503, 200)),
        Expected(headers={"content-type": "Audio/"}),
        Expected(json={"model.state": "ready", "gpus.0.ok": True}),
        Expected(
            json={"size": {"fields": {"a": 1}}, "size.list": [{"a": 1}]}
        ),  # of an object, the fields that are named
        Expected(text=r'"ok":\s*true'),
        Expected(size_bytes=Bytes(len(READY.body))),
    ],
    ids=str,
)
def test_the_expected_answer_has_no_fault(expected: Expected) -> None:
    assert "" == fault(READY, expected)


@pytest.mark.parametrize(
    "expected, words",
    [
        (Expected(status=204), "answered 200 OK, expected 204 No Content: {"),
        (Expected(headers={"X-Model": "a"}), "answered 200 OK with no header X-Model, expected 'a'"),
        (Expected(headers={"content-type": "image/"}), "with content-type: 'audio/wav', expected 'image/'"),
        (Expected(json={"model.state": "loaded"}), 'with model.state = "ready", expected "loaded": {'),
        (Expected(json={"gpus.1.ok": True}), "with no field gpus.1.ok in its JSON, expected true: {"),
        (Expected(json={"gpus.0.ok": 1}), "with gpus.0.ok = true, expected 1: {"),
        (Expected(json={"model": {"name": "a"}}), 'with model = {"state": "ready"}, expected {"name": "a"}: {'),
        (Expected(json={"model": {}}), 'with model = {"state": "ready"}, expected {}: {'),
        (Expected(json={"gpus": []}), 'with gpus = [{"ok": true}], expected []: {'),
        (Expected(text="loaded"), "without the expected text 'loaded': {"),
        (Expected(size_bytes=Bytes(2000)), "with 119 bytes, expected at least 2.0 kB"),
    ],
    ids=str,
)
def test_another_answer_is_told_with_what_was_expected(expected: Expected, words: str) -> None:
    assert words in fault(READY, expected)


def test_what_is_no_json_is_told_and_shown() -> None:
    told = fault(Answer(200, b"<html>starting</html>"), Expected(json={"a": 1}))

    assert "answered 200 OK with a body that is no JSON: starting" == told


@pytest.mark.parametrize("usual, words", [(ONE_OK, "expected 200 OK: model not loaded"), (ANY_OK, "expected 2xx: ")])
def test_without_words_the_usual_statuses_are_expected(usual: Sequence[int], words: str) -> None:
    assert words in fault(Answer(503, b"model not loaded"), Expected(), usual)


def test_no_answer_is_told_as_it_is() -> None:
    assert "hung up" == fault(Answer(problem="hung up"), Expected(status=200))


NAMES = st.text(st.characters(blacklist_characters=".", blacklist_categories=("Cs",)), min_size=1, max_size=3)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


def places(document: Any, above: str = "") -> Dict[str, Any]:
    """Lay out every value below the document by its dotted name."""
    inner = {"dict": dict.items, "list": enumerate}.get(type(document).__name__, lambda _: ())(document)
    found = {}
    for name, value in inner:
        found.update({f"{above}{name}": value, **places(value, f"{above}{name}.")})
    return found


@given(DOCUMENTS)
def test_every_field_is_found_and_is_what_it_is(document: Any) -> None:
    for dotted, value in places(document).items():
        assert value == field(document, dotted)
        assert "" == fault(Answer(200, json.dumps(document).encode()), Expected(json={dotted: value}))


@given(DOCUMENTS, st.text(max_size=6))
def test_looking_for_a_field_never_fails(document: Any, dotted: str) -> None:
    found = field(document, dotted)

    assert found is MISSING or expectations.parsed(json.dumps(found).encode()) == found
