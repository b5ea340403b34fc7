from __future__ import annotations

from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.ci import Change, Node, acknowledge, attempt, change, is_ci, place, provider, resolve, run_id
from scripts.errors import SettingsError
from scripts.providers import PROVIDERS, Pair

CIRCLE = {"CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "8"}


class Job(NamedTuple):
    """A job as its CI shows it: what it sees, which of the parallel jobs it is, and what it builds."""

    environ: Dict[str, str]
    node: Node
    change: Change
    run: str
    attempt: str = "1"


# Each as the pages say that providers.py names: of a request, and the last job of four where the provider counts them.
JOBS = {
    "circleci": Job(
        {
            "CIRCLECI": "true",
            "CIRCLE_NODE_INDEX": "3",
            "CIRCLE_NODE_TOTAL": "4",
            "CIRCLE_WORKFLOW_ID": "w2",
            "CIRCLE_WORKFLOW_WORKSPACE_ID": "w1",
            "CIRCLE_JOB": "shard",
            "CIRCLE_SHA1": "1a2b",
            "CIRCLE_BRANCH": "fix/a",
            "CIRCLE_PULL_REQUEST": "https://github.com/org/repo/pull/7",
        },
        Node(3, 4),
        Change("1a2b", "fix/a", "7"),
        "w2",
        "w2",
    ),
    "github": Job(
        {
            "GITHUB_ACTIONS": "true",
            "SHARDLINE_INDEX": "3",  # ${{ strategy.job-index }}
            "SHARDLINE_TOTAL": "4",  # ${{ strategy.job-total }}
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_RUN_ID": "1658821493",
            "GITHUB_RUN_ATTEMPT": "2",
            "GITHUB_JOB": "shard",
            "GITHUB_SHA": "1a2b",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_HEAD_REF": "fix/a",
            "GITHUB_BASE_REF": "main",
        },
        Node(3, 4),
        Change("1a2b", "fix/a", "7", "main"),
        "org/repo/1658821493",
        "2",
    ),
    "gitlab": Job(
        {
            "GITLAB_CI": "true",
            "CI_NODE_INDEX": "4",
            "CI_NODE_TOTAL": "4",
            "CI_SERVER_HOST": "gitlab.org",
            "CI_PIPELINE_ID": "95",
            "CI_JOB_NAME": "shard 4/4",
            "CI_COMMIT_SHA": "1a2b",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix/a",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        },
        Node(3, 4),
        Change("1a2b", "fix/a", "7", "main"),
        "gitlab.org/95",
    ),
    "buildkite": Job(
        {
            "BUILDKITE": "true",
            "BUILDKITE_PARALLEL_JOB": "3",
            "BUILDKITE_PARALLEL_JOB_COUNT": "4",
            "BUILDKITE_BUILD_ID": "4735",
            "BUILDKITE_STEP_ID": "s",
            "BUILDKITE_RETRY_COUNT": "0",
            "BUILDKITE_COMMIT": "HEAD",
            "BUILDKITE_BRANCH": "fix/a",
            "BUILDKITE_PULL_REQUEST": "7",
            "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main",
        },
        Node(3, 4),
        Change("", "fix/a", "7", "main"),
        "4735",
        "0",
    ),
    "azure": Job(
        {
            "TF_BUILD": "True",
            "SYSTEM_JOBPOSITIONINPHASE": "4",
            "SYSTEM_TOTALJOBSINPHASE": "4",
            "SYSTEM_COLLECTIONID": "9c6c",
            "BUILD_BUILDID": "1430",
            "SYSTEM_PHASENAME": "shard",
            "SYSTEM_STAGEATTEMPT": "2",
            "SYSTEM_JOBATTEMPT": "1",
            "BUILD_SOURCEVERSION": "1a2b",
            "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "83217",
            "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "7",
            "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/fix/a",
            "SYSTEM_PULLREQUEST_TARGETBRANCH": "main",
        },
        Node(3, 4),
        Change("1a2b", "fix/a", "7", "main"),
        "9c6c/1430",
        "2",
    ),
    "jenkins": Job(
        {
            "JENKINS_URL": "https://ci.org/",
            "JOB_NAME": "team/repo/PR-7",
            "BUILD_NUMBER": "12",
            "GIT_COMMIT": "1a2b",
            "BRANCH_NAME": "PR-7",
            "CHANGE_ID": "7",
            "CHANGE_BRANCH": "fix/a",
            "CHANGE_TARGET": "main",
        },
        Node(0, 1),
        Change("1a2b", "fix/a", "7", "main"),
        "https://ci.org//team/repo/PR-7/12",
    ),
    "drone": Job(
        {
            "DRONE": "true",
            "DRONE_SYSTEM_HOST": "drone.org",
            "DRONE_REPO": "org/repo",
            "DRONE_BUILD_NUMBER": "42",
            "DRONE_COMMIT_SHA": "1a2b",
            "DRONE_BRANCH": "main",
            "DRONE_SOURCE_BRANCH": "fix/a",
            "DRONE_TARGET_BRANCH": "main",
            "DRONE_PULL_REQUEST": "7",
        },
        Node(0, 1),
        Change("1a2b", "fix/a", "7", "main"),
        "drone.org/org/repo/42",
    ),
}
PAIRS = {each.pair: each for each in PROVIDERS if each.pair}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_of_each_provider_is_known(name: str) -> None:
    job = JOBS[name]

    assert (name, True) == (provider(job.environ), is_ci(job.environ))
    assert (job.node, job.change) == (resolve([], job.environ), change(job.environ))
    assert (job.run, job.attempt) == (run_id(job.environ), attempt(job.environ))


def test_no_provider_is_left_out() -> None:
    assert list(JOBS) == [each.name for each in PROVIDERS]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CIRCLECI": "true", "CIRCLE_TAG": "v1"}, Change(tag="v1")),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/v1"}, Change(tag="v1")),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/pull/7"}, Change(branch="pull/7")),
        ({"BUILDKITE": "true", "BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"}, Change(tag="v1")),
        ({"BUILDKITE": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_PULL_REQUEST": "false"}, Change(branch="main")),
        ({"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/a/b"}, Change(branch="a/b")),
        ({"JENKINS_URL": "u", "GIT_BRANCH": "origin/main"}, Change(branch="main")),
        ({"DRONE": "true", "DRONE_SOURCE_BRANCH": "main", "DRONE_TARGET_BRANCH": "main"}, Change(branch="main")),
        ({"BRANCH_NAME": "main", "CI_COMMIT_SHA": "1a2b"}, Change()),
    ],
)
def test_a_push_and_a_tag_are_no_request(environ: Dict[str, str], expected: Change) -> None:
    assert expected == change(environ)


