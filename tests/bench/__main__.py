"""The command line of the bench: `python -m tests.bench`, or some of its parts: `python -m tests.bench plan replay`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

from scripts.console import human_seconds, say
from scripts.errors import PipelineError

from . import (
    audio,
    chaos,
    ci_cache,
    environments,
    fetch,
    pieces,
    planning,
    plugin,
    queue,
    redaction,
    replay,
    runner,
    warm,
    way,
)
from .measuring import ROOT, Table, load

BESIDE = Path("shared", "data", "durations")  # recordings, where a team keeps some beside its checkout


class Part(NamedTuple):
    """A part of the bench, and how many rounds it has unless told otherwise."""

    tables: Callable[[argparse.Namespace, int], Iterator[Table]]
    rounds: int


PARTS: Dict[str, Part] = {
    "plan": Part(lambda options, rounds: planning.tables(options.suites, rounds), 3),
    "pieces": Part(lambda options, _: pieces.tables(options.suites), 1),
    "plugin": Part(lambda options, rounds: plugin.tables(rounds), 2),
    "runner": Part(lambda options, rounds: runner.tables(rounds), 3),
    "fetch": Part(lambda options, rounds: fetch.tables(rounds, options.gib, options.folder, options.python), 3),
    "warm": Part(lambda options, rounds: warm.tables(rounds, 1.5 * options.gib, options.folder), 3),
    "environments": Part(lambda options, rounds: environments.tables(rounds), 2),
    "ci-cache": Part(lambda options, _: ci_cache.tables(options.packages, 1.5 * options.gib, options.folder), 1),
    "way": Part(lambda options, rounds: way.tables(rounds, options.folder, options.scale), 1),
    "redaction": Part(lambda options, rounds: redaction.tables(rounds), 3),
    "replay": Part(lambda options, rounds: replay.tables(rounds), 2),
    "chaos": Part(lambda options, rounds: chaos.tables(rounds), 500),
    "audio": Part(lambda options, rounds: audio.tables(rounds, options.folder, options.golden), 50),
    "queue": Part(
        lambda options, rounds: queue.tables(options.suites, rounds, options.cases, options.nodes, options.by), 1
    ),
}
HEAVY = (
    "audio",
    "ci-cache",
    "chaos",
    "queue",
    "way",
)  # gigabytes are downloaded, or it takes ten minutes, or hours: only by their names


def main(arguments: Optional[List[str]] = None) -> int:
    """Measure, and print a table for each part as soon as it is there.

    Returns:
        0, or 1 where a part could not be measured; the others are measured all the same.
    """
    options = _parser().parse_args(arguments)
    failed = 0
    for name in options.parts or [name for name in PARTS if name not in HEAVY]:
        began = time.monotonic()
        say(f"\n== {name} ({load()})")
        try:
            for table in PARTS[name].tables(options, options.rounds or PARTS[name].rounds):
                table.show()
        except PipelineError as error:
            failed = 1
            say(f"\nerror: {name}: {error}")
        say(f"\n{name} took {human_seconds(time.monotonic() - began)}")
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Measure what Shardline costs and gains.")
    recordings = ROOT.parent / BESIDE
    # `choices` would refuse that no part is named.
    parser.add_argument(
        "parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; default: all but {', '.join(HEAVY)}"
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="default: 2 or 3, by the part; chaos: 500 runs; audio: 50 sentences"
    )
    parser.add_argument(
        "--suites",
        type=Path,
        default=recordings if recordings.is_dir() else None,
        metavar="FOLDER",
        help="for plan, pieces and queue: recorded durations, FOLDER/SUITE/00.json and so on, each {node id: seconds}; "
        f"default: ../{BESIDE.as_posix()}, where there is one",
    )
    parser.add_argument(
        "--gib", type=float, default=2.0, metavar="SIZE", help="for fetch; warm and ci-cache have 1.5 times as much"
    )
    folder = Path(tempfile.gettempdir())
    parser.add_argument(
        "--folder",
        type=Path,
        default=folder,
        help="room for files as large, and for the nodes of way; default: %(default)s",
    )
    text = "for way: what the article's times are divided by; default: %(default)g"
    parser.add_argument("--scale", type=float, default=way.SCALE, metavar="N", help=text)
    text = "for ci-cache: what its service installs and imports, separated by spaces; default: %(default)s"
    parser.add_argument("--packages", default=ci_cache.PACKAGES, metavar="LIST", help=text)
    text = "whose huggingface_hub, boto3, pooch and aria2c take part in fetch; default: the bench's own"
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help=text)
    text = "for queue, some of %(default)s; 6 minutes each, a suite and number of nodes: all take some four hours"
    parser.add_argument("--cases", nargs="+", choices=queue.CASES, default=list(queue.CASES), help=text)
    parser.add_argument("--nodes", nargs="+", type=int, default=queue.NODES, metavar="N", help="for queue: %(default)s")
    text = "for audio: a Python whose packages have another runtime of the service; it speaks the golden recordings"
    parser.add_argument("--golden", metavar="PATH", help=text)
    text = "for queue, some of %(default)s: who shares the tests out"
    parser.add_argument(
        "--by", nargs="+", choices=queue.SHARERS, default=list(queue.SHARERS), metavar="NAME", help=text
    )
    return parser


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(PARTS)}, got {name!r}")
    return name


if __name__ == "__main__":
    sys.exit(main())
