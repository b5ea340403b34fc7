"""Which Pythons a lock is made for: those that a service asks for, else what the project says."""

from __future__ import annotations

from pathlib import Path

from scripts import settings
from scripts.settings import Settings
from scripts.steps import lock, matrix


def load(folder: Path, python: str = '["3.11", "3.10"]') -> Settings:
    text = (
        f"service: {{command: [a], requirements: s.txt, python: {python}}}\nsuite: {{path: t, requirements: t.txt}}\n"
    )
    (folder / "pipeline.yml").write_text(text)
    for name in ("s.txt", "t.txt"):
        (folder / name).write_text("")
    return settings.load(None, {}, folder)


def test_a_service_says_for_which_pythons_its_requirements_are(tmp_path: Path) -> None:
    assert {tmp_path / "s.txt": ("3.11", "3.10")} == lock.pythons(load(tmp_path))


def test_what_the_suite_installs_too_is_for_its_python(tmp_path: Path) -> None:
    load(tmp_path)
    text = (tmp_path / "pipeline.yml").read_text().replace("t.txt", "s.txt")
    (tmp_path / "pipeline.yml").write_text(text)

    assert {} == lock.pythons(settings.load(None, {}, tmp_path))


def test_the_lock_of_a_service_with_a_python_of_its_own_keeps_no_leg_out(tmp_path: Path) -> None:
    (tmp_path / "s.lock").write_text("# python: 3.11 and newer\n")
    own, without = load(tmp_path), load(tmp_path, "[]")

    assert {} == {name: why for name, why in matrix._wanted(own).unfit.items() if "s.lock" in why}
    assert any("s.lock" in why for why in matrix._wanted(without).unfit.values())


def test_services_that_share_a_file_have_a_lock_for_all_their_pythons(tmp_path: Path) -> None:
    load(tmp_path)
    shared = "{command: [a], requirements: s.txt, ready: {path: /}, python: "
    text = f'services:\n  one: {shared}"3.11"}}\n  other: {shared}"3.10"}}\nsuite: {{path: t}}\n'
    (tmp_path / "pipeline.yml").write_text(text)
    assert {"3.10", "3.11"} == set(lock.pythons(settings.load(None, {}, tmp_path))[tmp_path / "s.txt"])

    (tmp_path / "pipeline.yml").write_text(text.replace(', python: "3.10"', ""))
    assert {} == lock.pythons(settings.load(None, {}, tmp_path))
