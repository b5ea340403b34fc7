"""What went wrong in pytest itself: files that cannot be collected, tests that end or hang their process."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, Iterator, List, Tuple

from ...proof.receipt import SERVICE, shown
from ..record import RunRecord
from . import kinds as k
from .facts import Failure, all_lines, failures, first_line, other_passages, rerun, whole_again
from .incidents import Both, Incident
from .passages import Passage, passage
from .wording import chinese_time, listed, short

HUNG = re.compile(r"^(?P<what>.*?)\bhung for (?P<time>[^:]*?)(?: in its (?P<phase>\w+))?$")
ENDED = re.compile(
    r"^(?P<what>.*?)\bended the process with (?P<how>exit code \d+|signal \S+(?: \(\d+\))?|an unknown exit code)"
)
LEFT = re.compile(
    r"^(?P<what>.*?)\b(?P<how>called pytest\.exit|raised KeyboardInterrupt|brought pytest to an internal "
    r"error)\b(?P<why>.*)"
)
CONFTEST = re.compile(r"(?:^|: )(?P<file>\S*conftest\.py): (?P<why>.*)")
UNKNOWN_OPTION = re.compile(r"\bunrecognized arguments: (?P<words>.+)")
BROKEN_CONFTEST = re.compile(r"while loading conftest '(?P<file>[^']+)'")
OF_SUITE = (k.UNREACHABLE, k.TIMED_OUT, k.PORT, k.CANNOT_WORK, k.MODEL_NOT_LOADED)
OUTSIDE = {  # names of errors that are of no file or test, and how they are told
    "pytest": ("pytest failed", "pytest 失败"),
    "collection": ("pytest died while it collected the tests", "pytest 在收集测试时结束"),
    "selection": ("pytest died while the tests were chosen", "pytest 在选择测试时结束"),
    "between two tests": ("pytest died between two tests", "pytest 在两个测试之间结束"),
    "after the last test": ("pytest died after the last test", "pytest 在最后一个测试之后结束"),
    "journal": ("the journal of the tests is not whole", "测试日志不完整"),
}


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List what went wrong in pytest itself."""
    yield from _collection(record)
    for failure in failures(record):
        for incident in _of_process(failure):
            again = rerun(record, [failure.nodeid])
            yield replace(incident, shards=(failure.shard,), tests=(failure.nodeid,), command=again)
    yield from _outside(record)
    ending = record.ending
    if ending and not record.verdict and ending.kind == "SuiteError":
        yield _uncollected(record, ending.message, ending.hint)


def _collection(record: RunRecord) -> Iterator[Incident]:
    """Tell of files that cannot be collected: those with one reason together."""
    places: Dict[str, List[int]] = {}
    for shard in record.shards:
        for error in shard.result.errors if shard.result else ():
            if error.name not in OUTSIDE and error.name != SERVICE:
                places.setdefault(f"{error.name}\0{error.message}", []).append(shard.index)
    texts = {
        error.nodeid: error.text for shard in record.shards for told in shard.rounds for error in told.collection_errors
    }
    by_reason: Dict[str, List[Tuple[str, List[int]]]] = {}
    for key, shards in places.items():
        name, _, message = key.partition("\0")
        by_reason.setdefault(first_line(message), []).append((name, shards))
    for reason, names in by_reason.items():
        files = [shown(name) for name, _ in names]
        text = texts.get(names[0][0], "")
        near = tuple(filter(None, [passage(names[0][0], reason), _of_pytest(names[0][0], text)]))
        are_tests = "none of the tests that were to run" in reason or "times in one process" in reason
        what = "went wrong outside tests" if are_tests else "cannot be collected"
        yield Incident(
            k.OTHER if are_tests else k.COLLECTION,
            Both(f"{listed(files)} {what}", f"无法收集 {listed(files)}"),
            cause=Both(reason, reason),
            passages=() if are_tests else near,
            hint="See pytest's own lines.",
            command=record.command("nox", "-s", "integration", "--", "--collect-only", "-q"),
            shards=tuple(sorted({index for _, shards in names for index in shards})),
            tests=tuple(name for name, _ in names),
            without=OF_SUITE,
        )


