"""Which shard am I: what the person said, else what the CI says, else the only one.

The only module that knows CI providers' variables. A new provider (GitLab, say) is one line in `_VARIABLES`, with what
it calls index and total, and a name in each table of names below. Indices count from 0, as CircleCI, Bazel and
Buildkite count them; of one that counts from 1, as GitLab's CI_NODE_INDEX does, `resolve` has to take 1 away.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
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
_RUNS = ("SHARDLINE_RUN", "CIRCLE_WORKFLOW_ID", "BUILDKITE_BUILD_ID", "GITHUB_RUN_ID")
# What stays the same where jobs of a run are tried again, how each names a job without its index, and the try.
# CircleCI's "rerun from failed" is a new workflow in the workspace of the first; Buildkite counts for each job.
_LASTING = ("SHARDLINE_RUN", "CIRCLE_WORKFLOW_WORKSPACE_ID", *_RUNS[1:])
_JOBS = ("CIRCLE_JOB", "BUILDKITE_STEP_ID", "GITHUB_JOB")
_ATTEMPTS = ("CIRCLE_WORKFLOW_ID", "BUILDKITE_RETRY_COUNT", "GITHUB_RUN_ATTEMPT")
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
    return _said(_RUNS, environ) or f"{LOCAL}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def place(environ: Mapping[str, str], total: int) -> str:
    """Name the place of a run in a store that all its shards share: RUN/JOB/TOTAL-PYTHON-SYSTEM.

    All tries of a run have one place, so that a job which is tried again finds what it had claimed. Jobs of one run
    that shard the same tests (on several Pythons, say) have a place each.

    >>> place({"GITHUB_RUN_ID": "7", "GITHUB_JOB": "tests"}, 4).startswith("7/tests/4-py3.")
    True

    Raises:
        SettingsError: nothing says which run this is.
    """
    run = _said(_LASTING, environ)
    if not run:
        message = "distribution.store: expected a name of this run that all its shards know, got none from a CI"
        hint = "Set SHARDLINE_RUN to the same word on each machine, and to a new one for each run: `{command}`."
        raise SettingsError(message, hint, ("env", "SHARDLINE_RUN=monday-1", *_EXAMPLE))
    leg = "{}-py{}.{}-{}".format(total, *sys.version_info[:2], sys.platform)
    return "/".join(_as_key(word) for word in (run, _said(_JOBS, environ) or "shard", leg))


def attempt(environ: Mapping[str, str]) -> str:
    """Name this try at a run, as the CI does; "1" where none says."""
    return _as_key(_said(_ATTEMPTS, environ) or "1")


def _said(names: Sequence[str], environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _as_key(word: str) -> str:
    """Write a name as a part of a key or of a file's name, which two names never share."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", word)[:80].lstrip(".")
    digest = hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return plain if plain == word else f"{plain}-{digest}"


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI runs this, rather than a person."""
    return any(environ.get(name, "").lower() not in ("", "0", "false") for name in _NAMES)


def commit(environ: Mapping[str, str]) -> str:
    """Name the commit that the CI checked out; empty where none is said."""
    return _said(_COMMITS, environ)


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
