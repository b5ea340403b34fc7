from __future__ import annotations

from scripts.evidence import bundle
from scripts.evidence.bundle import Bundle
from scripts.evidence.files import Member, Note


def test_the_page_tells_what_is_red_inside_missing_and_left_out() -> None:
    made = Bundle(
        (Member("reports/你\n.log", b"x" * 2000, 0.0, "a log", cut_bytes=123),),
        (Note("receipt.json", "the result"),),
        (Note("a.wav", "no room"),),
        sentence="it died",
        told=("  next: mend it",),
        shards=("shard 0: 1 failed",),
    )

    lines = [line.strip() for line in bundle.summary_text("Title", made).splitlines()]

    assert ["it died", "next: mend it", "", "Title"] == lines[:4]
    assert "shard 0: 1 failed" == lines[lines.index("Shards") + 1]
    assert "reports/你\\n.log  2.0 kB  a log (123 bytes cut in the middle)" in lines
    assert "receipt.json: the result" == lines[lines.index("Missing") + 1]
    assert "a.wav: no room" == lines[lines.index("Left out") + 1]


def test_where_all_is_there_nothing_is_said_of_what_is_not() -> None:
    page = bundle.summary_text("Title", Bundle((Member("a", b"", 0.0),)))

    assert "Missing" not in page
    assert "Left out" not in page
    assert "no result of a shard is here" in page


def test_a_thousand_notes_are_not_read_by_anybody() -> None:
    lines = bundle.note_lines([Note(str(number), "gone") for number in range(1000)])

    assert (bundle.MOST_LINES + 1, "and 800 more") == (len(lines), lines[-1])
