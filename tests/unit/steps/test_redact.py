from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.errors import SettingsError
from scripts.steps import redact

ROOT = Path(__file__).parents[3]


def test_stdin_goes_to_stdout_without_secrets_and_nothing_else_does(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "MY_PASSWORD": "sword-fish"}
    environ.pop("PIPELINE_SETTINGS", None)

    done = subprocess.run(
        [sys.executable, "-m", "scripts", "redact"],
        input=b"as sword-fish\r\n\xff password=hunter2\0",
        cwd=tmp_path,
        env=environ,
        capture_output=True,
    )

    assert (0, b"as (secret)\r\n\xff password=(secret)\0", b"") == (done.returncode, done.stdout, done.stderr)


def test_what_the_project_knows_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("service: {command: [a], environment: {X: sword-fish}}\nsuite: {path: t}\n")
    sink = io.BytesIO()

    redact.run(redact.load(None, {}, tmp_path), io.BytesIO(b"a sword-fish"), sink)

    assert b"a (secret)" == sink.getvalue()


def test_settings_that_cannot_be_read_are_told_since_their_secrets_would_stay(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("service: 1\n")

    with pytest.raises(SettingsError):
        redact.load(None, {}, tmp_path)
