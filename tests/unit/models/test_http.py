"""Decisions about answers: which bytes, again or not, and when."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Mapping, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.models.http import (
    PATIENT,
    Extent,
    extent_of,
    may_pass,
    ordered_pause_s,
    pause_s,
    request_headers,
    validator_of,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "headers, extent",
    [
        ({"Content-Range": "bytes 5-9/10", "Content-Length": "5"}, Extent(5, 10)),
        ({"Content-Range": "bytes 5-9/*", "Content-Length": "5"}, Extent(5, None)),
        ({"Content-Range": "bytes */10", "Content-Length": "0"}, Extent(0, 0)),
        ({"Content-Range": "lines 1-2/3", "Content-Length": "7"}, Extent(0, 7)),
        ({"Content-Length": "-7"}, Extent(0, None)),
        ({}, Extent(0, None)),
    ],
)
def test_where_an_answer_begins_and_how_long_the_file_is(headers: Mapping[str, str], extent: Extent) -> None:
    assert extent == extent_of(headers)


def test_the_first_bytes_are_asked_for_without_a_range() -> None:
    assert {"Accept-Encoding": "identity"} == request_headers(0, '"v1"')


@pytest.mark.parametrize(
    "headers, validator",
    [
        ({"ETag": '"v1"', "Last-Modified": "then"}, '"v1"'),
        ({"ETag": 'W/"v1"', "Last-Modified": "then"}, "then"),
        ({"ETag": 'W/"v1"'}, ""),
    ],
)
def test_a_weak_etag_is_no_validator(headers: Mapping[str, str], validator: str) -> None:
    assert validator == validator_of(headers)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_may_pass(status: int) -> None:
    assert may_pass(status)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 416, 451, 501, 505])
def test_these_will_not(status: int) -> None:
    assert not may_pass(status)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOON - timedelta(seconds=90), usegmt=True), 0.0),
        ("", None),
        ("-1", None),
        ("in a minute", None),
    ],
)
def test_what_retry_after_means(text: str, seconds: Optional[float]) -> None:
    assert seconds == ordered_pause_s(text, NOON)


chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), chances)
def test_a_pause_is_never_longer_than_the_longest(failures: int, chance: float) -> None:
    assert 0 <= pause_s(PATIENT, failures, None, chance) <= PATIENT.longest_pause_s


@given(st.integers(1, 100), chances, st.floats(0, 1000))
def test_a_server_is_not_asked_before_the_time_it_gave(failures: int, chance: float, ordered_s: float) -> None:
    assert pause_s(PATIENT, failures, ordered_s, chance) >= ordered_s
