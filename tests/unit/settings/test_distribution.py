"""What may stand below `distribution:`."""

from __future__ import annotations

import pytest

from scripts.settings.distribution import _check_kind, check_store


@pytest.mark.parametrize(
    "text",
    [
        *("none", "../shared", "/mnt/two words", "$STORE", "${KIND}://host"),
        *("redis://:$PASSWORD@host:1/2", "rediss://[::1]", "s3://bucket", "s3://my-bucket/a b/c", "s3://$BUCKET/runs"),
    ],
)
def test_a_store_of_each_kind_is_taken(text: str) -> None:
    check_store(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "http://host",
        "S3://bucket",
        "s3://b",
        "s3://",
        "redis+sentinel://host",
        "redis:host:6379",
        "s3:/bucket",
        "None",
    ],
)
def test_what_is_no_store_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        check_store(text)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(ValueError) as caught:
        check_store("postgres://me:ge/he@im@host")

    assert ("'postgres://host'", False) == (str(caught.value).split("got ")[1], "im" in str(caught.value))


def test_only_known_words_for_an_object_that_is_new_are_taken() -> None:
    with pytest.raises(ValueError, match="expected one of s3, oss, cos, gcs, got 'aws'"):
        _check_kind("aws")
