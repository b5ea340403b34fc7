"""What a shard's receipt says of the service that was watched: what it took at most, and which budgets that exceeds."""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping, NamedTuple, Optional

MOST_TEXT = 4096  # characters of a name, or of what is said


class ServiceUse(NamedTuple):
    """What a service took at most in a shard, over all its starts. None where that is not known.

    Args:
        samples: how many were taken.
        memory_bytes: of all its processes together: what they share counts once.
        unique_bytes: what would be freed by their end.
        cpu_s: seconds of the processor, the starts added up.
        growth_bytes: of its memory per 100 of `growth_per`, by a robust slope; None where it was not judged.
        growth_per: "requests", or "tests" where nobody counted requests.
        budgets: those that it was judged by, by name, in bytes, seconds or files.
    """

    samples: int = 0
    memory_bytes: Optional[float] = None
    unique_bytes: Optional[float] = None
    gpu_bytes: Optional[float] = None
    cpu_s: Optional[float] = None
    threads: Optional[float] = None
    open_files: Optional[float] = None
    latency_max_ms: Optional[float] = None
    latency_median_ms: Optional[float] = None
    ready_s: Optional[float] = None
    growth_bytes: Optional[float] = None
    growth_per: str = ""
    budgets: Mapping[str, float] = {}


class Breach(NamedTuple):
    """A budget of a service that is exceeded, or of which that is not known; `text` says it in a line."""

    service: str
    budget: str
    text: str
    known: bool = True


def to_json(use: ServiceUse) -> Dict[str, Any]:
    """Turn it into what is written."""
    return {**use._asdict(), "budgets": dict(use.budgets)}


def from_json(data: Any) -> ServiceUse:
    """Turn what was written into it again; what an older version did not write is not known.

    Raises:
        ValueError: it is something else; says so in a line.
    """
    facts = dict(_only(data, "services", dict))
    unknown = sorted(set(facts) - set(ServiceUse._fields))
    if unknown:
        raise ValueError(f"services: expected some of {', '.join(ServiceUse._fields)}, got {unknown!a:.80}")
    for name, value in facts.items():
        if name in ("growth_per", "budgets"):
            _only(value, name, str if name == "growth_per" else dict)
        elif value is not None:
            _number(value, name, below_0=name == "growth_bytes")
    for name, limit in facts.get("budgets", {}).items():
        _number(limit, name)
    _only(facts.get("samples", 0), "samples", int)
    return ServiceUse(**facts)


def breach_from_json(data: Any) -> Breach:
    """Turn what was written of a budget into it again.

    Raises:
        ValueError: it is something else; says so in a line.
    """
    facts = _only(data, "breaches", dict)
    if set(facts) != set(Breach._fields):
        raise ValueError(f"breaches: expected {', '.join(Breach._fields)}, got {sorted(facts)!a:.80}")
    service, budget, text = (_only(facts[name], name, str) for name in ("service", "budget", "text"))
    return Breach(service, budget, text, _only(facts["known"], "known", bool))


def _number(value: Any, name: str, below_0: bool = False) -> None:
    if type(value) not in (int, float) or not math.isfinite(value) or (value < 0 and not below_0):
        raise ValueError(f'services: "{name:.40}": expected a number from 0 up, got {value!a:.40}')


def _only(value: Any, name: str, kind: type) -> Any:
    if type(value) is not kind or (isinstance(value, str) and len(value) > MOST_TEXT):  # a bool is an int
        raise ValueError(f'"{name}": expected {kind.__name__}, got {value!a:.40}')
    return value
