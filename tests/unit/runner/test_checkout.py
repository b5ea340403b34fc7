"""The commit that was tested lies beside the project, and what a person has there stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.runner import checkout
from tests.unit.steps import projects
from tests.unit.steps.test_reproduce import IGNORED, commit

MODELS = """
suite: {path: checks}
models:
  files:
  - {path: a.bin, size: 3, sha256: "%064d", sources: ["https://localhost/a.bin"]}
"""


def test_a_checkout_that_somebody_edited_is_neither_used_nor_lost(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    (project / ".gitignore").write_text(IGNORED)
    tested = commit(project)
    loaded = settings.load(None, {}, project)
    folder = checkout.project_at(loaded, tested)
    assert folder == checkout.project_at(loaded, tested)
    (folder / "pipeline.yml").write_text("# a note")

    with pytest.raises(SettingsError, match=r"was edited: 1 files, such as pipeline.yml"):
        checkout.project_at(loaded, tested)

    assert "# a note" == (folder / "pipeline.yml").read_text()


def test_a_commit_is_not_an_option_of_git(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    commit(project)

    with pytest.raises(SettingsError, match="is not in the repository"):
        checkout.project_at(settings.load(None, {}, project), "--upload-pack=touch x")


def test_the_weights_of_the_same_manifest_are_shared_and_of_another_are_not(tmp_path: Path) -> None:
    here, same, other = (
        settings.load(None, {}, projects.make(tmp_path / name, service=None, settings=MODELS % digest))
        for name, digest in [("here", 1), ("same", 1), ("other", 2)]
    )

    checkout.share_weights(same, here)
    checkout.share_weights(same, here)
    checkout.share_weights(other, here)

    assert same.models_directory.resolve() == here.models_directory.resolve()
    assert not other.models_directory.exists()
