from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.evidence.diagnosis.diagnosis import Diagnosis, diagnose
from scripts.evidence.ending import Ending
from scripts.evidence.page import kept, table
from scripts.evidence.page.page import render
from scripts.evidence.page.text import short_id
from scripts.evidence.record import Artifact, Log, Request, RunRecord, ShardRecord
from scripts.proof import outcomes as o
from scripts.proof.claimed import OWN, STOLEN, TAKEN_OVER, ClaimedPiece
from scripts.proof.findings import Verdict
from scripts.proof.outcomes import FAILED, Running
from tests.unit.evidence.page.html import Page
from tests.unit.evidence.page.runs import BEGAN_S, attempt, large, left, one_round, run, sample

GREEN = run([attempt("a.py::x")], [attempt("a.py::y"), attempt("b.py::z")])
RED = run(
    [attempt("a.py::x", FAILED, message="AssertionError: 1", text="def x():\n>   assert 0\nE   no")], [attempt("y")]
)


def page(record: RunRecord, **facts: object) -> Page:
    return Page(render(record, diagnose(record), **facts))  # type: ignore[arg-type]


def lone(shard: ShardRecord, **facts: object) -> RunRecord:
    return RunRecord(**{"name": "tts", "shards": (shard,), **facts})  # type: ignore[arg-type]


STATES: Dict[str, Callable[[], RunRecord]] = {
    "nothing": RunRecord,
    "green": lambda: GREEN,
    "red": lambda: RED,
    "no tests": lambda: RunRecord(verdict=Verdict(0, (), {}, (), (), "")),
    "ended before any shard": lambda: RunRecord(ending=Ending("integration", "port taken", 12, message="it is taken")),
    "a shard without result": lambda: replace(RED, shards=(*RED.shards[:1], ShardRecord(1, Path("shard-1")))),
    "a shard without anything": lambda: replace(RED, shards=RED.shards[:1]),
    "no verdict, no result": lambda: lone(ShardRecord(0, Path("shard-0"), rounds=(one_round([attempt("a")]),))),
    "samples without tests": lambda: lone(ShardRecord(0, Path("shard-0"), samples=(sample(0), sample(1)))),
    "samples of two starts": lambda: replace(
        GREEN, shards=(replace(GREEN.shards[0], samples=(sample(0.5), sample(1.2, start=1))), *GREEN.shards[1:])
    ),
    "a verdict without shards": lambda: replace(RED, shards=()),
}


def test_who_ran_tests_of_another_shard_is_told_in_both_languages() -> None:
    one, other = GREEN.shards
    pieces = (
        ClaimedPiece("1-00", OWN, 1, 0),
        ClaimedPiece("0-01", STOLEN, 0, 1),
        ClaimedPiece("0-02", TAKEN_OVER, 0, 1),
    )
    assert other.result
    moved = replace(other, result=replace(other.result, store="redis://here", pieces=pieces))

    html = render(replace(GREEN, shards=(one, moved)), [])

    assert "Shard 1 ran 1 of its 2 tests in place of shard 0." in html
    assert "分片 0 无响应或已放弃，分片 1 的 2 个测试中有 1 个是从它接管的。" in html


@pytest.mark.parametrize("state", STATES)
def test_a_page_is_well_formed_complete_in_itself_and_named_whatever_is_missing(state: str) -> None:
    found = page(STATES[state]())

    assert [] == found.problems
    assert [] == [each for each in found.addresses if not each.startswith("#")]
    assert len(set(found.ids)) == len(found.ids)
    assert {each[1:] for each in found.addresses} <= set(found.ids)
    assert [] == found.unlabelled()
    assert not re.search(r"https?://|@import|url\(", found.html)


def test_nothing_runs_but_the_scripts_that_the_policy_names() -> None:
    html = render(GREEN, [])

    script = html.rsplit("<script>", 1)[1].rsplit("</script>", 1)[0]
    style = html.split("<style>", 1)[1].split("</style>", 1)[0]
    policy = next(each["content"] or "" for each in Page(html).of("meta") if "http-equiv" in each)
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'")


def test_a_green_run_is_told_in_a_sentence_in_both_languages() -> None:
    found = page(GREEN)

    assert "3 tests passed in 2 shards, 8.0 s" in found.text
    assert "2 个分片，3 个测试通过，用时 8.0 秒" in found.text


