"""Why a source of the weights did not give its file."""

from __future__ import annotations


class SourceError(Exception):
    """A source cannot give its file; the text says why, in one line."""


class WrongContent(SourceError):
    """A source gave, or announces, something else than the file: perhaps another try gives the right one."""
