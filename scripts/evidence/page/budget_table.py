"""What the services took at most against what they were granted, over all shards. Pure."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ...proof.receipt import shown
from ...proof.watched import ServiceUse
from ..record import RunRecord
from . import words
from .words import Both, Value

KEPT, OVER, UNKNOWN, NONE = "within", "over", "unknown", "none_granted"


class Line(NamedTuple):
    """One figure of a service: what it is, the most that was seen, what was granted, and how that compares."""

    service: str
    figure: Both
    most: Value
    granted: Value
    state: str
    share: Optional[float] = None  # of what was granted


def _bytes(count: float) -> Value:
    return words.size(count)


def _count(count: float) -> Value:
    return f"{count:.0f}"


_FIGURES: Sequence[Tuple[str, Callable[[ServiceUse], Optional[float]], Callable[[float], Value]]] = (
    ("memory", lambda use: use.memory_bytes, _bytes),
    ("gpu_memory", lambda use: use.gpu_bytes, _bytes),
    ("ready", lambda use: use.ready_s, words.duration),
    ("probe_latency", lambda use: None if use.latency_max_ms is None else use.latency_max_ms / 1000, words.duration),
    ("open_files", lambda use: use.open_files, _count),
    ("growth", lambda use: use.growth_bytes, _bytes),
)


def budget_lines(record: RunRecord) -> List[Line]:
    """List what each service took at most, and how that compares: the breaches of the shards decide."""
    uses: Dict[str, List[ServiceUse]] = {}
    for result in record.results:
        for name, use in result.services.items():
            uses.setdefault(name, []).append(use)
    broken = {(each.service, each.budget): each.known for result in record.results for each in result.breaches}
    return [line for name, theirs in uses.items() for line in _of_service(name, theirs, broken)]


def _of_service(name: str, uses: Sequence[ServiceUse], broken: Dict[Tuple[str, str], bool]) -> List[Line]:
    lines = []
    for figure, value, written in _FIGURES:
        seen = [each for each in map(value, uses) if each is not None]
        limits = [use.budgets[figure] for use in uses if figure in use.budgets]
        if not seen and not limits:
            continue
        most, limit = max(seen, default=None), min(limits, default=None)
        lines.append(
            Line(
                service=shown(name),
                figure=words.say(f"budget_{figure}"),
                most="–" if most is None else written(most),
                granted="–" if limit is None else written(limit),
                state=_state(limit, most, broken.get((name, figure))),
                share=most / limit if limit and most is not None else None,
            )
        )
    return lines


def _state(limit: Optional[float], most: Optional[float], known: Optional[bool]) -> str:
    if limit is None:
        return NONE
    if known is not None:
        return OVER if known else UNKNOWN
    return KEPT if most is not None else UNKNOWN
