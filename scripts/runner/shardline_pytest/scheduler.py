"""Asks the scheduler that a suite has made for pytest-xdist which tests it would send to one worker.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from typing import Any, List, Sequence

import pytest


def scopes_of(config: pytest.Config, items: Sequence[pytest.Item], dist: str) -> List[str]:
    """Name the scope of each test, as a scheduler of the suite's own has it; none where there is none.

    It is one made by the hook pytest_xdist_make_scheduler that divides scopes, as those which are derived from
    LoadScopeScheduling do. One that cannot be made, or fails, wishes nothing.

    Args:
        dist: how pytest-xdist was to distribute the tests; "no" where there were to be no workers.
    """
    make = getattr(config.hook, "pytest_xdist_make_scheduler", None)
    producer = getattr(sys.modules.get("xdist.remote"), "Producer", None)
    if make is None or dist == "no" or not make.get_hookimpls():
        return []
    held = getattr(config.option, "tx", None)
    config.option.tx = ["popen"]  # it counts the workers
    try:
        scheduler: Any = make(config=config, log=producer("shard", enabled=False) if producer else None)
        split = getattr(scheduler, "_split_scope", None)
        return [str(split(_named(item, dist))) for item in items] if split else []
    except Exception:
        return []
    finally:
        config.option.tx = held


def _named(item: pytest.Item, dist: str) -> str:
    """Add the group to an id, as workers do for `--dist loadgroup`."""
    mark = item.get_closest_marker("xdist_group")
    if dist != "loadgroup" or mark is None:
        return item.nodeid
    return f"{item.nodeid}@{mark.args[0] if mark.args else mark.kwargs.get('name', 'default')}"
