"""Which parameters of shared fixtures tests have: those of one value come side by side, as pytest runs them.

Else a model that is such a parameter would be loaded again in each piece. The pytest plugin tells them
(`shardline_pytest/params.py`).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple, Union

Path = Tuple[Union[str, int], ...]


class Params(NamedTuple):
    """The parameters of one test: of fixtures that outlive files, and of those within its file."""

    wide: Tuple[str, ...] = ()
    narrow: Tuple[str, ...] = ()


def heard(nodeids: Sequence[str], told: Iterable[Mapping[str, Any]]) -> Dict[str, Params]:
    """Read what the plugin tells: by id; a test without any is left out.

    >>> heard(["a", "b", "c"], [{"wide": ["model[x]"], "narrow": [], "tests": [[1, 2]]}])["b"]
    Params(wide=('model[x]',), narrow=())
    """
    found: Dict[str, Params] = {}
    for each in told:
        params = Params(tuple(map(str, each["wide"])), tuple(map(str, each["narrow"])))
        for first, last in each["tests"]:
            found.update(dict.fromkeys(nodeids[first : last + 1], params))
    return found


def side_by_side(paths: Iterable[Path]) -> List[Path]:
    """Order paths so that those with equal beginnings stand together; what comes first stays as early as it can.

    >>> side_by_side([("a", 1), ("b", 1), ("a", 2)])
    [('a', 1), ('a', 2), ('b', 1)]
    """
    known = list(dict.fromkeys(paths))
    first: Dict[Path, int] = {}
    for path in known:
        for end in range(1, len(path) + 1):
            first.setdefault(path[:end], len(first))
    return sorted(known, key=lambda path: [first[path[:end]] for end in range(1, len(path) + 1)])
