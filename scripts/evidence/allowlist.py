"""What may go into a debug bundle: a list of names, the most telling first. What is not on it stays out."""

from __future__ import annotations

from typing import FrozenSet, List, NamedTuple, Sequence

HEAD_BYTES, TAIL_BYTES = 1_000_000, 5_000_000  # of a log: how it began, and how it ended
WHOLE_BYTES = 20_000_000  # of anything else, which half of would be of no use
CAP_BYTES = 50_000_000  # of all together

# What tests leave as evidence.
SOUND = {".flac", ".mp3", ".ogg", ".wav"}
PICTURES = {".gif", ".jpg", ".png", ".svg"}
TEXT = {".csv", ".html", ".json", ".jsonl", ".log", ".txt", ".xml"}
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


# Where not all has room, what is lower in this list is left out first.
OF_A_SHARD = (
    Rule("reports/{shard}/receipt.json", "the shard's result: each test and what became of it", expected=True),
    Rule("reports/{shard}.log", "what the shard printed, in a run at home", log=True),
    Rule("reports/{shard}/service*.log", "what the service printed; .1 is the start before", expected=True, log=True),
    Rule("reports/{shard}/prepare.log", "what service.prepare printed, where this shard ran it", log=True),
    Rule("reports/{shard}/journal.jsonl", "what happened, written while it happened", expected=True, log=True),
    Rule("reports/{shard}/requests.jsonl", "what the suite asked, where it uses service_requests", log=True),
    Rule("reports/{shard}/monitor.jsonl", "what the service took each second, and during which test", log=True),
    Rule("reports/{shard}/junit.xml", "the tests with their tracebacks", expected=True),
    Rule("reports/{shard}/selection.json", "what its last round was to run", expected=True),
)
OF_A_RUN = (
    Rule("reports/merge.json", "what the merge found: tests lost, doubled, failed", expected=True),
    Rule("reports/plan.json", "the plan that all shards were handed"),
    Rule("reports/junit.xml", "the tests of all shards"),
    Rule("reports/shared-service/*.log", "the service that all shards shared", log=True),
    Rule("reports/serve*.log", "the service that a person started", log=True),
    Rule("reports/background*.log", "the service in the background", log=True),
    Rule("reports/prepare.log", "what service.prepare printed, where one of these two ran it", log=True),
)
SERVICE_LOG = Rule("{pattern}", "a log of the service, by service.logs", expected=True, log=True)
ARTIFACT = Rule("reports/{shard}/artifacts/**/*", "what failed tests left", suffixes=ARTIFACTS)


def rules(shards: Sequence[str], logs: Sequence[str], whole_run: bool) -> List[Rule]:
    """List the rules for certain shards ("shard-2"), the patterns of `service.logs`, and the run as a whole if wanted.

    Where there is one shard, nobody expects a merge.

    >>> [rule.pattern for rule in rules(["shard-2"], ["logs/*.txt"], whole_run=False)][-2:]
    ['logs/*.txt', 'reports/shard-2/artifacts/**/*']
    """
    return [
        *(_of(shard, rule) for rule in OF_A_SHARD for shard in shards),
        *(rule._replace(expected=rule.expected and len(shards) > 1) for rule in OF_A_RUN if whole_run),
        *(SERVICE_LOG._replace(pattern=pattern) for pattern in logs),
        *(_of(shard, ARTIFACT) for shard in shards),
    ]


def _of(shard: str, rule: Rule) -> Rule:
    return rule._replace(pattern=rule.pattern.replace("{shard}", shard))
