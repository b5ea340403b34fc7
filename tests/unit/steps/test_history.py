from __future__ import annotations

from scripts.sharding.timings import Source, Timings
from scripts.steps.history import lines

OLD, NEW = Source(1, "old", 0), Source(2, "new", 0)
PAST = Timings({"a.py::slow": {OLD: 2000, NEW: 2000}, "a.py::gone": {OLD: 1}, "a.py::jumped": {OLD: 1000, NEW: 9000}})


def test_the_slowest_the_unknown_the_stale_and_the_jumped_are_named() -> None:
    told = "\n".join(lines(PAST, ["a.py::slow", "a.py::jumped", "a.py::new[\\u4f60]"], 10))

    assert "3 tests, 2 with timings" in told
    assert "never timed: 1\n  a.py::new[你]" in told
    assert "timed, and not collected any more: 1\n  a.py::gone" in told
    assert "jumped: 1\n  a.py::jumped: 1.0 s before, 9.0 s in the last run" in told


def test_only_as_many_as_asked_for_are_named() -> None:
    told = lines(Timings(), ["a", "b", "c"], 2)

    assert ["3 tests, 0 with timings", "", "never timed: 3", "  a", "  b", "  and 1 more"] == told
