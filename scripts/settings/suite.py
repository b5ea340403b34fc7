"""The suite of tests, as pipeline.yml says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Optional, Tuple, Union

from ..errors import shortened
from ..typed_yaml import Seconds, checked
from .checks import check_all_given, check_folder, check_given, check_words

SHARD = "{shard}"  # in suite.outputs: the index of the shard
RECORDING, RECORDINGS = "{wav}", "{wavs}"  # in suite.recogniser: one, or each of all as a word


def _check_paths(paths: Union[str, Tuple[str, ...]]) -> None:
    if not paths:
        raise ValueError("expected a file or folder, or a list of them, got none")
    check_all_given((paths,) if isinstance(paths, str) else paths)


def _check_outputs(texts: Tuple[str, ...]) -> None:
    for text in texts:
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"expected a folder below suite.directory, got {shortened(text)}")
        if set(text.replace(SHARD, "")) & set("{}"):
            raise ValueError(f"expected {SHARD} or nothing in braces, got {shortened(text)}")


def _check_together(entries: Tuple[Union[str, Tuple[str, ...]], ...]) -> None:
    for entry in entries:
        check_all_given((entry,) if isinstance(entry, str) else entry)
        if not entry or entry == "mark":
            raise ValueError(
                f"expected file, class, mark NAME, a pattern or a list of patterns, got {shortened(str(entry))}"
            )


def _check_recogniser(words: Tuple[str, ...]) -> None:
    if words and not any(RECORDING in word for word in words) and RECORDINGS not in words:
        raise ValueError(
            f"expected a command with {RECORDING}, or a word {RECORDINGS}, got {shortened(' '.join(words))}"
        )


@dataclass(frozen=True)
class Suite:
    """The tests: pytest below `path`, one or a list, in an environment made from `requirements` where given.

    `command` is started in `directory`, which `path` is relative to; its `python` is that environment's.
    In a shard, a test whose phase takes longer than `test_timeout` is ended and fails by name. `together` says which
    tests stay in one shard beside those that the suite says it of: `file`, `class`, `mark NAME`, a pattern of ids, or a
    list of patterns whose tests all stay together. `outputs` are what the suite writes by itself, from `directory`,
    with {shard} where each shard has its own. `asks_while_collected: false` says that no module of the tests asks the
    service when it is imported: pytest then starts and collects while the service comes up. `recogniser` writes down
    what a recording says: for each {wav}, or once for all {wavs}. `baseline` is the folder of what the voice sounds
    like, where the suite is used with several engines.
    """

    path: Union[str, Tuple[str, ...]] = checked(_check_paths, default=".")
    directory: str = checked(check_folder, default=".")
    command: Tuple[str, ...] = checked(check_words, default=("python", "-m", "pytest"))
    requirements: Optional[str] = checked(check_given, default=None)
    test_timeout_s: Seconds = Seconds(600)
    together: Tuple[Union[str, Tuple[str, ...]], ...] = checked(_check_together, default=())
    outputs: Tuple[str, ...] = checked(_check_outputs, default=())
    asks_while_collected: bool = True
    recogniser: Tuple[str, ...] = checked(_check_recogniser, default=())
    baseline: Optional[str] = checked(check_given, default=None)

    @property
    def shared_outputs(self) -> Tuple[str, ...]:
        """Name the outputs that shards of one machine would write together."""
        return tuple(output for output in self.outputs if SHARD not in output)

    @property
    def paths(self) -> Tuple[str, ...]:
        """Where the tests lie, from `directory`; (".",) leaves it to pytest and its own `testpaths`."""
        return (self.path,) if isinstance(self.path, str) else self.path
