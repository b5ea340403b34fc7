"""What only a whole run may do: its reports, and workers of pytest-xdist.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Optional

import pytest

# Options that name a report of the whole run: of pytest, pytest-html, -json-report, -reportlog, -csv, allure, more.
REPORTS = (
    "xmlpath",
    "htmlpath",
    "json_report_file",
    "report_log",
    "csv_path",
    "allure_report_dir",
    "md_report_output",
    "mdpath",
    "excelpath",
    "nunit_xmlpath",
    "ctrf",
    "report_path",
    "resultlog",
)
# What a session does at its very start, and a collection must not: the option and the value that prevents it.
_AT_START: Dict[str, object] = {
    **dict.fromkeys(REPORTS),
    "cacheclear": False,
    "clean_alluredir": False,
    "log_file": os.devnull,
    "basetemp": None,  # is emptied for the first temporary folder
}
_BY_CACHE = ("lf", "failedfirst", "newfirst", "stepwise")  # what finds nothing to go by in a cache that was cleared


class WholeRunReports:
    """Turns off, or moves, the reports that a person's options name."""

    def __init__(self, apart: Optional[Path], collects_only: bool) -> None:
        self._apart, self._collects_only = apart, collects_only

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the options before the plugins that heed them look."""
        options = config.option
        values = _AT_START
        if self._collects_only and getattr(options, "cacheclear", False):
            values = {**values, **dict.fromkeys(_BY_CACHE, False)}
        if self._apart and not self._collects_only:
            values = self._moved(config, self._apart)
        for name, value in values.items():
            if hasattr(options, name):
                setattr(options, name, value)

    def _moved(self, config: pytest.Config, folder: Path) -> Dict[str, object]:
        """Give each report that is named a place in the folder."""
        named = {name: getattr(config.option, name, None) for name in REPORTS}
        named["log_file"] = getattr(config.option, "log_file", None) or _ini(config, "log_file")
        places: Dict[str, object] = {}
        for name, file in named.items():
            if isinstance(file, (str, Path)) and str(file) not in ("", os.devnull):
                place = folder / Path(file).name
                places[name] = str(folder / name / place.name if str(place) in places.values() else place)
        if places:
            folder.mkdir(parents=True, exist_ok=True)
        return places


def _ini(config: pytest.Config, name: str) -> object:
    try:
        return config.getini(name)
    except (ValueError, KeyError):  # its plugin is switched off
        return None


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
