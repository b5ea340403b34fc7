"""Tell the CI what is red, where it shows that of its own accord: lines to print, or its own program."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from typing import List, Optional

from .. import ci
from ..console import clean
from ..errors import PipelineError
from ..evidence import ci_annotations, summary
from ..evidence.diagnosis import diagnosis
from ..evidence.ending import Ending
from ..evidence.record import RunRecord
from ..runner.rounds import repository_of
from ..settings import Settings
from ..system.programs import ProgramFailed, output

AGENT = "buildkite-agent"
AGENT_S = 5.0  # less than what closing gives all of this
MOST_CHARACTERS = 30_000  # of one argument; the system takes 128 KiB, and a character may have four


def announce(
    settings: Settings, end: Ending, record: Optional[RunRecord], provider: str, shard: Optional[int]
) -> List[str]:
    """Tell how a step ended; return the commands to print, as the provider reads them.

    Args:
        record: of the run, or of its shard; None where no tests can have run.
        shard: the index, where it is one.

    Raises:
        PipelineError: the provider's program does not take it.
    """
    happened = diagnosis.diagnose(record) if record else []
    if provider == "buildkite":
        _annotate(end, summary.markdown(record, happened) if record else "", shard)
        return []
    folder = folder_of_ids(settings, record) if record else ""
    by_shards = end.step == "merge"  # of jobs of their own
    told = ci_annotations.of_run(record, happened, folder, by_shards) if record else ci_annotations.of_ending(end)
    write = ci_annotations.WRITERS[provider]
    return [write(each._replace(title=clean(each.title), message=clean(each.message))) for each in told]


def folder_of_ids(settings: Settings, record: RunRecord) -> str:
    """Name the folder that ids are relative to, from the repository's; empty for its own, or one outside of it."""
    below = next((result.folder for result in record.results if result.folder), "")
    with suppress(ValueError):
        folder = (settings.suite_directory / below).resolve()
        return posixpath.join(*folder.relative_to(repository_of(settings.project)).parts or ("",))
    return ""


def _annotate(end: Ending, text: str, shard: Optional[int]) -> None:
    """Show Markdown above Buildkite's build, in place of what this job showed in an earlier try.

    See https://buildkite.com/docs/agent/cli/reference/annotate.
    """
    who = end.step if shard is None else f"shard index {shard}"
    text = text or f"{summary.text(f'{who}: {end.ended}')}\n\n{summary.text(end.message)}"
    context = f"shardline/{ci.place(os.environ, 0)}/{who.replace(' ', '-')}"
    words = [AGENT, "annotate", text[:MOST_CHARACTERS], "--context", context]
    try:
        output([*words, "--style", "error" if end.exit_code else "success"], AGENT_S)
    except ProgramFailed as error:
        raise PipelineError(f"what is red, at buildkite: {error}") from error