def test_bazel_sees_that_its_shards_are_heard(tmp_path: Path) -> None:
    acknowledge({"TEST_SHARD_STATUS_FILE": str(tmp_path / "status")})
    acknowledge({"TEST_SHARD_STATUS_FILE": str(tmp_path / "no" / "folder")})
    acknowledge({})

    assert ["status"] == [file.name for file in tmp_path.iterdir()]


@given(st.sampled_from(sorted(PAIRS)), st.integers(1, 60))
def test_the_parallel_jobs_of_a_provider_are_all_shards_once(pair: Pair, total: int) -> None:
    of_all = {PAIRS[pair].mark: "true", pair.total_name: str(total)}

    def node(number: int) -> Node:
        return resolve([], {**of_all, pair.index_name: str(number)})

    assert [Node(index, total) for index in range(total)] == [node(pair.first + index) for index in range(total)]
    for beyond in (pair.first - 1, pair.first + total):
        with pytest.raises(SettingsError, match=rf"{pair.index_name} and {pair.total_name}: expected"):
            node(beyond)


def test_gitlab_says_a_total_of_one_without_an_index() -> None:
    assert Node(0, 1) == resolve([], {"GITLAB_CI": "true", "CI_NODE_TOTAL": "1"})


def test_words_of_gitlab_say_nothing_elsewhere() -> None:
    assert Node(0, 1) == resolve([], {"GITHUB_ACTIONS": "true", "CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "4"})


def test_of_two_providers_the_one_that_runs_several_jobs_says_which() -> None:
    of_both = {"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "1", "BUILDKITE_PARALLEL_JOB": "2"}

    assert Node(2, 4) == resolve([], {**of_both, "BUILDKITE_PARALLEL_JOB_COUNT": "4"})


def test_two_providers_that_differ_are_refused_unless_somebody_says_it() -> None:
    both = {**CIRCLE, "TEST_SHARD_INDEX": "1", "TEST_TOTAL_SHARDS": "2"}

    with pytest.raises(SettingsError, match=r"CIRCLE_NODE_INDEX: shard index 3 of 8 .*TEST_SHARD_INDEX: shard index 1"):
        resolve([], both)
    assert Node(0, 2) == resolve([], {**both, "SHARDLINE_INDEX": "0", "SHARDLINE_TOTAL": "2"})


def test_what_the_person_said_wins_over_the_ci() -> None:
    assert Node(2, 4) == resolve(["2", "4"], CIRCLE)


def test_the_ci_says_which_shard_this_is() -> None:
    assert Node(3, 8) == resolve([], CIRCLE)


def test_without_a_word_there_is_one_shard() -> None:
    assert Node(0, 1) == resolve([], {})


@pytest.mark.parametrize(
    "words",
    [
        ["4", "4"],
        ["2/4"],
        ["2"],
        ["-1", "4"],
        ["a", "4"],
        ["0", "0"],
        ["1", "2", "3"],
        ["²", "4"],
        ["0", "1001"],
        ["0", "9" * 5000],
        ["\udcff", "2"],
    ],
)
def test_anything_else_is_refused_with_the_third_of_four_as_example(words: List[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(words, {})

    assert "nox -s shard -- 2 4" in caught.value.hint


@pytest.mark.parametrize("said", [{"CIRCLE_NODE_INDEX": "0"}, {"CIRCLE_NODE_TOTAL": "4"}])
def test_half_of_what_the_ci_should_say_is_refused(said: Dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"CIRCLE_NODE_INDEX and CIRCLE_NODE_TOTAL: .*nothing"):
        resolve([], said)


def test_a_rerun_of_what_failed_is_another_try_in_the_same_place() -> None:
    first = {"CIRCLE_WORKFLOW_WORKSPACE_ID": "a", "CIRCLE_WORKFLOW_ID": "a", "CIRCLE_JOB": "shard"}
    rerun = {**first, "CIRCLE_WORKFLOW_ID": "b"}

    assert (place(first, 4), "a", "b") == (place(rerun, 4), attempt(first), attempt(rerun))


def test_jobs_runs_and_totals_have_places_of_their_own() -> None:
    job = {"BUILDKITE_BUILD_ID": "a", "BUILDKITE_STEP_ID": "b"}
    others = [{**job, "BUILDKITE_STEP_ID": "b/c"}, {**job, "BUILDKITE_STEP_ID": "b c"}, {**job, "SHARDLINE_RUN": ".."}]
    places = [place(each, 4) for each in [job, *others]] + [place(job, 8)]

    assert 5 == len(set(places))
    assert {2} == {each.count("/") for each in places}
    assert not any(part in ("", ".", "..") for each in places for part in each.split("/"))


@pytest.mark.parametrize("name", ["github", "azure", "drone", "jenkins", "gitlab"])
def test_repositories_that_count_their_runs_have_places_of_their_own(name: str) -> None:
    one = JOBS[name].environ
    *names, number = next(each for each in PROVIDERS if each.name == name).run

    assert 1 + len(names) == len({place(environ, 4) for environ in (one, *({**one, other: "b"} for other in names))})
    with pytest.raises(SettingsError, match=r"distribution.store"):
        place({**one, number: ""}, 4)


@pytest.mark.parametrize("names", [("shard 1/4", "shard 4/4"), ("shard:1/4", "shard:4/4")])
def test_parallel_jobs_of_gitlab_have_one_place(names: Tuple[str, str]) -> None:
    first, last = ({**JOBS["gitlab"].environ, "CI_JOB_NAME": name} for name in names)

    assert place(first, 4) == place(last, 4) != place({**last, "CI_JOB_GROUP_NAME": "other"}, 4)


def test_a_store_needs_to_know_the_run() -> None:
    with pytest.raises(SettingsError, match="SHARDLINE_RUN=monday-1 nox -s shard"):
        place({}, 4)
