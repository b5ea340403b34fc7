"""Tests that failed: by a shared fixture, by the service, with one signature, by order; each apart where none fits."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ...proof import outcome_history
from ...proof import outcomes as o
from ...proof.receipt import SERVICE, shown
from ..record import RunRecord
from . import kinds as k
from .facts import Failure, errors, failures, first_line, ran, rerun
from .incidents import Both, Incident
from .passages import Passage, passage
from .suites import is_of_process
from .wording import short

MOST_APART = 50  # failed tests are told one by one; more of them say no more
MANY = 2  # tests with one signature are told together
# A number is a status only where it is said to be one, or is compared with one: 512 may be a count of samples.
STATUS = re.compile(
    r"\bHTTP(?: ?Error| ?Status)?[ /:\d.]*?\b([45]\d\d)\b|\b([45]\d\d) (?:Client|Server) Error|Response \[([45]\d\d)\]"
    r"|\b(50\d) (?:Internal|Bad Gateway|Service|Gateway)|\banswered ([45]\d\d)\b|status\w*(?: code)?\W{0,4}(5\d\d)\b"
    r"|^(?:AssertionError: )?assert (?:(50\d) [=!]=|(?:200|201|202|204) == (50\d)\b)",
    re.IGNORECASE,
)
COMPARED = re.compile(r"^(AssertionError: )?assert ([45]\d\d == 2\d\d|2\d\d == [45]\d\d)\b")  # statuses, mostly
FIXTURE = re.compile(r"@(?:pytest[\w.]*\.)?fixture\b.*?\n(?:.*\n)*?\s*(?:async )?def (?P<name>\w+)\(")
CHANGING = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "*"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "*"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "*"),
    (re.compile(r"(?:/[\w.+-]+){2,}/?"), "/*"),
    (re.compile(r"-?\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?"), "#"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "'*'"),
)
# A signature that two innocent failures may share says nothing: what two values are is all that there is to it.
BARE = re.compile(r"^(AssertionError(: )?)?(assert )?[#'*\s=<>!()\[\],.\-+]*$|^assert (False|None|True|not True)$|^$")


def signature(message: str) -> str:
    """Take out of a message what changes from test to test: numbers, addresses, ids, paths, what is quoted.

    >>> signature("KeyError: 'a1' at 0x7f3a in /tmp/x/y.py:12")
    "KeyError: '*' at * in /*:#"
    """
    text = message.splitlines()[0] if message else ""
    for pattern, stand_in in CHANGING:
        text = pattern.sub(stand_in, text)
    return " ".join(text.split())


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List the failed tests: those with one cause together, the others apart."""
    failed = [failure for failure in failures(record) if not is_of_process(failure)]
    rest = failed
    for group, tell in GROUPINGS:
        groups, rest = group(rest)
        for name, members in groups:
            yield _placed(record, members, tell(record, name, members))
    flaky = _flaky(record)
    for failure in rest[:MOST_APART]:
        told = _flaky_test(failure, flaky[failure.nodeid]) if failure.nodeid in flaky else _one(record, failure)
        yield _placed(record, [failure], told)


Groups = Tuple[List[Tuple[str, List[Failure]]], List[Failure]]


def _grouped(failed: Sequence[Failure], keys: Sequence[str], least: int) -> Groups:
    """Put those together that have a key in common, at least so many; and what is left."""
    groups: Dict[str, List[Failure]] = {}
    for failure, key in zip(failed, keys):
        if key:
            groups.setdefault(key, []).append(failure)
    big = {key: members for key, members in groups.items() if len(members) >= least}
    taken = {failure.nodeid for members in big.values() for failure in members}
    ordered = sorted(big.items(), key=lambda group: -len(group[1]))
    return ordered, [failure for failure in failed if failure.nodeid not in taken]


def _by_fixture(failed: Sequence[Failure]) -> Groups:
    keys = [f"{_fixture_of(each)}\0{signature(each.message)}" if _fixture_of(each) else "" for each in failed]
    return _grouped(failed, keys, 1)


def _fixture_of(failure: Failure) -> str:
    """Name the fixture whose set-up failed; empty where it is none, or that is not known."""
    found = FIXTURE.search(failure.text) if failure.outcome == o.ERROR else None
    return found["name"] if found else ""


def _by_service(failed: Sequence[Failure]) -> Groups:
    return _grouped(failed, [signature(each.service) for each in failed], 1)


def _by_answer(failed: Sequence[Failure]) -> Groups:
    return _grouped(failed, [_status_of(each) for each in failed], 2)


