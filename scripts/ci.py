"""Which shard am I: what the person said, else what the CI says, else the only one.

The only module that knows CI providers' variables. A new provider (GitLab, say) is one line in `_VARIABLES`, with what
it calls index and total, and a name in each table of names below. Indices count from 0, as CircleCI, Bazel and
Buildkite count them; of one that counts from 1, as GitLab's CI_NODE_INDEX does, `resolve` has to take 1 away.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Mapping, Sequence

from .errors import SettingsError, shortened

# (index, total) as each provider names them. Sources: the providers' pages on parallel jobs.
_VARIABLES = (
    ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL"),
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"),
    ("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS"),  # Bazel
)
_COMMITS = ("CIRCLE_SHA1", "BUILDKITE_COMMIT")
_RUNS = ("SHARDLINE_RUN", "CIRCLE_WORKFLOW_ID", "BUILDKITE_BUILD_ID")
_ATTEMPTS = ("BUILDKITE_RETRY_COUNT",)  # CircleCI calls each try at a workflow another one
_NAMES = ("CI", "CIRCLECI", "BUILDKITE", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TF_BUILD")
LOCAL = "local-"  # how a run is called where no CI names it
MOST_NODES = 1000  # ten times what any of these providers gives one job; a plan for more is a slip of the finger
USAGE = "Indices count from 0: the third of four is `{command}`."
_EXAMPLE = ("nox", "-s", "shard", "--", "2", "4")


@dataclass(frozen=True)
class Node:
    """One of `total` shards; `index` counts from 0."""

    index: int
    total: int

    def __str__(self) -> str:
        return f"shard index {self.index} of {self.total} (indices 0-{self.total - 1})"


def resolve(words: Sequence[str], environ: Mapping[str, str]) -> Node:
    """Decide which shard this is.

    Args:
        words: INDEX and TOTAL as a person typed them, or nothing.

    >>> str(resolve(["2", "4"], {}))
    'shard index 2 of 4 (indices 0-3)'

    Raises:
        SettingsError: not two numbers, or an index outside 0 to TOTAL - 1.
    """
    if words:
        return _node(words, "the arguments")
    for pair in _VARIABLES:
        said = [environ[name] for name in pair if environ.get(name)]
        if said:
            return _node(said, " and ".join(pair))
    return Node(0, 1)


def run_id(environ: Mapping[str, str]) -> str:
    """Name what all nodes of one run share: the CI's name for it, else when it began and its process.

    Histories keep a sample of each run: two that begin in the same second are two.
    """
    said = (environ[name] for name in _RUNS if environ.get(name))
    return next(said, f"{LOCAL}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")


def attempt(environ: Mapping[str, str]) -> str:
    """Name which try at a run this is, where the CI gives several tries one name."""
    return next((environ[name] for name in _ATTEMPTS if environ.get(name)), "1")


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI runs this, rather than a person."""
    return any(environ.get(name, "").lower() not in ("", "0", "false") for name in _NAMES)


def commit(environ: Mapping[str, str]) -> str:
    """Name the commit that the CI checked out; empty where none is said."""
    return next((environ[name] for name in _COMMITS if environ.get(name)), "")


def _node(words: Sequence[str], where: str) -> Node:
    if len(words) != 2 or not all(re.fullmatch("[0-9]{1,6}", word) for word in words):
        came = shortened(" ".join(words))
        raise SettingsError(f"{where}: expected two numbers, INDEX and TOTAL, got {came}", USAGE, _EXAMPLE)
    node = Node(int(words[0]), int(words[1]))
    if node.total > MOST_NODES:
        raise SettingsError(f"{where}: expected a total of at most {MOST_NODES}, got {node.total}", USAGE, _EXAMPLE)
    if node.index >= node.total:
        message = f"{where}: expected an index below the total, got {node.index} of {node.total}"
        raise SettingsError(message, USAGE, _EXAMPLE)
    return node
