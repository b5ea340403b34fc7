"""Run a part of the suite: the tests that a file lists, or those that failed last. It is sharded as the whole is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Collection, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import counted, say
from ..errors import PipelineError, SettingsError, SuiteError
from ..planning.together import Group
from ..proof.company import joined
from ..proof.outcomes import RED
from ..proof.receipt import shown
from ..system import shared_file
from ..system.files import read_bytes, read_json

if TYPE_CHECKING:  # `selection` imports this module in each round, and needs no settings
    from ..settings import Settings

FAILED = "last-failed.json"
RERUN, RERUN_FAILED = "rerun.json", "--rerun-failed"  # see `rerun`, which says when it is heeded
SCHEMA = 1
_SHOWN = 5


class Part(NamedTuple):
    """A file that lists tests. `strict`: an entry that names no test is a mistake."""

    file: Path
    strict: bool


def take(settings: Settings, arguments: Sequence[str]) -> Tuple[Optional[Part], List[str]]:
    """Take `--tests FILE`, `--last-failed` or `--rerun-failed` out of the arguments; the others are left for pytest.

    Raises:
        SettingsError: there is no such file, or more than one.
        SuiteError: it lists nothing.
    """
    options, rest = _parsed(arguments)
    if options.rerun_failed:
        return Part(_existing(str(settings.state / RERUN)), strict=True), rest
    if options.tests is not None:
        return Part(_existing(*options.tests), strict=True), rest
    failed = settings.state / FAILED
    if options.last_failed and failed.exists() and entries(failed):
        return Part(failed.resolve(), strict=False), rest
    return None, rest


def without(arguments: Sequence[str]) -> List[str]:
    """Leave out what chooses a part of the suite by a file, where the tests are known one by one."""
    return _parsed(arguments)[1]


def _parsed(arguments: Sequence[str]) -> Tuple[argparse.Namespace, List[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tests", nargs="?", const="", action="append")
    parser.add_argument("--last-failed", action="store_true")
    parser.add_argument(RERUN_FAILED, action="store_true")
    return parser.parse_known_args(list(arguments))


def _existing(name: str, *more: str) -> Path:
    hint = "It lists a test, class, file or folder a line, as pytest names them."
    if more or not name or not Path(name).is_file():
        raise SettingsError(f"--tests: expected a file, got {' and '.join(map(repr, (name, *more)))}", hint)
    file = Path(name).resolve()
    if not entries(file):  # neither "nothing to do, all is well" nor "run everything"
        raise SuiteError(f"--tests: {file} lists no test", hint)
    return file


def entries(file: Path) -> List[str]:
    """Read what a file lists: a JSON list, or an object with such a list as "tests", or else an entry a line.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        text = read_bytes(file).decode("utf-8-sig")  # editors on Windows put a mark before it
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--tests: cannot read {file}: {error}") from error
    return parsed(text)


def parsed(text: str) -> List[str]:
    """Take the entries of a text, once each; lines that are empty or begin with # say nothing.

    >>> parsed("# why\\na.py::test_b\\n\\n a.py::C \\n"), parsed('["a.py::test_b[1\\\\n2]"]')
    (['a.py::test_b', 'a.py::C'], ['a.py::test_b[1\\n2]'])
    """
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = [line.strip() for line in text.split("\n") if not line.lstrip().startswith("#")]
    listed = listed.get("tests") if isinstance(listed, dict) else listed
    found = listed if isinstance(listed, list) else []
    return [entry for entry in dict.fromkeys(found) if isinstance(entry, str) and entry]


def chosen(collected: Sequence[str], wanted: Iterable[str]) -> Tuple[List[str], List[str]]:
    """Choose by entries: (the collected ids that they name, the entries that name none).

    An entry names a test, all parameters of a function, a class, a file, or a folder.

    >>> chosen(["t/a.py::x[1]", "t/a.py::x[2]", "t/b.py::y"], ["t/a.py::x", "t/b.py::z"])
    (['t/a.py::x[1]', 't/a.py::x[2]'], ['t/b.py::z'])
    """
    names = {nodeid: _names(nodeid) for nodeid in dict.fromkeys(collected)}
    entry_of = {entry.rstrip("/"): entry for entry in wanted}
    matched = {name for nodeid in names for name in names[nodeid] if name in entry_of}
    taken = [nodeid for nodeid in collected if not matched.isdisjoint(names[nodeid])]
    return taken, [entry for name, entry in entry_of.items() if name not in matched]


def _names(nodeid: str) -> List[str]:
    """List all that names a test: itself, also as we print it, its function, classes, file and folders."""
    file, *names = nodeid.partition("[")[0].split("::")
    folders = file.split("/")
    within = ["::".join([file, *names[:count]]) for count in range(1, len(names) + 1)]
    return [nodeid, shown(nodeid), *within, *("/".join(folders[:count]) for count in range(1, len(folders) + 1))]


def of(part: Optional[Part], collected: Sequence[str], groups: Iterable[Group] = ()) -> List[str]:
    """Choose the collected ids that belong to a part; all where there is none.

    What failed runs with the tests that it stays together with: alone, a step skips, and would pass for healed.

    Args:
        groups: what stays together.

    Raises:
        SettingsError: an entry names no test, and nothing else of that name may be left out silently.
    """
    if part is None:
        return list(collected)
    taken, unknown = chosen(collected, entries(part.file))
    if unknown and part.strict:
        few = "\n".join(f"  {shown(entry)}" for entry in unknown[:_SHOWN])
        what = f"no test is collected for {len(unknown)} of the entries in {part.file}, such as:"
        hint = (
            "Ids are as pytest --collect-only -q shows them. -k, -m and paths beside --tests leave out what it lists."
        )
        raise SettingsError(f"{what}\n{few}", hint)
    if not part.strict and taken:
        due = set(joined(taken, [group.nodeids for group in groups]))
        return [nodeid for nodeid in collected if nodeid in due]
    return taken if taken or part.strict else list(collected)  # what failed is there no more


def announce(part: Optional[Part], arguments: Sequence[str]) -> None:
    """Say what --last-failed finds: how many tests, or that none failed."""
    if part and not part.strict:
        say(f"only what failed in the last run here: {counted(len(entries(part.file)), 'test')}")
    elif not part and "--last-failed" in arguments:
        say("no test failed in the last run here: all are run")


def remember(settings: Settings, outcomes: Mapping[str, str], whole: bool) -> None:
    """Keep which tests are red, for `--last-failed`.

    Args:
        outcomes: by id, of what ran.
        whole: that was all there is: what failed before, and did not run, is there no more.
    """

    def text(known: Optional[List[str]]) -> str:
        red = still_red([] if whole else known or [], outcomes)
        return json.dumps({"schema": SCHEMA, "tests": red}, indent=1) + "\n"

    shared_file.update(settings.state / FAILED, _last_failed, text)


def _last_failed(file: Path) -> List[str]:
    """Read what failed last.

    Raises:
        PipelineError: the file cannot be used.
    """
    tests = read_json(file, SCHEMA, "").get("tests")
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        raise PipelineError(f'{file}: expected a list of ids as "tests"')
    return tests


def still_red(known: Collection[str], outcomes: Mapping[str, str]) -> List[str]:
    """List the ids that are red now, and those that were and have not run since.

    >>> still_red(["a", "b"], {"b": "passed", "c": "failed"})
    ['a', 'c']
    """
    waiting = [nodeid for nodeid in known if nodeid not in outcomes]
    return [*waiting, *(nodeid for nodeid, outcome in outcomes.items() if outcome in RED)]
