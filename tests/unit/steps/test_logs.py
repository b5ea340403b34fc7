from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.settings import Settings
from scripts.steps import logs

SERVICES = "services: {tts: {command: [x]}, ocr: {command: [x]}}\nsuite: {path: t}"


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    (tmp_path / "pipeline.yml").write_text(SERVICES)
    for age_s, name in enumerate(["shard-0/service-tts.log", "serve-tts.log", "shared-service/service-ocr.log"]):
        log = tmp_path / "reports" / name
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(f"first\n\x1b[31mof {name}\r\n".encode())
        os.utime(str(log), (1000 - age_s, 1000 - age_s))
    return settings.load(None, {}, tmp_path)


def test_the_newest_log_of_each_is_shown(project: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    logs.run(project, lines=1)

    assert [
        "==> reports/shard-0/service-tts.log <==",
        "of shard-0/service-tts.log",
        "==> reports/shared-service/service-ocr.log <==",
        "of shared-service/service-ocr.log",
    ] == capsys.readouterr().out.splitlines()


def test_one_is_shown_without_a_head(project: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    logs.run(project, "ocr")

    assert "first\nof shared-service/service-ocr.log\n" == capsys.readouterr().out


def test_an_unknown_name_is_refused(project: Settings) -> None:
    with pytest.raises(SettingsError, match=r"no service 'tt'; there are tts, ocr; did you mean 'tts'\?"):
        logs.run(project, "tt")


def test_where_there_is_no_log_it_is_said_where_one_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(SERVICES)

    with pytest.raises(SettingsError, match=r"no log of a service lies in .*reports"):
        logs.run(settings.load(None, {}, tmp_path))


def test_what_is_added_is_read_also_after_a_cut_and_a_new_start(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("old\n")
    seen = []
    with closing(logs.Followed(log)) as followed:
        for mode, text in (("a", "a"), ("a", "b\nc\n"), ("w", "cut\n")):
            with log.open(mode) as file:
                file.write(text)
            seen.append(followed.added())
        (tmp_path / "new").write_text("another\n")
        (tmp_path / "new").replace(log)
        seen.append(followed.added())

    assert [[], ["ab", "c"], ["cut"], ["another"]] == seen