def test_what_happened_stands_first_with_its_evidence_and_its_next_step() -> None:
    cause = Diagnosis(
        "killed",
        "The kernel killed it",
        ("oom: 1.9 of 1.5 GiB",),
        "nox -s shard -- 1 2    (that shard)",
        (1,),
        (),
        "被杀",
    )
    found = Page(render(RED, [cause, Diagnosis("other", "Something else")]))

    assert (
        found.text.index("The kernel killed it") < found.text.index("oom: 1.9 of 1.5 GiB") < found.text.index("a.py::x")
    )
    assert "被杀" in found.text and "Something else" in found.text
    assert "nox -s shard -- 1 2" == found.of("button")[2]["data-copy"]


def test_a_failed_test_comes_with_all_that_tells_why() -> None:
    first = RED.shards[0]
    logs = (Log("service.log", "2023-11-14 22:13:20,500 INFO up\n2023-11-14 22:13:21,200 ERROR shape mismatch\n"),)
    asked = (Request(BEGAN_S + 1.2, "a.py::x", "POST /tts -> 500", 0.2, 500),)
    found = page(replace(RED, shards=(replace(first, logs=logs, requests=asked), *RED.shards[1:])))

    assert "E   no" in "".join(found.texts)
    assert "POST /tts -> 500" in found.text
    assert "The service's log at that moment" in found.text and "ERROR shape mismatch" in found.text
    assert any((each.get("data-copy") or "").endswith("integration -- a.py::x") for each in found.of("button"))