def _status_of(failure: Failure) -> str:
    match = STATUS.search(failure.message.splitlines()[0]) if failure.message and not failure.service else None
    return next(filter(None, match.groups()), "") if match else ""


def _by_signature(failed: Sequence[Failure]) -> Groups:
    return _grouped(failed, [_shared(each.message) for each in failed], MANY)


def _shared(message: str) -> str:
    """Choose what tests that failed for one reason have in common; empty where their messages tell of none."""
    if COMPARED.match(message):
        return message.splitlines()[0]
    return "" if BARE.match(signature(message)) else signature(message)


# Told -------------------------------------------------------------------------------------------------


def _near(members: Sequence[Failure]) -> Tuple[Passage, ...]:
    """Take what the service wrote meanwhile, then what pytest marks as the error."""
    first = members[0]
    own = "\n".join(line[1:].strip() for line in first.text.splitlines() if line.startswith("E "))
    texts = (first.service, first.message, own)
    return tuple(passage(shown(first.nodeid), text, cut=True) for text in texts if text)


def _evidence(members: Sequence[Failure]) -> Tuple[str, ...]:
    lines = [f"{shown(each.nodeid)}: {first_line(each.message)}" for each in members[:3]]
    lines += [f"the service wrote meanwhile: {members[0].service}"] if members[0].service else []
    return (*lines, *([f"and {len(members) - 3} more"] if len(members) > 3 else []))


def _placed(record: RunRecord, members: Sequence[Failure], incident: Incident) -> Incident:
    """Note which tests and shards it is about, what shows it, and the command that runs the tests again."""
    tests = tuple(each.nodeid for each in members)
    return replace(
        incident,
        evidence=_evidence(members),
        shards=tuple(sorted({each.shard for each in members})),
        tests=tests,
        command=incident.command or rerun(record, tests),
    )


def _counted(record: RunRecord, members: Sequence[Failure]) -> Both:
    """Say which tests failed: one by name, several by their number of all."""
    if len(members) == 1:
        return Both(f"{short(members[0].nodeid)} failed", f"{short(members[0].nodeid)} 失败")
    of = max(ran(record), len(members))
    return Both(f"{len(members)} of {of} tests failed", f"{of} 个测试中有 {len(members)} 个失败")


def _of_fixture(record: RunRecord, name: str, members: List[Failure]) -> Incident:
    fixture, message = name.partition("\0")[0], first_line(members[0].message)
    needed = (
        f"{len(members)} tests that need it could not run"
        if len(members) > 1
        else f"{short(members[0].nodeid)} could not run"
    )
    return Incident(
        k.FIXTURE,
        Both(
            f"the fixture {fixture} fails, so that {needed}",
            f"fixture {fixture} 失败，导致 {len(members)} 个测试无法运行",
        ),
        cause=Both(message, message),
        passages=_near(members),
        without=(k.TIMED_OUT, k.UNREACHABLE),
    )


def _of_service(record: RunRecord, name: str, members: List[Failure]) -> Incident:
    head, service = _counted(record, members), first_line(members[0].service)
    lives = not any(errors(record, SERVICE))
    return Incident(
        k.SERVICE_ERRORS,
        head,
        cause=Both(f"the service failed meanwhile: {service}", f"服务内部出错 {service}"),
        tail=Both(" (the service went on)", "（服务仍在运行）") if lives else Both(),
        passages=_near(members)[:1],
        hint="See its log around then.",
        without=(k.TIMED_OUT, k.UNREACHABLE, k.COLLECTION),
    )


def _of_answer(record: RunRecord, name: str, members: List[Failure]) -> Incident:
    return Incident(
        k.SERVICE_ERRORS,
        _counted(record, members),
        cause=Both(f"the service answered {name}", f"服务返回 {name}"),
        passages=_near(members),
        hint="The service's log says why: service.log."
        if name.startswith("5")
        else "The service refuses what the tests send: see its answer, and what it expects.",
    )


def _of_signature(record: RunRecord, name: str, members: List[Failure]) -> Incident:
    head, message = _counted(record, members), first_line(members[0].message)
    if all(record.changes.get(each.nodeid) == outcome_history.FLAKY for each in members):
        return _of_order(record, head, members)
    return Incident(
        k.ONE_SIGNATURE,
        Both(f"{head.english} with the same error", f"{head.chinese}，错误相同"),
        cause=Both(message, message),
        passages=_near(members),
    )


