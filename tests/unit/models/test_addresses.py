"""Sources as text."""

from __future__ import annotations

import pytest

from scripts.models.addresses import printable


@pytest.mark.parametrize(
    "source, shown",
    [
        ("https://me:p@ss@host:1/a.bin?signature=x", "https://host:1/a.bin?..."),
        ("http://token@host/a@b.bin", "http://host/a@b.bin"),
        ("file:a?b@c", "file:a?b@c"),
        ("s3://bucket/a?b", "s3://bucket/a?b"),
    ],
)
def test_what_may_be_secret_in_a_url_is_not_printed(source: str, shown: str) -> None:
    assert shown == printable(source)
