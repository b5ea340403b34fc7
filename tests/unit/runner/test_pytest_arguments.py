"""What a person's arguments for pytest mean to us."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from scripts.errors import SettingsError
from scripts.runner import pytest_arguments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_emotion.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    "words", ["--collect-only", "--co -q", "-q --fixtures", "--setup-plan", "--markers", "--version", "--cache-show=x"]
)
def test_what_only_shows_runs_no_test(words: str) -> None:
    assert pytest_arguments.shows_only([word.partition("=")[0] for word in words.split()])


@pytest.mark.parametrize("words", ["-q", "-k co", "--collect-onlyx", "checks", ""])
def test_what_runs_tests_does_not_only_show(words: str) -> None:
    assert not pytest_arguments.shows_only(words.split())


@pytest.mark.parametrize(
    "known, words",
    [(True, "-x -k sad --tb=short"), (True, "checks"), (True, "-"), (False, "--snapshot-update"), (False, "-n 4")],
)
def test_an_option_that_pytest_does_not_have_may_be_a_plugin_s(known: bool, words: str) -> None:
    assert known == pytest_arguments.are_known(words.split())


@pytest.mark.parametrize(
    "words",
    [
        ["checks"],
        ["checks/test_emotion.py::test_sad[a/b]"],
        ["-k", "no/such"],
        ["--junitxml", "out/report.xml"],
        ["--a-plugins-option", "made/later.py"],
        ["-x", "checks/test_emotion.py"],
        ["--basetemp=a/b"],
        ["sad"],
    ],
)
def test_what_is_there_or_is_no_path_is_not_refused(folder: Path, words: List[str]) -> None:
    pytest_arguments.check_paths(words, folder)


@pytest.mark.parametrize(
    "words, complaint",
    [
        (
            ["checks/test_emotoin.py"],
            r"no file or folder checks/test_emotoin\.py in .*; did you mean checks/",
        ),
        (["chekcs/test_emotion.py"], "no file or folder chekcs/"),
        (["-x", "checks/test_emotoin.py"], "did you mean"),
        (["gone.py::test_a"], r"no file or folder gone\.py"),
        (["--tb=short", "gone/"], "no file or folder gone/"),
    ],
)
def test_a_path_that_is_not_there_is_refused_with_one_like_it(folder: Path, words: List[str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        pytest_arguments.check_paths(words, folder)


def test_paths_of_a_command_give_way_to_those_of_a_person(folder: Path) -> None:
    command = ["-m", "pytest", "-c", "checks", "checks", "-q"]

    assert ["-m", "pytest", "-c", "checks", "-q"] == pytest_arguments.without_paths(command, folder)
    assert ["checks/test_emotion.py::test_a"] == pytest_arguments.named_paths(
        ["-k", "sad", "checks/test_emotion.py::test_a"], folder
    )


def test_only_the_words_of_pytest_in_a_command_are_its_paths(folder: Path) -> None:
    (folder / "run").mkdir()

    assert ["run", "-m", "pytest", "-x"] == pytest_arguments.without_paths(
        ["run", "-m", "pytest", "-x", "checks"], folder
    )


@pytest.mark.parametrize("words", ["-k checks", "--env checks", "--env=checks", "-x nowhere", ""])
def test_the_value_of_an_option_names_no_path(folder: Path, words: str) -> None:
    assert [] == pytest_arguments.named_paths(words.split(), folder)


def test_modules_are_named_where_pytest_is_told_so(folder: Path) -> None:
    (folder / "setup.cfg").write_text("[tool:pytest]\naddopts = --pyargs\n")

    assert pytest_arguments.takes_modules([], {}, [folder])
    assert pytest_arguments.takes_modules([], {"PYTEST_ADDOPTS": "-q --pyargs"}, [])
    assert not pytest_arguments.takes_modules(["-q"], {}, [folder / "checks"])
    assert ["api.tests::test_a"] == pytest_arguments.named_paths(["-x", "api.tests::test_a"], folder, pyargs=True)
    pytest_arguments.check_paths(["api.tests::test_a"], folder, pyargs=True)
