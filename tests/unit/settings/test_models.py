"""What stands below `models:`: files whose content is known, and sources of which nobody has looked it up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import settings
from scripts.errors import SettingsError
from scripts.settings.models import Wanted


def load(folder: Path, named: str = "", **models: Any) -> settings.Settings:
    file = folder / (named or "pipeline.yml")
    file.write_text(yaml.safe_dump({"suite": {"path": "t"}, "models": models}), encoding="utf-8")
    return settings.load(named or None, {}, folder)


@pytest.mark.parametrize(
    "sources",
    [
        ["hf://org/voice"],
        ["hf://org/voice@v1/sub/", "modelscope", "modelscope://other/voice"],
        ["modelscope://org/voice/*.bin", "hf"],
        ["s3://weights/"],
        ["https://host/a.bin", "file:a.bin"],
        ["wheel:a==1#a/b.bin"],
    ],
)
def test_what_models_add_takes_may_be_wanted_without_a_list_of_files(tmp_path: Path, sources: list[str]) -> None:
    models = load(tmp_path, wanted=[{"sources": sources}]).models

    assert models and ((), (Wanted(tuple(sources)),)) == (models.files, models.wanted)


@pytest.mark.parametrize(
    "wanted, said",
    [
        ({}, "missing key models.wanted[0].sources"),
        ({"sources": []}, "expected at least one source"),
        ({"sources": ["hf://org"]}, "expected hf://ORG/REPO, got 'hf://org'"),
        ({"sources": ["s3://weights"]}, "expected s3://BUCKET/PREFIX/, got 's3://weights'"),
        ({"sources": ["modelscope"]}, "expected modelscope://ORG/REPO, got 'modelscope'"),
        ({"sources": ["https://host/a.bin", "modelscope"]}, "expected modelscope://ORG/REPO, got 'modelscope'"),
        ({"sources": ["hf://org/voice"], "path": "../a"}, "expected a file below the models folder, got '../a'"),
        ({"sources": ["hf://org/voice"], "size": 1}, "unknown key models.wanted[0].size"),
    ],
)
def test_what_models_add_cannot_do_is_refused(tmp_path: Path, wanted: object, said: str) -> None:
    with pytest.raises(SettingsError) as failure:
        load(tmp_path, wanted=[wanted])

    assert said in failure.value.message


@pytest.mark.parametrize("models", [{"files": []}, {"wanted": []}, {}])
def test_where_nothing_is_wanted_nothing_has_to_be_looked_up(tmp_path: Path, models: Any) -> None:
    load(tmp_path, **models).check_weights()


def test_what_nobody_has_looked_up_is_named_with_its_line_and_the_commands_that_do(tmp_path: Path) -> None:
    wanted = [
        {"sources": ["hf://org/voice", "modelscope"]},
        {"sources": ["hf://org/base/*.bin", "https://me:secret@host/base?key=secret"], "path": "cache/base"},
    ]
    with pytest.raises(SettingsError) as failure:
        load(tmp_path, named="other.yml", wanted=wanted).check_weights()

    place, *said = failure.value.message.splitlines()
    assert place.startswith(f"{tmp_path}/other.yml:3: models.wanted: without size and sha256 nothing is fetched")
    assert ["  hf://org/voice, or modelscope", "  hf://org/base/*.bin, or https://host/base?..., to cache/base"] == said
    adds = [line.partition("models.add ")[2] for line in failure.value.hint.splitlines() if line.startswith("  ")]
    assert adds == [
        "hf://org/voice --mirror modelscope --settings other.yml",
        "'hf://org/base/*.bin' --mirror 'https://host/base?...' --path cache/base --settings other.yml",
    ]
