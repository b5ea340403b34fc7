"""Let a set-up workflow of CircleCI go on with as many shards as pay: `python -m scripts continuation`.

A pipeline of two halves: this decides, in the first one, how many nodes the job of the second one gets.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

import yaml

from .. import ci
from ..console import human_seconds, say
from ..errors import PipelineError, SettingsError
from ..models.addresses import SourceError
from ..models.http import PATIENT, Interrupted, Remote, Web, may_pass
from ..planning import advice as advising
from ..planning import history
from ..planning.advice import Advice
from ..runner import collection, costs, ownership, preparation
from ..settings import Settings

PATH = "/api/v2/pipeline/continue"  # https://circleci.com/docs/api/v2/#operation/continuePipeline
PARAMETER = "shards"
TRIES, PAUSE_S = 3, 2.0


class Wish(NamedTuple):
    """What a person wants of the second half.

    Args:
        config: the file that says it, with a parameter `shards`.
        least, most: the number of shards is between these.
        start_s: what a node takes before Shardline starts on it: its image, the checkout, the caches.
        server: of CircleCI.
    """

    config: Path
    least: int
    most: int
    start_s: float
    server: str


def run(settings: Settings, wish: Wish) -> None:
    """Ask the plan how many nodes pay, and go on with so many.

    Raises:
        SettingsError: the file cannot be used, or this is no set-up workflow.
        PipelineError: CircleCI refuses to go on, or does not answer.
    """
    key = ci.continuation_key(os.environ)
    if not key:
        message = f"expected {ci.CONTINUATION_KEY}, which CircleCI gives to jobs of a config with `setup: true`"
        raise SettingsError(message, "To see the advice itself: {command}", ("nox", "-s", "plan", "--", "--advise"))
    text = checked(wish.config)
    shards = decided(settings, wish)
    go_on(wish.server, body(key, text, {PARAMETER: shards} if shards else {}))
    said = f"{PARAMETER}: {shards}" if shards else f"{PARAMETER} as {wish.config} has it"
    say(f"the pipeline goes on with {wish.config}, {said}")


def checked(file: Path) -> str:
    """Read what to go on with.

    Raises:
        SettingsError: it is no config, one of a first half, or takes no number of shards.
    """
    try:
        text = file.read_text(encoding="utf-8")
        config = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"--config: cannot read {file}: {error}") from error
    config = config if isinstance(config, dict) else {}
    parameters = config.get("parameters")
    if config.get("setup"):
        raise SettingsError(f"--config: {file} is of a set-up workflow itself, which can be continued once only")
    if not isinstance(parameters, dict) or PARAMETER not in parameters:
        hint = f"It has: parameters: {{{PARAMETER}: {{type: integer, default: 4}}}}"
        raise SettingsError(f"--config: {file} has no parameter {PARAMETER}", hint)
    return text


def decided(settings: Settings, wish: Wish) -> Optional[int]:
    """Decide how many shards to take; None where it cannot be said, which is no reason not to run the tests."""
    try:
        found = _advice(settings, wish)
    except PipelineError as error:
        say(f"how many nodes pay cannot be said: {error.shown(settings.command)}")
        return None
    if found is None:
        say("how many nodes pay cannot be said before the tests have run once")
        return None
    for line in advising.lines(found, advising.shows_blocks(sys.stdout.encoding)):
        say(line)
    shards = within(found.knee, wish)
    say(f"{shards} of {wish.least} to {wish.most} shards; advised: {found.knee}")
    return shards


def within(advised: int, wish: Wish) -> int:
    """Take the number that is advised, or the limit that is next to it.

    >>> [within(advised, Wish(Path(), 2, 4, 0, "")) for advised in (1, 3, 9)]
    [2, 3, 4]
    """
    return max(wish.least, min(advised, wish.most))


def _advice(settings: Settings, wish: Wish) -> Optional[Advice]:
    """Predict what 1, 2, ... nodes would take; None where no test was ever timed.

    Raises:
        PipelineError: the suite cannot be collected.
    """
    with ownership.of_all(settings):
        suite = preparation.install(settings, with_service=False).suite
        collected = collection.collect(settings, suite, [])
    estimates, set_up = history.estimates(settings)
    if not any(nodeid in estimates.tests_ms for nodeid in collected.nodeids):
        return None
    fixed_s = wish.start_s + costs.known_s(settings)
    say(f"beside its tests a node takes {human_seconds(fixed_s)}")
    return advising.advise(collected.nodeids, estimates, set_up, fixed_s, wish.most, collected.groups)


# CircleCI -----------------------------------------------------------------------------------------------


def body(key: str, config: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """Say what CircleCI is told: whose second half it is, and what that is."""
    return {"continuation-key": key, "configuration": config, "parameters": dict(parameters)}


def go_on(server: str, told: Mapping[str, Any], pauses_s: Sequence[float] = (PAUSE_S,) * (TRIES - 1)) -> None:
    """Tell CircleCI to go on, again after each pause where it does not answer, or cannot now.

    Raises:
        PipelineError: it refuses, or does not answer.
    """
    url = server.rstrip("/") + PATH
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    asked = Remote(url, headers, lambda status, body: "")
    why = ""
    with closing(Web(PATIENT)) as web:
        for pause_s in (*pauses_s, None):
            try:
                answer = web.ask("POST", asked, json.dumps(told).encode())
                if answer.status_code == 200:
                    return
                why = f"HTTP {answer.status_code}: {_said(answer.content)}"
                if not may_pass(answer.status_code):
                    break
            except Interrupted as error:
                why = str(error)
            except SourceError as error:
                why = str(error)
                break
            if pause_s is not None:
                say(f"{url}: {why}; trying again")
                time.sleep(pause_s)
    hint = "A pipeline goes on once, and within six hours; a parameter that both configs declare is a conflict there."
    raise PipelineError(f"{url}: CircleCI does not go on with the pipeline: {why}", hint)


def _said(content: bytes) -> str:
    """Take the message out of an answer; else its first characters."""
    try:
        told = json.loads(content.decode("utf-8", "replace"))
        return str(told["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return content.decode("utf-8", "replace").strip()[:200] or "no word"
