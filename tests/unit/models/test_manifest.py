from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scripts.models import manifest
from scripts.settings import SCHEMES, ModelFile, Models
from scripts.typed_yaml import Bytes, read

A = ModelFile(Bytes(1), "a.bin", "a" * 64, ("https://one.test/a.bin",))
B = ModelFile(Bytes(2), "音 色/b.bin", "b" * 64, ("file:b.bin", "s3://bucket/b.bin"))

words = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)  # all digits, or 1e2: a number to YAML
sources = st.builds("{}:{}".format, st.sampled_from(["file", "https"]), words)
files = st.builds(ModelFile, st.integers(0, 10**12).map(Bytes), words, digests, st.tuples(sources, sources))


@pytest.mark.parametrize(
    "same",
    [
        Models((B, A)),
        Models((replace(A, sources=("hf://org/a@main/a.bin",)), B)),
        Models((A, B), notice="Ask first."),
        Models((A, B), directory="cache_hub/models/"),
    ],
)
def test_the_digest_is_that_of_the_weights_however_they_are_written_down(same: Models) -> None:
    assert manifest.digest(Models((A, B))) == manifest.digest(same)


@pytest.mark.parametrize(
    "other",
    [
        Models((A,)),
        Models((A, replace(B, sha256="c" * 64))),
        Models((A, replace(B, size_bytes=Bytes(3)))),
        Models((A, replace(B, path="c.bin"))),
        Models((A, B), directory="elsewhere"),  # CI would put the cache where nobody looks for it
    ],
)
def test_other_weights_have_another_digest(other: Models) -> None:
    assert manifest.digest(Models((A, B))) != manifest.digest(other)


@given(files)
def test_a_pasted_entry_is_read_as_the_file_it_was_made_from(file: ModelFile) -> None:
    assume(not manifest.mistakes(file))
    models, _ = read("files:\n" + manifest.entry(file), Models)

    assert models
    assert (file,) == models.files


def test_entries_are_pasted_one_below_the_other() -> None:
    models, _ = read("files:\n" + manifest.entry(A) + manifest.entry(B), Models)

    assert models
    assert (A, B) == models.files


def test_an_entry_looks_like_those_that_are_there() -> None:
    lines = [
        '    - path: "音 色/b.bin"',
        "      size: 2",
        f'      sha256: "{"b" * 64}"',
        '      sources: ["file:b.bin", "s3://bucket/b.bin"]',
        "",
    ]

    assert "\n".join(lines) == manifest.entry(B)


@pytest.mark.parametrize(
    "wrong, complaint",
    [
        (replace(A, path="../a.bin"), "path: expected a file below the models folder"),
        (replace(A, path=""), "path: expected a file below the models folder"),
        (replace(A, sources=("ftp://a.test/b",)), "sources: expected wheel:"),
        (replace(A, sources=("s3://bucket",)), "sources: expected s3://BUCKET/KEY"),
    ],
)
def test_what_pipeline_yml_would_refuse_is_a_mistake(wrong: ModelFile, complaint: str) -> None:
    assert [True] == [mistake.startswith(complaint) for mistake in manifest.mistakes(wrong)]


@pytest.mark.parametrize(
    "source, name",
    [
        ("https://a.test/", ""),
        ("https://a.test", ""),
        ("file:b.bin", "b.bin"),
        ("file:///x/b%20c.bin", "b c.bin"),
        ("hf://org/voice@main/deep/a%20b.bin", "a%20b.bin"),
        ("wheel:a==1#b.bin", "b.bin"),
    ],
)
def test_a_file_is_called_as_its_source_calls_it(source: str, name: str) -> None:
    assert name == manifest.file_name(source)


@given(st.sampled_from(SCHEMES), words)
def test_any_source_may_be_asked_for_its_file_name(scheme: str, rest: str) -> None:
    assert "/" not in manifest.file_name(f"{scheme}:{rest}")


def test_only_a_commit_pins_a_source_of_the_hub() -> None:
    pinned, moving = (replace(A, path=rev, sources=(f"hf://org/a@{rev}/a.bin",)) for rev in ("0" * 40, "v1"))

    assert ["hf://org/a@v1/a.bin"] == manifest.unpinned(Models((pinned, moving, B)))
