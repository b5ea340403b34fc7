from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Dict

import pytest

from scripts import settings
from scripts.evidence import contents, our_processes
from scripts.evidence.allowlist import CI_VARIABLES
from scripts.evidence.bundle import Bundle, Gathering, gather
from scripts.evidence.contents import digest, fact_tasks, is_newest, merged_tasks
from scripts.evidence.facts import Asked, Fact, of_ci, packages_of
from scripts.evidence.files import TIME_IS_UP, Note
from scripts.evidence.redaction.redactor import Redactor
from scripts.providers import PROVIDERS, Provider
from scripts.settings import Settings
from scripts.system import records
from scripts.system.identity import identify
from tests.unit.steps import projects


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    made = settings.load(None, {}, projects.make(tmp_path, service=None))
    (made.reports / "shard-0").mkdir(parents=True)
    (made.reports / "shard-0" / "receipt.json").write_text("{}")
    return made


def found(project: Settings, *facts: Fact) -> Dict[str, str]:
    tasks = fact_tasks(project, facts, Redactor())
    made = Gathering()
    gather(lambda _: tasks, made, time.monotonic() + 20, quiet_s=20)
    return {member.name: member.content.decode() for member in made.bundle.members}


def clock() -> str:
    return str(time.monotonic_ns())


NOW, ALWAYS = Fact("now.json", "", clock, moment=True), Fact("a.json", "", clock)


def test_what_is_of_the_moment_stays_what_it_was_as_long_as_the_evidence_does(project: Settings) -> None:
    first, second = found(project, NOW, ALWAYS), found(project, NOW, ALWAYS)

    assert first["now.json"] == second["now.json"]
    assert first["a.json"] != second["a.json"]

    (project.reports / "shard-0" / "receipt.json").write_text("{} ")

    assert first["now.json"] != found(project, NOW)["now.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 1, "facts": []}', "[" * 5000])
def test_a_moment_that_cannot_be_read_is_found_anew(project: Settings, content: str) -> None:
    (project.reports / contents.MOMENT).write_text(content)

    assert {"now.json"} == set(found(project, NOW))


def test_evidence_is_known_by_what_tells_of_its_end(project: Settings) -> None:
    before = digest(project.reports)
    (project.reports / "debug-bundle.tar.gz").write_text("x")
    assert before == digest(project.reports)

    (project.reports / "ending.json").write_text("x")
    assert before != digest(project.reports)


def test_before_any_run_a_bundle_says_so(tmp_path: Path) -> None:
    made = contents.gather(settings.load(None, {}, projects.make(tmp_path, service=None)), None, "", Asked())

    assert "no run has ended here" == made.sentence
    assert {"settings.json", "machine.json", "reproduce.json"} <= {member.name for member in made.members}


def test_a_run_that_was_killed_before_its_shards_left_more_than_output_is_told_as_killed(tmp_path: Path) -> None:
    project = settings.load(None, {}, projects.make(tmp_path, service=None))
    project.reports.mkdir()
    (project.reports / "shard-0.log").write_text("starting")

    assert contents.KILLED == contents.gather(project, None, "", Asked()).sentence


def test_of_a_ci_only_what_is_listed_is_told() -> None:
    secret = {"CIRCLE_OIDC_TOKEN_V2": "x", "GITHUB_TOKEN": "x", "CI_REGISTRY_PASSWORD": "x", "CIRCLE_ANYTHING": "x"}

    assert {"CIRCLE_JOB": "shard"} == of_ci({**secret, "CIRCLE_JOB": "shard"})


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_what_says_which_shard_run_and_change_it_was_is_told(provider: Provider) -> None:
    names = {name for value in provider[1:] if value for name in (value if isinstance(value, tuple) else [value])}

    assert set() == {name for name in names if isinstance(name, str)} - CI_VARIABLES


def test_requirements_and_locks_of_the_project_are_taken_and_none_from_elsewhere(tmp_path: Path) -> None:
    text = "suite: {path: checks, requirements: ./a/needs.txt}\nservice: {command: [x], requirements: ../needs.txt}\n"

    loaded = settings.load(None, {}, projects.make(tmp_path, settings=text))

    assert ["a/needs.txt", "a/needs.lock"] == packages_of(loaded)


def test_what_runs_of_ours_is_told_with_where_it_listens_and_whose_it_is(project: Settings) -> None:
    me = identify(os.getpid())
    assert me
    gone = me._replace(pid=2**22 + 1)
    ours = records.started("service", "ab" * 8, gone, ("serve",), url="http://me:hunter2@127.0.0.1:1")
    records.write(project.state, ours)

    (told,) = our_processes.describe(project.state)["started"]

    assert ("service", ["serve"], True, []) == (told["what"], told["command"], told["run_goes_on"], told["processes"])
    assert "hunter2" not in json.dumps(told)


def test_where_there_was_no_time_the_page_and_the_sentence_are_those_of_the_merge(project: Settings) -> None:
    page = '<a href="shard-0/artifacts/a.json">say href=&#34;shard-0/</a>'
    (project.reports / "merge.json").write_text('{"schema": 1, "happened": "a.py failed"}')
    (project.reports / "index.html").write_text(page)
    made = Gathering()
    made.add(Bundle(left_out=(Note("index.html", TIME_IS_UP),)))
    gather(lambda made: merged_tasks(project.reports, Redactor(), made), made, time.monotonic() + 20, quiet_s=20)

    assert "a.py failed" == made.sentence
    assert [page.replace('"shard', '"reports/shard')] == [each.content.decode() for each in made.bundle.members]
    assert () == made.bundle.left_out

    assert [] == merged_tasks(project.reports, Redactor(), made)


def test_a_page_of_an_earlier_run_is_not_taken(project: Settings) -> None:
    (project.reports / "index.html").write_text("old")
    os.utime(project.reports / "index.html", (1, 1))

    assert not is_newest(project.reports / "index.html")
