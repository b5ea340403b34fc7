"""Combine what shards measured and make a suite's reports of it: a program that the suite's own Python runs.

It knows coverage (5 to 7) and the standard library, and nothing else of ours. The folder in its argument has the
request (request.json, see `coverage.py`) and gets the answer (answer.json). It does what pytest-cov does at its end,
with the same calls, so that the reports are those of plain pytest.
"""

from __future__ import annotations

import copy
import inspect
import io
import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

PLUGIN = ".pipeline/plugin/shardline_pytest/"  # our own modules run among the tests: where no source is named, or "."


def main(folder: str) -> None:
    """Read the request, do it, and write the answer, which always says what went wrong."""
    request = json.loads(Path(folder, "request.json").read_text(encoding="utf-8"))
    answer: Dict[str, Any] = {"error": "", "unusable": {}, "lines": [], "total": None, "below": False}
    try:
        import coverage

        work = Combination(coverage, request, answer, folder)
        work.combine()
        if request["reports"] is not None:
            work.report()
    except ImportError as error:
        answer["error"] = f"{sys.executable} has no coverage: {error}"
    except Exception as error:  # a plugin of coverage's, a disk: whoever asked tells it
        answer["error"] = f"{type(error).__name__}: {error}"
    Path(folder, "answer.json").write_text(json.dumps(answer), encoding="utf-8")


