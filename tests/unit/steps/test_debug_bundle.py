from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Dict

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.steps import debug_bundle
from tests.unit.steps import projects

SUITE = """
import os, pathlib, pytest, urllib.request

def test_the_service_answers():
    assert urllib.request.urlopen(os.environ["SERVICE_URL"] + "/health").status == 200

def test_is_red():
    folder = pathlib.Path(os.environ["SHARDLINE_ARTIFACTS"])
    folder.mkdir(exist_ok=True)
    (folder / "你好 sad.wav").write_bytes(b"RIFF")
    (folder / "voice.safetensors").write_bytes(b"weights")
    assert 1 == 2, "the voice is not sad"
"""
SETTINGS = """
name: tiny
service:
  command: [PYTHON, service.py, "{port}"]
  environment: {HF_TOKEN: hunter2}
  logs: ["logs/*.txt"]
suite: {path: checks}
""".replace("PYTHON", sys.executable)


def contents(file: Path) -> Dict[str, bytes]:
    """What is in a bundle, by the names below its one folder, in its order."""
    with tarfile.open(str(file)) as archive:
        entries = archive.getmembers()
        assert 1 == len({entry.name.partition("/")[0] for entry in entries})
        return {
            entry.name.partition("/")[2]: archive.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in entries
        }


def bundled(project: Path, *arguments: str) -> Dict[str, bytes]:
    done = projects.run(project, "debug-bundle", *arguments)

    assert 0 == done.returncode, done.stdout
    return contents(project / "reports" / "debug-bundle.tar.gz")


def test_the_bundle_of_a_red_shard_holds_all_it_left_and_tells_first_what_is_red(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, settings=SETTINGS)
    (project / "logs").mkdir()
    (project / "logs" / "engine.txt").write_text("loaded")
    assert 1 == projects.run(project, "shard", "0", "1", SECRET_OF_MINE="hunter3").returncode

    found = bundled(project)

    files = ("receipt.json", "service.log", "journal.jsonl", "junit.xml", "selection.json")
    expected = {
        *(f"reports/shard-0/{name}" for name in files),
        "reports/shard-0/artifacts/你好 sad.wav",
        "logs/engine.txt",
    }
    facts = {"settings.json", "machine.json", "packages/pipeline.txt", "packages/suite.txt", "packages/service.txt"}
    assert set() == (expected | facts) - found.keys()
    assert ["index.html", "summary.txt", "reports/shard-0/receipt.json"] == list(found)[:3]
    assert b"service starts" in found["reports/shard-0/service.log"]
    page = found["summary.txt"].decode("utf-8")
    assert "shard index 0 of 1: 2 tests: 1 failed, 1 passed" in page
    assert "failed  checks/test_it.py::test_is_red: AssertionError: the voice is not sad" in page
    assert "reports/shard-0/artifacts/voice.safetensors: of a kind that weights are kept in" in page
    assert b"hunter2" not in b"".join(found.values())
    assert b"hunter3" not in b"".join(found.values())
    assert "HF_TOKEN" in json.loads(found["settings.json"])["service"]["environment"]


def test_secrets_that_service_and_tests_print_are_taken_out_again(tmp_path: Path) -> None:
    suite = "import os\ndef test_a(): assert not (os.environ['SECRET_OF_MINE_KEY'], os.environ['MODE'])\n"
    service = f"import os\nprint('token', os.environ['HF_TOKEN'])\n{projects.SERVICE}"
    project = projects.make(tmp_path, suite, service, SETTINGS)
    named = {"SECRET_OF_MINE_KEY": "hunter3", "MODE": "fast-mode"}
    assert 1 == projects.run(project, "shard", "0", "1", **named).returncode
    for file, secret in (("service.log", "hunter2"), ("journal.jsonl", "hunter3")):  # as a version before left them
        with (project / "reports/shard-0" / file).open("a") as old:
            old.write(f"it is {secret}\n")

    projects.run(project, "debug-bundle", **named)

    found = contents(project / "reports" / "debug-bundle.tar.gz")
    assert [] == [name for name, content in found.items() if b"hunter" in content]
    assert b"token (secret" in found["reports/shard-0/service.log"]
    assert b"fast-mode" in found["reports/shard-0/junit.xml"]
    assert "failed" == json.loads(found["reports/shard-0/receipt.json"])["tests"][0]["outcome"]


def test_path_size_and_what_is_missing_are_printed(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)

    done = projects.run(project, "debug-bundle")

    file = project / "reports" / "debug-bundle.tar.gz"
    assert 0 == done.returncode
    assert re.match(
        rf"debug bundle: {re.escape(str(file))}, [\d.]+ kB, \d+ files: no run has ended here\n", done.stdout
    )
    assert "  missing: reports/shard-*: no shard has run here\n" in done.stdout
    assert "  missing: commit.json: git ended with 128" in done.stdout
    assert "summary.txt" in contents(file)


def test_a_bundle_can_be_of_one_shard(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): pass\n", service=None)
    for index in ("0", "1"):
        assert 0 == projects.run(project, "shard", index, "2").returncode

    done = projects.run(project, "debug-bundle", "--shard", "1", "--output", str(tmp_path / "reports"))

    assert 0 == done.returncode
    folders = {name.rpartition("/")[0] for name in contents(tmp_path / "reports" / "debug-bundle-shard-1.tar.gz")}
    assert {"", "packages", "reports/shard-1"} == folders


