"""How a step ended, and the file that says it: whoever closes a step writes it, whoever tells of a run reads it.

Every step imports this to close, so it needs little.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple

from ..errors import PipelineError
from ..system import files

FILE_NAME, SCHEMA = "ending.json", 1


class Ending(NamedTuple):
    """How a step ended, as it wrote that down at its end: `ending.json` of the reports, or of a shard's folder.

    Args:
        step: "integration", "shard", "merge" and so on.
        ended: the word of its last line: "green", "service died", "interrupted", "crashed".
        exit_code: of the step, or, where its verdict is deferred, of that; 70 for a mistake of ours.
        kind: the class of its error, such as "ServiceDied"; empty where it ended without one.
        message, hint: of the error, as they were shown.
        traceback: of a mistake of ours; else empty.
        at_s: when, in seconds since 1970.
        earlier: names of what lies beside it and is of an earlier run: this one ended before it took that away.
    """

    step: str
    ended: str
    exit_code: int = 0
    kind: str = ""
    message: str = ""
    hint: str = ""
    traceback: str = ""
    at_s: float = 0.0
    earlier: Tuple[str, ...] = ()


def write(folder: Path, ending: Ending) -> None:
    """Write how a step ended; a reader sees all of it or none.

    Raises:
        PipelineError: it cannot be written.
    """
    files.write_text(folder / FILE_NAME, f"{json.dumps({'schema': SCHEMA, **ending._asdict()}, indent=1)}\n")


def read(folder: Path) -> Optional[Ending]:
    """Read how a step ended that wrote it down in this folder; None where none did."""
    with suppress(PipelineError, TypeError, ValueError):
        data = files.read_json(folder / FILE_NAME, SCHEMA, "")
        kinds: Mapping[str, Callable[[Any], Any]] = {"exit_code": int, "at_s": float, "earlier": names}
        facts = {name: kinds.get(name, str)(data[name]) for name in Ending._fields if name in data}
        return Ending(**facts)
    return None


def names(data: Any) -> Tuple[str, ...]:
    """Read the names that an ending gives of what is earlier."""
    return tuple(map(str, data)) if isinstance(data, list) else ()
