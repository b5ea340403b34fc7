"""Who says the verdict of a run without a job for it: the last of its shards to end, over the store that all reach.

Each shard leaves its result there, without the text of tests, and then looks at what the others left. Who comes last
sees all: of two shards, the one that looks later looks after both have left theirs. So where every shard ends well, one
of them has said a green verdict. What is left is of all attempts at the run: a shard that ran again replaces its
result, and one that was red before is waited for.
"""

from __future__ import annotations

import json
import shutil
import uuid
from typing import Any, Dict, Mapping, NamedTuple, Sequence

from ..distribution.store import Store, StoreError
from ..errors import SuiteError
from ..proof import receipt, results, shared_out, stripped
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import files
from . import shard

FOLDER = "receipts"


class Left(NamedTuple):
    """What a shard left: in which attempt at the run, whether it ended well by itself, and its result."""

    attempt: str
    is_green: bool
    result: Receipt


def leave(store: Store, left: Left) -> None:
    """Leave the result of a shard, in place of what it left in an earlier attempt.

    Raises:
        StoreError: it cannot be written.
    """
    word = stripped.packed(stripped.stripped(left.result))
    said = {"attempt": left.attempt, "green": left.is_green, "result": word}
    store.put(f"{FOLDER}/{left.result.index}", json.dumps(said))


def look(store: Store, total: int) -> Dict[int, Left]:
    """Read what the shards of a run left, by index. Each is asked for: a list may be late.

    Raises:
        StoreError: the store cannot be asked, or what is there is no result of this run.
    """
    said = {index: store.get(f"{FOLDER}/{index}") for index in range(total)}
    return {index: _read(store, index, total, text) for index, text in said.items() if text is not None}


def _read(store: Store, index: int, total: int, text: str) -> Left:
    try:
        data: Any = files.parse_json(text.encode("utf-8"))
        left = Left(str(data["attempt"]), data["green"] is True, stripped.unpacked(str(data["result"])))
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise StoreError(f"{store.where}: {FOLDER}/{index} is no result of a shard: {error}") from error
    if (left.result.index, left.result.total) != (index, total):
        raise StoreError(f"{store.where}: {FOLDER}/{index} is the result of {left.result.name}")
    return left


def still_out(left: Mapping[int, Left], attempt: str, total: int) -> Sequence[int]:
    """Name the shards that have to leave a result, or another one, before a verdict can be said; none for the last.

    One that left none in this attempt need not where it was green before; or, where tests are shared out, where the
    others say that they ran what was its.
    """
    there = [each.result for each in left.values() if each.attempt == attempt or each.is_green]
    out = [index for index in range(total) if index not in {result.index for result in there}]
    may_lack = shared_out.covers(there) if out else True
    replaced = may_lack and all(shared_out.is_replaced(index, there, {}, None) for index in out)
    return [] if replaced else out


def is_ours(store: Store, left: Mapping[int, Left]) -> bool:
    """Tell whether the verdict of these very results is ours to say: nobody else was first to say so.

    Raises:
        StoreError: the store cannot be asked.
    """
    mark = receipt.digest(receipt.fingerprint(each.result) for each in left.values())
    word = uuid.uuid4().hex
    return store.claim(f"merge/{mark[:16]}", word) == word


def lay_out(settings: Settings, left: Mapping[int, Left]) -> None:
    """Write the results of the others where a merge looks for them; those that are here in full stay.

    Those of other runs are taken away: they would be of this one to the merge.

    Raises:
        PipelineError: they cannot be written.
    """
    runs = {each.result.run_id for each in left.values()}
    for result in results.gather(settings.reports).receipts:
        if result.run_id not in runs:
            name = f"repair-{result.index}" if result.repairs else f"shard-{result.index}"
            shutil.rmtree(str(settings.reports / name), ignore_errors=True)
    for index, each in left.items():
        folder = settings.reports / f"shard-{index}"
        try:
            here = receipt.read(folder / receipt.FILE_NAME)
        except SuiteError:
            here = None
        if here is None or here.start != each.result.start:
            receipt.write(shard.fresh(folder) / receipt.FILE_NAME, each.result)
