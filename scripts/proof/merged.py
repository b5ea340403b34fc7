"""What a merge says of the run that it judged, so that runs can be laid side by side: the legs of a matrix.

It stands in merge.json, which holds a digest of itself, as a result does, and those of the results that it was made of.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Sequence, Tuple

from .receipt import Receipt, fingerprint, seal, that_matter


class Run(NamedTuple):
    """What shards and repairs of a run say of it; of each mostly one.

    Args:
        pythons: that the tests ran on, "3.8.18".
        arguments: for pytest, those that matter; a set for each that some shards had.
        files: digests of the files of the tests.
        sources: what of suite and services came from paths and branches, with the digest of its content.
        seconds: what the slowest shard took with all its steps.
        results: the digest of each result, by its name.
    """

    pythons: Tuple[str, ...] = ()
    commits: Tuple[str, ...] = ()
    runs: Tuple[str, ...] = ()
    arguments: Tuple[Tuple[str, ...], ...] = ()
    files: Tuple[str, ...] = ()
    sources: Tuple[Tuple[str, str], ...] = ()
    seconds: float = 0.0
    results: Mapping[str, str] = {}


def run_of(results: Sequence[Receipt]) -> Run:
    """Put together what the results of a run say of it."""
    ran = [result for result in results if result.tests]
    return Run(
        pythons=_each(result.suite_python or result.python for result in ran),
        commits=_each(result.commit for result in ran),
        runs=_each(result.run_id for result in ran if not result.repairs),
        arguments=_each(that_matter(result.arguments) for result in ran if not result.repairs),
        files=_each(result.files_digest for result in ran),
        sources=_each((name, state.content) for result in ran for name, state in result.sources.items()),
        seconds=max((sum(result.seconds.values()) for result in results), default=0.0),
        results={result.name: fingerprint(result) for result in results},
    )


def _each(said: Any) -> Tuple[Any, ...]:
    return tuple(sorted(set(said)))


def sealed(data: Mapping[str, Any], results: Sequence[Receipt]) -> Dict[str, Any]:
    """Add to what a merge says the run that it was of, and the digest of it all."""
    whole = {**data, "run": run_of(results)._asdict()}
    return {**whole, "seal": seal(whole)}


def from_json(data: Mapping[str, Any]) -> Run:
    """Read what a merge says of its run.

    Raises:
        ValueError: it was edited, damaged, or made by a version that sealed none.
    """
    if "run" not in data or "seal" not in data:
        raise ValueError("it does not say what it was made of: an earlier version wrote it")
    if data["seal"] != seal({name: value for name, value in data.items() if name != "seal"}):
        raise ValueError("it was edited or damaged after it was written: its digest does not fit")
    run = data["run"]
    try:
        return Run(
            **{name: tuple(map(str, run[name])) for name in ("pythons", "commits", "runs", "files")},
            arguments=tuple(tuple(map(str, words)) for words in run["arguments"]),
            sources=tuple((str(name), str(content)) for name, content in run["sources"]),
            seconds=float(run["seconds"]),
            results={str(name): str(digest) for name, digest in run["results"].items()},
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"what it says of its run cannot be read: {error}") from error
