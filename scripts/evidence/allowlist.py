"""What may go into a debug bundle: a list of names, the most telling first. What is not on it stays out."""

from __future__ import annotations

from typing import FrozenSet, List, NamedTuple, Sequence

HEAD_BYTES, TAIL_BYTES = 1_000_000, 5_000_000  # of a log: how it began, and how it ended
WHOLE_BYTES = 20_000_000  # of anything else, which half of would be of no use
CAP_BYTES = 50_000_000  # of all together, of which what stands in no file has FACTS_BYTES: page and facts
FACTS_BYTES, FACT_BYTES = 12_000_000, 1_000_000  # the second is of one fact

# What tests leave as evidence.
SOUND = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
PICTURES = {".gif", ".jpeg", ".jpg", ".png", ".webp"}
TEXT = {
    ".csv",
    ".diff",
    ".html",
    ".json",
    ".jsonl",
    ".log",
    ".md",
    ".srt",
    ".svg",
    ".txt",
    ".vtt",
    ".xml",
    ".yaml",
    ".yml",
}
ARTIFACTS = frozenset(SOUND | PICTURES | TEXT)

# What weights are kept in. A pattern of `service.logs` may be wider than was meant.
WEIGHTS = frozenset(
    {".bin", ".ckpt", ".gguf", ".h5", ".npy", ".npz", ".onnx", ".pb", ".pkl", ".pt", ".pth", ".safetensors", ".tflite"}
)


class Rule(NamedTuple):
    """Files that may go in, and how.

    Args:
        pattern: as pathlib's glob reads it, from the project's folder.
        about: what they are, for people.
        expected: whether every run leaves them, so that their absence is worth a line.
        log: whether head and tail do, where there is more.
        suffixes: the only kinds of file wanted; none for any.
    """

    pattern: str
    about: str
    expected: bool = False
    log: bool = False
    suffixes: FrozenSet[str] = frozenset()

    @property
    def limit_bytes(self) -> int:
        """Say how much of one file goes in at most."""
        return HEAD_BYTES + TAIL_BYTES if self.log else WHOLE_BYTES


# What CIs say of a job: names that hold no secret. What is not listed stays out, whatever it is called.
_CI_NAMES = """
CI CIRCLECI CIRCLE_BRANCH CIRCLE_BUILD_NUM CIRCLE_BUILD_URL CIRCLE_JOB CIRCLE_NODE_INDEX CIRCLE_NODE_TOTAL
CIRCLE_PIPELINE_ID CIRCLE_PIPELINE_NUMBER CIRCLE_PR_NUMBER CIRCLE_PROJECT_REPONAME CIRCLE_PROJECT_USERNAME
CIRCLE_PULL_REQUEST CIRCLE_REPOSITORY_URL CIRCLE_RESOURCE_CLASS CIRCLE_SHA1 CIRCLE_TAG CIRCLE_WORKFLOW_ID
CIRCLE_WORKFLOW_JOB_ID CIRCLE_WORKFLOW_WORKSPACE_ID CIRCLE_WORKING_DIRECTORY
GITHUB_ACTIONS GITHUB_BASE_REF GITHUB_EVENT_NAME GITHUB_HEAD_REF GITHUB_JOB GITHUB_REF GITHUB_REF_NAME
GITHUB_REPOSITORY GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL GITHUB_SHA GITHUB_WORKFLOW
GITHUB_WORKSPACE RUNNER_ARCH RUNNER_ENVIRONMENT RUNNER_OS
GITLAB_CI CI_COMMIT_BRANCH CI_COMMIT_REF_NAME CI_COMMIT_SHA CI_COMMIT_TAG CI_EXTERNAL_PULL_REQUEST_IID
CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME CI_JOB_GROUP_NAME CI_JOB_ID
CI_JOB_IMAGE CI_JOB_NAME CI_JOB_STAGE CI_JOB_URL CI_MERGE_REQUEST_IID CI_MERGE_REQUEST_SOURCE_BRANCH_NAME
CI_MERGE_REQUEST_TARGET_BRANCH_NAME CI_NODE_INDEX CI_NODE_TOTAL CI_PIPELINE_ID CI_PIPELINE_SOURCE CI_PIPELINE_URL
CI_PROJECT_DIR CI_PROJECT_PATH CI_RUNNER_DESCRIPTION CI_RUNNER_EXECUTABLE_ARCH CI_SERVER_HOST
BUILDKITE BUILDKITE_AGENT_NAME BUILDKITE_BRANCH BUILDKITE_BUILD_ID BUILDKITE_BUILD_NUMBER BUILDKITE_BUILD_URL
BUILDKITE_COMMIT BUILDKITE_JOB_ID BUILDKITE_LABEL BUILDKITE_PARALLEL_JOB BUILDKITE_PARALLEL_JOB_COUNT
BUILDKITE_PIPELINE_SLUG BUILDKITE_PULL_REQUEST BUILDKITE_PULL_REQUEST_BASE_BRANCH BUILDKITE_RETRY_COUNT
BUILDKITE_STEP_ID BUILDKITE_TAG
TF_BUILD AGENT_OS BUILD_BUILDID BUILD_REASON BUILD_SOURCEBRANCH BUILD_SOURCEVERSION SYSTEM_COLLECTIONID
SYSTEM_JOBATTEMPT SYSTEM_JOBPOSITIONINPHASE SYSTEM_PHASENAME SYSTEM_PULLREQUEST_PULLREQUESTID
SYSTEM_PULLREQUEST_PULLREQUESTNUMBER SYSTEM_PULLREQUEST_SOURCEBRANCH SYSTEM_PULLREQUEST_TARGETBRANCH
SYSTEM_STAGEATTEMPT SYSTEM_TOTALJOBSINPHASE
JENKINS_URL BRANCH_NAME BUILD_NUMBER CHANGE_BRANCH CHANGE_ID CHANGE_TARGET GIT_BRANCH GIT_COMMIT JOB_NAME NODE_NAME
TAG_NAME
DRONE DRONE_BRANCH DRONE_BUILD_EVENT DRONE_BUILD_NUMBER DRONE_COMMIT_SHA DRONE_PULL_REQUEST DRONE_REPO
DRONE_SOURCE_BRANCH DRONE_STAGE_NAME DRONE_SYSTEM_HOST DRONE_TAG DRONE_TARGET_BRANCH
SHARDLINE_INDEX SHARDLINE_RUN SHARDLINE_TOTAL TEST_SHARD_INDEX TEST_TOTAL_SHARDS
"""
CI_VARIABLES = frozenset(_CI_NAMES.split())

