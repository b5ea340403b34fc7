"""Of several causes that fit, the one that brought the others about is told first."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.evidence.diagnosis import deaths, diagnosis, incidents
from scripts.evidence.diagnosis import kinds as k
from scripts.evidence.diagnosis.failed_tests import signature
from scripts.evidence.ending import Ending
from scripts.evidence.record import Log, RunRecord, ShardRecord
from scripts.proof import findings as f
from scripts.proof import outcome_history
from scripts.proof import outcomes as o
from scripts.proof import receipt as r
from scripts.proof.outcomes import Attempt, Ended, Round, Running
from scripts.proof.watched import Breach
from scripts.service import death
from scripts.system.usage import Sample
from tests.unit.evidence.diagnosis.records import ended, run, selected, shard

T = "tests/test_a.py::test_{}".format
REFUSED = "ConnectionError: [Errno 111] Connection refused"
KILLED = (
    f"the service ended with signal SIGKILL (9) after 50.0 s, while it was in use: killed by the kernel for memory: "
    f"{T('b')} was "
    "running; memory: it took 1.9 GB at its end, all that there is for it and what runs beside it is 1.6 GB"
)


def first(record: RunRecord) -> diagnosis.Diagnosis:
    return diagnosis.diagnose(record)[0]


def test_every_kind_has_its_place_once() -> None:
    named = {value for name, value in vars(k).items() if name.isupper() and isinstance(value, str)}

    assert sorted(named) == sorted(k.ROOTS_FIRST)


# The cause before what it brings about ----------------------------------------------------------------


def test_a_kill_for_memory_comes_before_the_refused_connections_after_it() -> None:
    died = (
        "the service ended with signal SIGKILL (9) after 50.0 s, while it was in use: killed by the kernel for memory"
    )
    red = [selected(T(n), o.FAILED, REFUSED) for n in range(40)]

    found = first(run(shard(selected(T("b"), o.FAILED, died, seconds=41.0), *red, errors=[("service", KILLED)])))

    assert k.MEMORY == found.kind
    assert (
        "the service was killed by the kernel for memory 41.0 s into test_b: 1.9 GB of 1.6 GB allowed" == found.sentence
    )
    assert "服务在 test_b 运行 41.0 秒后因内存不足被内核杀死：占用 1.9 GB，上限 1.6 GB" == found.chinese
    assert (T("b"),) == found.tests


def test_a_full_disk_comes_before_the_file_that_cannot_be_collected_for_it() -> None:
    errors = [
        ("tests/test_a.py", "OSError: [Errno 28] No space left on device: '/tmp/x'"),
        ("tests/test_b.py", "KeyError: 1"),
    ]

    found = diagnosis.diagnose(run(shard(selected(T("a")), errors=errors)))

    assert [k.DISK_FULL, k.COLLECTION] == [each.kind for each in found]
    assert "tests/test_a.py cannot be collected: the disk is full (/tmp/x)" == found[0].sentence


def test_another_plan_comes_before_the_tests_that_it_lost() -> None:
    shards = [shard(selected(T(n)), index=n, total=3, plan_id="q" * 9 if n == 2 else "p" * 9) for n in range(3)]

    found = diagnosis.diagnose(run(*shards, missing=[T("lost")]))

    assert [k.PLAN_DIFFERED, k.LOST] == [each.kind for each in found]
    assert found[0].sentence.startswith("the nodes went by different plans: shard index 2 of 3 went by plan qqqqqqqq")


def test_other_files_come_before_other_tests() -> None:
    shards = [shard(selected(T(n)), index=n, total=2, files_digest="fg"[n]) for n in range(2)]

    assert k.SOURCES_DIFFER == first(run(*shards)).kind


def test_many_tests_with_one_error_come_before_each_of_them() -> None:
    many = [selected(T(n), o.FAILED, f"ValueError: rate {n} at 0x{n}f in /tmp/a{n}/b.wav") for n in range(3)]

    found = diagnosis.diagnose(run(shard(selected(T("first"), o.FAILED, "KeyError: 'x'"), *many)))

    assert [k.ONE_SIGNATURE, k.ASSERTION] == [each.kind for each in found]
    assert found[0].sentence.startswith("3 of 4 tests failed with the same error: ValueError: rate 0")
    assert 3 == len(found[0].tests)


def test_the_module_that_is_missing_is_told_and_not_only_that_the_service_died() -> None:
    said = "service died: the service ended with exit code 1 after 0.4 s, before it was ready; its last line: "
    shards = [
        shard(selected(T(n), o.NOT_RUN), index=n, total=2, ended=r.GAVE_UP, errors=[("service", f"{said}{error}")])
        for n, error in enumerate(["ModuleNotFoundError: No module named 'gradio'"] * 2)
    ]

    found = first(run(*shards))

    assert (k.MODULE, (0, 1)) == (found.kind, found.shards)
    assert "the service did not start: no module named gradio (exit code 1 after 0.4 s)" == found.sentence


def test_a_service_that_fails_inside_is_told_and_not_what_the_tests_compare() -> None:
    failed = [
        selected(T(n), o.FAILED, f"assert 500 == {200 + n}; the service: torch.OutOfMemoryError: CUDA out of memory")
        for n in range(2)
    ]

    found = first(run(shard(*failed, selected(T("ok")))))

    assert (k.GPU_MEMORY, "2 of 3 tests failed: GPU out of memory (the service went on)") == (
        found.kind,
        found.sentence,
    )


def test_a_decoy_in_the_log_of_a_service_that_lives_is_no_cause_of_a_failed_test() -> None:
    log = "ImportError: No module named 'deepspeed'\nCUDA out of memory. Tried to allocate 2.00 GiB\n"

    found = diagnosis.diagnose(run(shard(selected(T("a"), o.FAILED, "AssertionError: assert 3 == 4"), log=log)))

    assert [k.ASSERTION] == [each.kind for each in found]


# The proof --------------------------------------------------------------------------------------------


def test_a_shard_that_is_missing_is_named_with_the_command_that_runs_its_tests() -> None:
    found = first(run(shard(selected(T("a")), total=2), missing=[T("b")]))

    assert (k.SHARD_MISSING, (1,)) == (found.kind, found.shards)
    assert found.sentence.startswith("shard index 1 of 2 left no result: its node was cancelled, or lost")
    assert "nox -s merge -- --run-missing" in found.next


def test_a_runner_that_was_killed_is_told_with_the_test_that_ran_then() -> None:
    running = Ended(o.DIED_IN_TEST, running=Running(T("b"), "call"))
    attempts = (Attempt(T("a"), 0, o.PASSED), Attempt(T("b"), 0, o.UNFINISHED))
    killed = ShardRecord(1, Path("shard-1"), rounds=(Round(0, 1, 1.0, "8", "3", running, attempts=attempts),))

    found = first(run(shard(selected(T("x")), total=2), killed, missing=[T("a"), T("b")]))

    assert k.RUNNER_KILLED == found.kind
    assert "shard index 1 was killed while test_b ran: it left no result, 1 test had ended" == found.sentence


def test_a_runner_that_was_killed_while_its_service_started_is_told_as_killed() -> None:
    log = Log("service.log", "loading weights ...")
    found = first(RunRecord(shards=(ShardRecord(0, Path("shard-0"), logs=(log,)),)))

    assert k.RUNNER_KILLED == found.kind
    assert found.sentence.startswith("shard index 0 was killed before its first test: it left no result")


@pytest.mark.parametrize(
    "kind, expected",
    [
        (f.OTHER_ARGUMENTS, k.ARGUMENTS_DIFFER),
        (f.OTHER_COLLECTION, k.COLLECTION_DIFFERS),
        (f.DAMAGED, k.DAMAGED),
        (f.COVERAGE_LOW, k.COVERAGE),
        (f.STOPPED, k.STOPPED),
    ],
)
def test_a_finding_of_the_merge_is_told_where_nothing_else_is_red(kind: str, expected: str) -> None:
    record = run(shard(selected(T("a"))))
    assert record.verdict
    finding = f.Finding(kind, "shard index 0 of 1 is otherwise", shards=(0,))

    found = first(replace(record, verdict=replace(record.verdict, findings=(finding,))))

    assert (expected, True) == (found.kind, "is otherwise" in found.sentence)


def test_a_leak_and_a_slow_probe_are_told_apart_from_other_budgets() -> None:
    growth = Breach("service", "growth", "memory grows by 60.0 MB per 100 requests, service.budgets.growth is 50 MB")

    found = first(run(shard(selected(T("a")), breaches=(growth,))))

    assert (k.LEAK, "the service leaks: memory grows by 60.0 MB") == (found.kind, found.sentence[:42])
    assert "服务内存泄漏：每 100 个请求增长 60.0 MB" in found.chinese


# The tests --------------------------------------------------------------------------------------------


def test_a_test_that_failed_and_passed_is_flaky() -> None:
    attempts = (Attempt(T("a"), 0, o.FAILED, message="KeyError: 1"), Attempt(T("a"), 1, o.PASSED))

    found = first(run(shard(r.Selected(T("a"), o.FAILED, attempts))))

    assert (k.FLAKY, "test_a is flaky: 1 of 2 attempts failed: KeyError: 1") == (found.kind, found.sentence)


def test_a_test_that_passed_in_the_same_code_beside_one_that_now_ran_elsewhere_needs_it() -> None:
    shards = [shard(selected(T("a")), total=2), shard(selected(T("b"), o.FAILED, "KeyError: 1"), index=1, total=2)]

    found = first(run(*shards, changes={T("b"): outcome_history.FLAKY}))

    assert (k.ORDER, True) == (found.kind, "test_b failed without test_a" in found.sentence)
    assert "nox -s isolation" in found.next


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (outcome_history.FLAKY, k.FLAKY, "test_b is flaky: it passed in another run of the same code: KeyError: 1"),
        (outcome_history.BROKE, k.ASSERTION, "test_b failed: KeyError: 1 (it passed in the last run)"),
        (outcome_history.NEW, k.ASSERTION, "test_b failed: KeyError: 1"),
    ],
)
def test_what_the_runs_before_tell_of_a_failed_test_is_said(change: str, kind: str, words: str) -> None:
    found = first(run(shard(selected(T("b"), o.FAILED, "KeyError: 1")), changes={T("b"): change}))

    assert (kind, words) == (found.kind, found.sentence)


def test_tests_that_passed_in_the_same_code_and_now_fail_with_one_error_may_need_others() -> None:
    failed = [selected(T(name), o.FAILED, "KeyError: 'voice'") for name in "bc"]

    found = first(run(shard(*failed), changes={T("b"): outcome_history.FLAKY, T("c"): outcome_history.FLAKY}))

    assert (k.ORDER, True) == (found.kind, "may need tests that ran before them" in found.sentence)


@pytest.mark.parametrize(
    "message, expected",
    [
        ("assert 503 == 200", "2 of 2 tests failed: the service answered 503"),
        ("requests.exceptions.HTTPError: 422 Client Error: for url", "2 of 2 tests failed: the service answered 422"),
        ("assert 422 == 200", "2 of 2 tests failed with the same error: assert 422 == 200"),  # which was expected?
        ("assert 512 == 500", "test_a failed: assert 512 == 500"),  # samples, or anything
    ],
)
def test_a_number_is_a_status_only_where_it_is_said_to_be_one(message: str, expected: str) -> None:
    assert expected == first(run(shard(*(selected(T(name), o.FAILED, message) for name in "ab")))).sentence


def test_an_answer_that_a_test_no_longer_waited_for_is_no_failure_of_the_service() -> None:
    message = "TimeoutError: timed out; the service: BrokenPipeError: [Errno 32] Broken pipe"

    assert k.TIMED_OUT == first(run(shard(selected(T("a"), o.FAILED, message)))).kind


def test_a_signature_has_nothing_that_changes_from_test_to_test() -> None:
    messages = [
        f"Error: took {n}.5 s at 0x{n}a of '/x/{n}' in /tmp/{n}/y for 'a{n}' id {n}{'ab12' * 4}" for n in range(3)
    ]

    assert 1 == len(set(map(signature, messages)))


# Endings ----------------------------------------------------------------------------------------------


def test_a_person_that_ended_the_run_is_told_with_the_test_that_ran() -> None:
    record = run(shard(selected(T("a")), selected(T("b"), o.NOT_RUN), ended=r.INTERRUPTED))
    ending = Ending("integration", "interrupted", 130)

    found = first(replace(record, ending=ending))

    assert (k.INTERRUPTED, "the run was interrupted by Ctrl-C (SIGINT) (1 tests had ended)") == (
        found.kind,
        found.sentence,
    )


def test_a_mistake_of_ours_says_that_it_is_one() -> None:
    traceback = 'Traceback (most recent call last):\n  File "scripts/x.py", line 3, in f\nKeyError: 1\n'

    found = first(ended("KeyError", "1", 70, traceback=traceback))

    assert (k.OUR_CRASH, True) == (found.kind, found.sentence.endswith("by a mistake of ours: KeyError: 1"))
    assert 'File "scripts/x.py", line 3, in f' == found.evidence[0]


def test_a_terminal_is_told_nothing_twice() -> None:
    record = ended(
        "ServiceDied", "the service ended with exit code 3 after 1.0 s, before it was ready\n  | bad luck", hint="Look."
    )
    error = "error: the service ended with exit code 3 after 1.0 s, before it was ready\n  | bad luck\nhint: Look."

    told, beside = diagnosis.lines(diagnosis.diagnose(record)), diagnosis.lines(diagnosis.diagnose(record), below=error)

    sentence = "what happened: the service did not start: its last words were: bad luck (exit code 3 after 1.0 s)"
    assert [sentence, "  the service ended with exit code 3 after 1.0 s, before it was ready"] == told[:2]
    assert [sentence, True] == [beside[0], beside[1].endswith("nox -s serve")]


def test_code_for_a_newer_python_is_told_from_a_slip() -> None:
    error = 'Traceback (most recent call last):\n  File "a.py", line 2\n    {}\n    ^\nSyntaxError: invalid syntax'
    quoted = ["\n".join(f"  | {line}" for line in error.format(code).splitlines()) for code in ("match x:", "x = = 1")]
    died = "the service ended with exit code 1 after 0.1 s, before it was ready\n"

    assert [k.WRONG_PYTHON, k.DIED_AT_START] == [first(ended("ServiceDied", died + lines)).kind for lines in quoted]


def test_what_is_not_known_is_said_with_the_lines_that_tell_most() -> None:
    record = RunRecord(
        logs=(Log("service.log", "loading\nsome failure of a kind\n 10%|█   | 1/9 [00:01<00:08, 1.0it/s]\n"),)
    )

    found = first(record)

    assert (k.UNKNOWN, ("service.log:2: some failure of a kind",)) == (found.kind, found.evidence)
    assert "invoke debug-bundle" in found.next


def test_a_step_that_says_itself_why_it_proves_nothing_is_believed() -> None:
    ending = Ending("verdict", "incomplete", 6, "IncompleteError", "it left no result", "Run it: nox -s shard -- 0 2")
    log = Log("service.log", "some failure of a kind")
    (found,) = diagnosis.diagnose(RunRecord(ending=ending, logs=(log,)))

    assert ("it left no result", (), "Run it: nox -s shard -- 0 2") == (found.sentence, found.evidence, found.next)


@pytest.mark.parametrize("cores, expected", [(0.9, k.SLOW_START), (0.0, k.HANGS_AT_START), (None, k.NOT_READY)])
def test_a_slow_start_is_told_from_one_that_hangs_by_what_it_took_of_the_processor(cores: Any, expected: str) -> None:
    samples = () if cores is None else tuple(
        Sample(float(t), "service", 0, "", 1, 1, 1, cores * t, 1, 1, 0, None) for t in range(6)
    )  # fmt: skip
    message = "http://h:1/ was not ready within 5.0 s: it refused the connection: nothing listens there"
    record = replace(ended("ServiceNotReady", message, 11), shards=(ShardRecord(0, Path("shard-0"), samples=samples),))

    assert expected == first(record).kind


def test_words_of_loading_from_what_took_nothing_of_the_processor_are_no_progress() -> None:
    samples = tuple(Sample(float(t), "service", 0, "", 1, 1, 1, 0.0, 1, 1, 0, None) for t in range(6))
    message = "http://h:1/ was not ready within 5.0 s: it refused the connection\n  | >> Loading weights"

    found = first(
        replace(ended("ServiceNotReady", message, 11), shards=(ShardRecord(0, Path("shard-0"), samples=samples),))
    )

    assert (k.HANGS_AT_START, True) == (found.kind, "`>> Loading weights`" in found.sentence)


@pytest.mark.parametrize(
    "how, phase, more, kind, words",
    [
        ("SIGKILL (9)", "before it was ready", "\nmemory: the kernel counts no kill since its start", k.KILLED,
         "the service was killed from outside at its start (signal SIGKILL (9) after 1.0 s; the kernel counts no kill "
         "for memory)"),
        ("SIGKILL (9)", "before it was ready", "", k.KILLED,
         "the service was killed from outside at its start (signal SIGKILL (9) after 1.0 s)"),
        ("SIGTERM (15)", "before it was ready", "", k.KILLED, "the service was ended by SIGTERM (15) at its start"),
        ("SIGSEGV (11)", "during the warm-up", "", k.DIED_AT_START, "the service crashed with SIGSEGV (11) in its "
         "warm-up"),
    ],
)  # fmt: skip
def test_a_signal_before_the_first_test_is_told_as_what_it_is(
    how: str, phase: str, more: str, kind: str, words: str
) -> None:
    message = f"the service ended with signal {how} after 1.0 s, {phase}{more}"

    found = first(ended("ServiceDied", message))

    assert kind == found.kind
    assert words in found.sentence.replace(": it wrote nothing", "")


def test_a_service_that_ends_in_several_tests_is_told_with_how_often() -> None:
    died = "the service ended with exit code 3 after 5.0 s, while it was in use: {} was running"
    tests = [selected(T(name), o.FAILED, died.format(T(name)), seconds=1.0) for name in "abc"]

    found = first(run(shard(*tests, errors=[("service", died.format(T(name))) for name in "abc"])))

    assert "the service ended with exit code 3, 1.0 s into test_a, and so 2 other times" == found.sentence


def test_a_request_to_end_in_a_test_is_no_crash() -> None:
    message = f"the service ended with signal SIGTERM (15) after 5.0 s, while it was in use: {T('b')} was running"

    found = first(run(shard(selected(T("b"), o.FAILED, message), errors=[("service", message)])))

    assert (k.KILLED, True) == (found.kind, "was ended by SIGTERM (15)" in found.sentence)


def test_a_service_that_hung_after_the_last_test_hung_since_the_first_that_timed_out() -> None:
    message = "the service answers no more: http://h:1/ was not ready within 9.0 s: it did not answer within 1.0 s: "
    tests = [
        selected(T("a"), o.FAILED, "assert 0"),
        *(selected(T(n), o.FAILED, "TimeoutError: timed out") for n in "bc"),
    ]

    found = first(run(shard(*tests, errors=[("service", f"{message}after the last test")])))

    assert (k.HUNG, True) == (found.kind, "hung since test_b, which timed out" in found.sentence)


def test_a_warm_up_that_fails_or_gets_no_answer_is_told_with_what_the_log_says() -> None:
    raised = "\n  | Traceback (most recent call last):\n  |   File\n  | KeyError: 'tone'"
    asked = "the service is ready but cannot work: the warm-up POST http://h:1/say "

    failed = first(ended("WarmUpFailed", f"{asked}answered 500 X, expected 2xx: no\nlast lines of x:{raised}", 13))
    late = first(ended("WarmUpFailed", f"{asked}did not answer in time, or not to the end\n  | >> loading GPT", 13))

    assert "the service is ready but cannot work: KeyError: 'tone' (its warm-up answered 500 X)" == failed.sentence
    assert "the warm-up POST /say did not answer in time" in late.sentence
    assert late.sentence.endswith("its last line: >> loading GPT")
    assert "service.warm_up.timeout" in late.next


@pytest.mark.parametrize(
    "lines, why",
    [
        ("    ModuleNotFoundError: No module named 'torch'", "ModuleNotFoundError: No module named 'torch'"),
        (
            "    p.c:1:10: fatal error: fst/util.h: No such file\n    BuildError: gcc",
            "fatal error: fst/util.h: No such file",
        ),
    ],
)
def test_a_build_that_failed_says_what_it_missed(lines: str, why: str) -> None:
    message = f"installing packages failed:\n  error: Failed to build `pynini==2.1`\n{lines}"

    found = first(ended("InstallError", message, 3))

    assert f"the packages could not be installed: the package pynini==2.1 cannot be built here: {why}" == found.sentence


@pytest.mark.parametrize(
    "refused, kind, words",
    [
        (
            "HTTP 404 Not Found: what is there: URL",
            k.WEIGHTS_MISSING,
            "(gpt.pth): HTTP 404 Not Found: what is there: URL",
        ),
        ("HTTP 401 Unauthorized: gated", k.NETWORK, "refuses to give the files"),
        (
            "Connection refused, asked by the proxy http://p:9 (from https_proxy)",
            k.PROXY,
            "the proxy http://p:9 does not",
        ),
    ],
)
def test_weights_that_cannot_be_fetched_say_what_their_source_answered(refused: str, kind: str, words: str) -> None:
    found = first(ended("ModelError", f"cannot fetch gpt.pth (5 bytes, sha256 0):\n  hf://O/R@1/gpt.pth: {refused}", 4))

    assert (kind, True) == (found.kind, words in found.sentence)


def test_a_conftest_that_cannot_be_imported_is_named_where_the_tests_are_collected() -> None:
    said = "ImportError while loading conftest 'tests/conftest.py'.\n  E   ModuleNotFoundError: No module named 'abc'"

    found = first(ended("SuiteError", f"the suite cannot be collected:\n{said}", 5))

    assert "tests/conftest.py cannot be collected: no module named abc" == found.sentence


def test_an_option_that_pytest_does_not_know_is_named() -> None:
    message = (
        "ended with exit code 4 before it collected a test, see its own lines: unrecognized arguments: --timeout=60"
    )

    found = first(run(shard(errors=[("pytest", message)])))

    assert (k.ARGUMENT, "pytest does not know the option --timeout=60") == (found.kind, found.sentence)


def test_plans_that_differ_since_the_tests_do_are_told_with_that() -> None:
    shards = [
        shard(selected(T("a")), total=2),
        shard(selected(T("b")), index=1, total=2, plan_id="other", files_digest="g"),
    ]

    found = first(run(*shards))

    assert k.PLAN_DIFFERED == found.kind
    assert "hand it to all nodes" not in found.next


def test_our_own_words_of_a_death_can_be_read_again() -> None:
    memory = death.Memory(True, True, 2 * 10**9, 19 * 10**8, 0.5)
    for service, age_s in (("service", 12.0), ("service tts", 125.0), ("service", 3725.0)):
        words = "\n".join(death.words_of(death.Death(-9, age_s, "while it was in use", memory)))

        found = deaths.death_in(words.replace("the service", f"the {service}"))

        assert found
        assert (service, "signal SIGKILL (9)", "killed", "1.9 GB", "2.0 GB") == (found[0], found[1], *found[3:6])


# Any record at all ------------------------------------------------------------------------------------

WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            KILLED,
            REFUSED,
            "hung for 3.0 s in its call",
            "ended the process with exit code 0",
            "assert 500 == 200",
            "a{b}⟦c⟧\\1",
        ]
    ),
)
OUTCOMES = st.sampled_from([*o.WORST_FIRST, o.RERUN])
NAMES = st.sampled_from(["service", "pytest", "collection", "tests/test_a.py", "x", "journal", "after the last test"])
TESTS = st.builds(selected, st.sampled_from([T(n) for n in "abc"]), OUTCOMES, WORDS, WORDS)
BREACHES = st.builds(Breach, st.just("service"), st.sampled_from(["growth", "memory", "odd"]), WORDS, st.booleans())
ENDINGS = st.none() | st.builds(
    Ending,
    st.just("integration"),
    WORDS,
    st.sampled_from([0, 1, 10, 70, 130]),
    st.sampled_from(["", "ServiceDied", "ServiceNotReady", "WarmUpFailed", "SuiteError", "ModelError", "KeyError"]),
    WORDS,
    WORDS,
    WORDS,
)


@st.composite
def shards(draw: Any, index: int) -> ShardRecord:
    """A shard of any kind; of a test there is one entry."""
    tests = {each.nodeid: each for each in draw(st.lists(TESTS, max_size=3))}
    errors = draw(st.lists(st.tuples(NAMES, WORDS), max_size=3))
    facts = {"ended": draw(st.sampled_from(list(r.ENDINGS))), "breaches": tuple(draw(st.lists(BREACHES, max_size=1)))}
    made = shard(*tests.values(), index=index, total=3, errors=errors, log=draw(WORDS), **facts)
    return (
        replace(made, result=None, why_no_result="gone") if draw(st.booleans()) else replace(made, ending=draw(ENDINGS))
    )


@st.composite
def records(draw: Any) -> RunRecord:
    parts: List[ShardRecord] = [draw(shards(index)) for index in range(draw(st.integers(0, 3)))]
    made = run(*parts, missing=draw(st.lists(st.sampled_from([T("x"), T("y")]), max_size=1)), ending=draw(ENDINGS))
    return replace(made, verdict=draw(st.sampled_from([made.verdict, None])))


@settings(max_examples=60, deadline=None)
@given(records(), st.randoms(use_true_random=False))
def test_a_red_run_is_never_without_a_verdict_and_the_order_of_shards_does_not_matter(
    record: RunRecord, random: random.Random
) -> None:
    found = diagnosis.diagnose(record)
    shuffled: Sequence[ShardRecord] = random.sample(list(record.shards), len(record.shards))
    again = diagnosis.diagnose(replace(record, shards=tuple(shuffled)))

    assert diagnosis.is_green(record) == (not found)
    assert [(each.kind, each.sentence) for each in found] == [(each.kind, each.sentence) for each in again]
    for each in found:
        assert each.kind in k.RANK
        assert each.sentence
        assert each.chinese
        assert "\n" not in each.sentence
        assert len(each.evidence) <= incidents.EVIDENCE_LINES
    assert len(diagnosis.lines(found)) <= 7


def test_a_green_run_has_none() -> None:
    assert [] == diagnosis.diagnose(run(shard(selected(T("a")))))


def test_a_shard_that_another_shards_red_test_stopped_says_so_before_a_merge() -> None:
    left = shard(selected("a"), total=2, ended=r.STOPPED)
    round_ = replace(left.rounds[0], ended=Ended(o.STOPPED, "--fail-fast: test_b.py::test_b"))
    record = RunRecord("tiny", shards=(replace(left, rounds=(round_,)),))

    told = first(record)
    assert (k.STOPPED, True) == (told.kind, "--fail-fast: test_b.py::test_b" in told.sentence)
