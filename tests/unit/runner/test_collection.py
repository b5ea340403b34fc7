"""Collections: what they find, and that nothing of a person's files changes for them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Dict

import psutil
import pytest

from scripts.environments.environments import Environment
from scripts.errors import SettingsError, Shown, SuiteError
from scripts.runner import collection
from scripts.settings import Service, Settings, Suite
from tests.unit.proof.results import shard
from tests.unit.proof.test_journal import LOAD, SESSION, START, lines, numbered
from tests.unit.steps import projects

HERE = Environment(Path(sys.prefix))
SUITE = "def test_a(): pass\ndef test_b(): pass\n"
CONFTEST = """
from pathlib import Path
def pytest_addoption(parser): parser.addoption("--snapshot-update", action="store_true")
def pytest_sessionstart(session): Path(__file__).with_name("started").touch()
def pytest_sessionfinish(session):
    if session.config.getoption("--snapshot-update"):
        Path(__file__).with_name("snapshot").unlink()
def pytest_unconfigure(config): Path(__file__).with_name("ended").touch()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


READS = """
import os
URLS = [os.environ["SERVICE_URL"], os.environ["SERVICE_TTS_URL"], os.environ["SERVICE_OCR_URL"]]
assert URLS == ["http://127.0.0.1:9", "http://127.0.0.1:9", "http://ocr.corp"], URLS
assert os.environ["SHARDLINE_ARTIFACTS"] and "SERVICE_PID" not in os.environ
def test_a(): pass
"""


def test_a_suite_that_reads_the_urls_at_its_import_is_collected_without_a_service(settings: Settings) -> None:
    settings.file.with_name("tests").joinpath("test_it.py").write_text(READS)
    services = {"tts": Service(command=("none",)), "ocr": Service(url="http://ocr.corp")}

    found = collection.collect(replace(settings, services=services), HERE, [])

    assert ["tests/test_it.py::test_a"] == found.nodeids


def digests(folder: Path) -> Dict[str, str]:
    """Every file that is no cache of Python's, with what it holds."""
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    own = folder / ".pipeline"
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if own not in file.parents}


def test_the_tests_are_found_in_order_and_their_files_have_a_digest(settings: Settings) -> None:
    before = collection.collect(settings, HERE, [])
    same = collection.collect(settings, HERE, [])
    (settings.project / "tests" / "test_it.py").write_text(SUITE.replace("pass", "assert 0"))
    after = collection.collect(settings, HERE, [])

    ids = ["tests/test_it.py::test_a", "tests/test_it.py::test_b"]
    assert [ids, ids] == [before.nodeids, after.nodeids]
    assert before == same
    assert before.files_digest != after.files_digest


def test_a_collection_changes_nothing_that_a_person_has(settings: Settings) -> None:
    tests = settings.project / "tests"
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "snapshot").touch()
    (settings.project / "report.xml").write_text("of the last run")
    (settings.project / ".pytest_cache").mkdir()
    (settings.project / ".pytest_cache" / "lastfailed").write_text("kept")
    before = digests(settings.project)

    words = ["--snapshot-update", "--junitxml=report.xml", "--cache-clear"]
    found = collection.collect(settings, HERE, words)

    after = {name: digest for name, digest in digests(settings.project).items() if not name.endswith("started")}
    assert (before, 2) == (after, len(found.nodeids))


def test_a_part_of_the_suite_is_collected_as_that(settings: Settings, tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("tests/test_it.py::test_b\n")

    assert ["tests/test_it.py::test_b"] == collection.collect(settings, HERE, ["--tests", str(listed)]).nodeids
    assert ["tests/test_it.py::test_a"] == collection.collect(settings, HERE, ["-k", "test_a"]).nodeids


def test_nothing_selected_is_an_empty_collection(settings: Settings) -> None:
    assert [] == collection.collect(settings, HERE, ["-k", "nothing"]).nodeids


def test_a_file_that_cannot_be_collected_is_named(settings: Settings) -> None:
    (settings.project / "tests" / "test_bad.py").write_text("import nowhere")

    with pytest.raises(SuiteError, match=r"(?s)cannot be collected:.*test_bad\.py.*No module named 'nowhere'"):
        collection.collect(settings, HERE, [])


@pytest.mark.parametrize("word", ["--no-such-option", "--maxfail=x", "-p no_such_plugin"])
def test_an_argument_that_pytest_cannot_use_is_a_mistake_of_settings(settings: Settings, word: str) -> None:
    with pytest.raises((SettingsError, SuiteError), match=r"no.such|maxfail"):
        collection.collect(settings, HERE, word.split())


def test_a_test_file_that_ends_the_process_is_no_whole_collection(settings: Settings) -> None:
    """It must never be taken for a suite of the tests before it."""
    (settings.project / "tests" / "test_z.py").write_text("import os; os._exit(0)")

    with pytest.raises(SuiteError, match="cannot be collected"):
        collection.collect(settings, HERE, [])


def test_what_only_shows_is_shown_and_with_the_fixtures_ours(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Shown):
        collection.show(settings, HERE, ["--collect-only", "-q"])
    with pytest.raises(Shown):
        collection.show(settings, HERE, ["--fixtures", "-q"])

    said = capfd.readouterr().out
    assert "tests/test_it.py::test_a" in said
    for name in ("service", "service_url", "service_requests"):
        assert re.search(rf"^{name}\b.*\n    [A-Z]", said, re.MULTILINE), name


def test_a_collection_ends_with_its_runner_however_that_ends(tmp_path: Path) -> None:
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\ndef test_it(): pass\n"
    project = projects.make(tmp_path, code, service=None)
    runner = subprocess.Popen(projects.words(project, "plan"), cwd=str(projects.ROOT), env=projects.variables({}))
    written = project / "pid"
    until = time.monotonic() + 60
    while not (written.exists() and written.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    pytest_process = psutil.Process(int(written.read_text()))
    runner.kill()
    runner.wait()

    assert [] == psutil.wait_procs([pytest_process], timeout=20)[1]


def test_a_shard_that_could_be_given_any_test_has_collected_for_the_merge_too(settings: Settings) -> None:
    folder = settings.reports / "shard-0"
    folder.mkdir(parents=True)
    chosen = {"event": "selected", "at": 0.0, "ids": ["a", "b"], "by_piece": True, "names": {"b": "known"}}
    (folder / "journal.jsonl").write_bytes(lines(*numbered(LOAD, SESSION, chosen)))
    results = [shard(0, collected=collected, start=START) for collected in (["a", "known"], ["a", "known", "c"])]

    whole, part = (collection.of_shard(settings, folder, result) for result in results)

    assert (["a", "b"], None) == (whole and whole.nodeids, part)
