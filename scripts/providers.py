"""How CI providers call things: the names of their variables, one `Provider` each. Data only; `ci` reads it.

A provider is added here, with where its own page says so, and its variables that hold no secret in evidence/allowlist.
GitHub's matrix, Jenkins and Drone have no variables for parallel jobs: there SHARDLINE_INDEX and SHARDLINE_TOTAL, or
arguments, say which shard a job is.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

Names = Tuple[str, ...]


class Pair(NamedTuple):
    """The variables that say which of several parallel jobs this is, and what the index counts from."""

    index_name: str
    total_name: str
    first: int = 0


class Provider(NamedTuple):
    """How a CI calls what we ask it. Of several variables, the first one that says something counts.

    Args:
        name: as `provider` returns it.
        mark: the variable that is set in each of its jobs.
        traces: variables of its own that may be all that a container in such a job is told.
        run: these together name a run as no other run is named, of no other repository; the last must be there.
        commit, branch, request, base, tag: as `Change` has them, or references to them (refs/heads/main, a URL).
        job: the same for all parallel jobs that share tests, and another for others; none where no variable is.
        attempt: the same for all jobs of one try at a run, or counted for each job.
        execution: where nothing counts the tries, names one try of one job as no other is named.
        lasting: of `run`, what stays the same where jobs are tried again, if `run` does not.
        pair: of parallel jobs; none where the provider has none.
    """

    name: str
    mark: str
    run: Names
    commit: Names
    branch: Names
    request: Names
    base: Names
    tag: Names
    traces: Names = ()
    job: Names = ()
    attempt: Names = ()
    execution: Names = ()
    lasting: Names = ()
    pair: Optional[Pair] = None


PROVIDERS = (
    # https://circleci.com/docs/reference/variables: "rerun from failed" is a new workflow in the first one's workspace.
    Provider(
        "circleci",
        mark="CIRCLECI",
        traces=("CIRCLE_WORKFLOW_ID", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", "CIRCLE_SHA1"),
        run=("CIRCLE_WORKFLOW_ID",),
        commit=("CIRCLE_SHA1",),
        branch=("CIRCLE_BRANCH",),
        request=("CIRCLE_PULL_REQUEST", "CIRCLE_PR_NUMBER"),
        base=(),  # only pipeline values say it, and only with the GitHub App
        tag=("CIRCLE_TAG",),
        job=("CIRCLE_JOB",),
        attempt=("CIRCLE_WORKFLOW_ID",),
        lasting=("CIRCLE_WORKFLOW_WORKSPACE_ID",),
        pair=Pair("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL"),
    ),
    # https://docs.github.com/en/actions/reference/workflows-and-actions/variables: a run's id is one of its repository,
    # and stays where jobs run again. The commit of a pull request is that of its merge, which is what is checked out.
    Provider(
        "github",
        mark="GITHUB_ACTIONS",
        traces=("GITHUB_RUN_ID", "GITHUB_SHA"),
        run=("GITHUB_REPOSITORY", "GITHUB_RUN_ID"),
        commit=("GITHUB_SHA",),
        branch=("GITHUB_HEAD_REF", "GITHUB_REF"),
        request=("GITHUB_REF",),
        base=("GITHUB_BASE_REF",),
        tag=("GITHUB_REF",),
        job=("GITHUB_JOB",),
        attempt=("GITHUB_RUN_ATTEMPT",),
    ),
    # https://docs.gitlab.com/ci/variables/predefined_variables: a pipeline's id is one of the instance. A job that is
    # tried again is a new job of the same pipeline, and no variable counts. Before 17.10, only a job's own name is
    # there, which ends with 2/4. Elsewhere CI_NODE_* are words of other tools, which count from 0: there they are not
    # read.
    Provider(
        "gitlab",
        mark="GITLAB_CI",
        run=("CI_SERVER_HOST", "CI_PIPELINE_ID"),
        commit=("CI_COMMIT_SHA",),
        branch=(
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME",
            "CI_COMMIT_BRANCH",
        ),
        request=("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"),
        base=("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"),
        tag=("CI_COMMIT_TAG",),
        job=("CI_JOB_GROUP_NAME", "CI_JOB_NAME"),
        execution=("CI_JOB_ID",),
        pair=Pair("CI_NODE_INDEX", "CI_NODE_TOTAL", first=1),
    ),
    # https://buildkite.com/docs/pipelines/configure/environment-variables: tries are counted for each job.
    Provider(
        "buildkite",
        mark="BUILDKITE",
        traces=("BUILDKITE_BUILD_ID", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", "BUILDKITE_COMMIT"),
        run=("BUILDKITE_BUILD_ID",),
        commit=("BUILDKITE_COMMIT",),
        branch=("BUILDKITE_BRANCH",),
        request=("BUILDKITE_PULL_REQUEST",),
        base=("BUILDKITE_PULL_REQUEST_BASE_BRANCH",),
        tag=("BUILDKITE_TAG",),
        job=("BUILDKITE_STEP_ID",),
        attempt=("BUILDKITE_RETRY_COUNT",),
        pair=Pair("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"),
    ),
    # https://learn.microsoft.com/azure/devops/pipelines/build/variables: a build's id is one of the organization. To
    # run failed jobs again is a new attempt at their stage. A phase is what a job of the YAML file is called here.
    Provider(
        "azure",
        mark="TF_BUILD",
        run=("SYSTEM_COLLECTIONID", "BUILD_BUILDID"),
        commit=("BUILD_SOURCEVERSION",),
        branch=("SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"),
        request=("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID", "BUILD_SOURCEBRANCH"),
        base=("SYSTEM_PULLREQUEST_TARGETBRANCH",),
        tag=("BUILD_SOURCEBRANCH",),
        job=("SYSTEM_PHASENAME",),
        attempt=("SYSTEM_STAGEATTEMPT", "SYSTEM_JOBATTEMPT"),
        pair=Pair("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", first=1),
    ),
    # https://www.jenkins.io/doc/book/pipeline/jenkinsfile, and /env-vars.html of each: BUILD_TAG is the same for builds
    # of a/b and a-b. Parallel branches of a pipeline are told apart by the names of their stages only.
    Provider(
        "jenkins",
        mark="JENKINS_URL",
        run=("JENKINS_URL", "JOB_NAME", "BUILD_NUMBER"),
        commit=("GIT_COMMIT",),
        branch=("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        request=("CHANGE_ID",),
        base=("CHANGE_TARGET",),
        tag=("TAG_NAME",),
    ),
    # https://docs.drone.io/pipeline/environment/reference: a build that is started again is a new one. Pipelines are
    # told apart by their names only; the target is there of each push, too.
    Provider(
        "drone",
        mark="DRONE",
        traces=("DRONE_BUILD_NUMBER", "DRONE_COMMIT_SHA"),
        run=("DRONE_SYSTEM_HOST", "DRONE_REPO", "DRONE_BUILD_NUMBER"),
        commit=("DRONE_COMMIT_SHA",),
        branch=("DRONE_SOURCE_BRANCH", "DRONE_BRANCH"),
        request=("DRONE_PULL_REQUEST",),
        base=("DRONE_TARGET_BRANCH",),
        tag=("DRONE_TAG",),
    ),
)
OWN_PAIR = Pair("SHARDLINE_INDEX", "SHARDLINE_TOTAL")
BAZEL = Pair("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS")  # https://bazel.build/reference/test-encyclopedia
BAZEL_STATUS_FILE = "TEST_SHARD_STATUS_FILE"
