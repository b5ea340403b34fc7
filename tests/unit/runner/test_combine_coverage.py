"""The program that combines data: run here by the Python of the tests, as a suite's own Python runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
from coverage import CoverageData

from scripts.runner.combine_coverage import main

SOURCE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"


class Request:
    """A request, and the folder that the program is started in."""

    def __init__(self, folder: Path) -> None:
        self.here, self._exchange, self._measured = folder / "here", folder / "exchange", folder / "measured"
        for made in (self.here, self._exchange, self._measured):
            made.mkdir()
        (self.here / "calc.py").write_text(SOURCE)
        self.target = self.here / ".coverage"
        options = {"config_file": True, "branch": None, "source": None}
        names = ("data_file", "suffix", "parallel", "append", "roots", "fail_under", "precision")
        self.facts: Dict[str, Any] = {
            **dict.fromkeys(names, ""),
            "files": [],
            "options": options,
            "reports": {},
            "fail_under": 0,
            "precision": None,
        }

    def measured(self, file: Path, *lines: int) -> None:
        place = self._measured / f"data-{len(self.facts['files'])}"
        data = CoverageData(str(place))
        data.add_lines({str(file): lines})
        self.facts["files"].append(str(place))

    def ask(self, **facts: Any) -> Dict[str, Any]:
        (self._exchange / "request.json").write_text(json.dumps({**self.facts, **facts}))
        main(str(self._exchange))
        answer: Dict[str, Any] = json.loads((self._exchange / "answer.json").read_text())
        return answer

    def files(self) -> Set[str]:
        data = CoverageData(str(self.target))
        data.read()
        return data.measured_files()


@pytest.fixture
def request_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    made = Request(tmp_path)
    monkeypatch.chdir(made.here)
    monkeypatch.delenv("COVERAGE_FILE", raising=False)
    return made


def test_each_report_is_made_and_the_data_stay(request_here: Request) -> None:
    request_here.measured(request_here.here / "calc.py", 1, 2, 5)
    kinds = {"term-missing": "", "html": "", "xml": "out/c.xml", "json": "", "lcov": "", "annotate": "ann"}

    answer = request_here.ask(reports=kinds, fail_under=75)

    assert ("", 75.0, False) == (answer["error"], answer["total"], answer["below"])
    for made in ("htmlcov/index.html", "out/c.xml", "coverage.json", "coverage.lcov", "ann"):
        assert (request_here.here / made).exists()
    assert [line.split() for line in answer["lines"] if line.startswith("calc.py")] == [
        ["calc.py", "4", "1", "75%", "6"]
    ]
    assert Path(request_here.facts["files"][0]).exists()


@pytest.mark.parametrize("precision, below", [(None, True), (0, False), (1, True)])
def test_a_total_on_the_line_is_compared_as_pytest_cov_does(request_here: Request, precision: Any, below: bool) -> None:
    (request_here.here / "calc.py").write_text("a = 1\nb = 1\nif a > 1:\n    c = 1\n    d = 1\n    e = 1\n")
    request_here.measured(request_here.here / "calc.py", 1, 2, 3, 4)  # 66.67 %

    assert below is request_here.ask(fail_under=67, precision=precision)["below"]


def test_sources_of_another_place_are_those_of_here(request_here: Request) -> None:
    request_here.measured(Path("/builds/of/ci/calc.py"), 1, 2)
    request_here.measured(request_here.here / "calc.py", 5, 6)

    answer = request_here.ask(roots=[str(request_here.here), "/builds/of/ci"])

    assert ({str(request_here.here / "calc.py")}, 100.0) == (request_here.files(), answer["total"])


def test_our_own_modules_are_no_part_of_what_was_measured(request_here: Request) -> None:
    request_here.measured(request_here.here / ".pipeline" / "plugin" / "shardline_pytest" / "recorder.py", 1)
    request_here.measured(request_here.here / "calc.py", 1)

    assert ("", {str(request_here.here / "calc.py")}) == (request_here.ask()["error"], request_here.files())


def test_what_an_earlier_run_measured_is_not_taken_for_this_ones(request_here: Request) -> None:
    request_here.target.write_bytes(b"of an earlier run")

    answer = request_here.ask(fail_under=1)

    assert (False, 0.0, True) == (request_here.target.exists(), answer["total"], answer["below"])


def test_a_second_file_is_left_where_coverage_run_leaves_one_for_each_process(request_here: Request) -> None:
    (request_here.here / ".coveragerc").write_text("[run]\nparallel = true\n")
    request_here.measured(request_here.here / "calc.py", 1)

    request_here.ask(suffix=".shards", reports=None)

    left: List[str] = sorted(file.name for file in request_here.here.glob(".coverage*"))
    assert [".coverage", ".coverage.shards", ".coveragerc"] == left


@pytest.mark.parametrize(
    "facts, words",
    [
        ({"options": {"config_file": "not-there.cfg"}}, "not-there.cfg"),
        ({"data_file": "calc.py/below"}, "Error"),
        ({"reports": {"xml": "calc.py/below"}}, "Error"),
    ],
)
def test_what_goes_wrong_is_said(request_here: Request, facts: Dict[str, Any], words: str) -> None:
    request_here.measured(request_here.here / "calc.py", 1)

    assert words in request_here.ask(**facts)["error"]


def test_a_kind_that_this_version_does_not_know_costs_a_line(request_here: Request) -> None:
    request_here.measured(request_here.here / "calc.py", 1)

    assert ["coverage: no report: this version knows no kind hologram"] == request_here.ask(reports={"hologram": ""})[
        "lines"
    ]
