"""What a run leaves is clean of secrets, and says the same."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence import cleaning
from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor, Sink, Source
from scripts.proof import journal, junit
from scripts.proof.findings import RED_TEST, Finding, Verdict
from scripts.proof.outcomes import FAILED, Attempt, Fate

SECRET = "Zq9x7Kd41Pw0tRfGb2"  # not a secret: made up
BY = Redactor([Secret(SECRET)])
START = "5f3a"


def lines(*events: Dict[str, Any]) -> str:
    return "".join(
        json.dumps({"of": f"{START}.0", "n": n, "at": 1.0, **event}) + "\n" for n, event in enumerate(events)
    )


def a_round(message: str, nodeid: str = "t.py::test_a") -> str:
    load = {"event": "load", "schema": journal.SCHEMA, "round": 0, "time": 1.0, "pid": 1, "pytest": "8", "python": "3"}
    end = {"event": "end", "id": nodeid, "phase": "call", "outcome": "failed", "seconds": 1.0, "message": message}
    ends = ({**end, "phase": phase, "outcome": "passed", "message": ""} for phase in ("setup", "teardown"))
    setup, teardown = ends
    selected = {"event": "selected", "ids": [nodeid], "plan": "", "timings": "", "shared": {}, "names": {}}
    return lines(load, selected, setup, {**end, "text": f"E   {message}"}, teardown)


def cleaned(file: Path, content: str) -> str:
    file.write_text(content, encoding="utf-8")
    cleaning.cleaned(file, BY)
    return file.read_text(encoding="utf-8")


@given(st.text(), st.text(), st.sampled_from(["", "你好 ", "\ud800", '"\\u', "\r\n"]))
def test_a_journal_says_the_same_without_the_secret(before: str, after: str, between: str) -> None:
    nodeid = f"t.py::test[{SECRET}{between}]"  # an id is what the proof is made of
    content = a_round(f"{before}{SECRET}{between}{SECRET}{after}", nodeid).encode("ascii")
    clean = _copied(content)

    (was,), (now,) = (journal.rounds(journal.parse(each, START).events) for each in (content, clean))
    told = now.attempts[0]
    assert SECRET not in told.message + told.text
    assert was.selected == now.selected
    assert [(a.nodeid, a.outcome, a.seconds) for a in was.attempts] == [
        (a.nodeid, a.outcome, a.seconds) for a in now.attempts
    ]
    assert clean == _copied(clean)


def _copied(content: bytes) -> bytes:
    sink = io.BytesIO()
    cleaning._copy(cleaning.JOURNAL, content, io.BytesIO(content), sink, BY)
    return sink.getvalue()


def test_lines_of_a_journal_that_are_none_stay_lines(tmp_path: Path) -> None:
    torn = lines({"event": "end", "message": SECRET})[:-3]
    content = f"{a_round('fine')}stranger {SECRET}\n{torn}"

    clean = cleaned(tmp_path / "journal.jsonl", content)

    assert SECRET not in clean
    assert content.count("\n") == clean.count("\n")
    assert a_round("fine") == clean[: len(a_round("fine"))]


def test_who_follows_a_journal_reads_each_event_once_when_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    tail = journal.Tail(file, START)
    cleaned(file, a_round(SECRET))
    file.write_text(a_round(SECRET))
    first = tail.look()
    cleaning.cleaned(file, BY)
    with file.open("a") as more:
        more.write(lines(*({"event": "note", "text": str(n)} for n in range(6))).splitlines(True)[5])

    assert [5, ["note"]] == [len(first), [event["event"] for event in tail.look()]]


@pytest.mark.parametrize("nodeid", ["t.py::test_a", f"t.py::test[{SECRET}]", 't.py::test_"a"[<b>&]', "no file"])
def test_a_report_names_the_same_tests(tmp_path: Path, nodeid: str) -> None:
    file = tmp_path / "junit.xml"
    text = f'<{SECRET}> & "{SECRET}"\n]]>'
    junit.write(file, [junit.Result(nodeid, FAILED, 1.5, f'it said "{SECRET}" & more', text)])

    assert cleaning.cleaned(file, BY)

    (result,) = junit.read(file) or ()
    assert (nodeid, FAILED, 1.5) == (result.nodeid, result.outcome, result.seconds)
    assert SECRET not in result.message + result.text
    assert result.text.endswith('"\n]]>') and result.message.endswith('" & more')


def test_a_property_of_a_report_has_a_name_that_tells(tmp_path: Path) -> None:
    report = (
        '<testsuites><testsuite name="pytest"><testcase classname="t" name="test_token" time="0.1">'
        '<properties><property name="api_key" value="a1B2c3D4e5F6g7H8" />'  # not a secret: made up
        '<property name="size" value="a1B2" />'
        "</properties><system-out><![CDATA[password=hunter2hunter2 <ok>]]></system-out></testcase>"
        "</testsuite></testsuites>"
    )

    clean = cleaned(tmp_path / "own.xml", report)

    assert "a1B2c3D4" not in clean and "hunter2" not in clean
    assert 'name="test_token"' in clean and 'value="a1B2"' in clean and "<ok>]]>" in clean


def test_what_tests_asked_keeps_the_id_of_the_test(tmp_path: Path) -> None:
    line = {"of": START, "event": "request", "test": f"t.py::test[{SECRET}]", "path": f"/x/{SECRET}", "status": 200}

    clean = json.loads(cleaned(tmp_path / "requests.jsonl", json.dumps(line) + "\n"))

    assert (line["test"], 200) == (clean["test"], clean["status"])
    assert SECRET not in clean["path"]


def test_a_file_keeps_its_mode_and_time_and_one_without_secrets_is_not_touched(tmp_path: Path) -> None:
    file, sound = tmp_path / "service.log", tmp_path / "a.wav"
    file.write_text(f"fine {SECRET}\n")
    file.chmod(0o640)
    os.utime(str(file), ns=(7, 7))
    sound.write_bytes(b"RIFF\0" + SECRET.encode())

    assert [] == cleaning.clean([tmp_path], BY)
    status, content = file.stat(), file.read_bytes()
    assert (0o640, 7, False) == (status.st_mode & 0o777, status.st_mtime_ns, SECRET.encode() in content)
    assert not cleaning.cleaned(file, BY)
    assert (status.st_ino, content) == (file.stat().st_ino, file.read_bytes())
    assert SECRET.encode() in sound.read_bytes()


def test_no_link_is_followed_and_what_is_spared_stays(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.log", tmp_path / "folder"
    (folder / "outputs").mkdir(parents=True)
    kept = [outside, folder / "living.log", folder / "outputs" / "a.txt", folder / "receipt.json"]
    for file in kept:
        file.write_text(SECRET)
    (folder / "link.log").symlink_to(outside)

    cleaning.clean([folder], BY, [folder / "outputs", folder / "living.log"])

    assert [SECRET] * 4 == [file.read_text() for file in kept]


class Broken(Redactor):
    def stream(self, source: Any, sink: Any) -> None:
        sink.write(source.read(3))
        raise RuntimeError(SECRET)


def test_what_cannot_be_cleaned_is_removed_and_named(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    file.write_text(SECRET)

    (line,) = cleaning.clean([tmp_path], Broken())

    assert line == f"not kept: {file}: secrets could not be taken out of it (RuntimeError)"
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_grows_meanwhile_is_read_to_where_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("password=hunter2\n")

    class Growing(Redactor):
        def stream(self, source: Source, sink: Sink) -> None:
            with file.open("a") as writer:
                writer.write("more\n" * 9)
            super().stream(source, sink)

    assert cleaning.cleaned(file, Growing())

    assert "password=(secret)\n" == file.read_text()


def test_without_a_secret_nothing_is_written_as_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("12 passed\n" * 200_000)
    os.utime(tmp_path, (1, 1))

    assert not cleaning.cleaned(tmp_path / "a.log", Redactor())

    assert 1 == tmp_path.stat().st_mtime


@pytest.mark.parametrize("before, after", [(0, 0), (3_000_000, 0), (0, 3_000_000), (1_500_000, 1_500_000)])
def test_what_stands_around_a_secret_stays(tmp_path: Path, before: int, after: int) -> None:
    around = b"0 ab\n" * (before // 5), b"\n0 cd" * (after // 5)
    (tmp_path / "a.log").write_bytes(b"password=hunter2".join(around))

    assert cleaning.cleaned(tmp_path / "a.log", Redactor())

    assert b"password=(secret)".join(around) == (tmp_path / "a.log").read_bytes()


def test_texts_are_cleaned_and_outcomes_stay() -> None:
    attempt = Attempt("a", 0, FAILED, message=SECRET, text=f"E {SECRET}")
    (fate,) = cleaning.cleaned_fates([Fate("a", (attempt,))], BY.text)
    found = Finding(RED_TEST, f"failed: {SECRET}", f"t.py::a[{SECRET}]", (1,))
    verdict = cleaning.cleaned_verdict(Verdict(2, (), {}, (found,), (), "mark"), BY.text)

    assert FAILED == fate.outcome and SECRET not in repr(fate)
    assert (found.nodeid, RED_TEST) == (verdict.findings[0].nodeid, verdict.findings[0].kind)
    assert SECRET not in verdict.findings[0].text
    assert ["t.py::a[" + SECRET] == cleaning.with_secret(["t.py::b", "t.py::a[" + SECRET], BY.text)


def test_stored_words_are_the_same_whatever_the_secret_is() -> None:
    def stored(value: str) -> List[str]:
        by = cleaning.redactor(None, {"PYTEST_ADDOPTS": ""}, ["--password", value])
        words = ["-k", "sad", "--password", value, f"--url=https://me:{value}@host/"]
        return list(cleaning.stored_words(words, by.text))

    assert stored(SECRET) == stored("hunter2-hunter2-A1")
    assert ["-k", "sad", "--password", "$PASSWORD"] == stored(SECRET)[:4]
    assert SECRET not in stored(SECRET)[4]
