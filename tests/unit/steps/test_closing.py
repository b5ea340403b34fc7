from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from scripts import settings
from scripts.errors import (
    OUR_MISTAKE,
    AlreadyRunning,
    Deferred,
    ModelError,
    PipelineError,
    ServiceDied,
    SettingsError,
    Shown,
)
from scripts.evidence import reading
from scripts.evidence.ending import Ending
from scripts.settings import Settings
from scripts.steps.closing import closed, is_packed, is_repeated, of_error, shard_of
from tests.unit.steps import projects


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    return settings.load(None, {}, projects.make(tmp_path, service=None))


def ended(project: Settings, error: Optional[BaseException] = None, step: str = "plan", code: int = 0) -> None:
    """Run and close a step that ends like this."""

    def run() -> int:
        if error:
            raise error
        return code

    if error is None:
        assert code == closed(project, step, [], run)
        return
    with pytest.raises(type(error)) as caught:
        closed(project, step, [], run)
    assert caught.value is error


def left(folder: Path) -> Dict[str, Any]:
    file = folder / "ending.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


# Pure ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, expected",
    [
        (ServiceDied("it died", "See {command}.", ("logs",)), ("service died", 10, "ServiceDied", "it died", "See !.")),
        (Deferred("tests failed", 1), ("tests failed", 1, "Deferred", "", "")),
        (KeyboardInterrupt(), ("interrupted", 130, "KeyboardInterrupt", "Ctrl-C ended it", "")),
        (SystemExit(143), ("interrupted", 143, "SystemExit", "SIGTERM ended it", "")),
        (BrokenPipeError(), ("nobody read on", 141, "BrokenPipeError", "", "")),
    ],
)
def test_an_ending_says_what_the_error_says(error: BaseException, expected: List[Any]) -> None:
    assert Ending("shard", *expected) == of_error("shard", error, lambda *words: "!")


@pytest.mark.parametrize("error", [Shown(), AlreadyRunning("somebody is at it"), SystemExit(0), SystemExit(2)])
def test_what_has_not_run_has_no_ending(error: BaseException) -> None:
    assert of_error("shard", error, lambda *words: "") is None


def test_a_full_disk_is_no_mistake_of_ours_and_all_else_is_one() -> None:
    full, ours = (
        of_error("shard", OSError(28, "No space left", "a"), lambda *words: ""),
        of_error("shard", KeyError("x"), str),
    )

    assert full and ours
    assert (1, "a: No space left", "") == (full.exit_code, full.message, full.traceback)
    assert (70, "crashed", "KeyError: 'x'") == (ours.exit_code, ours.ended, ours.message)


@pytest.mark.parametrize(
    "step, code, environ, expected",
    [
        ("integration", 1, {}, True),
        ("integration", 0, {}, False),
        ("shard", 1, {}, False),
        ("integration", 1, {"CIRCLECI": "true"}, False),
        ("integration", 1, {"CI": "false"}, True),
        ("integration", 1, {"SHARDLINE_BUNDLE": "never"}, False),
    ],
)
def test_a_bundle_is_made_by_itself_after_a_red_run_at_home(
    step: str, code: int, environ: Dict[str, str], expected: bool
) -> None:
    assert expected == is_packed(step, Ending("shard", "", code), environ)


def test_which_shard_ended_is_known_from_its_words_or_the_ci() -> None:
    assert 2 == shard_of("shard", ["2", "4", "-x"], {})
    assert 1 == shard_of("shard", [], {"CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2"})
    assert shard_of("shard", ["4", "4"], {}) is None
    assert shard_of("merge", ["2", "4"], {}) is None


def test_a_sentence_that_says_no_more_than_the_error_below_it_is_not_said_twice() -> None:
    assert is_repeated("no such wheel", Ending("shard", "packages missing", 3, message="no such\nwheel"))
    assert not is_repeated("the index is away", Ending("shard", "packages missing", 3, message="no such wheel"))
    assert not is_repeated(
        "Ctrl-C ended it", Ending("shard", "interrupted", 130, message="Ctrl-C ended it")
    )  # nothing is below


# What is left -------------------------------------------------------------------------------------