def _of_pytest(place: str, text: str) -> Passage:
    """Take what pytest marks as the error in its own text."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return passage(place, "\n".join(lines or text.splitlines()), cut=True)


def _uncollected(record: RunRecord, message: str, hint: str) -> Incident:
    kind = k.NO_TESTS if message.startswith(("no test", "none")) else k.COLLECTION
    lines = [line.strip() for line in message.splitlines()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    files = [line.partition(": ") for line in message.splitlines() if re.match(r"  [^\s:]+(\.py|/)(::\S+)?: ", line)]
    conftest = BROKEN_CONFTEST.search(message)
    names = [_here(record, conftest["file"])] if conftest else [name.strip() for name, _, _ in files]
    reason = files[0][2] if files else first_line(message).rstrip(":")
    head = (
        f"{listed(names)} cannot be collected"
        if names
        else ""
        if kind == k.NO_TESTS
        else "the suite cannot be collected"
    )
    return Incident(
        kind,
        Both(head, f"无法收集 {listed(names)}" if names else "" if kind == k.NO_TESTS else "无法收集测试"),
        cause=Both(marked[-1] if marked else reason, marked[-1] if marked else reason),
        passages=(*filter(None, [passage("", "\n".join(marked)) if marked else None]), *all_lines(message)),
        hint="" if hint.startswith("See: ") else hint,
        command=hint[len("See: ") :] if hint.startswith("See: ") else whole_again(record),
        tests=tuple(names),
        without=OF_SUITE,
    )


def _here(record: RunRecord, file: str) -> str:
    """Name a file of the project as people do."""
    return file.replace(f"{record.reports.absolute().parent}/", "")


# Tests that end their process -------------------------------------------------------------------------


def _of_process(failure: Failure) -> Iterator[Incident]:
    message = first_line(failure.message)
    hung, ended, left = HUNG.match(message), ENDED.match(message), LEFT.match(message)
    name = short(failure.nodeid)
    if hung:
        by = (
            f", in {hung['what'].strip()}"
            if hung["what"].strip()
            else f", in its {hung['phase']}"
            if hung["phase"]
            else ""
        )
        yield Incident(
            k.TEST_HUNG,
            Both(
                f"{name} hung: it did not end within {hung['time']}{by}",
                f"{name} 挂起：{chinese_time(hung['time'])} 内没有结束",
            ),
            evidence=(f"{shown(failure.nodeid)}: {message}",),
            hint="Let it wait with a time limit, or raise suite.test_timeout.",
        )
    elif ended:
        signal = ended["how"].startswith("signal")
        killed = "SIGKILL" in ended["how"] or ended["how"] == "exit code 137"
        why = ": SIGKILL is mostly the kernel's, for want of memory" if killed else ""
        by = f" (in {ended['what'].strip()})" if ended["what"].strip() else ""
        how = f"{'crashed' if signal and not killed else 'ended'} its process with {ended['how']}"
        yield Incident(
            k.TEST_KILLED_PROCESS,
            Both(f"{name} {how}{by}{why}", f"{name} 使测试进程以{chinese_time(ended['how'])} 结束"),
            evidence=(f"{shown(failure.nodeid)}: {message}",),
            hint="See dmesg, and give it more memory."
            if killed
            else "Let it not call os._exit, nor crash: python -X faulthandler names the line.",
        )
    elif left:
        yield Incident(
            k.TEST_KILLED_PROCESS,
            Both(f"{name} {left['how']}{left['why']}", f"{name} 结束了 pytest"),
            evidence=(f"{shown(failure.nodeid)}: {message}",),
        )


def is_of_process(failure: Failure) -> bool:
    """Tell whether a failure is told as one that ended, or hung, its process."""
    message = first_line(failure.message)
    return any(pattern.match(message) for pattern in (HUNG, ENDED, LEFT))


def _unknown_option(record: RunRecord, index: int, words: str) -> Incident:
    """Tell of an option that no installed plugin knows: on the command line, or in the suite's addopts."""
    return Incident(
        k.ARGUMENT,
        Both(f"pytest does not know the option {words}", f"pytest 不认识选项 {words}"),
        is_certain=True,
        hint="Name the plugin that has it in suite.requirements, or take it out of addopts and the command line.",
        command=whole_again(record),
        shards=(index,),
    )


def _outside(record: RunRecord) -> Iterator[Incident]:
    """Tell of a pytest that died, or failed, outside tests."""
    for shard in record.shards:
        for error in shard.result.errors if shard.result else ():
            if error.name not in OUTSIDE:
                continue
            conftest = CONFTEST.search(error.message)
            message = conftest["why"] if conftest else error.message
            file = _here(record, conftest["file"]) if conftest else ""
            broken = Both(f"{file} cannot be imported", f"无法导入 {file}") if file else None
            unknown = UNKNOWN_OPTION.search(error.message)
            if unknown:
                yield _unknown_option(record, shard.index, unknown["words"])
                continue
            yield Incident(
                k.COLLECTION if conftest else k.PYTEST_DIED,
                broken or Both(*OUTSIDE[error.name]),
                cause=Both(first_line(message), first_line(message)),
                passages=(passage("", message), *other_passages(record, [shard.index], "output.log")),
                evidence=(f"{shard.name}: {error.name}: {first_line(error.message)}",),
                hint="See pytest's own lines.",
                command=whole_again(record),
                shards=(shard.index,),
                without=OF_SUITE,
            )
