"""Answer what the pytest plugin of a round asks: which tests there are for it, which come next, whether to stop.

1. {"ids": [...], "groups": [...]}, once, when the suite is collected: the ids in collection order (an id that several
   tests share is there several times), and which of them the suite wants together, each group with "name", "why" and
   "tests", ranges [first, last] of places. "params", where there are some, has for each combination of parameters of
   shared fixtures those that outlive files ("wide"), others ("narrow") and its "tests". "loop", where it is there,
   names a plugin that may run the tests in a way of its own: then each shard runs what the plan gives it, since all
   have the same suite. The answer is what `selection.answer` says; with "by_piece" its "select" has all tests, of which
   this process gets some, and with "fail_fast" each end of a test is to be told.
2. {"next": {"patience_s": 0.3, "after": ""}}, only by piece; "after" is the name of the piece that came last, if any:
   {"piece": {"name", "ids"}}, {"end": "" or why}, or {"wait": true}: there is none yet, ask again.
3. {"ended": id, "red": bool}, only with fail_fast: {"stop": "" to go on, or why not}.

What goes wrong is an {"error": "one line"}.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ..console import say
from ..distribution.store import StoreError
from ..planning import together
from ..planning.params import heard
from ..planning.together import Group
from . import selection as selecting
from .claims import Claims, unshared
from .selection import Selection


def answers(
    selection: Selection, as_listed: bool = False, claims: Optional[Claims] = None
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Make the function that answers the questions of one round.

    Args:
        as_listed: run the ids of the selection in its order, whatever plan there is.
        claims: of the shard, where tests are shared out while they run.
    """

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if "ids" in question:
            if as_listed:
                return _as_listed(selection, question["ids"])
            loop = str(question.get("loop", ""))
            if claims and loop:
                claims.unshared = f"{loop} runs the tests in a way of its own"
                say(f"{claims.unshared}: {claims.UNSHARED}")
            return _collected(selection, question, None if loop else claims)
        if claims and claims.is_on and "next" in question:
            asked = question["next"]
            return claims.next(float(asked.get("patience_s", 0.0)), str(asked.get("after", "")))
        if claims and claims.is_on and "ended" in question:
            return claims.ended(str(question["ended"]), question.get("red") is True)
        raise ValueError(f"nobody can be asked this: {', '.join(sorted(question))}")

    return answer


def _as_listed(selection: Selection, collected: Sequence[str]) -> Dict[str, Any]:
    there = set(collected)
    return {"select": [nodeid for nodeid in selection.ids or () if nodeid in there], "ordered": True}


def _collected(selection: Selection, question: Mapping[str, Any], claims: Optional[Claims]) -> Dict[str, Any]:
    collected, groups = question["ids"], groups_in(question)
    if claims is None or selection.ids is not None:
        return selecting.answer(selection, collected, groups)
    try:
        params = heard(collected, question.get("params", ()))
        told, pieces, suite = selecting.shared_out(selection, collected, groups, claims.agreed, params)
        if pieces:
            claims.offer(told["plan"], pieces, suite.there, suite.names)
            return {**told, "fail_fast": claims.fail_fast}
    except StoreError as error:
        if claims.is_on:
            raise
        claims.unshared = error.message
        say(unshared(error))
    return selecting.answer(selection, collected, groups)


def groups_in(asked: Mapping[str, Any]) -> List[Group]:
    """Name the tests that the suite wants together, of a question of the plugin."""
    return list(together.heard(asked["ids"], ((each["name"], each["why"], each["tests"]) for each in asked["groups"])))
