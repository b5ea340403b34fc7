"""What befalls shards on their nodes: each for real, by two shards that ran, or by signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest

from scripts import settings
from scripts.evidence import reading
from scripts.evidence.diagnosis import diagnosis
from scripts.evidence.diagnosis import kinds as k
from scripts.proof import receipt
from scripts.proof.case import Reference
from scripts.proof.receipt import Receipt
from scripts.proof.results import gather
from scripts.proof.verify import verify
from scripts.steps import integration
from tests.unit.service.children import ROOT, eventually

SUITE = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_x(n): pass\n"
SLEEPS = "import time\ndef test_first(): pass\ndef test_sleeps(): time.sleep(60)\n"


def project(folder: Path, suite: str) -> settings.Settings:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    (folder / "pipeline.yml").write_text(json.dumps({"suite": {"path": "tests"}}))
    return settings.load(str(folder / "pipeline.yml"), {}, folder)


@pytest.fixture(scope="module")
def two_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A green run of two shards."""
    folder = tmp_path_factory.mktemp("two") / "project"
    assert 0 == integration.run(project(folder, SUITE), [], nodes=2, at_once=2)
    return folder


def first_of(folder: Path) -> diagnosis.Diagnosis:
    """What is said first of the results as they lie there now, compared with the tests of the green run."""
    found = settings.load(str(folder / "pipeline.yml"), {}, folder)
    results = gather(found.reports)
    ids = [f"tests/test_it.py::test_x[{n}]" for n in range(4)]
    verdict = verify(
        results.receipts, Reference(ids, results.receipts[0].files_digest), results.damaged, results.changed
    )
    return diagnosis.diagnose(reading.read_run(found, verdict))[0]


def rewritten(change: Callable[[Receipt], Receipt]) -> Callable[[Path], None]:
    def rewrite(file: Path) -> None:
        receipt.write(file, change(receipt.read(file)))

    return rewrite


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (lambda file: shutil.rmtree(str(file.parent)), k.SHARD_MISSING, "shard index 1 of 2 left no result"),
        (rewritten(lambda result: replace(result, plan_id="f" * 64)), k.PLAN_DIFFERED, "shard index"),
        (rewritten(lambda result: replace(result, files_digest="f" * 64)), k.SOURCES_DIFFER, "different states"),
        (rewritten(lambda result: replace(result, arguments=("-k", "x"))), k.ARGUMENTS_DIFFER, "-k x"),
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), k.DAMAGED, "cannot be believed"),
    ],
    ids=["missing", "other plan", "other state", "other arguments", "damaged"],
)
def test_what_befell_one_of_two_shards_is_told_first(
    two_shards: Path, tmp_path: Path, change: Callable[[Path], None], kind: str, words: str
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(str(two_shards), str(folder))
    change(folder / "reports" / "shard-1" / receipt.FILE_NAME)

    found = first_of(folder)

    assert (kind, True) == (found.kind, words in found.sentence), found.sentence


@pytest.mark.parametrize(
    "number, kind, words",
    [
        (signal.SIGKILL, k.RUNNER_KILLED, "was killed while test_sleeps ran: it left no result, 1 test had ended"),
        (signal.SIGINT, k.INTERRUPTED, "the run was interrupted"),
    ],
)
def test_who_ended_a_shard_is_told_with_the_test_that_ran(
    tmp_path: Path, number: signal.Signals, kind: str, words: str
) -> None:
    found = project(tmp_path, SLEEPS)
    words_of_shard = [sys.executable, "-m", "scripts", "shard", "--settings", str(found.file), "0", "1"]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(words_of_shard, cwd=str(ROOT), env=environ, stdout=subprocess.DEVNULL) as runner:
        journal = found.reports / "shard-0" / "journal.jsonl"
        eventually(lambda: journal.exists() and journal.read_text().count('"call"') >= 3)
        runner.send_signal(number)
        runner.wait(30)

    told = diagnosis.diagnose(reading.read_run(found))

    assert told
    assert (kind, True) == (told[0].kind, words in told[0].sentence), told[0].sentence
