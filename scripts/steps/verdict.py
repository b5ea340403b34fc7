"""Fail where a shard did: what CI runs after it has kept the shard's result, `nox -s verdict`."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Optional, Sequence

from .. import ci
from ..ci import Node
from ..console import say
from ..distribution import opening
from ..distribution.store import Store, StoreError
from ..errors import Deferred, IncompleteError, PipelineError, SettingsError, service_error
from ..evidence import ending
from ..proof import receipt, report_text
from ..proof.receipt import Receipt
from ..runner import claims, collection, hygiene, shard
from ..runner.pytest_arguments import nothing_ran, nothing_selected
from ..runner.service_session import logs_of
from ..runner.watching import over_budget, unjudged
from ..settings import Settings

if TYPE_CHECKING:  # what merges is imported by the shard that does
    from ..runner import last_shard


def run(settings: Settings, node: Node) -> int:
    """Say what became of a shard that has run.

    Returns:
        0 when its result is green, 1 when not.

    Raises:
        SuiteError: it left no result, or no test was selected.
        IncompleteError: the result is of another run or number of shards, or was changed.
        ServiceDied: the service died while its tests ran.
    """
    hygiene.left_behind(settings)
    folder = shard.folder_of(settings, node)
    result = receipt.read(folder / receipt.FILE_NAME)
    check_own(result, node, ci.run_id(os.environ))
    changed = receipt.changed_beside(result, folder)
    if changed:
        raise IncompleteError(
            f"{', '.join(changed)} of {result.name} changed after it had ended", "Run the shard again."
        )
    say(f"{result.name}: {report_text.summary(result)}")
    green, shown = receipt.is_green(result), settings.shown(settings.reports)
    for line in [
        *report_text.reason_lines(receipt.reasons(result)),
        *report_text.tracebacks(result, settings.shown(folder), "where the shard ran, mostly the step before this one"),
        *report_text.evidence(green, settings.command, shown),
    ]:
        say(line)
    code = exit_code(settings, result)
    told = ending.read(folder)
    if not code and told and told.kind == Deferred.__name__:
        raise _of_all_was(told)
    return code


def _of_all_was(told: ending.Ending) -> PipelineError:
    """Make the error that a deferred verdict of the whole run ends with: it is red, and this shard is not."""
    error = IncompleteError(f"the verdict of all shards, which this one said as the last: {told.ended}")
    error.ended, error.exit_code = told.ended, told.exit_code
    return error


def check_own(result: Receipt, node: Node, run_id: str) -> None:
    """Refuse what an earlier run left: the shard of this one may not have come so far as to leave a result.

    Args:
        run_id: this run's; at home each step has another, and the number of shards alone tells.

    Raises:
        IncompleteError: with what was expected and what is there.
    """
    again = "Run the shard again; at home, name it: {command}"
    named = ("nox", "-s", "verdict", "--", str(node.index), str(node.total))
    if (result.index, result.total) != (node.index, node.total):
        raise IncompleteError(f"expected the result of {node}, found that of {result.name}", again, named)
    if not run_id.startswith(ci.LOCAL) and result.run_id != run_id:
        message = f"expected a result of run {run_id}, found one of run {result.run_id}"
        raise IncompleteError(message, again, named)


def exit_code(settings: Settings, result: Receipt) -> int:
    """Return 0 where a result is green, 1 where tests failed.

    Raises:
        ServiceDied: the service died while tests ran; whatever else is red may come of that. Where it did not even
            start, the error that the shard ended with.
        SuiteError: the tests could not be collected or chosen, or none was selected, in no shard.
        SettingsError: pytest could not use its arguments.
        BudgetError: its tests passed, and the service does not keep to its budgets, or was not judged by those.
    """
    deaths = [error for error in result.errors if error.name == receipt.SERVICE]
    if deaths:
        logs = logs_of(settings, shard.folder_of(settings, Node(result.index, result.total)), deaths[0].message)
        words = "".join(f" and in {settings.shown(log)}" for log in logs)
        raise service_error(deaths[0].message)(deaths[0].message, f"Its last words stand above{words}.")
    if result.errors and not result.tests:
        raise nothing_ran(result.errors[0].message, result.exit_codes)
    if not (result.collected_count or result.store) and receipt.is_green(result):  # or it came when all was claimed
        raise nothing_selected(result.arguments)
    if result.breaches and receipt.is_green(replace(result, breaches=())):
        over, unknown = ([b for b in result.breaches if b.known is known] for known in (True, False))
        raise over_budget(settings, [result.index] if over else [], is_known=not unknown)
    findings = unjudged(settings, [result]) if receipt.is_green(result) else []
    for finding in findings:
        say(finding.text)
    if findings:
        raise over_budget(settings, [], is_known=False)
    return 0 if receipt.is_green(result) else 1


def deferred(settings: Settings, judge: Callable[[], int], by: str = "verdict", red: Sequence[str] = ()) -> int:
    """End well, and say in the last lines how the shard ended all the same; `verdict` fails with it later.

    A CI keeps what a failed step left for people only: of what later jobs get, it takes the rest of the job away.

    Args:
        judge: gives the exit code, or raises the error, that the shard would end with.
        by: the step that fails with it later.
        red: lines for people about a red shard, which they see in a step that ends well.

    Raises:
        Deferred: the shard failed; with exit code 0.
    """
    try:
        code, ended = judge(), "tests failed"
    except PipelineError as error:
        say(f"\n{error.shown(settings.command)}")
        code, ended = error.exit_code, error.ended
    if not code:
        return 0
    for line in red:
        say(line)
    raise Deferred(ended, code, by)


# Of all shards ------------------------------------------------------------------------------------------


def check_can_merge(settings: Settings, node: Node) -> None:
    """Refuse to let the last shard say the verdict where none can know that it is the last.

    Raises:
        SettingsError: there is no store, or nothing says which run this is.
    """
    if not opening.named(settings.distribution, os.environ):
        raise SettingsError("--merge: the shards need a store to leave their results in", "Name distribution.store.")
    ci.place(os.environ, node.total)


def of_all(settings: Settings, result: Receipt, arguments: Sequence[str]) -> int:
    """Leave the result in the store; where all are there, say the verdict of the run, else that of this shard.

    Raises:
        IncompleteError: it cannot be left, or those of the others not be read: perhaps nobody says the verdict then.
        PipelineError: as `exit_code` does, or the merge.
    """
    code, error = 0, None
    try:
        code = exit_code(settings, result)
    except PipelineError as own:
        error = own
    try:
        code = max(_of_all(settings, result, arguments, is_green=not code and not error), code)
    except StoreError as failed:
        message = f"the verdict of the run cannot be said: {failed.message}"
        if not code and not error:
            hint = "Run all shards again, or the merge where all their results are: {command}"
            raise IncompleteError(message, hint, ("nox", "-s", "merge", "--", *arguments)) from failed
        say(message)
    if error:
        raise error
    return code


def _of_all(settings: Settings, result: Receipt, arguments: Sequence[str], is_green: bool) -> int:
    from ..runner import last_shard

    store = claims.store_of_run(settings, result.total, os.environ, trying=False)
    if store is None:
        raise StoreError("there is no store any more")
    own = last_shard.Left(claims.attempt_of(store, result.index, os.environ), is_green, result)
    last_shard.leave(store, own)
    left = last_shard.look(store, result.total)
    out = last_shard.still_out(left, own.attempt, result.total)
    if out:
        say(f"verdict: said by the last shard; still out: {', '.join(map(str, out))}")
        return 0
    if not last_shard.is_ours(store, left):
        say("verdict: another shard was first to say it")
        return 0
    say("\nthe last shard says the verdict of the run; details of the others stand where these ran")
    if any(each.result.coverage and each.result.coverage.wishes.fail_under > 0 for each in left.values()):
        say(
            "coverage: data of other shards are where these ran; fail-under needs a merge after all shards, not --merge"
        )
    last_shard.lay_out(settings, left)
    return _merged(settings, store, own, arguments)


def _merged(settings: Settings, store: Store, own: last_shard.Left, arguments: Sequence[str]) -> int:
    """Merge; where that is red, this shard is: who runs the failed ones again runs it, too."""
    from ..runner import last_shard
    from . import merge as merging

    code: Optional[int] = None
    try:
        folder = shard.folder_of(settings, Node(own.result.index, own.result.total))
        code = merging.run(settings, arguments, collected=collection.of_shard(settings, folder, own.result))
        return code
    finally:
        if code != 0:
            with suppress(StoreError):
                last_shard.leave(store, own._replace(is_green=False))
