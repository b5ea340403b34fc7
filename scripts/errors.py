"""What can go wrong: one class per kind of failure, each with its exit code and a hint.

A message says what was expected, what came and where; the hint is the command or edit that helps.
`main` in `__main__.py` prints both once; nox, invoke and pytest show the same text.
"""

from __future__ import annotations

import errno
import shlex
from typing import Any, Callable, Optional, Sequence, Tuple, Type

# Exit codes that are no PipelineError's: EX_SOFTWARE of sysexits.h, and how a shell reports SIGINT and SIGPIPE.
OUR_MISTAKE, INTERRUPTED, UNREAD = 70, 130, 141
CRASHED = "crashed"  # how a run has ended that a mistake of ours ended


class PipelineError(Exception):
    """A failure that a person can act on.

    Args:
        message: what was expected, what came, where. One line or a few.
        hint: what to do next. May be empty.
        command: the words of a command that "{command}" in the hint stands for. Who shows the error knows which
            project it is about (`Settings.command`), who raises it deep down need not.
    """

    exit_code = 1
    ended = "failed"  # how a run that it ends has ended, in a word or two

    def __init__(self, message: str, hint: str = "", command: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self._hint = hint
        self._command = tuple(command)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self._hint, self._command)  # for pickle, which knows of `args` only

    @property
    def hint(self) -> str:
        """Say what to do next, its command as it is typed in the project's own folder."""
        return self.hint_for(_plain)

    def hint_for(self, command: Callable[..., str]) -> str:
        """Say what to do next, its command as `command` writes it: `Settings.command` names the project."""
        return self._hint.replace("{command}", command(*self._command)) if self._command else self._hint

    def reworded(self, words: Callable[[str], str]) -> PipelineError:
        """Say the same in other words: message and hint as `words` makes them."""
        return type(self)(words(self.message), words(self._hint), self._command)

    def shown(self, command: Callable[..., str]) -> str:
        """Return message and hint as a person reads them; `command` as in `hint_for`."""
        hint = self.hint_for(command)
        return f"{self.message}\nhint: {hint}" if hint else self.message

    def __str__(self) -> str:
        return self.shown(_plain)


# What the system refuses, by the place and not by a mistake of ours: a full or read-only disk, a limit, no right.
REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


def refused(error: OSError) -> Optional[PipelineError]:
    """Say that the system refuses to read or write; None where that is not what went wrong.

    >>> print(refused(OSError(errno.ENOSPC, "No space left on device", "/tmp/a")))
    /tmp/a: No space left on device
    hint: Is there space, and the right to read and write there?
    """
    if error.errno not in REFUSED:
        return None
    hint = "Is there space, and the right to read and write there?"
    return PipelineError(f"{error.filename or 'a file'}: {error.strerror}", hint)


def _plain(*words: str) -> str:
    return " ".join(map(shlex.quote, words))


def shortened(word: str, most: int = 60) -> str:
    """Quote what came as a message shows it: in one line that a terminal can print, cut where it is long.

    >>> shortened("abc"), shortened("a" * 99, most=3)
    ("'abc'", "'aaa...' (99 characters)")
    """
    if len(word) <= most:
        return repr(word)
    return f"{word[:most] + '...'!r} ({len(word)} characters)"


class SettingsError(PipelineError):
    """pipeline.yml, an argument or an environment variable cannot be used as it stands."""

    exit_code = 2
    ended = "settings wrong"


class InstallError(PipelineError):
    """An environment could not be made: no installer, no index, a lock that is stale."""

    exit_code = 3
    ended = "packages missing"


class ModelError(PipelineError):
    """Model weights are missing, cannot be fetched, or are not what the manifest says."""

    exit_code = 4
    ended = "weights missing"


class SuiteError(PipelineError):
    """pytest ended without saying what became of the tests, or found none."""

    exit_code = 5
    ended = "no tests"


class NothingSelected(SuiteError):
    """The arguments choose no test, so nothing has run."""


class IncompleteError(PipelineError):
    """It is not proven that every test ran exactly once."""

    exit_code = 6
    ended = "incomplete"


class CoverageError(PipelineError):
    """Less was covered than the suite asks for, or that is not known; pytest-cov ends with 1, too."""

    exit_code = 1
    ended = "coverage too low"


class BudgetError(PipelineError):
    """The service took more than its budgets grant it, or that is not known."""

    exit_code = 1
    ended = "over budget"


class GateError(PipelineError):
    """The quality gate of SonarQube was not passed."""

    exit_code = 1
    ended = "quality gate failed"


class AnalysisError(PipelineError):
    """It is not known whether the quality gate is passed: nothing was sent, or the server does not say."""

    exit_code = 8
    ended = "not analysed"


class OtherFailures(PipelineError):
    """A shard that was run again has none of the failures that were recorded, and others."""

    exit_code = 1
    ended = "other failures"


class AlreadyRunning(PipelineError):
    """Somebody else runs in the place that this run would write to."""

    exit_code = 7
    ended = "already running"


class Deferred(Exception):
    """A shard or leg failed, and its verdict comes later, when CI has kept the result: it ends with exit code 0.

    Args:
        ended: how it ended, in a word or two.
        exit_code: what the step `by` will end with.
    """

    def __init__(self, ended: str, exit_code: int, by: str = "verdict") -> None:
        super().__init__(ended)
        self.ended = ended
        self.by = by
        self.exit_code = exit_code


class Shown(Exception):
    """Pytest showed what a person asked for, and no test was to run: it ends with exit code 0."""


class ServiceDied(PipelineError):
    """The service's process ended before, or while, it was needed."""

    exit_code = 10
    ended = "service died"


class ServiceNotReady(PipelineError):
    """The service runs but did not answer its readiness probe in time."""

    exit_code = 11
    ended = "service not ready"


class PortInUse(PipelineError):
    """Something else, which we did not start, listens where the service should."""

    exit_code = 12
    ended = "port taken"


class WarmUpFailed(PipelineError):
    """The service says it is ready but cannot do its work: the warm-up request failed."""

    exit_code = 13
    ended = "warm-up failed"


class PrepareFailed(PipelineError):
    """What the service needs before its start could not be made: `service.prepare` failed."""

    exit_code = 3  # as for packages: it never came to a service
    ended = "prepare failed"


SERVICE_ERRORS = (ServiceDied, ServiceNotReady, PortInUse, WarmUpFailed, PrepareFailed)


def service_error(words: str) -> Type[PipelineError]:
    """Find the kind of a service's error from what its result says; what does not say it died in the tests.

    >>> service_error("warm-up failed: it answered 500").exit_code, service_error("it ended with exit code 1").exit_code
    (13, 10)
    """
    return next((kind for kind in SERVICE_ERRORS if words.startswith(f"{kind.ended}: ")), ServiceDied)
