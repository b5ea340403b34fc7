"""What a suite writes by itself travels with the result of its shard."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from scripts.ci import Node
from scripts.runner import outputs
from scripts.settings import Settings, Suite

NODE = Node(1, 2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite(outputs=("made", "own-{shard}", "one.log")), file=tmp_path / "pipeline.yml")


def write(settings: Settings, **texts: str) -> None:
    for name, text in texts.items():
        file = settings.project / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def kept(settings: Settings, before: outputs.Seen) -> List[str]:
    said: List[str] = []
    outputs.keep(settings, NODE, before, settings.reports / "shard-1", said.append)
    folder = settings.reports / "shard-1" / outputs.FOLDER
    return sorted(str(file.relative_to(folder)) for file in outputs.files_of(folder)) + said


def test_what_is_new_since_is_kept_and_of_others_nothing(settings: Settings) -> None:
    write(settings, made__old="a", made__changed="a")
    before = outputs.seen(settings, NODE)

    write(settings, made__changed="other", made__new="b", **{"own-1__c": "c", "one.log": "d", "own-0__e": "e"})

    assert ["made/changed", "made/new", "one.log", "own-1/c"] == kept(settings, before)


def test_links_are_not_followed(settings: Settings, tmp_path: Path) -> None:
    write(settings, secret__key="k", made__a="a")
    (settings.project / "made" / "file").symlink_to(tmp_path / "secret" / "key")
    (settings.project / "made" / "folder").symlink_to(tmp_path / "secret")
    (settings.project / "own-1").symlink_to(tmp_path / "secret")

    assert ["made/a"] == kept(settings, {})


def test_too_much_costs_a_line_and_not_the_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_BYTES", 3)
    write(settings, made__a="abc", made__b="d")

    most = "a shard keeps at most 50000 files and 3 bytes; the rest from made/b on stays where it is"
    assert ["made/a", f"not kept of suite.outputs: made: {most}"] == kept(settings, {})


def test_our_own_results_are_no_output(tmp_path: Path) -> None:
    settings = Settings(Suite(outputs=("reports",)), file=tmp_path / "pipeline.yml")
    write(settings, reports__mine="a")

    assert {} == outputs.seen(settings, NODE)
