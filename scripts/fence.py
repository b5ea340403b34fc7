"""Keep what tests and services print from being taken for commands to the CI.

GitHub acts on any printed line that begins with `::error::` or has `##[add-mask]` in it, whoever wrote it: a test that
prints `::set-env name=a::b` turns its step red. While a fence stands, GitHub hears only what `command` prints. Azure
has nothing like it, and hears `##vso[...]` from anybody.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Mapping, Sequence

from . import ci

FENCED = ("integration", "shard", "merge", "verdict")  # the output of other steps may be meant for a program
BY_ITSELF = "SHARDLINE_FENCE"  # "never": none is put up, for a suite whose own commands are meant


class _Fence:
    """The word that ends it, which nothing but our own memory has; empty where none stands."""

    word = ""


def begin(step: str, environ: Mapping[str, str]) -> None:
    """Let GitHub hear none of the commands that a step prints, until `end`, or the end of GitHub's own step.

    See https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, "Stopping and starting".
    """
    is_shown = ci.is_owned(environ)  # what such a shard prints, the run of all shards shows
    wanted = step in FENCED and not is_shown and environ.get(BY_ITSELF) != "never"
    if wanted and ci.provider(environ) == "github":
        _Fence.word = uuid.uuid4().hex
        _print([f"::stop-commands::{_Fence.word}"])


def end() -> None:
    """Let all be heard again."""
    if _Fence.word:
        _print([f"::{_Fence.word}::"])
        _Fence.word = ""


def command(lines: Sequence[str]) -> None:
    """Print commands to the CI, each a line, in which what others wrote stands escaped."""
    word = _Fence.word
    _print([f"::{word}::", *lines, f"::stop-commands::{word}"] if word else lines)


def _print(lines: Sequence[str]) -> None:
    with suppress(OSError):  # nobody reads on: whoever prints next learns of it
        print("".join(f"{line}\n" for line in lines), end="", flush=True)
