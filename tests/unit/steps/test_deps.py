from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import InstallError
from scripts.steps import deps


def load(folder: Path, text: str) -> settings.Settings:
    (folder / "pipeline.yml").write_text(text)
    return settings.load(None, {}, folder)


def test_a_project_without_requirements_uses_the_environment_it_runs_in(tmp_path: Path) -> None:
    made = deps.run(load(tmp_path, "suite: {path: t}\nservice: {command: [x]}"))

    assert (Path(sys.prefix), None) == (made.suite.folder, made.service)


def test_each_requirements_file_gets_its_own_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "suite.txt").write_text("# nothing\n")
    (tmp_path / "service.txt").write_text("# nothing at all\n")
    text = "suite: {path: t, requirements: suite.txt}\nservice: {command: [x], requirements: service.txt}"
    made = deps.run(load(tmp_path, text))

    assert made.service
    assert made.suite.python.exists()
    assert made.service.folder != made.suite.folder
    assert "packages for the suite: suite.txt, into .pipeline/environments/suite-" in capsys.readouterr().out


def test_the_pipeline_s_own_stale_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("nox\n")
    (tmp_path / "requirements.lock").write_text("# requirements: sha256 0\n")

    with pytest.raises(InstallError, match="edited after"):
        deps.run(load(tmp_path, "suite: {path: t}"))
