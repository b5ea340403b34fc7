from __future__ import annotations

import datetime
import doctest
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.release import decisions, trying
from tests.release.decisions import Facts

DAY = datetime.date(2026, 1, 31)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-01-31\n\n- new\n\n## 1.1.0 - 2025-12-24\n\n- old\n"
READY = Facts("main", "main", (), 0, ("v1.1.0", "v0.9", "nightly"), "1.2.0", CHANGELOG)


def test_the_examples_are_true() -> None:
    assert [0, 0] == [doctest.testmod(module).failed for module in (decisions, trying)]


def test_nothing_speaks_against_what_is_in_order() -> None:
    assert [] == decisions.refusals("1.2.0", READY)


@pytest.mark.parametrize(
    "facts, what",
    [
        (READY._replace(branch="topic"), "branch topic is checked out: releases are made of main"),
        (READY._replace(branch=""), "no branch is checked out"),
        (READY._replace(changed=("a", "b", "c", "d")), "not all that is here is in the commit: a, b, c and 1 more"),
        (READY._replace(behind=2), "main on the server is 2 commits ahead of this one"),
        (READY._replace(tags=("v1.2.0",)), "1.2.0 is not newer than 1.2.0, which was released last"),
        (READY._replace(tags=("v1.10.0", "1.9")), "1.2.0 is not newer than 1.10.0"),
        (READY._replace(version="1.1.0"), "scripts/__init__.py says version 1.1.0, not 1.2.0"),
        (READY._replace(changelog="## 1.2.0\n\n- new\n"), "CHANGELOG.md has no heading `## 1.2.0 - YEAR-MONTH-DAY`"),
        (READY._replace(changelog="## 1.2.0 - 2026-02-30\n\n- new\n"), "CHANGELOG.md has no heading"),
        (READY._replace(changelog="## 1.2.0 - 2026-01-31\n\n## 1.1.0\n- old\n"), "CHANGELOG.md has no text below"),
        (READY._replace(changelog=CHANGELOG.replace("ed\n", "ed\n\n- more\n")), "text below `## Unreleased` still"),
    ],
)
def test_what_is_not_in_order_is_said_with_what_to_do(facts: Facts, what: str) -> None:
    ((said, hint),) = decisions.refusals("1.2.0", facts)

    assert what in said
    assert hint


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert 3 == len(decisions.refusals("1.2.0", READY._replace(branch="", changed=("a",), version="1.1.0")))


@pytest.mark.parametrize("version", ["", "one", "v1.2.0", "1.2.0+mine", "1.2.0.dev1", "1.2.0-rc1", "01.2"])
def test_what_is_no_version_to_release_is_refused(version: str) -> None:
    assert 1 == len(decisions.refusals(version, READY._replace(version=version)))


versions = st.tuples(*[st.integers(0, 20)] * 3)


@given(st.lists(versions), versions)
def test_only_what_is_newer_than_all_releases_may_be_one(before: List[Tuple[int, ...]], asked: Tuple[int, ...]) -> None:
    tags = ["v{}.{}.{}".format(*each) for each in before]

    assert (asked > max(before, default=(-1,))) == (not decisions.about_version("{}.{}.{}".format(*asked), tags))


lines = st.lists(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1).map("- {}".format))


@given(lines)
def test_what_was_unreleased_is_the_text_of_the_version_that_is_prepared(news: List[str]) -> None:
    before = "# Changelog\n\n## Unreleased\n\n" + "\n".join(news) + "\n\n## 1.1.0 - 2025-12-24\n\n- old\n"
    after = decisions.with_release(before, "1.2.0", DAY)

    assert "\n".join(news).strip() == decisions.section(after, "1.2.0")
    assert ["", "- old"] == [decisions.section(after, name) for name in ("Unreleased", "1.1.0")]
    assert decisions.dated(after, "1.2.0")
    assert after == decisions.with_release(after, "1.2.0", DAY)


def test_a_tag_says_what_changed_and_what_was_checked() -> None:
    assert "Shardline 1.2.0\n\n- new\n\nseen\n" == decisions.message_of("1.2.0", CHANGELOG, ["seen"])


def test_builds_that_differ_in_a_file_or_its_content_are_told_by_its_name() -> None:
    one = [("a.whl", "1"), ("a.tar.gz", "2")]

    assert [] == decisions.differing(one, one)
    assert ["a.whl"] == decisions.differing(one, [("a.whl", "3"), one[1]])
    assert ["a.tar.gz", "b"] == decisions.differing(one, [one[0], ("b", "2")])


def test_a_wheel_has_the_modules_of_the_commit_and_no_more() -> None:
    tracked = ["scripts/a.py", "scripts/b.sh", "scripts/c/d.css"]

    assert [] == decisions.misplaced(["shardline/a.py", "shardline/c/d.css", "s-1.dist-info/RECORD"], tracked)
    assert ["shardline/e.py is in no commit", "tests/f.py is in no commit", "shardline/c/d.css is missing"] == (
        decisions.misplaced(["shardline/a.py", "shardline/e.py", "tests/f.py"], tracked)
    )
