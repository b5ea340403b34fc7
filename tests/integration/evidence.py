"""What a failed test leaves to look into: the requests that it sent, and the answers, sound as sound.

Every request is noted while the tests run. Where one fails, its own are kept in the folder SHARDLINE_ARTIFACTS;
where it sent none, for what it looks at was asked before, those of its file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections import deque
from pathlib import Path
from typing import Deque, List, Mapping, NamedTuple, Sequence, Tuple

REMEMBERED = 100  # requests of late; each with an answer of some 100 kB
KEPT = 20  # of one failed test, the latest
NAME_CHARACTERS = 100  # of a test's id in a file's name, which may have 255
TEXT_BYTES = 100_000  # of a request, and of an answer that is no sound


class Exchange(NamedTuple):
    """A request and its answer; `problem` says why there is none."""

    method: str
    path: str
    sent: bytes = b""
    status: int = 0
    content_type: str = ""
    body: bytes = b""
    seconds: float = 0.0
    problem: str = ""

    @property
    def is_sound(self) -> bool:
        """Tell whether the answer is sound, or is said to be."""
        return bool(self.body) and (self.content_type.startswith("audio/") or self.body.startswith(b"RIFF"))


_noted: Deque[Tuple[str, Exchange]] = deque(maxlen=REMEMBERED)


def note(exchange: Exchange) -> None:
    """Remember what the test that runs sent and got."""
    _noted.append((running_test(), exchange))


def running_test() -> str:
    """Name the test that runs, by pytest's own word."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def keep_all(nodeid: str) -> List[str]:
    """Keep what a failed test sent and got, else what its file did; the files' names, or why there is none."""
    noted = list(_noted)  # a thread of the test may still ask
    own = [exchange for test, exchange in noted if test == nodeid]
    file = nodeid.partition("::")[0]
    of_file = [exchange for test, exchange in noted if test.partition("::")[0] == file]
    latest = (own or of_file)[-KEPT:]
    return list(dict.fromkeys(keep(exchange, nodeid) for exchange in latest)) if folder() else []


def folder() -> str:
    """Name the folder for evidence, or ''."""
    return os.environ.get("SHARDLINE_ARTIFACTS", "")


def keep(exchange: Exchange, nodeid: str) -> str:
    """Save the exchange: where its sound is, else its text, or why it is not kept.

    That something cannot be written never hides why the test failed.
    """
    if not folder():
        return "not kept; set SHARDLINE_ARTIFACTS to a folder to keep it"
    place = Path(folder()) / name_of(exchange, nodeid)
    sound, text = place.with_name(place.name + ".wav"), place.with_name(place.name + ".json")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(as_text(exchange, nodeid), encoding="utf-8")
        if exchange.is_sound:
            sound.write_bytes(exchange.body)
    except OSError as error:
        return f"not kept: {error}"
    return str(sound if exchange.is_sound else text)


def keep_text(name: str, lists: Mapping[str, Sequence[str]]) -> None:
    """Save lists under their titles, where there is a folder for evidence, and anything to save."""
    if folder() and lists:
        text = "\n".join(f"{title}\n" + "".join(f"  {each}\n" for each in found) for title, found in lists.items())
        with contextlib.suppress(OSError):
            Path(folder()).mkdir(parents=True, exist_ok=True)
            (Path(folder()) / name).write_text(text, encoding="utf-8")


def name_of(exchange: Exchange, nodeid: str) -> str:
    """Name the files after the test, in letters that every disk takes, and apart from all others by a digest."""
    path, bracket, parameters = nodeid.partition("[")  # parameters may have slashes, too
    test = re.sub(r"[^A-Za-z0-9_]+", "-", path.rpartition("/")[2] + bracket + parameters).strip("-")
    digest = hashlib.sha256(repr((nodeid, exchange[:6])).encode("utf-8", "backslashreplace")).hexdigest()
    return f"{test[:NAME_CHARACTERS]}-{digest[:12]}"


def as_text(exchange: Exchange, nodeid: str) -> str:
    """Write the exchange down for a person, and for whoever sends it again."""
    answer = "" if exchange.is_sound else exchange.body[:TEXT_BYTES].decode("utf-8", "backslashreplace")
    told = {
        "test": nodeid,
        "request": f"{exchange.method} {exchange.path}",
        "sent": exchange.sent[:TEXT_BYTES].decode("utf-8", "backslashreplace"),
        "sent_bytes": len(exchange.sent),
        "status": exchange.status,
        "content_type": exchange.content_type,
        "answer": answer,
        "answer_bytes": len(exchange.body),
        "seconds": round(exchange.seconds, 3),
        "problem": exchange.problem,
    }
    # Half a surrogate pair, which a test sends on purpose, is no UTF-8.
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