class Combination:
    """A request that is carried out; what comes of it goes into `answer`."""

    def __init__(self, coverage: Any, request: Dict[str, Any], answer: Dict[str, Any], folder: str) -> None:
        self._coverage, self._request, self._answer, self._folder = coverage, request, answer, folder
        self._options = request["options"]
        plain = coverage.Coverage(**self._options)
        self._target = Path.cwd() / (request["data_file"] or plain.config.data_file)
        is_parallel = request["suffix"] and (request["parallel"] or plain.config.parallel)
        second = [self._target.with_name(self._target.name + request["suffix"])] if is_parallel else []
        self._targets = [self._target, *second]
        self._lines: List[str] = answer["lines"]

    def combine(self) -> None:
        """Combine all data into the file that plain pytest would have left.

        It is whole or not there: what an earlier run measured must not be taken for this one's.
        """
        append = self._request["append"] and self._target.exists()
        files = [*self._request["files"], *([str(self._target)] if append else [])]
        usable = [file for file in files if self._is_usable(file)]
        scratch = Path(self._folder, "combined")
        if usable:
            self._combined(usable, str(scratch))
        if scratch.exists():
            _forget_plugin(str(scratch))
        for target in self._targets:
            if scratch.exists():
                _copy(scratch, target)
            elif target.exists() and not append:
                target.unlink()

    def _is_usable(self, file: str) -> bool:
        try:
            if not Path(file).stat().st_size:
                raise ValueError("it is empty")
            self._coverage.CoverageData(basename=file).read()
        except Exception as error:
            self._answer["unusable"][file] = str(error)
            return False
        return True

    def _combined(self, files: List[str], into: str) -> None:
        cov = self._coverage.Coverage(**{**self._options, "data_file": into})
        if self._request["roots"]:
            cov.config.paths["shardline"] = self._request["roots"]  # after a person's own [paths]
        more: Dict[str, Any] = {"keep": True}
        if "keep" not in inspect.signature(cov.combine).parameters:  # before 5.5 what is combined is removed
            copies = [f"{into}-{number}" for number in range(len(files))]
            files, more = [shutil.copyfile(*pair) for pair in zip(files, copies)], {}
        cov.combine(files, strict=True, **more)
        cov.save()

    def report(self) -> None:
        """Make each report that was asked for, and compare the total with what it must not be less than."""
        self._cov = self._coverage.Coverage(**{**self._options, "data_file": str(self._target)})
        self._cov.load()
        try:
            total = self._summary()
        except self._coverage.CoverageException as error:  # as there are no data: pytest-cov takes that for 0 %
            self._lines.append(f"coverage: no report: {error}")
            total = 0.0
        self._answer["total"] = total
        self._answer["below"] = self._is_below(total)

    def _is_below(self, total: float) -> bool:
        least, precision = self._request["fail_under"], self._request["precision"]
        if precision is None:
            return bool(total < least)
        from coverage.results import should_fail_under

        return bool(should_fail_under(total, least, precision))

    def _summary(self) -> float:
        reports: Dict[str, str] = self._request["reports"]
        total = self._table(io.StringIO(), total=True)
        if "term" in reports or "term-missing" in reports:
            text = io.StringIO()
            missing, covered = "term-missing" in reports, "skip-covered" in reports.values()
            self._table(text, show_missing=missing or None, skip_covered=covered or None)
            self._lines.extend(text.getvalue().splitlines())
        for kind, place in reports.items():
            if kind not in ("term", "term-missing"):
                self._written(kind, place)
        return total

    def _table(self, to: Any, total: bool = False, **options: Any) -> float:
        precision = self._request["precision"]
        if precision is not None and "precision" in inspect.signature(self._cov.report).parameters:
            options["precision"] = precision
        return float(self._with_own_settings(lambda: self._cov.report(ignore_errors=True, file=to, **options)))

    def _with_own_settings(self, make: Callable[[], Any]) -> Any:
        """Make a report; what an old coverage keeps of its options is not the next one's."""
        settings = self._cov.config
        self._cov.config = copy.copy(settings)
        try:
            return make()
        finally:
            self._cov.config = settings

    def _written(self, kind: str, place: str) -> None:
        cov, settings = self._cov, self._cov.config
        to: Any = place or None
        makers: Dict[str, Any] = {
            "annotate": (
                "annotated source",
                lambda: cov.annotate(ignore_errors=True, directory=to),
                "beside the source",
            ),
            "html": ("HTML", lambda: cov.html_report(ignore_errors=True, directory=to), settings.html_dir),
            "xml": ("XML", lambda: cov.xml_report(ignore_errors=True, outfile=to), settings.xml_output),
            "json": ("JSON", lambda: cov.json_report(ignore_errors=True, outfile=to), _of(settings, "json_output")),
            "lcov": ("LCOV", lambda: cov.lcov_report(ignore_errors=True, outfile=to), _of(settings, "lcov_output")),
            "markdown": ("Markdown", lambda: self._markdown(place, "w"), ""),
            "markdown-append": ("Markdown", lambda: self._markdown(place, "a"), ""),
        }
        if kind not in makers:
            self._lines.append(f"coverage: no report: this version knows no kind {kind}")
            return
        name, make, usual = makers[kind]
        self._with_own_settings(make)
        self._lines.append(f"coverage: {name} written to {place or usual}")

    def _markdown(self, place: str, mode: str) -> None:
        with Path(place or "coverage.md").open(mode, encoding="utf-8") as file:
            self._cov.report(ignore_errors=True, file=file, output_format="markdown")


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f"{to.name}.scratch-{os.getpid()}")  # it may lie on another disk
    shutil.copyfile(str(file), str(beside))
    beside.replace(to)


def _of(settings: Any, name: str) -> str:
    return str(getattr(settings, name, ""))


def _forget_plugin(file: str) -> None:
    """Take our own modules out of the data: they are no part of the suite."""
    data = sqlite3.connect(file)
    try:
        rows = data.execute("select id, path from file").fetchall()
        ours = [row for row, path in rows if PLUGIN in path.replace(os.sep, "/")]
        for table, column in (("line_bits", "file_id"), ("arc", "file_id"), ("tracer", "file_id"), ("file", "id")):
            data.executemany(f"delete from {table} where {column} = ?", [(row,) for row in ours])  # noqa: S608 - constants
        data.commit()
    finally:
        data.close()


if __name__ == "__main__":
    main(sys.argv[1])