# Where not all has room, what is lower in this list is left out first; of a green shard, all before that of a red one.
OF_A_SHARD = (
    Rule("reports/{shard}/receipt.json", "the shard's result: each test and what became of it", expected=True),
    Rule("reports/{shard}/ending.json", "how its step ended"),
    Rule("reports/{shard}.log", "what the shard printed, in a run at home", log=True),
    Rule("reports/{shard}/service*.log", "what the service printed; .1 is the start before", expected=True, log=True),
    Rule("reports/{shard}/prepare.log", "what service.prepare printed, where this shard ran it", log=True),
    Rule("reports/{shard}/journal.jsonl", "what happened, written while it happened", expected=True, log=True),
    Rule("reports/{shard}/requests.jsonl", "what the suite asked, where it uses service_requests", log=True),
    Rule("reports/{shard}/monitor.jsonl", "what the service took each second, and during which test", log=True),
    Rule("reports/{shard}/junit.xml", "the tests with their tracebacks", expected=True),
    Rule("reports/{shard}/selection.json", "what its last round was to run", expected=True),
    Rule("reports/{shard}/artifacts/requests/**/*", "what failed tests asked, and what came", suffixes=ARTIFACTS),
    Rule("reports/{shard}/artifacts/**/*", "what failed tests left", suffixes=ARTIFACTS),
)
OF_A_RUN = (
    Rule("reports/ending.json", "how the run ended"),
    Rule("reports/merge.json", "what the merge found: tests lost, doubled, failed", expected=True),
    Rule("reports/plan.json", "the plan that all shards were handed"),
)
BESIDE_A_RUN = (
    Rule("reports/junit.xml", "the tests of all shards"),
    Rule("reports/shared-service/*.log", "the service that all shards shared", log=True),
    Rule("reports/serve*.log", "the service that a person started", log=True),
    Rule("reports/background*.log", "the service in the background", log=True),
    Rule("reports/prepare.log", "what service.prepare printed, where one of these two ran it", log=True),
)
TIMINGS = Rule(".pipeline/timings.json", "the durations that the next plan is made from")
SERVICE_LOG = Rule("{pattern}", "a log of the service, by service.logs", expected=True, log=True)
REQUIREMENTS = Rule("{file}", "packages, as the environments are made from")


def rules(
    red: Sequence[str], green: Sequence[str], logs: Sequence[str], packages: Sequence[str], whole_run: bool
) -> List[Rule]:
    """List the rules, what is most telling first, and with it what has room first.

    Args:
        red, green: shards, such as "shard-2".
        logs: the patterns of `service.logs`.
        packages: the files of requirements and their locks.
        whole_run: with what is of no one shard. Where there is one shard, nobody expects a merge.

    >>> [rule.pattern for rule in rules(["shard-2"], [], ["logs/*.txt"], [], whole_run=False)][-2:]
    ['reports/shard-2/artifacts/**/*', 'logs/*.txt']
    """
    is_merged = len(red) + len(green) > 1
    return [
        *(rule._replace(expected=rule.expected and is_merged) for rule in OF_A_RUN if whole_run),
        *(_of(shard, rule) for rule in OF_A_SHARD for shard in red),
        *(SERVICE_LOG._replace(pattern=pattern) for pattern in logs),
        *(rule for rule in BESIDE_A_RUN if whole_run),
        *(REQUIREMENTS._replace(pattern=file) for file in packages),
        *((TIMINGS,) if whole_run else ()),
        *(_of(shard, rule) for rule in OF_A_SHARD for shard in green),
    ]


def _of(shard: str, rule: Rule) -> Rule:
    return rule._replace(pattern=rule.pattern.replace("{shard}", shard))
