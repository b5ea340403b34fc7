"""What tests kept, sound above all: which files the page holds itself, and which it only links to."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from contextlib import suppress
from itertools import accumulate
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ...system import files
from ..record import Artifact, RunRecord, ShardRecord

SOUND = {".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav"}
VERDICTS, GOLDEN = ".audio.json", ".golden."  # in the names of what `audio.speech.check` keeps beside a recording
TEXT = (".json", ".txt", ".log")
MOST_SOUND_BYTES = 6_000_000  # of all together; a third more in the page, as base64
MOST_TEXT_BYTES = 20_000  # of one file
MOST_TEXTS = 100
REQUESTS = "requests"  # below artifacts/: a folder for each failed test that asked
FOLDER_CHARACTERS = 80
TICK_S = 0.01  # so much earlier than it was written may a file seem to be: a disk's clock is that of the kernel's ticks

Contents = Mapping[str, bytes]  # by the name below the reports folder: "shard-0/artifacts/hello.wav"


class Kept(NamedTuple):
    """A file that a test kept.

    Args:
        path: below the reports folder.
        test: the id of the test; empty where that is not known.
        content: where the page holds it.
    """

    path: str
    name: str
    size_bytes: int
    test: str = ""
    content: Optional[bytes] = None

    @property
    def is_exchange(self) -> bool:
        """Tell whether it is what was sent, or came, in a request."""
        return self.name.startswith(f"{REQUESTS}/")

    @property
    def is_golden(self) -> bool:
        """Tell whether it is what a recording was compared with."""
        return GOLDEN in self.name and bool(self.kind)

    @property
    def are_verdicts(self) -> bool:
        """Tell whether it is what was measured of a recording."""
        return self.name.endswith(VERDICTS)

    @property
    def kind(self) -> str:
        """Give the media type of a sound; empty for other files."""
        return SOUND.get(_suffix(self.name), "")


def read(record: RunRecord, red: Sequence[str], most_bytes: int = MOST_SOUND_BYTES) -> Dict[str, bytes]:
    """Read the files that the page shall hold: first those of red tests, then the smallest; of sound up to so much."""
    found: Dict[str, bytes] = {}
    wanted = set(red)
    mine = [(shard, artifact, each) for shard in record.shards for artifact, each in _of_shard(shard, {})]
    texts = 0
    left_bytes = most_bytes
    for shard, artifact, each in sorted(mine, key=lambda one: (one[2].test not in wanted, one[2].size_bytes)):
        is_text = _suffix(each.name) in TEXT and each.size_bytes <= MOST_TEXT_BYTES and each.test in wanted
        if not (each.kind and each.size_bytes <= left_bytes) and not (is_text and texts < MOST_TEXTS):
            continue
        with suppress(OSError):
            found[each.path] = files.read_bytes(shard.folder / artifact.name, each.size_bytes)
            left_bytes -= each.size_bytes if each.kind else 0
            texts += is_text
    return found


def of_shard(shard: ShardRecord, contents: Contents, tests: Sequence[str]) -> List[Kept]:
    """List what the tests of a shard kept."""
    return [each for _, each in _of_shard(shard, contents, tests)]


def _of_shard(
    shard: ShardRecord, contents: Contents, tests: Optional[Sequence[str]] = None
) -> Iterator[Tuple[Artifact, Kept]]:
    nodeids = (_tests_of(shard) if tests is None else tests) if shard.artifacts else ()
    folders = {folder_of(nodeid): nodeid for nodeid in nodeids}
    names: Dict[str, str] = {}
    for nodeid in nodeids:
        name = _as_file(nodeid)
        names[name] = "" if name in names else nodeid  # of tests of one name, nobody knows whose it is
    times = _Times(shard)
    for artifact in shard.artifacts:
        path = f"{shard.folder.name}/{artifact.name}"
        test = artifact.test or _asker(artifact.name, folders) or owner_of(artifact.name, names)
        test = test or times.only_one_at(artifact.changed_s)
        name = artifact.name.rpartition("artifacts/")[2]
        yield artifact, Kept(path, name, artifact.size_bytes, test, contents.get(path))


class _Times:
    """When each test of a shard ran, as far as its journal was read."""

    def __init__(self, shard: ShardRecord) -> None:
        named = {test.ran_as: test.nodeid for test in shard.result.tests if test.ran_as} if shard.result else {}
        ran = sorted(
            (told.started + each.at_s, told.started + each.at_s + each.seconds, named.get(each.nodeid, each.nodeid))
            for told in (shard.rounds if shard.artifacts else ())
            for each in told.attempts
        )
        self._began_s, self._ended_s = [began for began, _, _ in ran], [ended for _, ended, _ in ran]
        self._tests = [test for _, _, test in ran]
        self._before_s = [0.0, *accumulate(self._ended_s, max)]  # when the last of all earlier ones ended

    def only_one_at(self, second: float) -> str:
        """Name the test that ran alone then, so that what was written then is its own; empty where none did."""
        place = bisect_right(self._began_s, second + TICK_S) - 1
        is_alone = place >= 0 and self._before_s[place] < second <= self._ended_s[place]
        return self._tests[place] if is_alone else ""


def _tests_of(shard: ShardRecord) -> List[str]:
    if shard.result:
        return [test.nodeid for test in shard.result.tests]
    return list(dict.fromkeys(attempt.nodeid for told in shard.rounds for attempt in told.attempts))


def _asker(name: str, folders: Mapping[str, str]) -> str:
    """Find the test whose requests lie in this folder; that of a further attempt ends with its number."""
    parts = name.split("/")
    if parts[1:2] != [REQUESTS] or len(parts) < 4:
        return ""
    return folders.get(parts[2]) or folders.get(re.sub(r"\.\d+$", "", parts[2]), "")


def folder_of(nodeid: str) -> str:
    """Name the folder in which the plugin keeps what a failed test asked, as its request_evidence.py does."""
    plain = re.sub(r"[^\w.-]+", "-", re.sub(r"::", "-", nodeid), flags=re.ASCII)
    if len(plain) <= FOLDER_CHARACTERS and re.fullmatch(r"[\w./:-]+", nodeid, re.ASCII):
        return plain
    digest = hashlib.sha256(nodeid.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{plain[:FOLDER_CHARACTERS]}-{digest}"


def owner_of(name: str, names: Mapping[str, str]) -> str:
    """Find the test after which a file was named, in letters that every disk takes; empty where none was.

    >>> owner_of("artifacts/test_say-0-8-1f2e.wav", {"test_say-0-8": "a.py::test_say[0.8]", "test_say": "a.py::it"})
    'a.py::test_say[0.8]'
    """
    words = _letters(re.sub(r"\.\w+$", "", name.rpartition("/")[2])).split("-")
    for count in range(len(words), 0, -1):
        test = names.get("-".join(words[:count]))
        if test:
            return test
    return ""


def _as_file(nodeid: str) -> str:
    """Write a test's own name, without file and class, as files are named after it."""
    path, bracket, parameters = nodeid.partition("[")
    return _letters(path.rpartition("::")[2] + bracket + parameters)


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""
