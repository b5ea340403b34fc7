"""What a cut left of a known secret goes, too."""

from __future__ import annotations

import pytest

from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor

SECRET = "Zq9x7Kd41Pw0tRfGb2"
BY = Redactor([Secret(SECRET), Secret("my-old-password"), Secret("zwetschgenknoedel", is_word=True)])


@pytest.mark.parametrize(
    "text",
    [
        f"assert {{'access_toke...{SECRET[6:]}'}} == 'x'",
        f"'key': '{SECRET[:9]}...'",
        f"{SECRET[:8]}...{SECRET[-8:]}",
        f"{SECRET[:10]}…",
        f"{SECRET[:12]}\n... 123 characters left out ...\n{SECRET[12 - 9 :]} and more",
    ],
)
def test_a_part_beside_a_cut_is_taken_out(text: str) -> None:
    clean = BY.text(text)

    assert not any(SECRET[place : place + 8] in clean for place in range(len(SECRET) - 7))
    assert clean == BY.text(clean)


def test_a_part_of_a_word_is_taken_out() -> None:
    assert "'token...(secret)' (secret)..." == BY.text("'token...chgenknoedel' zwetschgenk...")


@pytest.mark.parametrize("text", [f"{SECRET[:7]}...", f"waiting...{SECRET[3:12]} and", "no ...password", "waiting ..."])
def test_what_may_be_anything_else_stays(text: str) -> None:
    assert text == BY.text(text)
