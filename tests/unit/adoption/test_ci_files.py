from __future__ import annotations

import json
import re
from typing import Any, Collection

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from scripts.adoption import ci_files
from scripts.adoption.ci_files import GITLAB_FILE, INCLUDED, PROVIDERS, Origin
from scripts.settings.project import EDIT

HERE = Origin("shardline==1", True)
NAMES = sorted(PROVIDERS)


def written(name: str, origin: Origin = HERE, python: str = "3.11", *requirements: str) -> str:
    return ci_files.text(ci_files.choose(name, [], [], ""), origin, python, requirements or ("a.txt", "b.txt"))


@pytest.mark.parametrize(
    "asked, there, host, chosen",
    [
        ("", [], "", "circleci"),
        ("", [], "git.example.org", "circleci"),
        ("", [], "github.com", "github"),
        ("", [], "gitlab.example.org", "gitlab"),
        ("", [".github"], "gitlab.com", "github"),
        ("", [".circleci", ".github"], "github.com", "circleci"),
        ("github", [".circleci"], "gitlab.com", "github"),
    ],
)
def test_what_a_person_asks_goes_before_what_is_there_and_that_before_the_host(
    asked: str, there: Collection[str], host: str, chosen: str
) -> None:
    assert chosen == ci_files.choose(asked, there, [], host).provider


def test_where_gitlab_has_a_file_of_theirs_ours_is_one_to_include() -> None:
    beside = ci_files.choose("", [GITLAB_FILE], [GITLAB_FILE], "")

    assert (GITLAB_FILE, INCLUDED) == (ci_files.choose("", [GITLAB_FILE], [], "").path, beside.path)
    assert f"include: {{local: {INCLUDED}}}" in ci_files.purpose(beside)
    assert set() == {key for key in yaml.safe_load(written("gitlab")) if key in ("default", "workflow", "variables")}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_to_fill_in(name: str) -> None:
    assert [] == re.findall("@[A-Z_]+@", written(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_the_python_and_where_it_cannot_get_us(name: str) -> None:
    unreachable = written(name, Origin("shardline", False), "3.9")

    assert re.search(r"""python:3\.9\b|python-version: "3\.9\"""", unreachable)
    assert (True, False) == (f"{EDIT}: where CI can get it" in unreachable, EDIT in written(name))


def values(tree: Any) -> Collection[Any]:
    below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [tree, *(value for each in below for value in values(each))]


TEXT = st.text(alphabet="sh\"'\\ @:#{}[]<>=1.,", max_size=12)


@pytest.mark.parametrize("name", NAMES)
@given(requirement=TEXT, path=TEXT.filter(str.strip))
@effort(max_examples=8, deadline=None)
def test_whatever_pip_installs_and_packages_are_listed_in_yaml_reads_it_as_it_was(
    name: str, requirement: str, path: str
) -> None:
    tree = yaml.load(written(name, Origin(requirement, True), "3.11", path), yaml.CSafeLoader)

    assert requirement in [value for value in values(tree) if isinstance(value, str)]
    if name == "gitlab":
        assert [path] == tree[".caches"]["packages"]["key"]["files"], json.dumps(path)
