"""A report is a page and a summary beside the results, each whole or not at all; a mistake in it costs a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import PipelineError
from scripts.evidence import reading, report
from scripts.evidence.diagnosis import diagnosis
from scripts.evidence.live import Live
from scripts.evidence.page import page
from scripts.proof.receipt import Receipt
from scripts.settings import Settings, Suite
from tests.unit.evidence.test_reading import folder, leave
from tests.unit.proof.test_journal_short import COLLECTED, LOAD, phase, trial, written


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), name="tts", file=tmp_path / "pipeline.yml")


def left(settings: Settings, outcome: str = "failed") -> Receipt:
    folder(settings).mkdir(parents=True)
    return leave(settings, outcome)


def test_page_and_summary_lie_beside_the_results_and_github_hears_of_it(settings: Settings, tmp_path: Path) -> None:
    left(settings)
    record = reading.read_run(settings)
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "step.md")}

    shown = report.write(settings, record, diagnosis.diagnose(record), environ=environ)

    assert "reports/index.html" == shown
    assert "a.py::one" in (settings.reports / "index.html").read_text(encoding="utf-8")
    told = (settings.reports / "summary.md").read_text(encoding="utf-8")
    assert "reports/index.html" in told and told + "\n" == (tmp_path / "step.md").read_text(encoding="utf-8")


def test_a_shard_tells_of_itself_in_its_own_folder(settings: Settings) -> None:
    result = left(settings)

    shown = report.of_shard(settings, result, {})

    assert "reports/shard-0/index.html" == shown and not (settings.reports / "index.html").exists()
    assert "red is not known" not in (folder(settings) / "summary.md").read_text(encoding="utf-8")


def test_a_green_shard_says_what_it_ran(settings: Settings) -> None:
    report.of_shard(settings, left(settings, "passed"), {})

    words = "shard index 0 of 2: 1 test: 1 passed"
    assert (folder(settings) / "summary.md").read_text(encoding="utf-8").startswith(f"## {words}\n")
    page = (folder(settings) / "index.html").read_text(encoding="utf-8")
    assert "1 test passed in shard index 0 of 2" in page and "No verdict yet" in page


def test_a_page_that_cannot_be_made_or_written_is_one_error_that_says_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(settings)
    record = reading.read_run(settings)
    (settings.reports / "index.html").mkdir()

    with pytest.raises(PipelineError, match="Is a directory"):
        report.write(settings, record, [], environ={})
    monkeypatch.setattr(page, "render", lambda *_, **__: {}["x"])
    with pytest.raises(PipelineError, match="the report of the run: KeyError: 'x'"):
        report.write(settings, record, [], environ={})


def test_who_follows_a_run_sees_what_was_added_and_nothing_of_the_run_before(settings: Settings) -> None:
    left(settings)
    lines = written(LOAD, *COLLECTED, *trial(0, {"message": "no"}), *phase(1, "setup"))
    for index, name in ((1, "shard-1"), (2, "shard-2")):
        (settings.reports / name).mkdir()
        (settings.reports / name / "selection.json").write_text(f'{{"schema": 1, "start": "me", "index": {index}}}')
    journal = folder(settings, 1) / "journal.jsonl"
    seen = Live(settings, since_s=(folder(settings, 1) / "selection.json").stat().st_mtime - 1)
    counts = []
    for size in (0, 4, 9, len(lines)):
        journal.write_bytes(b"".join(lines[:size]))
        record = seen.record()
        counts.append([len(told.attempts) for told in record.shards[0].rounds])

    assert ([[], [1], [1], [2]], [1, 2]) == (counts, [shard.index for shard in record.shards])
    leave(settings, "passed", 1)
    assert (None, "passed", ()) == (
        record.verdict,
        seen.record().shards[0].result.tests[0].outcome,  # type: ignore[union-attr]
        seen.record().shards[0].rounds,
    )
    report.write_live(settings, record, refresh_s=7)
    page = (settings.reports / "index.html").read_text(encoding="utf-8")
    assert 'content="7"' in page and "a.py::two" in page
