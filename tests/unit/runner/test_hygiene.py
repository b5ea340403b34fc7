"""Which files a run cleans, and which it leaves alone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.ci import Node
from scripts.errors import ServiceDied
from scripts.evidence.redaction.known import Secret
from scripts.evidence.redaction.redactor import Redactor
from scripts.proof import receipt, results
from scripts.runner import hygiene, ownership
from scripts.settings import Settings, Suite
from scripts.steps import merge
from scripts.system import records
from scripts.system.identity import identify
from tests.unit.proof.results import ran, shard

SECRET = "Zq9x7Kd41Pw0tRfGb2"  # not a secret: made up
BY = Redactor([Secret(SECRET)])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "reports" / "shard-0").mkdir(parents=True)
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def test_what_runs_make_is_cleaned_and_what_a_person_keeps_there_is_not(settings: Settings) -> None:
    made = ["shard-0/service.log", "shard-0.log", "shard-0/artifacts/a.txt", "background.log", "junit.xml"]
    own = ["notes.txt", "shard-old/a.log", "shard-0/outputs/out.txt", "data/shard-0.log"]
    for name in (*made, *own):
        file = settings.reports / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SECRET)

    hygiene.of_run(settings, BY)

    assert own == [name for name in (*made, *own) if SECRET in (settings.reports / name).read_text()]


def test_what_a_result_has_sealed_stays_as_it_is(settings: Settings) -> None:
    folder = settings.reports / "shard-0"
    journal = folder / "journal.jsonl"
    journal.write_text(f"known {SECRET}\nnot known yet: Another9Secret4Here7x\n")
    hygiene.before_result(folder, BY)
    receipt.write(folder / receipt.FILE_NAME, shard(0, ran("a"), of=1))

    hygiene.of_run(settings, Redactor([Secret("Another9Secret4Here7x")]))

    assert SECRET not in journal.read_text()
    assert ({}, 1) == (results.gather(settings.reports).changed, len(results.gather(settings.reports).receipts))


def test_a_log_that_a_service_still_writes_is_cleaned_when_that_has_ended(settings: Settings) -> None:
    log = settings.reports / "background.log"
    words = (sys.executable, "-c", f"print('{SECRET}', flush=True); input()")
    with log.open("ab") as sink, subprocess.Popen(words, stdin=subprocess.PIPE, stdout=sink) as service:
        born = identify(service.pid)
        assert born
        records.write(settings.state, records.started("service", "r1", born, words, log=str(log)))
        while SECRET not in log.read_text():
            assert service.poll() is None
            time.sleep(0.01)
        hygiene.of_run(settings, BY)
        kept = log.read_text()
    hygiene.of_run(settings, BY)

    assert (True, False) == (SECRET in kept, SECRET in log.read_text())


@pytest.mark.parametrize("error", [ServiceDied("it died"), KeyboardInterrupt(), SystemExit(143)])
def test_cleaning_that_fails_is_told_and_hides_no_error(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise RecursionError("too deep")

    with pytest.raises(type(error)) as raised, hygiene.at_end(fails):
        raise error

    assert error is raised.value
    assert "not cleaned: secrets may stand in what runs left: RecursionError: too deep" in capsys.readouterr().out


def test_nothing_is_touched_where_somebody_runs(settings: Settings) -> None:
    log = settings.reports / "shard-0" / "service.log"
    log.write_text("password=hunter2hunter2")
    with ownership.of_shard(settings, Node(0, 1), {}):
        hygiene.left_behind(settings)
        kept = log.read_text()
    hygiene.left_behind(settings)

    assert ("password=hunter2hunter2", False) == (kept, "hunter2" in log.read_text())


def test_the_merge_fills_in_what_it_knows_of_the_secrets_that_shards_were_given(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--password", "$PASSWORD", "-o", "token=$TOKEN")
    receipt.write(settings.reports / "shard-0" / receipt.FILE_NAME, shard(0, ran("a"), of=1, arguments=words))
    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.delenv("TOKEN", raising=False)

    assert ["--password", SECRET, "-o", "token=$TOKEN"] == merge._said(settings)
    assert "where the collection needs them, set TOKEN\n" in capsys.readouterr().out
