"""Build frozen dataclasses from YAML, naming every mistake with its line.

The dataclass is the schema: field names are the keys, defaults make keys optional, type hints are
checked. `Seconds` and `Bytes` take values with units ("60s", "1.5 GiB"); their fields end in `_s`
and `_bytes`, their keys do not (`timeout: 60s` fills `timeout_s`). A field made by `checked` has a
function that says what is wrong with a value of the right type.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import typing
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, NewType, Optional, Tuple, Type, TypeVar, Union

import yaml

from .errors import shortened

Seconds = NewType("Seconds", float)
Bytes = NewType("Bytes", int)
T = TypeVar("T")

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES = {"B": 1, **{p + "B": 1000**i for i, p in enumerate(("k", "M", "G", "T"), 1)}}
_BYTES.update({p + "iB": 1024**i for i, p in enumerate(("K", "M", "G", "T"), 1)})
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_NAMES: Dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_TAGS = {"null": "nothing", "seq": "a list", "map": "a mapping"}
_TAG = "tag:yaml.org,2002:"
_KINDS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "merge", "value")}
_JSON = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map", "merge")}
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9_]*)")  # YAML reads 010 as 8, and 1:30 as 90
_UNUSABLE = re.compile("[\0\ud800-\udfff]")  # no path, argument, variable or file of ours can hold it

# What a file may come to when its aliases are written out: room for a manifest of 2,500 files, and little enough
# to be read within seconds.
MOST_VALUES = 30_000
DEEPEST = 50
_TOO_MANY = f"comes to more than {MOST_VALUES:,} values"
LONGEST_S = 500 * 3600  # more would not fit into the time-outs of sockets (2**31 ms)
MOST_BYTES = 10**15
_LONGEST_REASON = 200  # characters: it may quote an anchor of a megabyte
_SUGGESTS = 100  # so many unknown keys at most come with the one that was probably meant


def checked(
    check: Optional[Callable[[Any], None]] = None, name: Optional[Callable[[str], None]] = None, **options: Any
) -> Any:
    """Make a dataclass field whose value `check` accepts, or refuses by ValueError; `name` does so for each key."""
    return dataclasses.field(metadata={"check": check, "name": name}, **options)


class Problem(NamedTuple):
    """One mistake: its line in the file (from 1) and what is wrong."""

    line: int
    message: str


def seconds(text: str) -> Seconds:
    """Read a duration: a number and ms, s, min or h.

    >>> seconds("1.5 min")
    90.0

    Raises:
        ValueError: the text is not a duration; the message says what is.
    """
    expected = 'a duration such as "60s", "1.5 min" or "500 ms"'
    return Seconds(_quantity(text, _SECONDS, expected, LONGEST_S, "500 h"))


def size(text: str) -> Bytes:
    """Read a size: a whole number of bytes, or a number and B, kB, MB, GB, KiB, MiB, GiB.

    >>> size("1.5 KiB"), size("1536")
    (1536, 1536)

    Raises:
        ValueError: the text is not a size; the message says what is.
    """
    units = {"": 1, **_BYTES}
    return Bytes(
        round(_quantity(text, units, 'a size in bytes, or with a unit: "1.5 GiB", "20 MB"', MOST_BYTES, "1 PB"))
    )


def _quantity(text: str, units: Mapping[str, float], expected: str, most: float, shown: str) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match.group(2) not in units:
        raise ValueError(expected)
    quantity = float(match.group(1)) * units[match.group(2)]
    if quantity > most:
        raise ValueError(f"at most {shown}")
    return quantity


def suggest(word: str, known: typing.Iterable[str]) -> str:
    """Say which known word was probably meant: "; did you mean 'command'?", or nothing."""
    near = [each for each in known if len(word) <= 2 * len(each)]  # comparing a key of a megabyte takes seconds
    close = difflib.get_close_matches(word, near, n=1) if near else []
    return f"; did you mean {close[0]!r}?" if close else ""


def read(text: str, cls: Type[T]) -> Tuple[Optional[T], List[Problem]]:
    """Turn YAML text into an instance of the dataclass `cls`.

    Returns:
        (instance, []) or (None, problems), problems ordered by line; all of them at once.
    """
    return read_with_lines(text, cls)[:2]


def read_with_lines(text: str, cls: Type[T]) -> Tuple[Optional[T], List[Problem], Dict[str, int]]:
    """Do what `read` does, and return also the line of each value by its dotted name: {"suite.path": 12}."""
    root, problem = _compose(text)
    if root is None:
        return None, [problem or Problem(1, "the file is empty")], {}
    reader = _Reader()
    value = reader.convert(root, cls, "")
    return (None if reader.problems else value), sorted(reader.problems), reader.lines


def _compose(text: str) -> Tuple[Any, Optional[Problem]]:
    """Return the root node of a text, None where there is none, or why it cannot be read."""
    loader = None
    try:
        loader = _Composer(text)
        return loader.get_single_node(), None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (
            f"{error.context} {error.problem}"
            if error.context and "occurrence" in str(error.problem)
            else error.problem
        )
        return None, Problem(mark.line + 1 if mark else 1, f"not valid YAML: {str(reason)[:_LONGEST_REASON]}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, Problem(line, f"not valid YAML: {error.reason}: {chr(error.character)!a}")
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # \UFFFFFFFF is no character
        return None, Problem(loader.line + 1 if loader else 1, f"not valid YAML: {str(error)[:_LONGEST_REASON]}")


class _Composer(yaml.SafeLoader):
    """Makes nodes of a text, and stops where it would come to more than one wants to read."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._extents: Dict[int, Tuple[int, int]] = {}  # by id of a node: values in it and levels, aliases written out

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._level += 1
        self._stop(len(self._extents) > MOST_VALUES, event, _TOO_MANY)
        self._stop(self._level > DEEPEST, event, f"more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self._level -= 1
        if isinstance(event, yaml.AliasEvent):
            self._stop(id(node) not in self._extents, event, "an alias inside of what it names")
        else:
            self._extents[id(node)] = self._extent(node, event)
        return node

    def _extent(self, node: Any, event: Any) -> Tuple[int, int]:
        """Return how many values a node comes to, itself among them, and how many levels."""
        below = [] if isinstance(node, yaml.ScalarNode) else node.value
        flat = [each for pair in below for each in pair] if isinstance(node, yaml.MappingNode) else below
        inner = [self._extents[id(each)] for each in flat]
        values, levels = 1 + sum(count for count, _ in inner), 1 + max((level for _, level in inner), default=0)
        self._stop(values > MOST_VALUES, event, _TOO_MANY)
        self._stop(levels > DEEPEST, event, f"more than {DEEPEST} levels deep")
        return values, levels

    def _stop(self, too_much: bool, event: Any, problem: str) -> None:
        if too_much:
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)