def test_a_shard_that_is_not_here_is_refused_with_those_that_are(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    (project / "reports" / "shard-2").mkdir(parents=True)
    (project / "reports" / "shard-10.log").write_text("killed")

    done = projects.run(project, "debug-bundle", "--shard", "7")

    assert 2 == done.returncode
    assert "error: reports/shard-7 is not there; here are shard-2, shard-10\n" in done.stdout
    assert not (project / "reports" / "debug-bundle-shard-7.tar.gz").exists()


def test_settings_that_cannot_be_read_are_in_the_bundle_as_what_is_wrong_with_them(tmp_path: Path) -> None:
    project = projects.make(tmp_path, settings="servcie: {}\nsuite: {path: https://me:hunter2@x, nodes: 3}\n")
    (project / "reports" / "shard-0").mkdir(parents=True)
    (project / "reports" / "shard-0" / "service.log").write_text("started")

    found = bundled(project)

    assert b"pipeline.yml:1: unknown key servcie; did you mean 'service'?" in found["settings-error.txt"]
    assert b"started" == found["reports/shard-0/service.log"]
    assert b"pipeline.yml: cannot be read, see settings-error.txt" in found["summary.txt"]
    assert b"hunter2" not in b"".join(found.values())


def test_without_a_settings_file_nobody_knows_which_project_is_meant(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no settings file"):
        debug_bundle.load("elsewhere.yml", {}, tmp_path)


def test_a_killed_shard_leaves_a_bundle_too(tmp_path: Path) -> None:
    suite = "import os, signal\ndef test_dies(): os.kill(os.getppid(), signal.SIGKILL)\n"
    project = projects.make(tmp_path, suite, service=None)
    assert -signal.SIGKILL == projects.run(project, "shard", "0", "1").returncode

    found = bundled(project)

    assert b"test_dies" in found["reports/shard-0/journal.jsonl"]
    assert b"reports/shard-0/receipt.json: the shard's result" in found["summary.txt"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\0", b"[" * 100_000, b'{"schema": 99}'])
def test_a_result_that_cannot_be_read_is_taken_all_the_same(tmp_path: Path, content: bytes) -> None:
    project = projects.make(tmp_path, service=None)
    (project / "reports" / "shard-0").mkdir(parents=True)
    (project / "reports" / "shard-0" / "receipt.json").write_bytes(content)

    made = debug_bundle.gather(debug_bundle.Subject(settings.load(None, {}, project)))

    assert [content] == [file.content for file in made.members if file.name == "reports/shard-0/receipt.json"]
    assert ["shard index 0: "] == [line[: len("shard index 0: ")] for line in made.shards]


def test_pipes_and_links_where_files_should_be_neither_block_nor_leak(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project", service=None)
    folder = project / "reports" / "shard-0"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("hunter2")
    for name in ("receipt.json", "journal.jsonl", "junit.xml"):
        os.mkfifo(str(folder / name))
    (folder / "service.log").symlink_to(tmp_path / "secret")
    (folder / "artifacts").symlink_to(tmp_path)

    found = bundled(project)

    assert b"hunter2" not in b"".join(found.values())
    assert [] == [name for name in found if name.startswith("reports/")]


def test_logs_of_the_service_that_are_weights_stay_out(tmp_path: Path) -> None:
    manifest = "models: {directory: voices, files: [{path: a.bin, size: 1, sha256: SHA, sources: ['file:a']}]}"
    text = f"service: {{command: [x], logs: ['**/*']}}\nsuite: {{path: checks}}\n{manifest}".replace("SHA", "0" * 64)
    project = projects.make(tmp_path, settings=text)
    (project / "voices").mkdir()
    (project / "voices" / "a.bin").write_text("w")
    (project / "voices" / "b.bin").write_text("w")

    names = {member.name for member in debug_bundle.gather(debug_bundle.load(None, {}, project)).members}

    assert "service.py" in names
    assert not {"voices/a.bin", "voices/b.bin"} & names


def test_a_models_folder_that_holds_the_whole_project_does_not_keep_everything_out(tmp_path: Path) -> None:
    manifest = "models: {directory: ., files: [{path: a.bin, size: 1, sha256: SHA, sources: ['file:a']}]}"
    text = f"service: {{command: [x], logs: ['a.*']}}\nsuite: {{path: checks}}\n{manifest}".replace("SHA", "0" * 64)
    project = projects.make(tmp_path, settings=text)
    (project / "reports").mkdir()
    (project / "reports" / "merge.json").write_text("{}")
    (project / "a.bin").write_text("w")
    (project / "a.log").write_text("l")

    names = {member.name for member in debug_bundle.gather(debug_bundle.load(None, {}, project)).members}

    assert {"reports/merge.json", "a.log"} == names & {"reports/merge.json", "a.log", "a.bin"}


def test_the_task_does_the_same(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    words = [
        sys.executable,
        "-m",
        "invoke",
        "debug-bundle",
        "--settings",
        str(project / "pipeline.yml"),
        "--shard",
        "0",
    ]

    done = subprocess.run(words, cwd=str(projects.ROOT), env=projects.variables({}), check=False)

    assert 0 == done.returncode
    assert "summary.txt" in contents(project / "reports" / "debug-bundle-shard-0.tar.gz")


def test_what_cannot_be_cleaned_in_time_costs_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = projects.make(tmp_path, service=None)
    monkeypatch.setattr(debug_bundle, "CLEAN_S", 0.1)
    monkeypatch.setattr(debug_bundle.hygiene, "left_behind", lambda _: time.sleep(60))

    debug_bundle.make(debug_bundle.load(None, {}, project), lambda line: None, output=tmp_path / "b.tar.gz")

    assert "summary.txt" in contents(tmp_path / "b.tar.gz")
