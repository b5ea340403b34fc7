"""In which forms a known value turns up: as it is, and as JSON, XML, Python, URLs, shells and base64 write it."""

from __future__ import annotations

import base64
import json
import shlex
from typing import Iterator, NamedTuple, Set
from urllib.parse import quote, quote_plus

SHORTEST_BASE64 = 6  # characters that a value's base64 must have for itself, whatever stands beside it

# How XML and HTML write quotes; xml.sax.saxutils would import all of urllib.request.
_QUOTES = (('"', "'"), ("&quot;", "'"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&apos;"))


class Form(NamedTuple):
    """How a value is written: `before` and `after` are letters beside it that belong to it, too, in part."""

    text: bytes
    before: int = 0
    after: int = 0


def forms(value: str) -> Set[Form]:
    r"""List the forms of a value; one without odd characters has few.

    >>> sorted(form.text for form in forms('a"b') if b"%" in form.text or b"&" in form.text)[:2]
    [b'a%22b', b'a%2522b']
    """
    texts = {form for text in _texts(value) for form in (text, json.dumps(text)[1:-1])}
    found = {text.encode("utf-8", "surrogatepass") for text in texts}
    raw = value.encode("utf-8", "surrogateescape")
    return {*(Form(text) for text in {raw, *found} if text), *_of_base64(raw)}


def _texts(value: str) -> Iterator[str]:
    yield value
    yield value.replace("\n", "\r\n")
    for once in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield from (once, json.dumps(once)[1:-1], once.replace("/", "\\/"))
    for text in (value, value.replace("\n", "&#10;")):
        plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for double, single in _QUOTES:
            yield plain.replace('"', double).replace("'", single)
    yield from (repr(value)[1:-1], ascii(value)[1:-1], value.replace("\\", "\\\\").replace("'", "\\'"))
    raw = value.encode("utf-8", "surrogateescape")
    yield from (repr(raw)[2:-1], "".join(f"\\u{ord(letter):04x}" for letter in value))
    for safe in ("", "/", "~", "/:", "-_.!~*'()", ":@!$&'()*+,;=/?"):
        yield from (quote(raw, safe), quote_plus(raw, safe), quote(quote(raw, safe), ""), _lower(quote(raw, safe)))
    yield from (shlex.quote(value).strip("'"), value.replace("'", "'\\''"), _in_double_quotes(value), _bare(value))


def _lower(text: str) -> str:
    """Write percent signs' digits in small letters, as some do."""
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _in_double_quotes(value: str) -> str:
    return "".join("\\" + letter if letter in '"\\$`!' else letter for letter in value)


def _bare(value: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-./@%+=:," else "\\" + letter for letter in value)


def _of_base64(raw: bytes) -> Iterator[Form]:
    """Give what a text's base64 holds of a value, at each of the three places where it may begin.

    The letters at both ends depend on what stands beside the value, so they are not looked for, but go with the rest.
    """
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw)
        first, last = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        inner = whole[first:last]
        cut = (int(before > 0), int((before + len(raw)) % 3 > 0))
        if len(inner) >= SHORTEST_BASE64:
            yield from (Form(inner, *cut), Form(inner.replace(b"+", b"-").replace(b"/", b"_"), *cut))
