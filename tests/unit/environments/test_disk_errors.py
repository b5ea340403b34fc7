"""Which disk failed, by what uv and pip print."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments import disk_errors

PLACES = {"": Path("/p/environments"), "UV_CACHE_DIR": Path("/home/me/.cache/uv"), "TMPDIR": Path("/tmp")}
FREE_BYTES = {Path("/p/environments"): 3000, Path("/home/me/.cache/uv"): 2000, Path("/tmp"): 1000}
COPY = "failed to copy file from /home/me/.cache/uv/a/b.so to /p/environments/suite-1/b.so"


@pytest.mark.parametrize(
    "output, words, variable",
    [
        (f"  cause: {COPY}: No space left on device (os error 28)", "/p/environments is full (3.0 kB free", ""),
        (f"  cause: {COPY}: Disk quota exceeded (os error 122)", "/p/environments is over its quota", ""),
        (
            "cause: failed to write `/home/me/.cache/uv/.tmp1`: os error 28",
            "/home/me/.cache/uv is full",
            "UV_CACHE_DIR",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] x", "/tmp is full (1.0 kB", "TMPDIR"),
        ("cause: failed to symlink file from /p/environments/s/bin/python to /usr/bin/python", "no symbolic links", ""),
        (f"{COPY}: Operation not permitted (os error 1)", "no symbolic links or file modes", ""),
        ("cannot open /home/me/.cache/uv/a: Read-only file system (os error 30)", "uv is read-only", "UV_CACHE_DIR"),
        ("No space left on device: /p/environments/a\nhint: something else", "/p/environments is full", ""),
    ],
)
def test_the_disk_that_failed_is_the_one_that_was_written_to_else_the_fullest(
    output: str, words: str, variable: str
) -> None:
    error = disk_errors.error("installing", output, PLACES, FREE_BYTES.__getitem__)

    assert error and words in error.message and "\n" not in error.message
    assert (f" in {variable}, and" if variable else ", and run the command again") in error.hint


def test_another_failure_is_not_the_disk_s() -> None:
    assert disk_errors.error("installing", "error: No solution found\n", PLACES, FREE_BYTES.__getitem__) is None


def test_a_folder_is_found_as_it_is_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"": tmp_path / "environments", "TMPDIR": Path("/nowhere")}
    error = disk_errors.error("installing", "cannot write environments/a: No space left on device", places, lambda _: 1)

    assert error and str(tmp_path / "environments") in error.message
