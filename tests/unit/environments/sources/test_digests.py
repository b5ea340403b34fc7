"""Large files are read once, and again when they may have changed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from scripts.environments.sources import digests
from scripts.environments.sources.digests import Memory


def fail() -> str:
    raise AssertionError("read though it was known")


@pytest.mark.parametrize("age_s, kept", [(60, True), (0, False)])
def test_a_large_file_is_read_once_unless_it_changed_just_now(
    tmp_path: Path, age_s: int, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"\0" * digests.LARGE_BYTES)
    now = time.time() + age_s
    monkeypatch.setattr(digests.time, "time", lambda: now)
    first = Memory(tmp_path / "memory.json")
    first.digest(str(file), file.stat(), lambda: "it")
    first.save()
    second = Memory(tmp_path / "memory.json")

    assert ("it" if kept else "anew") == second.digest(str(file), file.stat(), fail if kept else lambda: "anew")
    file.write_bytes(b"\1" * digests.LARGE_BYTES)
    assert "other" == second.digest(str(file), file.stat(), lambda: "other")


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1, "files": []}', '{"schema": 1, "files": {"x": 1}}'])
def test_a_damaged_memory_holds_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "memory.json").write_text(content)

    assert "it" == Memory(tmp_path / "memory.json").digest("x", tmp_path.stat(), lambda: "it")
