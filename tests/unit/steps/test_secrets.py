from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable, List

import pytest

from scripts.errors import SettingsError
from scripts.settings import Settings
from scripts.steps import secrets
from scripts.steps.redact import Around
from scripts.steps.secrets import Wish

TOKEN = "gh" + "p_Zk3Vq8Lw2Np7Rt5Xy1BcT6mHs9DfJ4gKe0Qa"
Look = Callable[..., int]


class Repository:
    """A repository of git with a first commit on main."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")
        self.commit("README", "hello\n")

    def git(self, *words: str) -> None:
        options = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgSign=false"]
        subprocess.run(["git", *options, *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
        self.git("add", "--", name)

    def commit(self, name: str, text: str) -> None:
        self.write(name, text)
        self.git("commit", "-q", "-m", name)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def look(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Callable[..., List[str]]:
    """Look for secrets; returns what was said, and last the exit code."""

    def look(*wish: object, **environ: str) -> List[str]:
        code = secrets.run(Around(Settings(file=repository.folder / "pipeline.yml")), Wish(*wish), environ)  # type: ignore[arg-type]
        said = capsys.readouterr().out
        assert TOKEN not in said
        return [*said.splitlines(), str(code)]

    return look


def test_a_secret_is_found_wherever_it_would_go_into_the_history(repository: Repository, look: Look) -> None:
    repository.git("switch", "-q", "-c", "feature")
    repository.commit("once.py", f"one = '{TOKEN}'\n")
    repository.commit("once.py", "one = None\n")
    repository.commit("now 你.py", f"\ntwo = '{TOKEN}'\n")
    repository.write("staged.py", f"three = '{TOKEN}'\n")
    (repository.folder / "staged.py").write_text("three = None\n")
    (repository.folder / "README").write_text(f"{TOKEN}\n")

    *said, amount, code = look()

    assert ["README:1:", "now 你.py:2:", "staged.py:1"] == [
        line.partition(" a ")[0].split(" (")[0] for line in said[:3]
    ]
    assert said[2].startswith("staged.py:1 (staged): a token: (secret-")
    assert said[3].startswith("once.py:1 (commit ")
    assert amount.startswith("secrets: 4 secrets in ") and "since main (" in amount
    assert "1" == code


def test_what_is_said_to_be_none_now_is_none_in_the_history(repository: Repository, look: Look) -> None:
    repository.git("switch", "-q", "-c", "feature")
    repository.commit("a.py", f"'{TOKEN}'\n")
    repository.commit("a.py", f"'{TOKEN}'  # not a secret: made up\n")

    assert "0" == look()[-1]


def test_nothing_but_the_next_commit_is_looked_at_for_a_hook(repository: Repository, look: Look) -> None:
    (repository.folder / "README").write_text(f"{TOKEN}\n")
    assert ["secrets: none in 0 new lines of 0 files since the last commit", "0"] == look("", True)

    repository.git("add", "README")

    assert "README:1: a token" == look("", True)[0].rpartition(":")[0]


def test_what_the_base_has_is_old_except_its_newest_commit(repository: Repository, look: Look) -> None:
    repository.commit("old.py", f"'{TOKEN}'\n")
    assert "old.py:1: a token" == look()[0].rpartition(":")[0]

    repository.commit("new.py", "x = 1\n")

    assert ["secrets: none in 1 new line of 1 file since the commit before, as the base has this one", "0"] == look()
    assert "old.py:1: a token" == look("", False, True)[0].rpartition(":")[0]


def test_the_base_of_a_request_is_that_which_ci_says(repository: Repository, look: Look) -> None:
    repository.git("switch", "-q", "-c", "release")
    repository.commit("old.py", f"'{TOKEN}'\n")
    repository.git("switch", "-q", "-c", "fix")
    repository.commit("new.py", "x = 1\n")
    request = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "release"}

    assert "since release (" in look(**request)[0]
    assert "old.py:1: a token" == look()[0].rpartition(":")[0]


def test_without_a_base_all_files_are_looked_at(repository: Repository, look: Look) -> None:
    repository.commit("old.py", f"'{TOKEN}'\n")
    repository.git("branch", "-q", "-m", "trunk")

    *said, amount, code = look()

    assert said[0].startswith("old.py:1") and "no main branch is here" in amount and "1" == code
    with pytest.raises(SettingsError, match="--base: expected a commit from which this branch comes, got main"):
        look("main")


def test_a_file_may_be_said_to_hold_none(repository: Repository, look: Look) -> None:
    repository.write(".gitattributes", "*.json not-secrets\n")
    repository.write("a.json", f'["{TOKEN}"]\n')
    repository.write("b.bin", "\0")

    assert ["secrets: none in 2 new lines of 2 files (1 binary file not looked at) since the last commit", "0"] == look(
        "", True
    )


def test_the_value_of_a_secret_variable_is_found(repository: Repository, look: Look) -> None:
    repository.write("a.py", "x = 'sword-fish'\n")

    assert look("", True, MY_PASSWORD="sword-fish")[0].startswith("a.py:1: a value that is secret on this machine")


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a repository of git in"):
        secrets.run(Around(Settings(file=tmp_path / "pipeline.yml")), Wish(), {})