def _of_order(record: RunRecord, head: Both, members: List[Failure]) -> Incident:
    """Tell of tests that have one error, and passed in another run of the same code: what ran before them differs."""
    before, message = short(_left_elsewhere(record, members[0])), first_line(members[0].message)
    why = Both("they may need tests that ran before them there", "可能依赖当时先运行的测试")
    if before:
        why = Both(f"they may need {before}, which ran in another shard", f"可能依赖在另一个分片中运行的 {before}")
    return Incident(
        k.ORDER,
        Both(
            f"{head.english} with the same error, and passed in another run of the same code: {why.english}",
            f"{head.chinese}，错误相同，而同样的代码在另一次运行中通过：{why.chinese}",
        ),
        cause=Both(message, message),
        is_certain=True,
        hint="Find out which tests need which, and keep them together (suite.together).",
        command=record.command("nox", "-s", "isolation"),
    )


GROUPINGS = (
    (_by_fixture, _of_fixture),
    (_by_service, _of_service),
    (_by_answer, _of_answer),
    (_by_signature, _of_signature),
)


def _one(record: RunRecord, failure: Failure) -> Incident:
    before = _left_elsewhere(record, failure)
    message, name = first_line(failure.message), short(failure.nodeid)
    if before:
        return Incident(
            k.ORDER,
            Both(
                f"{name} failed without {short(before)}, which ran in another shard and stands before it in its file",
                f"{name} 失败：同一文件中在它之前的 {short(before)} 在另一个分片中运行",
            ),
            cause=Both(message, message),
            is_certain=True,
            hint="It passed in a run of the same code. Find out which tests need which, and keep them together "
            "(suite.together).",
            command=record.command("nox", "-s", "isolation"),
        )
    if record.changes.get(failure.nodeid) == outcome_history.FLAKY:
        return _flaky_test(failure)
    outcome = "failed" if failure.outcome == o.FAILED else "is in error"
    new = record.changes.get(failure.nodeid) == outcome_history.BROKE
    return Incident(
        k.ASSERTION,
        Both(f"{name} {outcome}", f"{name} 失败"),
        Both(" (it passed in the last run)", "（上次运行通过）") if new else Both(),
        Both(message, message),
        passages=_near([failure]),
    )


def _left_elsewhere(record: RunRecord, failure: Failure) -> str:
    """Find the test that a failed one may need: above it in its file, and run in another shard.

    Only where it passed in a run of the same state of everything: then nothing differs but which tests ran before it.
    """
    if record.changes.get(failure.nodeid) != outcome_history.FLAKY or len(record.shards) < 2:
        return ""
    ids = [test.nodeid for test in record.verdict.tests] if record.verdict else []
    if failure.nodeid not in ids:
        return ""
    file = failure.nodeid.partition("::")[0]
    above = [nodeid for nodeid in ids[: ids.index(failure.nodeid)] if nodeid.startswith(f"{file}::")]
    here = {
        test.nodeid
        for shard in record.shards
        if shard.index == failure.shard and shard.result
        for test in shard.result.tests
    }
    return next((nodeid for nodeid in reversed(above) if nodeid not in here), "")


# Flaky ------------------------------------------------------------------------------------------------


def _flaky(record: RunRecord) -> Dict[str, Tuple[int, int]]:
    """Count failed and all attempts of the tests that both passed and failed in this run."""
    outcomes: Dict[str, Counter[str]] = {}
    for shard in record.shards:
        for test in shard.result.tests if shard.result else ():
            for attempt in test.attempts:
                if "tried when" not in attempt.message:
                    outcomes.setdefault(test.nodeid, Counter())[attempt.outcome] += 1
    return {
        nodeid: (sum(counts.values()) - counts[o.PASSED], sum(counts.values()))
        for nodeid, counts in outcomes.items()
        if counts[o.PASSED] and counts[o.PASSED] < sum(counts.values())
    }


def _flaky_test(failure: Failure, counts: Optional[Tuple[int, int]] = None) -> Incident:
    """Tell of a test that passes and fails: so often in this run, or over runs of the same state of everything."""
    message, name = first_line(failure.message), short(failure.nodeid)
    how = Both("it passed in another run of the same code", "同样的代码在另一次运行中通过")
    if counts:
        how = Both("{} of {} attempts failed".format(*counts), "{1} 次尝试中 {0} 次失败".format(*counts))
    return Incident(
        k.FLAKY,
        Both(f"{name} is flaky: {how.english}", f"{name} 不稳定：{how.chinese}"),
        cause=Both(message, message),
        is_certain=True,
        hint="Run it alone, several times.",
    )
