"""What a shard ran, in which order and what came of it, as a bundle or its folder tells; and whether that came again.

Pure, over the contents that `archive.py` reads. A shard that was killed left no result: its journal says what it ran.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import counted
from ..errors import PipelineError, SettingsError
from ..planning import plan as planning
from ..planning.plan import Plan
from ..proof import journal, receipt
from ..proof import outcomes as o
from ..proof.outcomes import Attempt, Round
from ..proof.receipt import Receipt, SourceState
from ..system import files
from .archive import Contents, shards

Ids = Tuple[str, ...]

# What stands in place of something that may be a secret.
HIDDEN = re.compile(r"\(secret(?:-[0-9a-f]{6})?(?:-[a-z]+){0,3}\)|\(not shown\)")
# A value that names a place outside of the project: from the root or a home, or above.
_OUTSIDE = re.compile(r"(?:^|=|^-\w)(?:/|~)|(?:^|[=/])\.\.(?:/|$)|^file:|://")
KILLED = "was running when the shard was killed"


@dataclass(frozen=True)
class Recorded:
    """One shard as it ran.

    Args:
        processes: the ids that each of its pytest processes ran, in their order; what had not begun to run comes last.
            None at all where no test was chosen: then the plan says what it was to run.
        failures: what was red, by the id of the test or a name for what is none, each with its message.
        arguments: those for pytest, and ours for a part of the suite.
        python: its version. Empty, as all below, where that is not known.
        files_digest: of the files of the tests, as in `Receipt`.
        plan: that was handed out.
        killed: it left no result, only its journal.
    """

    index: int
    total: int
    processes: Tuple[Ids, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    arguments: Tuple[str, ...] = ()
    python: str = ""
    machine: str = ""
    commit: str = ""
    files_digest: str = ""
    addopts: str = ""
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    plan: Optional[Plan] = None
    killed: bool = False

    @property
    def tests(self) -> Ids:
        """List the ids that ran, or were to run, each once."""
        return tuple(dict.fromkeys(nodeid for ids in self.processes for nodeid in ids))


# Which shard --------------------------------------------------------------------------------------------


def choose(contents: Contents, index: Optional[int]) -> Tuple[int, List[int]]:
    """Choose the shard to run again: the one that a person names, else the first red one.

    Returns:
        its index, and those of the other red ones.

    Raises:
        SettingsError: none is red and there are several, or the named one is not there.
    """
    there = shards(contents)
    plan = plan_of(contents)
    if index is not None:
        if index not in there and not (plan and index < len(plan.shards)):
            raise SettingsError(f"--shard: no shard {index} is in it; here are {_listed(there)}")
        return index, []
    red = [each for each in there if _is_red(contents, each)]
    if not red and len(there) != 1:
        raise SettingsError(f"no shard in it is red: {_listed(there)}", "Name the one to run again: --shard INDEX")
    return (red or there)[0], red[1:]


def _is_red(contents: Contents, index: int) -> bool:
    with suppress(SettingsError):
        recorded = read(contents, index)
        return recorded.killed or bool(recorded.failures)
    return True


def _listed(indices: Iterable[int]) -> str:
    return ", ".join(map(str, indices)) or "none"


# Reading ------------------------------------------------------------------------------------------------


def read(contents: Contents, index: int) -> Recorded:
    """Read what a shard ran: from its result, else its journal, else the plan.

    Raises:
        SettingsError: nothing tells what it was to run.
    """
    folder = f"reports/shard-{index}"
    commit = str(_json(contents, "commit.json").get("commit", ""))
    plan = plan_of(contents)
    result = result_of(contents, index)
    if result:
        return of_result(result, plan if plan and plan.id == result.plan_id else None, commit)
    others = [other for other in (result_of(contents, each) for each in shards(contents)) if other]
    told = others[0] if others else None
    selection = _json(contents, f"{folder}/selection.json")
    typed = selection.get("arguments")
    total = len(plan.shards) if plan else told.total if told else _whole(selection.get("total"))
    if not 0 <= index < total:
        raise SettingsError(f"{folder} has no result that can be read, no selection.json, and there is no plan.json")
    rounds = _rounds(contents.get(f"{folder}/journal.jsonl", b""), str(selection.get("start", "")))
    planned = plan.shards[index].nodeids if plan else ()
    return Recorded(
        index=index,
        total=total,
        processes=_processes_of(rounds, planned),
        failures=_failures_of(rounds),
        arguments=tuple(map(str, typed)) if isinstance(typed, list) else plan.arguments if plan else (),
        python=rounds[0].python if rounds else "",
        commit=(told.commit if told else "") or commit,
        files_digest=next((each.files for each in rounds if each.files), ""),
        plan=plan,
        killed=True,
    )


def of_result(result: Receipt, plan: Optional[Plan] = None, commit: str = "") -> Recorded:
    """Take from a result what the shard ran, wherever its tests came from: of the plan, or from other shards.

    Args:
        plan: that it went by, where that is there.
        commit: that was tested, where the result does not say.
    """
    return Recorded(
        index=result.index,
        total=result.total,
        processes=_processes(result),
        failures=failures_of(result),
        arguments=result.arguments,
        python=result.python,
        machine=result.machine,
        commit=result.commit or commit,
        files_digest=result.files_digest,
        addopts=result.addopts,
        sources=result.sources,
        plan=plan,
    )


def result_of(contents: Contents, index: int) -> Optional[Receipt]:
    """Read the result of a shard; None where there is none. What was taken out of it may be what was sealed."""
    content = contents.get(f"reports/shard-{index}/{receipt.FILE_NAME}")
    if content is None:
        return None
    try:
        result = receipt.from_json(files.parse_json(content), sealed=False)
    except (ValueError, OverflowError):
        return None
    return result if result.index == index and not result.repairs else None


def plan_of(contents: Contents) -> Optional[Plan]:
    """Read the plan that was handed out; None where there is none that can be used."""
    data = _json(contents, f"reports/{planning.FILE_NAME}")
    with suppress(PipelineError):
        return planning.parse(data, planning.FILE_NAME) if data.get("schema") == planning.SCHEMA else None
    return None


def _json(contents: Contents, name: str) -> Mapping[str, Any]:
    with suppress(ValueError, OverflowError):
        data = files.parse_json(contents.get(name, b"{}"))
        return data if isinstance(data, dict) else {}
    return {}


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _processes(result: Receipt) -> Tuple[Ids, ...]:
    attempts = [attempt for test in result.tests for attempt in test.attempts]
    return processes(attempts, [test.nodeid for test in result.tests])


def processes(attempts: Sequence[Attempt], selected: Sequence[str]) -> Tuple[Ids, ...]:
    """Sort by process and time what ran; what did not begin to run is added to the last process, as it was selected.

    A process that only repeats what skipped where it saw a worker of pytest-xdist comes by itself, and is none.

    Args:
        attempts: of all tests. One that has no time stands for a test that was never begun.
    """
    ran = [attempt for attempt in attempts if attempt.at_s > 0]
    begun = {attempt.nodeid for attempt in ran}
    plain = {attempt.nodeid for attempt in ran if attempt.message == o.AS_WORKER}
    found: List[Ids] = []
    for number in sorted({attempt.round for attempt in ran}):
        own = sorted((attempt for attempt in ran if attempt.round == number), key=lambda attempt: attempt.at_s)
        ids = tuple(dict.fromkeys(attempt.nodeid for attempt in own))
        if not found or not plain.issuperset(ids):
            found.append(ids)
    rest = tuple(nodeid for nodeid in dict.fromkeys(selected) if nodeid not in begun)
    if rest:
        found[-1:] = [(*(found[-1] if found else ()), *rest)]
    return tuple(found)


def _rounds(content: bytes, start: str) -> List[Round]:
    """Read the rounds of a journal; of one that was cut, or is not as we write it, none."""
    with suppress(PipelineError):
        return journal.rounds(journal.parse(content, start).events)
    return []


def _processes_of(rounds: Sequence[Round], planned: Sequence[str]) -> Tuple[Ids, ...]:
    """Put the processes of a killed shard together, by the planned ids of their tests."""
    names = _names(rounds)
    told = [each for each in rounds if each.selected is not None]
    listed = [nodeid for each in told for nodeid in each.selected or ()]  # a later round may have come by more of them
    selected = [names.get(nodeid, nodeid) for nodeid in listed] if told else list(planned)
    skipped = {nodeid for each in rounds for nodeid in each.as_worker}
    attempts = [
        Attempt(
            names.get(each.nodeid, each.nodeid), each.round, each.outcome, each.at_s,
            message=o.AS_WORKER if each.nodeid in skipped and each.outcome == o.SKIPPED else "",
        )
        for one in rounds
        for each in one.attempts
    ]  # fmt: skip
    return processes(attempts, selected)


def _names(rounds: Sequence[Round]) -> Dict[str, str]:
    """Give the planned id of each test that ran under another."""
    answers = (each.answer.get("names") for each in rounds)
    return {str(ran): str(planned) for names in answers if isinstance(names, dict) for ran, planned in names.items()}


def _failures_of(rounds: Sequence[Round]) -> Dict[str, str]:
    names = _names(rounds)
    return {
        names.get(fate.nodeid, fate.nodeid): _message(fate.attempts) or KILLED
        for fate in o.fates(rounds)
        if fate.outcome in o.RED
    }


def _message(attempts: Iterable[Attempt]) -> str:
    return next((each.message for each in attempts if each.message and each.outcome in o.RED), "")


def failures_of(result: Receipt) -> Dict[str, str]:
    """Name what is red in a result: tests that failed, what went wrong outside them, and budgets that were not kept.

    A test that did not come to run is no failure.
    """
    tests = {test.nodeid: test.why for test in result.tests if test.proven in o.RED and test.outcome != o.NOT_RUN}
    errors = {error.name: error.message for error in result.errors}
    return {**tests, **errors, **{f"{each.service}: budget {each.budget}": each.text for each in result.breaches}}


# Comparing ----------------------------------------------------------------------------------------------


class Comparison(NamedTuple):
    """What came of a replay: the failures that came again, those that did not, and others that are new."""

    again: Ids
    gone: Ids
    new: Ids

    @property
    def text(self) -> str:
        """Say it in a line."""
        more = f"; {counted(len(self.new), 'other failure')}" if self.new else ""
        count = len(self.again) + len(self.gone)
        if not count:
            return f"nothing was red there{more}" if more else "green, as it was there"
        if not self.again:
            what = "the failure" if count == 1 else f"none of {count} failures"
            return f"not reproduced: {what} {'did not come' if count == 1 else 'came'} again{more}"
        word = "reproduced" if not self.gone else "reproduced in part"
        return f"{word}: {len(self.again)} of {counted(count, 'failure')} came again{more}"


def compare(there: Mapping[str, str], here: Mapping[str, str]) -> Comparison:
    """Compare what was red with what is red here.

    >>> compare({"a": "", "b": ""}, {"b": "", "c": ""})
    Comparison(again=('b',), gone=('a',), new=('c',))
    """
    again = tuple(name for name in there if name in here)
    gone = tuple(name for name in there if name not in here)
    return Comparison(again, gone, tuple(name for name in here if name not in there))


# Arguments ----------------------------------------------------------------------------------------------


def sorted_out(words: Sequence[str], trusted: bool = False) -> Tuple[List[str], List[str]]:
    """Part the recorded arguments from those that a person has to give again, which are named by their options.

    Those are the ones whose values were taken out as they may be secrets; and those that lead out of the project, or
    name a folder that pytest empties: a bundle may come from a stranger.

    Args:
        trusted: the arguments were typed here.

    >>> sorted_out(["-k", "sad", "--password", "(secret-3fa9c1)", "--token=(not shown)", "--basetemp=/home/me"])
    (['-k', 'sad'], ['--password', '--token', '--basetemp'])
    """
    kept: List[str] = []
    asked: List[str] = []
    for before, word in zip(["", *words], words):
        if not HIDDEN.search(word) and (trusted or not _leads_out(before, word)):
            kept.append(word)
        elif before.startswith("-") and "=" not in before and not word.startswith("-"):
            asked.append(before)
            if kept and kept[-1] == before:
                kept.pop()
        else:
            asked.append(word.partition("=")[0])
    return kept, list(dict.fromkeys(asked))


def _leads_out(before: str, word: str) -> bool:
    is_value = word.startswith("-") or (before.startswith("-") and "=" not in before)
    place = word if is_value else word.partition("::")[0]  # the name of a test may hold anything
    return "--basetemp" in (before, word.partition("=")[0]) or bool(_OUTSIDE.search(place))


def lacking(words: Sequence[str], given: Sequence[str], trusted: bool = False) -> List[str]:
    """Name the options that have to be given again, and are not; arguments as in `sorted_out`."""
    names = {word.partition("=")[0] for word in given}
    return [name for name in sorted_out(words, trusted)[1] if name not in names]


# What differs -------------------------------------------------------------------------------------------

Fact = Tuple[str, str]  # the name of a row, and what it says


class Row(NamedTuple):
    """One thing that was compared: what it was there, and what it is here; empty for not known."""

    name: str
    there: str
    here: str

    @property
    def same(self) -> bool:
        """Whether both are known and the same."""
        return self.there == self.here


def facts(contents: Contents) -> Dict[str, str]:
    """Put what a bundle says of a machine and a project into texts, by what they are about.

    Both sides of a comparison are made by this, from files of the same form.
    """
    parts = (_of_machine, _of_commit, _of_ci, _of_weights, _of_packages)
    return dict(fact for part in parts for fact in part(contents))


def _of_machine(contents: Contents) -> Iterator[Fact]:
    machine = _json(contents, "machine.json")
    memory = machine.get("memory")
    if machine:
        yield "Python", str(machine.get("python", "")).partition(" ")[0]
        yield "system", str(machine.get("system", ""))
        total = memory.get("total") if isinstance(memory, dict) else 0
        yield "machine", f"{machine.get('cpus')} processors, {_whole(total) / 1e9:.0f} GB"
        gpu = contents.get("gpu.txt", b"none").decode("utf-8", "replace").splitlines()
        yield "GPU", "; ".join(", ".join(line.split(", ")[:3]) for line in gpu if line.strip())[:200]


def _of_commit(contents: Contents) -> Iterator[Fact]:
    commit = _json(contents, "commit.json")
    if commit:
        yield "commit", str(commit.get("commit", ""))[:12]
        yield "changed files", ", ".join(changed_files(contents) or ()) or "none"


def _of_ci(contents: Contents) -> Iterator[Fact]:
    """Name the variables of a CI, which suites may read; what they say is another in each job."""
    told = _json(contents, "ci.json")
    if told:
        yield "variables of a CI", ", ".join(sorted(map(str, told)))


def changed_files(contents: Contents) -> Optional[List[str]]:
    """Name the files that differed from the commit, each after how: "M app.py"; None where that is not known."""
    changed = _json(contents, "commit.json").get("changed")
    return [str(name) for name in changed] if isinstance(changed, list) else None


def _of_packages(contents: Contents) -> Iterator[Fact]:
    """Name each package once, by its version; several versions by whose they are: "1 of suite; 2 of service"."""
    versions: Dict[str, Dict[str, List[str]]] = {}
    for name in sorted((name for name in contents if name.startswith("packages/")), key=_by_owner):
        owner = name[len("packages/") : -len(".txt")]
        for line in contents[name].decode("utf-8", "replace").splitlines():
            package, equals, version = line.partition("==")
            if equals and not line.startswith("#"):
                versions.setdefault(package, {}).setdefault(version, []).append(owner)
    for package, owners in versions.items():
        yield (
            f"package {package}",
            "; ".join(
                f"{version} of {', '.join(of)}" if len(owners) > 1 else version for version, of in owners.items()
            ),
        )


def _by_owner(name: str) -> Tuple[bool, str]:
    """Put the pipeline's own packages last."""
    return name == "packages/pipeline.txt", name


