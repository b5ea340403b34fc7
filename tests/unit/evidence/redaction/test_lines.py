"""Lines that are passed over without the finders hold nothing that these would find."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.lines import Lines, may_hold
from scripts.evidence.redaction.redactor import Redactor

from .samples import parts, secrets

PLAIN = Redactor()
WORDS = "key token Secret passphrase pwd credentials auth sig Signature 密码 令牌 口令 cookie Bearer -u redis-cli -p"
MARKS = ["=", ": ", "：", "=\n", " ", "'", ":", "@", "://", "_", "-", ".", "$", "\x1b[1m", "\\u001b[0m", "<", ">"]
VALUES = ["hunter2", "x", "Zk3Vq8Lw2Np7Rt5", "7d1f0c3a-52b8-4e69-9a04-c8b7e6f5d3a2", "AKIA", "ms-", "tcp(db)", "好"]


def test_what_holds_a_secret_is_looked_at() -> None:
    assert [] == [text for text in secrets() if not may_hold(parts(text)[0])]


@given(st.lists(st.sampled_from([*WORDS.split(), *MARKS, *VALUES]) | st.text(max_size=3), max_size=12).map("".join))
def test_what_is_passed_over_is_what_the_finders_leave(line: str) -> None:
    assert may_hold(line) or PLAIN.text(line) == line


def test_what_is_known_is_looked_for_in_each_line() -> None:
    known = Secret("swordfish")

    assert ("(secret) swims", "12 passed") == (Lines([known]).text("swordfish swims"), Lines([known]).text("12 passed"))


def test_a_line_that_can_hold_none_imports_no_finder() -> None:
    code = (
        "import sys; from scripts.evidence.redaction.lines import Lines; lines = Lines([]); lines.text('12 passed');"
        "before = 'scripts.evidence.redaction.named' in sys.modules; print(before, lines.text('password=hunter2'))"
    )

    printed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout

    assert "False password=(secret)\n" == printed
