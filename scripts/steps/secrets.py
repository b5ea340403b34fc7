"""Find secrets in what a branch brings, before they are pushed: `shardline secrets`.

Looked at are the files as they are now and as they are staged, and each commit since the base: what one brought and
another took out again is still in the history.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Iterator, List, Mapping, NamedTuple, Set, Tuple

from .. import ci
from ..console import counted, printable, say
from ..errors import SettingsError
from ..evidence import leaks, patches
from ..evidence.leaks import Leak
from ..evidence.patches import Patch
from ..evidence.redaction.known import known_secrets
from ..evidence.redaction.redactor import Redactor
from ..settings import Settings
from ..system import programs
from ..system.programs import ProgramFailed
from .redact import Around

USUAL = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
PATCH = ("-p", "-U3", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
HINT = f"""Take it out of the commit, and have it revoked where it was pushed. What is none (made up, public) says so in
its line, `not a secret: WHY`, or its file has the attribute {leaks.ATTRIBUTE} in .gitattributes."""


class Wish(NamedTuple):
    """What a person wants to be looked at.

    Args:
        base: what the branch goes into; "" for what CI says, else the main branch.
        staged: only what the next commit will hold.
        everything: all files that git knows, as they are.
        strict: also what only its name calls a secret, as a password of one word.
    """

    base: str = ""
    staged: bool = False
    everything: bool = False
    strict: bool = False


class Since(NamedTuple):
    """What everything after is looked at: a commit, or the empty tree; and how to call it."""

    commit: str
    title: str
    has_all: bool = False


def run(around: Around, wish: Wish, environ: Mapping[str, str] = os.environ) -> int:
    """Name every secret by file and line, never by its value.

    Returns:
        0 where there is none, 1 where there are some.

    Raises:
        SettingsError: this is no repository of git, or the base is not in it.
    """
    git = Git(around.settings)
    since = Since("HEAD", "the last commit") if wish.staged else _since(git, wish, environ)
    redactor = Redactor(known_secrets(Settings(), environ))
    now = git.patch("diff", *PATCH, *(["--cached"] if wish.staged else [since.commit]))
    others = [] if wish.staged else list(_others(git, since))
    find = partial(_find, redactor, wish.strict)
    found = leaks.distinct(find(now), [leak for patch in others for leak in find(patch)])
    meant = git.with_attribute({leak.path for leak in found})
    found = [leak for leak in found if leak.path not in meant]
    for line in lines(found):
        say(line)
    say(f"secrets: {_count(found)} in {_amount(now)} since {since.title}")
    return 1 if found else 0


class Git:
    """Asks the git of a project's repository, from its top folder.

    Raises:
        SettingsError: there is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._words = ["git", "-c", "core.quotePath=false", "-C", str(settings.project)]
        try:
            self._words[-1] = self("rev-parse", "--show-toplevel").rstrip("\n")
        except ProgramFailed as failed:
            message = f"expected a repository of git in {settings.project}: {failed}"
            raise SettingsError(message, "Secrets are looked for in what git has.") from None

    def __call__(self, *words: str) -> str:
        """Return what git prints, bytes that are not UTF-8 as surrogates.

        Raises:
            ProgramFailed: it ends with an error.
        """
        return programs.output([*self._words, *words], None, errors="surrogateescape")

    def patch(self, *words: str) -> Patch:
        """Read the patch that git prints."""
        return patches.read(self(*words).encode("utf-8", "surrogateescape"))

    def named(self, *words: str) -> str:
        """Return the commit that git names; "" where there is none."""
        try:
            return self(*words).strip()
        except ProgramFailed:
            return ""

    def empty(self) -> str:
        """Name the tree without files, from which all that is there is new."""
        return self("hash-object", "-t", "tree", "--stdin").strip()

    def with_attribute(self, paths: Set[str]) -> Set[str]:
        """Choose the files that .gitattributes says hold none."""
        told = self("check-attr", "-z", leaks.ATTRIBUTE, "--", *sorted(paths)).split("\0") if paths else []
        return {path for path, value in zip(told[::3], told[2::3]) if value == "set"}


def _since(git: Git, wish: Wish, environ: Mapping[str, str]) -> Since:
    """Find where the branch left its base; of a commit that the base has already, it is the one before."""
    if wish.everything:
        return _beginning(git)
    for name in [wish.base] if wish.base else _candidates(environ):
        common = git.named("merge-base", name, "HEAD")
        if common and common != git.named("rev-parse", "HEAD"):
            return Since(common, f"{name} ({common[:7]})")
        if common:
            before = git.named("rev-parse", "--verify", "-q", "HEAD^")
            return Since(before, "the commit before, as the base has this one") if before else _beginning(git)
    if wish.base:
        message = f"--base: expected a commit from which this branch comes, got {printable(wish.base)}"
        raise SettingsError(message, "Fetch it, with the history between: {command}", ("git", "fetch", "--unshallow"))
    return _beginning(git, ": no main branch is here to compare with")


def _beginning(git: Git, why: str = "") -> Since:
    return Since(git.empty(), f"the beginning{why}", has_all=True)


def _candidates(environ: Mapping[str, str]) -> Tuple[str, ...]:
    base = ci.change(environ).base
    return (f"origin/{base}", base) if base else USUAL


def _others(git: Git, since: Since) -> Iterator[Patch]:
    """Read what will be, or is, in the history beside the files as they are now: what is staged, and each commit."""
    staged = git.patch("diff", "--cached", *PATCH, since.commit)
    yield staged._replace(passages=[passage._replace(where="staged") for passage in staged.passages])
    if not since.has_all:
        yield git.patch("log", *PATCH, "--no-merges", "--format=commit %H", f"{since.commit}..HEAD")


def _find(redactor: Redactor, strict: bool, patch: Patch) -> List[Leak]:
    return [leak for passage in patch.passages for leak in leaks.find(passage, redactor, strict)]


def lines(found: List[Leak]) -> Iterator[str]:
    """Say where each is, as editors and compilers do, and what to do."""
    for leak in found:
        where = f" ({leak.where})" if leak.where else ""
        yield f"{printable(leak.path)}:{leak.line}{where}: {leak.what}: {leak.stand_in}"
    if found:
        yield HINT


def _count(found: List[Leak]) -> str:
    return counted(len(found), "secret") if found else "none"


def _amount(patch: Patch) -> str:
    places = {(passage.path, passage.first + line) for passage in patch.passages for line in passage.new}
    files = counted(len({path for path, _ in places}), "file")
    unread = f" ({counted(patch.binary_count, 'binary file')} not looked at)" if patch.binary_count else ""
    return f"{counted(len(places), 'new line')} of {files}{unread}"
