"""Is an answer the expected one: the same words of pipeline.yml (`expect`) for the readiness probe and the warm-up."""

from __future__ import annotations

import json
import re
from typing import Any, Container, Iterator, Mapping

from ..console import human_bytes
from ..settings.service import Expected
from .asking import Answer, body_words, status_words

ONE_OK = (200,)  # a readiness probe: what redirects, or has no content, is mostly no service that works
ANY_OK = range(200, 300)  # a warm-up
MISSING = object()


def fault(answer: Answer, expected: Expected, usual: Container[int] = ONE_OK) -> str:
    """Say what is wrong with an answer, in words after "it"; empty where it is the expected one.

    Args:
        usual: the statuses that are accepted where `expected` names none.
    """
    return answer.problem or next(_faults(answer, expected, usual), "")


def field(document: Any, dotted: str) -> Any:
    """Find a field of a JSON document: names and places in lists, with dots between; MISSING where there is none.

    >>> field({"data": [{"ok": True}]}, "data.0.ok"), field({"a.b": 1}, "a.b"), field([], "0") is MISSING
    (True, 1, True)
    """
    if isinstance(document, dict) and dotted in document:  # a name may have dots of its own
        return document[dotted]
    name, _, rest = dotted.partition(".")
    value = MISSING
    if isinstance(document, dict):
        value = document.get(name, MISSING)
    elif isinstance(document, list) and re.fullmatch("[0-9]{1,9}", name) and int(name) < len(document):
        value = document[int(name)]
    return field(value, rest) if rest and value is not MISSING else value


def parsed(body: bytes) -> Any:
    """Parse a JSON body; MISSING where it is none."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return MISSING


def _faults(answer: Answer, expected: Expected, usual: Container[int]) -> Iterator[str]:
    """List what is wrong with an answer that came, the most telling first."""
    answered, shown = f"answered {status_words(answer.status)}", body_words(answer.body)
    statuses = expected.statuses or usual
    if answer.status not in statuses:
        yield f"{answered}, expected {_statuses_words(statuses)}: {shown}"
    yield from (f"{answered} with {wrong}" for wrong in _wrong_headers(answer.headers, expected.headers))
    size = len(answer.body)
    if size < expected.size_bytes:
        least = human_bytes(expected.size_bytes)
        yield f"{answered} with {human_bytes(size) if size else 'an empty body'}, expected at least {least}"
    if expected.json:
        yield from (f"{answered} with {wrong}: {shown}" for wrong in _wrong_fields(answer.body, expected.json))
    if expected.text is not None and not re.search(expected.text, answer.body.decode("utf-8", "replace")):
        yield f"{answered} without the expected text {expected.text!r}: {shown}"


def _wrong_headers(headers: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[str]:
    got = {name.lower(): value for name, value in headers.items()}
    for name, beginning in expected.items():
        value = got.get(name.lower())
        if value is None:
            yield f"no header {name}, expected {beginning!r}"
        elif not value.lower().startswith(beginning.lower()):
            yield f"{name}: {value[:200]!r}, expected {beginning!r}"


def _wrong_fields(body: bytes, expected: Mapping[str, Any]) -> Iterator[str]:
    document = parsed(body)
    if document is MISSING:
        yield "a body that is no JSON"
        return
    for dotted, wanted in expected.items():
        value = field(document, dotted)
        if value is MISSING:
            yield f"no field {dotted} in its JSON, expected {_json(wanted)}"
        elif not _equal(value, wanted):
            yield f"{dotted} = {_json(value)[:200]}, expected {_json(wanted)}"


def _equal(value: Any, wanted: Any) -> bool:
    """Compare as JSON does, where true is not 1; of an object, only the fields that are wanted count.

    >>> _equal({"text": "hello", "score": 0.9}, {"text": "hello"}), _equal({"text": "hello"}, {})
    (True, False)
    """
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, dict) and isinstance(wanted, dict):
        if not wanted:
            return not value  # {} is the empty object: wanting nothing of it would prove nothing
        return value.keys() >= wanted.keys() and all(_equal(value[name], wanted[name]) for name in wanted)
    if isinstance(value, list) and isinstance(wanted, (list, tuple)):
        return len(value) == len(wanted) and all(map(_equal, value, wanted))
    return bool(value == wanted)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _statuses_words(statuses: Container[int]) -> str:
    """Name the accepted statuses.

    >>> _statuses_words((200,)), _statuses_words((200, 204, 401)), _statuses_words(range(200, 300))
    ('200 OK', '200, 204 or 401', '2xx')
    """
    if statuses == ANY_OK:
        return "2xx"
    accepted = [status for status in range(100, 600) if status in statuses]
    if len(accepted) == 1:
        return status_words(accepted[0])
    return f"{', '.join(map(str, accepted[:-1]))} or {accepted[-1]}"