@pytest.mark.parametrize(
    "hostile, shown",
    [
        ("</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
        ("<img src=x onerror=alert(1)>\"'", "<img src=x onerror=alert(1)>\"'"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\u2028b", "a\\u2028b"),
        ("a\ud800b", "a\\ud800b"),
        ("a\u202eb", "a\\u202eb"),
        ("{{ view }}{% raw %}", "{{ view }}{% raw %}"),
    ],
)
def test_hostile_text_is_shown_and_does_nothing(hostile: str, shown: str) -> None:
    test = attempt(f"a.py::x[{hostile}]", FAILED, message=hostile, text=hostile)
    record = replace(run([test]), name=hostile, unread=(hostile,))
    record = replace(record, shards=(replace(record.shards[0], logs=(Log("service.log", hostile),)),))
    html = render(record, [Diagnosis(hostile, hostile, (hostile,), hostile, (), (test.nodeid,), hostile)])
    found = Page(html)

    assert html.encode("utf-8")
    assert [] == found.problems
    assert 2 == len(found.of("script"))
    assert [] == found.of("img")
    assert found.text.count(re.sub(r"\s+", " ", shown)) >= 6
    assert [short_id(f"[{hostile}]")] == found.data["tests"]["parameters"]


def test_ten_megabytes_of_message_are_cut_with_a_note() -> None:
    long = "x" * 10_000_000
    html = render(run([attempt("a.py::x", FAILED, message=long, text=long)]), [Diagnosis("long", long, (long,), long)])

    assert len(html) < 400_000
    assert "characters are left out here" in html


def test_thirty_thousand_tests_take_less_than_two_mebibytes() -> None:
    html = render(large(30_000, shards=16, red=200), [])

    tests = Page(html).data["tests"]
    assert len(html.encode()) < 2 * 1024 * 1024
    assert 30_000 == len(tests["parameters"]) == len(tests["ms"]) == len(tests["after"])
    assert 30_000 == sum(tests["outcome"]["runs"][1::2]) == sum(tests["scope"]["runs"][1::2])
    assert 0 == tests["width"]


def test_long_ids_are_cut_where_all_would_be_too_much_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROOM", 2_000)
    data = page(run([attempt(f"a.py::x[{number}-{'long' * 60}]") for number in range(10)])).data["tests"]

    assert data["width"] == 160
    assert all(len(each) <= 163 for each in data["parameters"])


def test_sound_of_a_failed_test_is_in_the_page_and_what_has_no_room_is_linked(tmp_path: Path) -> None:
    folder = tmp_path / "shard-0"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "artifacts" / "x.wav").write_bytes(b"RIFF1")
    (folder / "artifacts" / "x-long.wav").write_bytes(b"RIFF" * 10)
    (folder / "artifacts" / "x-1.json").write_text('{"sent": "你好"}', encoding="utf-8")
    sizes = {"x-1.json": 18, "x.wav": 5, "x-long.wav": 40}
    artifacts = [Artifact(f"artifacts/{name}", size) for name, size in sizes.items()]
    shard = replace(RED.shards[0], folder=folder, artifacts=tuple(artifacts))
    record = replace(RED, shards=(shard, *RED.shards[1:]))
    found = page(record, kept=kept.read(record, ["a.py::x"], most_bytes=20), base="reports/")

    sources = [each["src"] for each in found.of("audio")]
    assert ["reports/shard-0/artifacts/x-long.wav", "data:audio/wav;base64,UklGRjE="] == sorted(sources, reverse=True)  # type: ignore[type-var]
    assert '{"sent": "你好"}' in "".join(found.texts)
    assert [] == found.problems


def test_a_run_that_goes_on_says_how_far_it_is_and_loads_itself_anew() -> None:
    told = one_round(
        [attempt("a"), attempt("b", FAILED), attempt("c", o.UNFINISHED)],
        selected=("a", "b", "c", "d"),
        ended=o.Ended(o.DIED_IN_TEST, running=Running("c", "call")),
    )
    found = page(lone(ShardRecord(0, Path("shard-0"), rounds=(told,))), refresh_s=5)

    assert "2 of 4 tests have ended, 1 of them red" in found.text
    assert ["5"] == [each["data-seconds"] for each in found.of("button") if each.get("id") == "pause"]
    assert ["passed", "failed", "running", "not-run"] == found.data["tests"]["outcomes"]


def test_new_broken_fixed_and_flaky_tests_are_marked() -> None:
    flaky = left(1, 2, [attempt("f")], ["f"])
    assert flaky.result
    tests: List[o.Attempt] = [attempt(name, FAILED if name == "b" else o.PASSED) for name in ("n", "b", "x", "s", "f")]
    record = run(tests, changes={"n": "new", "b": "broke", "x": "fixed"})
    rounds = (one_round([*tests[:4], attempt("f", o.RERUN), tests[4]]),)
    record = replace(record, shards=(replace(record.shards[0], rounds=rounds),))

    assert {"0": 0, "1": 1, "2": 2, "4": 3} == page(record).data["tests"]["change"]


NUMBERS = st.sampled_from([0.0, -1.0, 1e-9, 1.5, BEGAN_S, -1e308, 1e308, float("inf"), float("-inf"), float("nan")])


@settings(max_examples=25, deadline=None)
@given(st.lists(NUMBERS, min_size=10, max_size=10))
def test_numbers_that_make_no_sense_cost_no_page(numbers: List[float]) -> None:
    at_s, took_s, started, t, memory, latency_ms, asked_s, began_s, step_s, cpu_s = numbers
    told = one_round([attempt("a", FAILED, at_s, took_s), attempt("b", at_s=1.0)], started=started)
    seen = sample(0)._replace(t=t, memory=memory, rss=memory, latency_ms=latency_ms, cpu=cpu_s)  # type: ignore[arg-type]
    asked = (Request(asked_s, "a", "GET / -> 200", asked_s, 200),)
    logs = (Log("service.log", "2023-11-14 22:13:21 INFO up"),)
    receipt = replace(RED.shards[0].result, began_s=began_s, seconds={"weights": step_s, "tests": took_s})  # type: ignore[type-var]
    shard = replace(RED.shards[0], rounds=(told,), samples=(seen, sample(1)), requests=asked, logs=logs)
    found = page(replace(RED, shards=(replace(shard, result=receipt), replace(shard, index=1, result=None))))

    assert [] == found.problems
    assert 2 == len(found.data["tests"]["name"])


def test_a_green_shard_is_not_called_red_before_the_merge_has_judged_its_run() -> None:
    found = page(lone(GREEN.shards[1]))

    assert "No verdict yet" in found.text and "Red" not in found.text
    assert "2 tests passed in shard index 1 of 2," in found.text
    assert "Red" in page(lone(RED.shards[0])).text
