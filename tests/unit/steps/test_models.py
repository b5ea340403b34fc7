from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from scripts import settings
from scripts.errors import ModelError
from scripts.steps import models
from tests.unit.steps import projects

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> settings.Settings:
    (tmp_path / "here.bin").write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    file = f"{{path: a.bin, size: 7, sha256: {sha256}, sources: ['file:here.bin']}}"
    (tmp_path / "pipeline.yml").write_text(f"suite: {{path: t}}\nmodels: {{files: [{file}], notice: Ask first.}}")
    return settings.load(None, {}, tmp_path)


def test_the_first_time_it_says_what_comes_and_the_second_time_one_line(
    project: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    models.run(project)
    first = capsys.readouterr().out
    models.run(project)

    assert ["Ask first."] == [line for line in first.splitlines() if "Ask" in line]
    assert "weights: 1 file verified, 7 bytes\n" == capsys.readouterr().out


def test_where_all_is_there_nothing_is_loaded_that_only_a_fetch_needs(project: settings.Settings) -> None:
    models.run(project)
    slow = {"requests", "urllib3", "botocore", "rich", "ssl", "email"}
    code = f"""
import sys
from scripts.__main__ import main
main(["models", "--settings", sys.argv[1]])
print(sorted({slow!r} & set(sys.modules)))
"""
    words = [sys.executable, "-c", code, str(project.file)]
    told = subprocess.check_output(words, cwd=str(ROOT), encoding="utf-8")

    assert ["weights: 1 file verified, 7 bytes", "[]"] == told.splitlines()


def test_offline_names_what_is_missing(project: settings.Settings) -> None:
    with pytest.raises(ModelError, match=r"a\.bin"):
        models.run(project, offline=True)


@pytest.mark.parametrize(
    "words",
    [["integration"], ["integration", "--nodes", "2"], ["shard", "0", "2"], ["isolation"], ["serve"], ["models"]],
)
def test_what_nobody_has_looked_up_stops_each_step_that_fetches_before_anything_else(
    tmp_path: Path, words: List[str]
) -> None:
    text = "service: {command: [x], requirements: none}\nsuite: {path: checks}\nmodels: {wanted: [{sources: [hf://org/a]}]}"
    project = projects.make(tmp_path, settings=text)
    (project / "reports").mkdir()
    (project / "reports" / "merge.json").write_text("of the last run")
    done = projects.run(project, *words)

    assert (2, 1) == (done.returncode, done.stdout.count("models.add hf://org/a --settings"))
    assert "of the last run" == (project / "reports" / "merge.json").read_text()


def test_a_plan_needs_no_weights(tmp_path: Path) -> None:
    project = projects.make(tmp_path)
    with (project / "pipeline.yml").open("a") as file:
        file.write("models: {wanted: [{sources: [hf://org/a]}]}\n")

    assert 0 == projects.run(project, "plan").returncode


def test_a_project_without_weights_has_nothing_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}")
    models.run(settings.load(None, {}, tmp_path))

    assert "" == capsys.readouterr().out
