"""Where one shard of several leaves what a person's options name: reports, output folders, the base of temporary ones.

Several shards may run at once, or on different machines, and each would overwrite the others'. So each writes to a
folder of its own, beside its result, and says in `places.json` there what was to lie where; the merge brings it there.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Container, Dict, List, Optional

import pytest

FILE_NAME = "places.json"
SCHEMA = 1
# How what the shards left is gathered, see `gathering.py` of the runner.
JUNIT, FILE, LINES, APPENDED, CSV, OBJECT = "junit", "file", "lines", "appended", "csv", "object"
FOLDER, EMPTIED, PREFIX = "folder", "emptied", "prefix"
# Options, as the parser keeps them, that name what a whole run leaves.
REPORTS: Dict[str, str] = {
    "xmlpath": JUNIT,
    "resultlog": LINES,
    "report_log": LINES,  # pytest-reportlog
    "csv_path": CSV,  # pytest-csv
    "htmlpath": FILE,  # pytest-html
    "json_report_file": FILE,  # pytest-json-report
    "json_path": FILE,  # pytest-json
    "ctrf": FILE,  # pytest-json-ctrf
    "md_report_output": FILE,  # pytest-md-report
    "mdpath": FILE,  # pytest-md
    "excelpath": FILE,  # pytest-excel
    "nunit_xmlpath": FILE,  # pytest-nunit
    "cucumber_json_path": FILE,  # pytest-bdd
    "report_path": FILE,
    "pytest_durations_json": FILE,  # pytest-durations
    "pytest_durations_log": LINES,
    "pystack_output_file": LINES,  # pytest-pystack
    "benchmark_json": FILE,  # pytest-benchmark
    "benchmark_histogram": PREFIX,
    "benchmark_cprofile_dump": PREFIX,
    "mpl_results_path": FOLDER,  # pytest-mpl
    "mpl_generate_path": FOLDER,
    "mpl_generate_hash_library": OBJECT,
    "memray_bin_path": FOLDER,  # pytest-memray
    "tap_outdir": FOLDER,  # pytest-tap
    "pstats_dir": FOLDER,  # pytest-profiling
    "logger_logsdir": FOLDER,  # pytest-logger
    "allure_report_dir": FOLDER,
    "durations_path": OBJECT,  # pytest-split
    "output": EMPTIED,  # pytest-playwright
    "log_file": LINES,
}
# These are heeded only where the other option is set: the file is read otherwise; the name is anybody's.
_ONLY_WITH = {"durations_path": "store_durations", "output": "tracing"}
_STREAMS = ("", "-", os.devnull)  # a name that is no file


class Places:
    """Gives each shard a place of its own.

    Args:
        apart: the folder for what the options name. It need not exist.
        shard: the name of the shard's own folder for temporary files, such as shard-0; empty where others do not run.
        installed: the names of the options that pytest and its plugins declare; those of a conftest.py are the suite's.
    """

    def __init__(self, apart: Path, shard: str, installed: Container[str]) -> None:
        self._apart, self._shard, self._installed = apart, shard, installed
        self._named: List[Dict[str, str]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the options before the plugins that heed them look."""
        for option, kind in REPORTS.items():
            value = _value(config, option) if option in self._installed else None
            named = _name(value)
            if named and _is_heeded(config, option):
                self._move(config, option, kind, value, named)
        if self._named:
            text = json.dumps({"schema": SCHEMA, "places": self._named}, indent=1)
            (self._apart / FILE_NAME).write_text(text, encoding="ascii")
        if self._shard and getattr(config.option, "basetemp", None):
            config.option.basetemp = _fresh_base(str(config.option.basetemp), self._shard)

    def _move(self, config: pytest.Config, option: str, kind: str, value: Any, named: str) -> None:
        if kind == FOLDER and option == "allure_report_dir" and getattr(config.option, "clean_alluredir", False):
            kind = EMPTIED
        if option == "log_file" and _value(config, "log_file_mode") == "a":
            kind = APPENDED
        folder = self._apart / option
        folder.mkdir(parents=True, exist_ok=True)
        own = folder if kind in (FOLDER, EMPTIED) else folder / Path(named).name
        setattr(config.option, option, _like(value, own))
        # Path.expanduser raises where the user has no home.
        place = Path(os.path.expanduser(os.path.expandvars(named)))  # noqa: PTH111
        start = Path(config.invocation_params.dir)
        if start in place.parents:  # the same on a machine where this folder has another name
            place = place.relative_to(start)
        self._named.append({"option": option, "kind": kind, "named": str(place), "name": own.name})


def _is_heeded(config: pytest.Config, option: str) -> bool:
    return option not in _ONLY_WITH or bool(getattr(config.option, _ONLY_WITH[option], None))


def _value(config: pytest.Config, option: str) -> Any:
    """Read an option, or the setting of that name where the option is not given."""
    if not hasattr(config.option, option):
        return None
    value = getattr(config.option, option)
    if (
        option == "pstats_dir"
        and not value
        and any(getattr(config.option, one, 0) for one in ("profile", "profile_svg"))
    ):
        return ["prof"]
    return value or _ini(config, option) or _ini(config, option.replace("_", "-"))


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (ValueError, KeyError):  # its plugin is switched off
        return None


def _name(value: Any) -> Optional[str]:
    """Find the path that an option's value is: a text, a path, a list of one, or a file that is open already."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if hasattr(value, "write"):
        value = getattr(value, "name", None)
    return str(value) if isinstance(value, (str, Path)) and str(value) not in _STREAMS else None


def _like(value: Any, place: Path) -> Any:
    """Give a place in the form that an option's value has."""
    if isinstance(value, (list, tuple)):
        return type(value)([str(place)])
    if hasattr(value, "write"):
        value.close()
        return open(str(place), value.mode)
    return place if isinstance(value, Path) else str(place)


def _fresh_base(named: str, shard: str) -> str:
    """Empty and return the folder for temporary files, below the named one; pytest makes no folders above it."""
    base = Path(named).absolute() / shard
    shutil.rmtree(str(base), ignore_errors=True)
    base.parent.mkdir(parents=True, exist_ok=True)
    return str(base)
