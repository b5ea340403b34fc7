from __future__ import annotations

import pytest

from scripts.evidence import leaks
from scripts.evidence.leaks import Leak
from scripts.evidence.patches import Passage
from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor

from .redaction.samples import HEX, PEM, A, B, parts, secrets

TOKEN = "gh" + f"p_{A}{B}"


def found(*lines: str, new: int = 0, strict: bool = False) -> list[Leak]:
    passage = Passage("a.py", "", 10, tuple(line.encode() for line in lines), frozenset({new}))
    return leaks.distinct(list(leaks.find(passage, Redactor([Secret("sword-fish-and-chips")]), strict)), [])


def test_a_token_in_a_new_line_is_named_by_its_place_and_stand_in() -> None:
    leak = found("x = 1", f"y = '{TOKEN}'", new=1)[0]

    assert ("a.py", 11, "a token") == leak[:3]
    assert "github-token" in leak.stand_in and A not in str(leak)


def test_what_was_there_before_is_nobodys_news() -> None:
    assert [] == found(f"y = '{TOKEN}'", "x = 1", new=1)


@pytest.mark.parametrize("line", ["password=hunter2", "'postgresql://me:hunter2@db/x'", "auth=('me', 'hunter2')"])
def test_what_may_be_made_up_counts_only_if_wanted(line: str) -> None:
    assert [] == found(line)
    assert [10] == [leak.line for leak in found(line, strict=True)]


@pytest.mark.parametrize(
    "line",
    [f"password=f'{A}{B}'", f"https://me:{A}@host/x", "see sword-fish-and-chips", f"Authorization: Bearer {A}{B}"],
)
def test_what_is_random_or_known_here_counts(line: str) -> None:
    assert [10] == [leak.line for leak in found(line)]


def test_a_value_is_found_though_its_name_is_old() -> None:
    assert [11] == [leak.line for leak in found("api_key:", f"  '{A}{B}'", new=1)]


def test_a_key_of_many_lines_is_one_leak() -> None:
    key = ["-----BEGIN PRIVATE " + "KEY-----", PEM, PEM, "-----END PRIVATE " + "KEY-----"]

    assert [12] == [leak.line for leak in found(*key, new=2)]


@pytest.mark.parametrize("mark", ["not a secret: made up", "gitleaks:allow", "pragma: allowlist secret"])
def test_a_line_may_say_that_it_holds_none(mark: str) -> None:
    assert [] == found(f"y = '{TOKEN}'  # {mark}")


def test_a_mark_needs_a_reason() -> None:
    assert found(f"y = '{TOKEN}'  # not a secret:")


def test_what_reports_are_cleaned_of_is_found_in_code_too() -> None:
    for marked in secrets():
        text = parts(marked)[0].replace("\r", "").splitlines()
        passage = Passage("a", "", 1, tuple(line.encode() for line in text), frozenset(range(len(text))))
        assert list(leaks.find(passage, Redactor(), strict=True)), marked


def test_a_digest_is_none() -> None:
    assert [] == found(f"--hash=sha256:{HEX}{HEX}{HEX}{HEX}")
