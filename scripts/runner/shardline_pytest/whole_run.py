"""What only a whole run may do: its reports, and workers of pytest-xdist; and which paths it is a run of.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from typing import Any, Container, Dict

import pytest

from .orders import Order
from .places import REPORTS

# What a session does at its very start, and a collection must not: the option and the value that prevents it.
_AT_START: Dict[str, object] = {
    **dict.fromkeys(option for option in REPORTS if option not in ("durations_path", "output", "pstats_dir")),
    "cacheclear": False,
    "clean_alluredir": False,
    "log_file": os.devnull,
    "basetemp": None,  # is emptied for the first temporary folder
}
_BY_CACHE = ("lf", "failedfirst", "newfirst", "stepwise")  # what finds nothing to go by in a cache that was cleared


class NoReports:
    """Turns off the reports that a person's options name, where tests are only collected.

    Args:
        installed: the names of the options that pytest and its plugins declare; those of a conftest.py are the suite's.
    """

    def __init__(self, installed: Container[str]) -> None:
        self._installed = installed

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the options before the plugins that heed them look."""
        options = config.option
        clears = getattr(options, "cacheclear", False)
        for name, value in {**_AT_START, **(dict.fromkeys(_BY_CACHE, False) if clears else {})}.items():
            if name in self._installed:
                setattr(options, name, value)


def choose_paths(config: pytest.Config, order: Order) -> None:
    """Collect what a person named, else what the command did, else the paths of the settings."""
    given = list(config.option.file_or_dir or ())
    others = next((place for place, word in enumerate(reversed(given)) if word not in order.named), len(given))
    # Where ours come last, a word of a person's that is the same was an option's value.
    named = [] if given[-len(order.paths) :] == order.paths else given[len(given) - others :]
    if named and len(named) < len(given):
        config.args[:] = config.option.file_or_dir = named
    elif not given and order.paths:
        config.args[:] = order.paths
    if order.apart and not config.option.file_or_dir:
        # Where no path is named, syrupy takes what other shards use for what nobody does.
        config.option.file_or_dir = list(config.args)


def without_workers(option: Any) -> str:
    """Switch pytest-xdist's distribution off, and say so; nothing where it is not on or not there."""
    workers, how = getattr(option, "numprocesses", None), getattr(option, "dist", "no")
    if not (workers or how != "no" or getattr(option, "distload", False) or getattr(option, "tx", None)):
        return ""
    option.numprocesses, option.dist, option.distload, option.tx = 0, "no", False, []
    return f"pytest-xdist is switched off (-n {workers or 0} --dist {how}): these tests are one shard of several"


class Header:
    """Adds a line to what pytest says first."""

    def __init__(self, line: str) -> None:
        self._line = line

    def pytest_report_header(self) -> str:
        """Give the line."""
        return self._line
