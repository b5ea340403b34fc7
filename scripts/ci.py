"""Which shard am I, in which run, of which change: what the person said, else what the CI says, else the only one.

The only module that reads CI providers' variables; providers.py has their names. Indices count from 0, as CircleCI,
Buildkite and Bazel count them; of those that count from 1, GitLab and Azure, 1 is taken away here. Whatever a CI says,
arguments, SHARDLINE_INDEX with SHARDLINE_TOTAL, and SHARDLINE_RUN win.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Sequence

from .errors import SettingsError, shortened
from .providers import BAZEL, BAZEL_STATUS_FILE, OWN_PAIR, PROVIDERS, Names, Pair, Provider

OWN_RUN = "SHARDLINE_RUN"
OWNER = "SHARDLINE_OWNER"  # the pid of the run of all shards that a shard belongs to, in the shard's environment
CONTINUATION_KEY = "CIRCLE_CONTINUATION_KEY"  # of jobs of a CircleCI config with `setup: true`
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


@dataclass(frozen=True)
class Change:
    """What a CI builds; each is empty where it does not say.

    Args:
        commit: that it checked out; of a request that may be a merge which is on no branch.
        branch: that is built, of a request its source.
        request: the number of the pull or merge request.
        base: the branch that the request goes into.
    """

    commit: str = ""
    branch: str = ""
    request: str = ""
    base: str = ""
    tag: str = ""


# Which shard ----------------------------------------------------------------------------------------


def resolve(words: Sequence[str], environ: Mapping[str, str]) -> Node:
    """Decide which shard this is.

    A job may see the variables of two providers, where one runs in a job of the other. Whoever runs one job only says
    nothing; two that both say something have to say the same.

    Args:
        words: INDEX and TOTAL as a person typed them, or nothing.

    >>> str(resolve(["2", "4"], {}))
    'shard index 2 of 4 (indices 0-3)'
    >>> resolve([], {"GITLAB_CI": "true", "CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "4"})
    Node(index=2, total=4)

    Raises:
        SettingsError: not two numbers, an index that is none of so many, or two that differ.
    """
    if words:
        return _node(words, "the arguments")
    own = _said_by(OWN_PAIR, environ)
    if own:
        return own
    pairs = [each.pair for each in _those_of(environ) if each.pair]
    told = {pair.index_name: _said_by(pair, environ) for pair in (*pairs, BAZEL)}
    several = {name: node for name, node in told.items() if node and node.total > 1}
    if len(set(several.values())) > 1:
        differ = ", ".join(f"{name}: {node}" for name, node in several.items())
        raise SettingsError(f"expected one answer to which shard this is, got {differ}", USAGE, _EXAMPLE)
    return next(iter(several.values()), Node(0, 1))


def _said_by(pair: Pair, environ: Mapping[str, str]) -> Optional[Node]:
    """Read which shard a pair of variables says; None for nothing. A total of 1 needs no index."""
    index, total = environ.get(pair.index_name, ""), environ.get(pair.total_name, "")
    if not index and total in ("", "1"):
        return None
    return _node([index, total], f"{pair.index_name} and {pair.total_name}", pair.first)


def _node(words: Sequence[str], where: str, first: int = 0) -> Node:
    if len(words) != 2 or not all(re.fullmatch("[0-9]{1,6}", word) for word in words):
        came = shortened(" ".join(word or "nothing" for word in words))
        raise SettingsError(f"{where}: expected two numbers, INDEX and TOTAL, got {came}", USAGE, _EXAMPLE)
    node = Node(int(words[0]) - first, int(words[1]))
    if node.total > MOST_NODES:
        raise SettingsError(f"{where}: expected a total of at most {MOST_NODES}, got {node.total}", USAGE, _EXAMPLE)
    if not 0 <= node.index < node.total:
        expected = "an index from 1 to the total" if first else "an index below the total"
        raise SettingsError(f"{where}: expected {expected}, got {int(words[0])} of {node.total}", USAGE, _EXAMPLE)
    return node


def acknowledge(environ: Mapping[str, str]) -> None:
    """Leave the file by which Bazel knows that its shards are heard: it fails a sharded test that leaves none."""
    file = environ.get(BAZEL_STATUS_FILE)
    with suppress(OSError):  # Bazel says so
        if file:
            Path(file).touch()


# Which run ------------------------------------------------------------------------------------------


def run_id(environ: Mapping[str, str]) -> str:
    """Name what all nodes of one run share: the CI's name for it, else when it began and its process.

    Histories keep a sample of each run: two that begin in the same second are two.
    """
    return _run(environ) or f"{LOCAL}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def place(environ: Mapping[str, str], total: int) -> str:
    """Name the place of a run in a store that all its shards share: RUN/JOB/TOTAL-PYTHON-SYSTEM.

    All tries of a run have one place, so that a job which is tried again finds what it had claimed. Jobs of one run
    that shard the same tests (on several Pythons, say) have a place each.

    >>> place({"GITHUB_RUN_ID": "7", "GITHUB_JOB": "tests"}, 4).startswith("7/tests/4-py3.")
    True

    Raises:
        SettingsError: nothing says which run this is.
    """
    run = environ.get(OWN_RUN) or _first(environ, lambda of: of.lasting) or _run(environ)
    if not run:
        message = "distribution.store: expected a name of this run that all its shards know, got none from a CI"
        hint = "Set SHARDLINE_RUN to the same word on each machine, and to a new one for each run: `{command}`."
        raise SettingsError(message, hint, ("env", f"{OWN_RUN}=monday-1", *_EXAMPLE))
    leg = "{}-py{}.{}-{}".format(total, *sys.version_info[:2], sys.platform)
    return "/".join(_as_key(word) for word in (run, job(environ) or "shard", leg))


def attempt(environ: Mapping[str, str]) -> str:
    """Name this try at a run, as the CI does; "1" where none says."""
    return _as_key(_first(environ, lambda of: of.attempt) or "1")


def execution(environ: Mapping[str, str]) -> str:
    """Name this try of this one job, where the CI does not count tries: each is a job of its own. Else empty."""
    return _first(environ, lambda of: of.execution)


def is_owned(environ: Mapping[str, str]) -> bool:
    """Tell whether this process runs a shard of a run of all shards here."""
    return environ.get(OWNER) == str(os.getppid())


def _run(environ: Mapping[str, str]) -> str:
    of = _provider(environ)
    parts = [environ.get(name, "") for name in of.run] if of else [""]
    return environ.get(OWN_RUN) or ("/".join(filter(None, parts)) if parts[-1] else "")


def job(environ: Mapping[str, str]) -> str:
    """Name the job, the same for all that share tests; empty where the CI has no name for it.

    GitLab's is without what tells parallel jobs apart: "test 2/4".
    """
    name = _first(environ, lambda of: of.job)
    return re.sub(r"[\s:]+\d+[\s:/\\]+\d+\s*$", "", name) if provider(environ) == "gitlab" else name


def _as_key(word: str) -> str:
    """Write a name as a part of a key or of a file's name, which two names never share."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", word)[:80].lstrip(".")
    digest = hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return plain if plain == word else f"{plain}-{digest}"


# Which CI, and of which change ----------------------------------------------------------------------


def provider(environ: Mapping[str, str]) -> str:
    """Name the CI that runs this: "circleci", "github", "gitlab", "buildkite", "azure", "jenkins", "drone"; or ""."""
    of = _provider(environ)
    return of.name if of else ""


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI runs this, rather than a person."""
    return any(_is_on(name, environ) for name in ("CI", *(each.mark for each in PROVIDERS)))


def commit(environ: Mapping[str, str]) -> str:
    """Name the commit that the CI checked out; empty where none is said."""
    return change(environ).commit


def continuation_key(environ: Mapping[str, str]) -> str:
    """Return the secret by which a set-up workflow of CircleCI lets its pipeline go on; empty elsewhere."""
    return environ.get(CONTINUATION_KEY, "")


def change(environ: Mapping[str, str]) -> Change:
    """Tell what the CI builds.

    >>> change({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": "fix",
    ...         "GITHUB_BASE_REF": "main", "GITHUB_SHA": "1a2b"})
    Change(commit='1a2b', branch='fix', request='7', base='main', tag='')
    """
    tag, branch = _first(environ, lambda of: of.tag, _tag), _first(environ, lambda of: of.branch, _branch)
    request, base = _first(environ, lambda of: of.request, _request), _first(environ, lambda of: of.base, _branch)
    return Change(
        commit=_first(environ, lambda of: of.commit, _commit),
        branch="" if branch == tag else branch,  # Buildkite and Jenkins call a tag a branch, too
        request=request,
        base=base if request or base != branch else "",  # Drone says of a push that it goes into itself
        tag=tag,
    )


def _commit(word: str) -> str:
    """Read a commit; Buildkite's may be HEAD, for a build that was asked for without one."""
    return "" if word == "HEAD" else word


def _branch(word: str) -> str:
    """Read the name of a branch, also of a reference, or as Jenkins has it of a remote's."""
    return _name_of(word[len("origin/") :] if word.startswith("origin/") else word, "refs/heads/")


def _tag(word: str) -> str:
    return _name_of(word, "refs/tags/")


def _name_of(word: str, kind: str) -> str:
    """Read the name of a reference of a kind, or what is a name already; of another kind there is none."""
    return word[len(kind) :] if word.startswith(kind) else "" if word.startswith("refs/") else word


def _request(word: str) -> str:
    """Read the number of a request, also from its URL or reference; "false" (Buildkite) is none.

    >>> [_request(word) for word in ("7", "https://host/o/r/pull/7", "refs/pull/7/merge", "false", "refs/heads/pull/7")]
    ['7', '7', '7', '', '']
    """
    match = re.fullmatch(r"(?:https?://\S+/|refs/pull/)?(\d+)(?:/(?:merge|head))?", word)
    return match[1] if match else ""


def _first(
    environ: Mapping[str, str], names: Callable[[Provider], Names], read: Callable[[str], str] = lambda word: word
) -> str:
    """Read what the first variable says that says something, of the CI that runs this."""
    of = _provider(environ)
    said = (read(environ.get(name, "")) for name in (names(of) if of else ()))
    return next(filter(None, said), "")


def _provider(environ: Mapping[str, str]) -> Optional[Provider]:
    return next(_those_of(environ), None)


def _those_of(environ: Mapping[str, str]) -> Iterator[Provider]:
    return (each for each in PROVIDERS if _is_on(each.mark, environ) or any(map(environ.get, each.traces)))


def _is_on(name: str, environ: Mapping[str, str]) -> bool:
    return environ.get(name, "").lower() not in ("", "0", "false")
