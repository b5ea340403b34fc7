from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import List

import nox.project
import pytest

from scripts.environments import pythons
from scripts.environments.locks import python_versions
from scripts.environments.pythons import Wanted, allows, find, supported, wanted
from scripts.environments.running import HERE

ROOT = Path(__file__).parents[3]
OURS = ["3.8", "3.9", "3.10", "3.11", "3.12"]
INDEX_TTS = '[project]\nname = "indextts"\nrequires-python = ">=3.10,<3.12"\n'


def test_our_own_list_is_the_one_of_pyproject_and_of_the_menu() -> None:
    assert ["3.8", "3.9"] == supported()[:2]
    assert supported()[0] == python_versions.oldest(ROOT, "").version  # what locks are for at least
    assert supported() == nox.project.python_versions(nox.project.load_toml(ROOT / "pyproject.toml"))


def test_what_cannot_read_the_list_has_the_same_pythons() -> None:
    searched = re.findall(r"python(3\.\d+)", (ROOT / "scripts" / "bootstrap.sh").read_text(encoding="utf-8"))
    files = [file for folder in (".circleci", ".github") for file in sorted((ROOT / folder).rglob("*.yml"))]
    lists = [each for file in files for each in lists_of_pythons(file.read_text(encoding="utf-8"))]

    assert {*supported()} == {*searched}
    assert [] == [each for each in lists if each != supported()]
    for readme in ("README.md", "README.zh-CN.md"):
        named = re.findall(r"3\.\d+", (ROOT / readme).read_text(encoding="utf-8").partition("scripts/bootstrap.sh")[0])
        assert [supported()[0], supported()[-1]] == named


def lists_of_pythons(text: str) -> List[List[str]]:
    """What a CI file runs on several Pythons: `["3.8", "3.9"]`."""
    return [re.findall(r"3\.\d+", found) for found in re.findall(r"""\[["']3\.\d+["'](?:, ["']3\.\d+["'])+\]""", text)]


def test_a_project_is_tested_on_what_its_classifiers_name(tmp_path: Path) -> None:
    text = 'classifiers = ["Programming Language :: Python :: 3", "Programming Language :: Python :: 3.9"]'
    (tmp_path / "pyproject.toml").write_text(text)

    assert Wanted(["3.9"], "pyproject.toml", {}) == wanted(tmp_path, (), OURS)


def test_a_project_for_some_pythons_is_tested_on_these_and_the_others_say_why_not(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(INDEX_TTS)

    found = wanted(tmp_path, (), OURS)

    assert ["3.10", "3.11"] == found.versions
    assert dict.fromkeys(["3.8", "3.9", "3.12"], "pyproject.toml requires >=3.10,<3.12") == found.unfit


def test_a_lock_is_for_its_oldest_python_at_least(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("# python: 3.10 and newer\n\na==1\n")

    found = wanted(tmp_path, [tmp_path / "requirements.lock", tmp_path / "none.lock"], OURS)

    assert ["3.10", "3.11", "3.12"] == found.versions
    assert found.unfit["3.9"].endswith("/requirements.lock is for Python 3.10 and newer")


@pytest.mark.parametrize(
    "required, fit",
    [
        ("", OURS),
        (">=3.8.1", OURS),
        ("<3.11", ["3.8", "3.9", "3.10"]),
        ("<=3.10,!=3.9.*", ["3.8", "3.10"]),
        ("<3.10.4", ["3.8", "3.9", "3.10"]),
        ("~=3.10", ["3.10", "3.11", "3.12"]),
        ("==3.11.*", ["3.11"]),
        ("^3.11", ["3.11", "3.12"]),
        ("==3.*", OURS),
        (">=4", []),
    ],
)
def test_a_requirement_allows(required: str, fit: List[str]) -> None:
    assert fit == [python for python in OURS if allows(required, python)]


def test_a_python_is_found_on_path_if_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "3.998"
    for name, text in ((f"python{other}", "#!/bin/sh\n"), ("python3.999", "#!/bin/sh\nexit 1\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(pythons.installers, "find_uv", lambda: None)
    environ = {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)}

    assert sys.executable == find(HERE, environ)
    assert str(tmp_path / f"python{other}") == find(other, environ)
    assert None is find("3.999", environ)


def test_a_python_of_pyenv_is_found_that_is_not_active(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for release in ("3.998.10", "3.998.9"):
        program = tmp_path / "versions" / release / "bin" / "python3.998"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    program = tmp_path / "versions" / "3.998.10" / "bin" / "python3.998"
    monkeypatch.setattr(pythons.installers, "find_uv", lambda: None)

    assert str(program) == find("3.998", {"PATH": "", "PYENV_ROOT": str(tmp_path)})