def test_the_error_passes_as_it_is_and_what_it_says_is_left_without_secrets(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2hunter2")

    ended(project, ModelError("cannot fetch with hunter2hunter2", "Try again."))

    told = left(project.reports)
    assert ("plan", "weights missing", 4, "ModelError") == tuple(
        told[name] for name in ("step", "ended", "exit_code", "kind")
    )
    assert told["message"].startswith("cannot fetch with (")
    assert "hunter2" not in json.dumps(told)
    assert reading.read_run(project).ending is not None


def test_what_prepares_a_run_takes_its_own_ending_away_once_it_is_green(project: Settings) -> None:
    ended(project, ModelError("no"), "models")
    ended(project, step="deps")
    assert "models" == left(project.reports)["step"]

    ended(project, step="models")

    assert {} == left(project.reports)


def test_a_slip_of_the_finger_says_nothing_of_the_run_before(project: Settings) -> None:
    project.reports.mkdir()
    (project.reports / "merge.json").write_text("{}")

    ended(project, SettingsError("--nodes: expected a whole number"), "integration")

    assert {} == left(project.reports)


def test_a_run_that_ends_before_it_took_away_the_last_one_names_what_is_not_its_own(project: Settings) -> None:
    (project.reports / "shard-0").mkdir(parents=True)
    (project.reports / "merge.json").write_text("{}")

    ended(project, ModelError("no weights"), "integration")

    assert ["merge.json", "shard-0"] == left(project.reports)["earlier"]
    record = reading.read_run(project)
    assert ((), None, "no weights") == (record.shards, record.verdict, record.ending and record.ending.message)


def test_where_nothing_can_be_left_the_run_ends_as_it_ended(
    project: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    project.reports.write_text("a file")

    ended(project, ModelError("no weights"), "models")

    assert capsys.readouterr().out.startswith(f"not kept: cannot write {project.reports}/ending.json: ")


def test_what_happened_is_told_before_the_error_and_a_mistake_of_ours_as_such(
    project: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(project, KeyError("lost"), "integration")

    told = capsys.readouterr().out
    assert "\nwhat happened: Shardline itself failed in `integration`, by a mistake of ours: KeyError: 'lost'\n" in told
    assert "in run\n    raise error\nKeyError: 'lost'\n" in left(project.reports)["traceback"]


@pytest.mark.parametrize(
    "error, said",
    [
        (None, "what happened could not be found out: ZeroDivisionError"),
        (KeyError("lost"), "what happened: a mistake of Shardline itself: KeyError: 'lost' (test_closing.py:"),
    ],
)
def test_a_closing_that_fails_itself_hides_nothing(
    project: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Optional[BaseException],
    said: str,
) -> None:
    monkeypatch.setattr(reading, "read_run", lambda *_, **__: 1 / 0)

    ended(project, error, "integration", code=1)

    assert said in capsys.readouterr().out


@pytest.mark.parametrize("wish, is_made", [("", True), ("never", False)])
def test_a_red_run_that_no_merge_told_of_leaves_a_report_unless_nobody_wants_one(
    project: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    wish: str,
    is_made: bool,
) -> None:
    monkeypatch.setenv("SHARDLINE_REPORT", wish)

    ended(project, KeyError("lost"), "integration")

    told = capsys.readouterr().out
    assert "what happened: " in told and is_made == ("report: reports/index.html\n" in told)
    assert is_made == (project.reports / "index.html").exists()


def test_steps_that_are_none_of_a_run_are_not_closed(project: Settings) -> None:
    ended(project, PipelineError("no"), "doctor")

    assert not project.reports.exists()


# Whole runs ---------------------------------------------------------------------------------------


def test_after_a_red_run_at_home_all_of_it_is_in_one_file(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_red(): assert 1 == 2\n", service=None)

    at_home = dict.fromkeys(("SHARDLINE_BUNDLE", "SHARDLINE_REPORT", "CI", "CIRCLECI", "GITHUB_ACTIONS"), "")
    done = projects.run(project, "integration", **at_home)

    assert 1 == done.returncode
    *_, told, last = done.stdout.splitlines()
    file = project / "reports" / "debug-bundle.tar.gz"
    assert told.startswith(f"debug bundle: {file}, ")
    assert "test_red" in told
    assert "ended: tests failed (exit code 1)" == last
    with tarfile.open(str(file)) as archive:
        assert "debug-bundle/reports/ending.json" in archive.getnames()


def test_a_crash_of_our_own_code_is_told_kept_and_packed(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project", "def test_it(): pass\n", service=None)
    shutil.copytree(projects.ROOT / "scripts", tmp_path / "scripts")
    with (tmp_path / "scripts" / "steps" / "integration.py").open("a") as module:
        module.write("\n\ndef run(*_):\n    return {}['lost']\n")
    words = projects.words(project, "integration")
    at_home = dict.fromkeys(("SHARDLINE_BUNDLE", "SHARDLINE_REPORT", "CI", "CIRCLECI", "GITHUB_ACTIONS"), "")
    environ = {**projects.variables({}), **at_home}

    done = subprocess.run(words, cwd=str(tmp_path), env=environ, capture_output=True, encoding="utf-8", check=False)

    assert OUR_MISTAKE == done.returncode, done
    assert (
        "what happened: Shardline itself failed in `integration`, by a mistake of ours: KeyError: 'lost'" in done.stdout
    )
    assert "KeyError: 'lost'\nhint: this is a mistake of Shardline itself." in done.stderr
    assert done.stderr.endswith("ended: crashed (exit code 70)\n")
    with tarfile.open(str(project / "reports" / "debug-bundle.tar.gz")) as archive:
        kept = archive.extractfile("debug-bundle/reports/ending.json")
        assert kept and "KeyError: 'lost'" in json.load(kept)["traceback"]
