"""Write tests that stay together into a pipeline.yml, and leave all else of the file as it is: comments, order, form.

The text is changed at one place, and read again: where that does not give what was meant, nothing is changed.
"""

from __future__ import annotations

import re
from typing import Any, List, Optional, Sequence, Tuple

import yaml

from .trials import Ids

WIDTH = 110
INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:+=-]*[A-Za-z0-9_]|[A-Za-z]")


def block(items: Sequence[Ids], margin: str, newline: str = "\n") -> str:
    """Write the items of a list, one a line, longer ones with a line for each test."""
    return "".join(_item(item, margin, newline) for item in items)


def section(items: Sequence[Ids]) -> str:
    """Write the lines as they stand in a file of their own."""
    return f"suite:\n{INDENT}together:\n{block(items, INDENT * 2)}"


def edited(text: str, items: Sequence[Ids]) -> Optional[str]:
    """Add items to suite.together; None where the file's form does not allow that safely."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        changed = _changed(text, root, items)
        return changed if changed is not None and _is_meant(text, changed, items) else None
    except (yaml.YAMLError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _changed(text: str, root: Any, items: Sequence[Ids]) -> Optional[str]:
    suite = _value(root, "suite")
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
        return None  # what is added in one place would be in another, too
    if suite is None or not isinstance(suite, yaml.MappingNode) or not suite.value:
        return None
    together = _value(suite, "together")
    newline = "\r\n" if "\r\n" in text else "\n"
    flow = ", ".join(_flow(item) for item in items)
    if together is None:
        if suite.flow_style:
            return _insert(text, suite.value[-1][1].end_mark.index, f", together: [{flow}]")
        margin = " " * suite.value[0][0].start_mark.column
        added = f"{margin}together:{newline}{block(items, margin + INDENT, newline)}"
        return _after(text, suite.value[-1][1], added, newline)
    if not isinstance(together, yaml.SequenceNode):
        return None
    if not together.value:
        return _insert(text, together.end_mark.index - 1, flow)
    if together.flow_style:
        return _insert(text, together.value[-1].end_mark.index, f", {flow}")
    dash = text.rindex("-", 0, together.value[-1].start_mark.index)
    margin = " " * together.start_mark.column
    return _after(text, together.value[-1], block(items, margin, newline), newline) if dash >= 0 else None


def _value(node: Any, name: str) -> Any:
    """Find the value of a key; None where there is none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _insert(text: str, index: int, added: str) -> str:
    return text[:index] + added + text[index:]


def _after(text: str, node: Any, added: str, newline: str) -> str:
    """Insert lines below the line on which a node's last word stands."""
    end = text.find("\n", _last(node))
    if end < 0:
        return f"{text}{newline}{added}"
    return _insert(text, end + 1, added)


def _last(node: Any) -> int:
    """Find where the last word of a node ends: a block's own end mark lies behind comments that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    index = int(node.end_mark.index)
    return index - 1 if getattr(node, "style", None) in ("|", ">") and node.end_mark.column == 0 else index


def _is_meant(text: str, changed: str, items: Sequence[Ids]) -> bool:
    """Tell whether the changed text says what the old one did, and the items."""
    meant, got = yaml.safe_load(text), yaml.safe_load(changed)
    suite = meant["suite"]
    suite["together"] = [*(suite.get("together") or []), *(_plain(item) for item in items)]
    return bool(meant == got)


def _plain(item: Ids) -> Any:
    return item[0] if len(item) == 1 else list(item)


def _item(item: Ids, margin: str, newline: str) -> str:
    line = f"{margin}- {_flow(item)}"
    if len(line) <= WIDTH or len(item) == 1:
        return f"{line}{newline}"
    first, *others = item
    rest = "".join(f"{margin}{INDENT}- {_word(name)}{newline}" for name in others)
    return f"{margin}- - {_word(first)}{newline}{rest}"


def _flow(item: Ids) -> str:
    return _word(item[0]) if len(item) == 1 else f"[{', '.join(map(_word, item))}]"


def _word(name: str) -> str:
    """Quote what YAML would read as something else.

    >>> _word("tests/test_a.py::test_x"), _word("t.py::x[1, 2]")
    ('tests/test_a.py::test_x', '"t.py::x[1, 2]"')
    """
    if _PLAIN.fullmatch(name) and ": " not in name and isinstance(yaml.safe_load(name), str):
        return name
    return str(yaml.safe_dump(name, default_style='"', allow_unicode=True, width=float("inf"))).strip()


def missing(text: str, groups: Sequence[Tuple[str, ...]]) -> List[Ids]:
    """Leave out the items that the file has already."""
    try:
        suite = (yaml.safe_load(text) or {}).get("suite") or {}
        there = [tuple(entry) if isinstance(entry, list) else (entry,) for entry in suite.get("together") or []]
    except (yaml.YAMLError, AttributeError, TypeError):
        there = []
    return [tuple(group) for group in groups if tuple(group) not in there]