def key_of(field: str, hint: Any) -> str:
    """Give the key that fills a field: without the unit at its end."""
    hints = (hint, *typing.get_args(hint))  # Optional[Seconds] is one, too
    suffix = "_s" if Seconds in hints else "_bytes" if Bytes in hints else ""
    return field[: -len(suffix)] if suffix else field


class _Reader:
    """Walks YAML nodes beside type hints and collects problems instead of raising."""

    def __init__(self) -> None:
        self.problems: List[Problem] = []
        self.lines: Dict[str, int] = {}

    def fail(self, node: Any, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, message))

    def convert(self, node: Any, hint: Any, where: str) -> Any:
        """Convert `node` to `hint`; `where` is its dotted name, for messages."""
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        self.lines[where] = node.start_mark.line + 1
        if node.tag not in _KINDS:
            return self.fail(node, f"{where or 'the file'}: the tag {shortened(node.tag)} is not read")
        if origin is Union:
            return self.union(node, args, where)
        if hint is Any:
            return self.plain(node, where)
        if dataclasses.is_dataclass(hint):
            return self.dataclass(node, hint, where)
        if origin is tuple:
            return self.sequence(node, args[0], where)
        if origin is not None and issubclass(origin, typing.get_origin(Mapping[str, str]) or dict):
            return self.mapping(node, args[1], where)
        return self.scalar(node, hint, where)

    def union(self, node: Any, hints: Tuple[Any, ...], where: str) -> Any:
        """Read Optional[X], or X or a tuple of them."""
        if type(None) in hints and node.tag == _TAG + "null":
            return None
        lists = isinstance(node, yaml.SequenceNode)
        fitting = [hint for hint in hints if (typing.get_origin(hint) is tuple) == lists]
        return self.convert(node, (fitting or hints)[0], where)

    def pairs(self, node: Any, where: str) -> Dict[str, Tuple[Any, Any]]:
        """List the entries of a mapping node, {key: (key node, value node)}."""
        if not isinstance(node, yaml.MappingNode):
            self.expected(node, where, "a mapping (key: value lines)")
            return {}
        found: Dict[str, Tuple[Any, Any]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _KINDS or _UNUSABLE.search(key.value):
                self.fail(key, f"{where or 'the file'}: expected a plain word as key")
            elif key.tag == _TAG + "merge":
                self.fail(key, f"{_dotted(where, '<<')}: merge keys are not read; write the keys out")
            elif key.value in found:
                first = found[key.value][0].start_mark.line + 1
                self.fail(key, f"{_dotted(where, key.value)} stands twice, first in line {first}")
            else:
                found[key.value] = (key, value)
        return found

    def dataclass(self, node: Any, cls: Any, where: str) -> Any:
        hints = typing.get_type_hints(cls)
        fields = {key_of(f.name, hints[f.name]): f for f in dataclasses.fields(cls) if _has_key(f)}
        before = len(self.problems)
        pairs = self.pairs(node, where)
        values = {}
        for name, (key, value) in pairs.items():
            if name in fields:
                field = fields[name]
                values[field.name] = self.field(value, field, hints[field.name], _dotted(where, name))
            else:
                meant = suggest(name, fields) if len(self.problems) < _SUGGESTS else ""
                self.fail(key, f"unknown key {_dotted(where, _bare(name))}{meant}")
        if isinstance(node, yaml.MappingNode):
            for name, field in fields.items():
                if name not in pairs and _required(field):
                    self.fail(node, f"missing key {_dotted(where, name)}")
        return self.build(node, cls, values, where) if len(self.problems) == before else None

    def field(self, node: Any, field: Any, hint: Any, where: str) -> Any:
        """Read the value of one field, checked by the field's own check where it has one."""
        before = len(self.problems)
        value = self.convert(node, hint, where)
        checks = field.metadata
        if checks.get("name") and isinstance(node, yaml.MappingNode):
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                self.check(checks["name"], key.value, key, where)
        if value is not None and len(self.problems) == before:
            self.check(checks.get("check"), value, node, where)
        return value

    def check(self, check: Optional[Callable[[Any], None]], value: Any, node: Any, where: str) -> None:
        """Let a field's own check look at a value."""
        try:
            if check:
                check(value)
        except ValueError as error:
            self.fail(node, f"{where}: {error}")

    def build(self, node: Any, cls: Any, values: Dict[str, Any], where: str) -> Any:
        """Make the instance; a ValueError of its __post_init__ is a problem of this node."""
        try:
            return cls(**values)
        except ValueError as error:
            self.fail(node, f"{where}: {error}" if where else str(error))
            return None

    def sequence(self, node: Any, hint: Any, where: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return self.expected(node, where, "a list")
        items = (self.convert(item, hint, f"{where}[{i}]") for i, item in enumerate(node.value))
        return tuple(items)

    def mapping(self, node: Any, hint: Any, where: str) -> Any:
        pairs = self.pairs(node, where).items()
        return {name: self.convert(value, hint, _dotted(where, _bare(name))) for name, (_, value) in pairs}

    def scalar(self, node: Any, hint: Any, where: str) -> Any:
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
            return self.expected(node, where, _name(hint))
        if hint is Seconds or hint is Bytes:
            try:
                return seconds(node.value) if hint is Seconds else size(node.value)
            except ValueError as error:
                return self.expected(node, where, str(error))
        if hint is str:
            return self.text(node, where)
        kind = node.tag[len(_TAG) :]
        if kind == hint.__name__ or (hint is float and kind == "int"):
            return self.plain(node, where)
        return self.expected(node, where, _name(hint))

    def text(self, node: Any, where: str) -> Any:
        """Read a text that paths, arguments and files of ours can hold."""
        if _UNUSABLE.search(node.value):
            return self.expected(node, where, "text without NUL and halves of surrogate pairs")
        return node.value

    def plain(self, node: Any, where: str) -> Any:
        """Read a value as YAML itself reads it, where JSON can hold it."""
        before = len(self.problems)
        self.check_json(node, where)
        if len(self.problems) > before:
            return None
        try:
            return yaml.SafeLoader("").construct_document(node)
        except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:  # KeyError: !!bool maybe
            self.fail(node, f"{where}: not a value YAML can read: {getattr(error, 'problem', error)}")
            return None

    def check_json(self, node: Any, where: str) -> None:
        """Refuse what JSON cannot hold, and what would not be read as it looks."""
        if node.tag not in _JSON:
            self.fail(node, f"{where}: expected a value that JSON can hold; text stands in quotes")
        elif isinstance(node, yaml.MappingNode):
            for name, (_, value) in self.pairs(node, where).items():
                self.check_json(value, _dotted(where, _bare(name)))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.check_json(value, f"{where}[{index}]")
        elif node.tag == _TAG + "int" and (len(node.value) > 20 or not _DECIMAL.fullmatch(node.value)):
            self.expected(node, where, "a whole number in plain decimal digits")
        elif node.tag == _TAG + "float" and not math.isfinite(_float(node.value)):
            self.expected(node, where, "a number")
        else:
            self.text(node, where)

    def expected(self, node: Any, where: str, expected: str) -> None:
        kind = (
            "seq" if isinstance(node, yaml.SequenceNode) else "map" if isinstance(node, yaml.MappingNode) else node.tag
        )
        came = _TAGS.get(kind.replace(_TAG, "")) or shortened(node.value)
        self.fail(node, f"{where or 'the file'}: expected {expected}, got {came}")


def _has_key(field: Any) -> bool:
    """Tell whether the YAML may set the field; metadata {"key": None} keeps it for the program."""
    return "key" not in field.metadata


def _required(field: Any) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _float(text: str) -> float:
    try:
        return float(text.replace("_", ""))
    except ValueError:  # .inf, .nan, 1:30.5
        return math.nan


def _bare(name: str) -> str:
    """Return a key as a message shows it."""
    return name if len(name) < 60 and name.isprintable() else shortened(name)


def _dotted(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _name(hint: Any) -> str:
    if hint is Seconds:
        return "a duration"
    return "a size" if hint is Bytes else _NAMES.get(hint, str(hint))
