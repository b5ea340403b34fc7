"""Who may write into the reports: real processes that hold them, and others that come second."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from scripts import ci
from scripts.ci import Node
from scripts.errors import AlreadyRunning
from scripts.runner import ownership
from scripts.settings import Settings, Suite

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from scripts import ci
from scripts.ci import Node
from scripts.runner import ownership
from scripts.settings import Settings, Suite
settings = Settings(Suite("tests"), file=Path({project!r}) / "pipeline.yml")
with ownership.{held}:
    print("held", flush=True)
    sys.stdin.read()
"""
ALL, FIRST = "of_all(settings)", "of_shard(settings, Node(0, 2), {})"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


@contextmanager
def held(settings: Settings, what: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold it while the block runs."""
    code = HOLDER.format(root=str(ROOT), project=str(settings.project), held=what)
    words = [sys.executable, "-c", code, "shard", "0", "2"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert "held\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def refused(by: int) -> Iterator[None]:
    with pytest.raises(AlreadyRunning, match=rf"reports is in use by pid {by} \(since .*\): .*shard 0 2") as error:
        yield
    assert 7 == error.value.exit_code
    assert "--reports DIR" in (error.value.hint or "")


@pytest.mark.parametrize("first", [ALL, FIRST], ids=["a run", "a shard"])
def test_a_run_of_all_is_refused_while_another_or_a_shard_is_at_it(settings: Settings, first: str) -> None:
    with held(settings, first) as process, refused(process.pid), ownership.of_all(settings):
        pytest.fail("both own the reports")


@pytest.mark.parametrize("first", [ALL, FIRST], ids=["a run", "the same shard"])
def test_a_shard_is_refused_while_a_run_or_itself_is_at_it(settings: Settings, first: str) -> None:
    with held(settings, first) as process, refused(process.pid), ownership.of_shard(settings, Node(0, 2), {}):
        pytest.fail("both own the shard's folder")


def test_other_shards_of_a_plan_run_at_once_and_all_of_them_keep_a_merge_out(settings: Settings) -> None:
    second = ownership.of_shard(settings, Node(1, 2), {})
    with held(settings, FIRST), second, pytest.raises(AlreadyRunning), ownership.of_all(settings):
        pytest.fail("a merge would read what shards still write")

    with ownership.of_all(settings), pytest.raises(AlreadyRunning), ownership.of_shard(settings, Node(1, 2), {}):
        pytest.fail("a shard would write what a merge reads")


def test_who_was_killed_owns_nothing(settings: Settings) -> None:
    with held(settings, ALL) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

        with ownership.of_all(settings), pytest.raises(AlreadyRunning), ownership.of_all(settings):
            pytest.fail("it is owned again")


def test_another_place_for_the_reports_is_another_s(settings: Settings, tmp_path: Path) -> None:
    beside = Settings(Suite("tests"), file=settings.file, reports_directory=tmp_path / "beside")
    with held(settings, ALL), ownership.of_all(beside):
        assert settings.reports != beside.reports


def test_a_shard_of_a_run_is_owned_by_it_and_says_the_start_that_it_was_given(settings: Settings) -> None:
    environ = {ci.OWNER: str(os.getppid()), ownership.START: "5f3a"}
    with ownership.of_all(settings), ownership.of_shard(settings, Node(0, 2), environ):
        assert "5f3a" == ownership.start(environ)


def test_variables_that_a_person_has_exported_own_nothing(settings: Settings) -> None:
    """As of a shell that was started by a shard's test."""
    environ = {ci.OWNER: str(os.getpid()), ownership.START: "5f3a"}  # never our parent's, as init may be
    with ownership.of_all(settings), pytest.raises(AlreadyRunning), ownership.of_shard(settings, Node(0, 2), environ):
        pytest.fail("it is none of that run's")
    assert re.fullmatch("[0-9a-f]{16}", ownership.start(environ))
    assert ownership.start(environ) != ownership.start(environ)


def test_where_no_lock_can_be_written_the_run_itself_says_so(settings: Settings) -> None:
    settings.reports.write_text("a file in its place")
    with ownership.of_all(settings), ownership.of_shard(settings, Node(0, 1), {}):
        pass


OWNED = "of_shard(settings, Node(0, 2), {{ci.OWNER: str(__import__('os').getppid())}})"


def test_a_shard_of_a_killed_run_is_waited_for_since_it_still_writes_its_result(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(settings, OWNED.format()) as orphan:
        threading.Timer(1.0, orphan.kill).start()
        began = time.monotonic()
        with ownership.of_all(settings):
            waited_s = time.monotonic() - began

    assert waited_s > 0.5
    assert f"in use by pid {orphan.pid}" in capsys.readouterr().out


def test_a_shard_of_a_killed_run_that_does_not_end_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "ORPHANS_END_IN_S", 0.3)
    with held(settings, OWNED.format()) as orphan, refused(orphan.pid), ownership.of_all(settings):
        pytest.fail("both would write into the shard's folder")