def _of_weights(contents: Contents) -> Iterator[Fact]:
    found = _json(contents, "weights.json").get("files")
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield f"weights {each.get('path')}", f"sha256 {str(each.get('sha256'))[:12]}"


def settings_of(contents: Contents) -> Dict[str, str]:
    """Name each value of the settings by its dotted key; places and what was only typed do not count."""
    data = _json(contents, "settings.json")
    typed = ("file", "reports_directory", "addressed", "lines")
    with suppress(RecursionError):
        return dict(_flat({name: value for name, value in data.items() if name not in typed}, "setting "))
    return {}


def _flat(value: Any, name: str) -> Iterator[Fact]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _flat(part, f"{name}{'.' if name[-1:] != ' ' else ''}{key}")
    elif isinstance(value, list) and any(isinstance(part, (dict, list)) for part in value):
        for number, part in enumerate(value):
            yield from _flat(part, f"{name}[{number}]")
    elif value not in (None, [], {}):  # what an older version did not know of is as good as empty
        yield name, str(value)


def rows(there: Mapping[str, str], here: Mapping[str, str]) -> List[Row]:
    """Lay two sets of facts beside each other, in the order of the first; a hidden value compares with none.

    >>> rows({"Python": "3.8.1"}, {"Python": "3.11.2", "GPU": "none"})
    [Row(name='Python', there='3.8.1', here='3.11.2'), Row(name='GPU', there='', here='none')]
    """
    names = dict.fromkeys([*there, *here])
    return [Row(name, there.get(name, ""), here.get(name, "")) for name in names]
