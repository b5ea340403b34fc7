"""Build frozen dataclasses from YAML, naming every mistake with its line.

The dataclass is the schema: field names are the keys, defaults make keys optional, type hints are
checked. `Seconds` and `Bytes` take values with units ("60s", "1.5 GiB"); their fields end in `_s`
and `_bytes`, their keys do not (`timeout: 60s` fills `timeout_s`). A field made by `checked` has a
function that says what is wrong with a value of the right type.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, NewType, Optional, Tuple, Type, TypeVar, Union

import yaml

Seconds = NewType("Seconds", float)
Bytes = NewType("Bytes", int)
T = TypeVar("T")

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES = {"B": 1, **{p + "B": 1000**i for i, p in enumerate(("k", "M", "G", "T"), 1)}}
_BYTES.update({p + "iB": 1024**i for i, p in enumerate(("K", "M", "G", "T"), 1)})
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_NAMES: Dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_TAGS = {"null": "nothing", "seq": "a list", "map": "a mapping"}


def checked(check: Callable[[Any], None], **options: Any) -> Any:
    """A dataclass field whose value `check` accepts, or refuses by ValueError."""
    return dataclasses.field(metadata={"check": check}, **options)


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
    return Seconds(_quantity(text, _SECONDS, 'a duration such as "60s", "1.5 min" or "500 ms"'))


def size(text: str) -> Bytes:
    """Read a size: a whole number of bytes, or a number and B, kB, MB, GB, KiB, MiB, GiB.

    >>> size("1.5 KiB"), size("1536")
    (1536, 1536)

    Raises:
        ValueError: the text is not a size; the message says what is.
    """
    units = {"": 1, **_BYTES}
    return Bytes(round(_quantity(text, units, 'a size in bytes, or with a unit: "1.5 GiB", "20 MB"')))


def _quantity(text: str, units: Mapping[str, float], expected: str) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match.group(2) not in units:
        raise ValueError(expected)
    return float(match.group(1)) * units[match.group(2)]


def suggest(word: str, known: typing.Iterable[str]) -> str:
    """Say which known word was probably meant: "; did you mean 'command'?", or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def read(text: str, cls: Type[T]) -> Tuple[Optional[T], List[Problem]]:
    """Turn YAML text into an instance of the dataclass `cls`.

    Returns:
        (instance, []) or (None, problems), problems ordered by line; all of them at once.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [Problem(mark.line + 1 if mark else 1, f"not valid YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return None, [Problem(1, f"not valid YAML: {error}")]
    if root is None:
        return None, [Problem(1, "the file is empty")]
    reader = _Reader()
    value = reader.convert(root, cls, "")
    return (None if reader.problems else value), sorted(reader.problems)


def _key(field: str, hint: Any) -> str:
    suffix = "_s" if hint is Seconds else "_bytes" if hint is Bytes else ""
    return field[: -len(suffix)] if suffix else field


class _Reader:
    """Walks YAML nodes beside type hints and collects problems instead of raising."""

    def __init__(self) -> None:
        self.problems: List[Problem] = []

    def fail(self, node: Any, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, message))

    def convert(self, node: Any, hint: Any, where: str) -> Any:
        """The value of `node` as `hint`; `where` is its dotted name, for messages."""
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is Union:  # Optional[X]
            return None if node.tag.endswith(":null") else self.convert(node, args[0], where)
        if hint is Any:
            return self.plain(node, where)
        if dataclasses.is_dataclass(hint):
            return self.dataclass(node, hint, where)
        if origin is tuple:
            return self.sequence(node, args[0], where)
        if origin is not None and issubclass(origin, typing.get_origin(Mapping[str, str]) or dict):
            return self.mapping(node, args[1], where)
        return self.scalar(node, hint, where)

    def pairs(self, node: Any, where: str) -> Dict[str, Tuple[Any, Any]]:
        """The entries of a mapping node, {key: (key node, value node)}."""
        if not isinstance(node, yaml.MappingNode):
            self.expected(node, where, "a mapping (key: value lines)")
            return {}
        found: Dict[str, Tuple[Any, Any]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fail(key, f"{where or 'the file'}: expected a plain word as key")
            elif key.value in found:
                first = found[key.value][0].start_mark.line + 1
                self.fail(key, f"{_dotted(where, key.value)} stands twice, first in line {first}")
            else:
                found[key.value] = (key, value)
        return found

    def dataclass(self, node: Any, cls: Any, where: str) -> Any:
        hints = typing.get_type_hints(cls)
        fields = {_key(f.name, hints[f.name]): f for f in dataclasses.fields(cls) if _has_key(f)}
        before = len(self.problems)
        pairs = self.pairs(node, where)
        values = {}
        for name, (key, value) in pairs.items():
            if name in fields:
                field = fields[name]
                values[field.name] = self.field(value, field, hints[field.name], _dotted(where, name))
            else:
                self.fail(key, f"unknown key {_dotted(where, name)}{suggest(name, fields)}")
        if isinstance(node, yaml.MappingNode):
            for name, field in fields.items():
                if name not in pairs and _required(field):
                    self.fail(node, f"missing key {_dotted(where, name)}")
        return self.build(node, cls, values, where) if len(self.problems) == before else None

    def field(self, node: Any, field: Any, hint: Any, where: str) -> Any:
        """The value of one field, checked by the field's own check where it has one."""
        before = len(self.problems)
        value = self.convert(node, hint, where)
        check = field.metadata.get("check")
        if check and value is not None and len(self.problems) == before:
            try:
                check(value)
            except ValueError as error:
                self.fail(node, f"{where}: {error}")
        return value

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
        return {name: self.convert(value, hint, _dotted(where, name)) for name, (_, value) in pairs}

    def scalar(self, node: Any, hint: Any, where: str) -> Any:
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
            return self.expected(node, where, _name(hint))
        if hint is Seconds or hint is Bytes:
            try:
                return seconds(node.value) if hint is Seconds else size(node.value)
            except ValueError as error:
                return self.expected(node, where, str(error))
        if hint is str:
            return node.value
        kind = node.tag.rsplit(":", 1)[-1]
        if kind == hint.__name__ or (hint is float and kind == "int"):
            return self.plain(node, where)
        return self.expected(node, where, _name(hint))

    def plain(self, node: Any, where: str) -> Any:
        """The value as YAML itself reads it."""
        try:
            return yaml.SafeLoader("").construct_document(node)
        except (yaml.YAMLError, ValueError, TypeError) as error:
            self.fail(node, f"{where}: not a value YAML can read: {getattr(error, 'problem', error)}")
            return None

    def expected(self, node: Any, where: str, expected: str) -> None:
        came = _TAGS.get(node.tag.rsplit(":", 1)[-1]) or repr(node.value)
        self.fail(node, f"{where or 'the file'}: expected {expected}, got {came}")


def _has_key(field: Any) -> bool:
    """Whether the YAML may set the field; metadata {"key": None} keeps it for the program."""
    return "key" not in field.metadata


def _required(field: Any) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _dotted(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _name(hint: Any) -> str:
    if hint is Seconds:
        return "a duration"
    return "a size" if hint is Bytes else _NAMES.get(hint, str(hint))
