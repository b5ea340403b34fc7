from __future__ import annotations

import json
from typing import List, Tuple

from scripts.isolation.trials import Ran, Result, Run, Trial, facts, from_json, to_json
from scripts.proof.outcomes import Touch

SERIAL = {"a": "passed", "b": "passed", "c": "skipped"}
PLACE = {"a": 0, "b": 1, "c": 2}


def told(*tests: Tuple[str, str]) -> Result:
    return Result((Run(0, tuple(Ran(*test) for test in tests), {}, {}),), 1.0, 1.0)


def test_a_fact_says_how_a_test_ended_behind_which_others() -> None:
    found = facts(1, Trial("", (("a", "c"),)), told(("a", "failed"), ("c", "skipped")), SERIAL, PLACE)

    assert [("a", set(), False), ("c", {"a"}, True)] == [(f.nodeid, set(f.before), f.as_serial) for f in found]


def test_a_fact_says_whether_a_shard_could_have_that_order() -> None:
    def ordered(*ids: str) -> List[bool]:
        result = told(*((nodeid, "passed") for nodeid in ids))
        return [fact.ordered for fact in facts(1, Trial("", (ids,)), result, SERIAL, PLACE)]

    assert [True, True, True] == ordered("a", "b", "c")
    assert [True, False, True] == ordered("b", "a", "c")


def test_a_trial_is_known_by_what_it_does_and_not_by_what_it_is_for() -> None:
    assert Trial("why", (("a",),)).digest == Trial("other", (("a",),)).digest
    assert (
        len({Trial("", (("a",),)).digest, Trial("", (("b",),)).digest, Trial("", (("a",),), repetition=1).digest}) == 3
    )


def test_a_result_is_read_as_it_was_written() -> None:
    fixture = ("module", "a.py", "server")
    touches = {"a": (Touch("port", "80", fixture), Touch("made", "/x"))}
    result = Result((Run(1, (Ran("a", "passed", 1.5, 2.0),), touches, {fixture: ("a", "b")}),), 3.0, 2.0)

    assert result == from_json(json.loads(json.dumps(to_json(result))))
