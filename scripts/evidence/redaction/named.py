"""Find what a name calls a secret: `password=...` as code, JSON, YAML, XML, headers, forms and command lines write it.

All patterns begin with a literal word, which is what makes them quick; names are read in small letters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Optional, Pattern, Tuple

from .names import Weight, is_secret, looks_random, may_look_random, weight
from .piece import Piece
from .shapes import Span

MOST_VALUE_BYTES = 16_384
_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_MOST_NAME_BYTES = 60

_QUOTE = rb"""\\{0,8}["'`]|&quot;|&\#34;|&apos;|&\#39;|%22|%27|\\{1,8}u0022"""
_BLANK = rb"(?:[ \t]|%20){0,20}"
_WRAP = rb"(?:(?:\r?\n|\\{1,4}n)[ \t]{0,60})?"
_AFTER_NAME = rb"""
    (?P<tail>[a-z0-9_.-]{0,24})(?![a-z0-9_])                                  # no shorter one: it costs too much
    (?P<close>(?:%(quote)s|\]){0,3})
    (?: %(blank)s
        (?P<assign>
            :[ ]?[a-z\[\],|. ]{2,40}[ ]=(?!=)                                   # password: str = "x"
          | ,[ \t\r\n]{0,20}(?:\\{0,8}["'])value\\{0,8}["'][ \t]{0,4}:           # "name": "PASSWORD", "value": "x"
          | \r?\n[ \t-]{0,40}value:(?=[ ])                                        # - name: PASSWORD, next line value: x
          | [ ]{1,4}value[ ]?=                                                   # <input name="password" value="x">
          | </key>[ \t\r\n]{0,40}<string>                                          # <key>Password</key> of a plist
          | (?:=>|->|:=|[:=]|%%3d|%%3a|\xef\xbc\x9a|&\#61;|\\{1,8}u003d)(?!=)
        ) %(blank)s %(wrap)s
      | [ ]{0,20} (?P<told>[ ]is:?|[ ]\||[ ]\xe2\x94\x82) [ ]{1,20}                    # the password is x; a table
      | (?P<element>(?=(?:[ ][\w:.-]{1,40}="[^"<>\r\n]{0,200}"){0,4}>))              # <password>x</password>
      | (?P<call>\((?=["']))                                                     # setPassword("x")
      | (?P<comma>,[ \t]{0,4})                                                  # ["--password", "x"]
      | (?P<part>(?:\r?\n|\\r\\n){2})                                           # name="password" of a multipart body
      | (?P<space>[ \t]{1,20})                                                  # --password x
    )
""" % {b"quote": _QUOTE, b"blank": _BLANK, b"wrap": _WRAP}

WORDS = (b"key", b"token", b"secret", b"pass", b"pwd", b"credential", b"auth", b"sig")
_SPECIAL = {
    # Of what stands in every log, as much as possible is passed over here, where it costs least.
    b"key": rb"key(?<=[a-z0-9_.?&; -]key)(?!board|word|s\b|error)",
    b"token": rb"token(?!s|i[sz]|_type|_id|_count)",
    b"secret": rb"secret(?!ar)",
    b"auth": rb"auth(?!or\b|ors|entic)",
    b"pass": rb"pass(?!e[ds]|ing|age|iv)(?:w(?:or)?d|wort|phrase)?",
    b"sig": rb"sign?(?:ature)?(?![a-z])",
}
_CHINESE = [
    (word.encode(), re.compile(f'{word}{rest}(?:"|\'|\\\\"|”|」)?[ \t]{{0,4}}(?::|：|=|为|是|is)[ \t]{{0,4}}'.encode()))
    for word, rest in (("密", "(?:码|钥|碼|鑰)"), ("口令", ""), ("令牌", ""), ("权杖", ""))
]

_OPEN = re.compile(rb"\[?[ \t]{0,4}[bBrRuUfF]{0,2}(" + _QUOTE.replace(rb"\#", b"#") + rb")")
_SCHEME = re.compile(
    rb"(?i)(?:bearer|basic|token|apikey|api-key|digest|negotiate|ntlm|key|aws4-hmac-sha256|oauth|hawk)[ \t]+"
)
_BARE = re.compile(rb"(?:[^\s\0\"'`<>\\]|\\(?![\\nrt\"'])){1,4096}")
_HEAD_BYTES = 256  # of a value say whether it is one: some run on for long
_HEAD = re.compile(_BARE.pattern.replace(b"4096", b"%d" % _HEAD_BYTES))
_CUT = re.compile(
    rb"[&;,](?=[\w.%\[\]-]{1,60}[=:])|&amp;|%26|\}[},\]]|\\u0026|\xef\xbc[\x81\x89\x8c\x9b]|\xe3\x80[\x81\x82]"
)
_LINE = re.compile(rb"[^\r\n]{0,2000}")
_ANCHOR = re.compile(rb"(?:^|[\r\n])[ \t]*(?:- |export |set |\+ |> ?)?[ \t]*(?:[\"']?)\Z")
_IDENTIFIER = re.compile(rb"[A-Za-z_][A-Za-z_.]*(?=[\s,)}\]]|\Z)")  # of code: "token": token
_BLOCK = re.compile(rb"[|>][+-]?[0-9]?[ \t]*(?:#[^\r\n]*)?\r?\n")
_LINE_END = re.compile(rb"\r?\n[ \t]*")
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]{0,40}(?=[\s,}\]]|\Z)")
_SPACED = ("api ", "access ", "secret ", "private ", "auth ", "bearer ", "license ", "encryption ", "session ")


_ALONE = (b"key", b"Key", b"KEY")  # api key: ..., ?key=...; else a key is anything
_BEFORE_KEY = (b"?", b"&", b";", b" ", b"6")


_PROSE = (b"secret", b"secrets", b"credential", b"credentials")  # without secrets: tokens, keys


@lru_cache(maxsize=None)
def _pattern(word: bytes) -> Pattern[bytes]:
    """Compile what finds the names with a word; a text of a line needs few of these."""
    return re.compile(_SPECIAL.get(word, word) + _AFTER_NAME, re.VERBOSE)


class Name(NamedTuple):
    """A name in a text, and what comes after it."""

    start: int
    text: bytes
    value: int  # where its value begins
    how: str  # the group of `_AFTER_NAME` that stands between
    close: bytes  # the quotes that end the name


def find(piece: Piece) -> Iterator[Span]:
    """Find the values of names that call them secrets."""
    data, low = piece.data, piece.low
    for word in WORDS:
        if piece.has(word):
            read = 0
            for match in _pattern(word).finditer(low):
                begin = match.start()
                if begin < read:  # within a value
                    continue
                head = low[begin - _MOST_NAME_BYTES if begin > _MOST_NAME_BYTES else 0 : begin]
                start = begin - len(head) + len(head.rstrip(_NAME_BYTES))
                if (
                    match.lastgroup == "space"
                    and low[start] != 45
                    and not _may_be_spaced(word, data, low, start, match.end())
                ):
                    continue
                text = data[start : match.end(1)]
                if not is_nothing(text) and not (text in _ALONE and low[start - 1 : start] not in _BEFORE_KEY):
                    name = _name(data, low, match, start, text)
                    for span in _of_name(data, name) if name else ():
                        read = span.end
                        yield span
    for chinese, pattern in () if data.isascii() else _CHINESE:
        read = 0
        for match in pattern.finditer(data) if chinese in data else ():
            if match.start() >= read:
                for span in _of_name(data, Name(match.start(), b"password", match.end(), "assign", b"")):
                    read = span.end
                    yield span


def _may_be_spaced(word: bytes, data: bytes, low: bytes, start: int, end: int) -> bool:
    """Tell quickly whether a name that a blank ends may have a value: most of them are words of a sentence."""
    return word == b"pass" or low[start - 4 : start] in _SETTER_ENDS or bool(_SHOWN.match(data, end))


@lru_cache(maxsize=4096)
def is_nothing(name: bytes) -> bool:
    """Tell whether a name calls nothing a secret, wherever it stands."""
    lowered = name.lower()
    special = lowered in (b"key", b"token", b"sig", b"sign") or lowered.endswith((b"authorization", b"signature"))
    return not special and weight(name.strip(b".-")) == Weight.NONE


def _name(data: bytes, low: bytes, match: re.Match[bytes], start: int, text: bytes) -> Optional[Name]:
    how, close = match.lastgroup or "", match["close"]
    before = low[max(0, start - 3) : start]
    is_option = low.startswith(b"-", start)
    if how == "space":
        is_one = is_option or _is_netrc(low, start, match) or _is_told(data, match) or _is_set(data, low, start)
        if not (is_one or _is_random(data, match)):
            return None
    elif how == "comma":
        if not (close and (is_option or before[-2:-1] == b"(" or before.endswith(b"(b'"))):
            return None
    elif how == "element":
        if not (before.endswith((b"<", b":", b";")) or (close and _is_attribute(low, start))):
            return None
        if data.find(b"/", data.rfind(b"<", max(0, start - _MOST_NAME_BYTES), start), start) >= 0:
            return None  # </ns:password>
    elif how == "part" and not _is_attribute(low, start):
        return None
    if how == "call" and not text.rpartition(b".")[2].startswith((b"set", b"with_")):
        return None
    if before.endswith(b"$") and not (how == "assign" and data[match.end() : match.end() + 1] in (b"'", b'"')):
        return None  # a variable, but $password = "x"
    if before.endswith(b"::") or (text == b"PWD" and not before.endswith(b";")):  # a test; the working directory
        return None
    if before.endswith(b" ") and text.lower() in (b"key", b"token"):
        spaced = low[max(0, start - 11) : start].decode("latin-1")
        word = next((word for word in _SPACED if spaced.endswith(word)), "")
        text = word.strip().encode("ascii") + (b"_" if word else b"") + text
    return Name(start, text, match.end(), how, close)


def _is_attribute(low: bytes, start: int) -> bool:
    """Tell whether the word is the value of an attribute that gives a name: `name="password"`."""
    return low[max(0, start - 8) : start].rstrip(b"\\\"'").endswith((b"name=", b"key="))


def _is_told(data: bytes, match: re.Match[bytes]) -> bool:
    """Tell whether a sentence has a password in quotes: `with password 'x'`."""
    return b"pass" in match[0] and data[match.end() : match.end() + 1] in (b"'", b'"')


_SETTERS = (b"setx ", b"setenv ", b"set -x ", b"set -gx ", b"configure set ", b"config set ")
_SETTER_ENDS = (*(setter[-4:] for setter in _SETTERS), b"env ")
_SHOWN = re.compile(rb"[A-Za-z0-9_-]{20,}(?![\w.(\[/-])")


def _is_random(data: bytes, match: re.Match[bytes]) -> bool:
    """Tell whether what comes after the bare word can be nothing but a token: `token 4f9Xk...`."""
    value = None if match[0].startswith(b"key") else _SHOWN.match(data, match.end())
    return bool(value and looks_random(value[0]))


def _is_set(data: bytes, low: bytes, start: int) -> bool:
    """Tell whether a command, or a line of a Dockerfile, sets a name to the next word."""
    if data[max(0, start - 4) : start] == b"ENV ":
        return True
    return low[max(0, start - 14) : start].endswith(_SETTERS)


def _is_netrc(low: bytes, start: int, match: re.Match[bytes]) -> bool:
    """Tell whether the word is of a line `machine HOST login USER password VALUE`."""
    if low[start : match.end("tail")] not in (b"password", b"passwd"):
        return False
    return bool(re.search(rb"\blogin[ \t\r\n]+\S+[ \t\r\n]+\Z", low[max(0, start - 100) : start]))


def _of_name(data: bytes, name: Name) -> Iterator[Span]:
    lowered = name.text.lower()
    if lowered.endswith(b"authorization"):
        yield from _credentials(data, name) if name.how != "told" else ()
        return
    importance = weight(name.text.strip(b".-"))
    if importance > Weight.RANDOM and _is_in_nodeid(data, name.start):
        importance = Weight.RANDOM
    if importance < Weight.LIKELY and _is_likely_here(data, name, lowered):
        importance = Weight.LIKELY
    if importance == Weight.NONE:
        return
    if (
        lowered in _PROSE
        and not name.close
        and data[name.value - 1 : name.value] == b" "
        and not _ANCHOR.search(data, max(0, name.start - 80), name.start)
    ):
        importance = Weight.LIKELY
    is_header = lowered.startswith(b"x-") or name.text.isupper()  # HF_TOKEN=word; X-Auth-Token: word
    if importance == Weight.LIKELY and is_header and name.how == "assign" and data[name.value : name.value + 1] != b"=":
        is_set = lowered.startswith(b"x-") or not data[name.value - 1 : name.value].isspace()
        importance = (
            Weight.SURE if is_set and len(data[name.value : name.value + 7].split(b"\n")[0]) == 7 else importance
        )
    elif importance == Weight.SURE and name.how == "told":
        importance = Weight.LIKELY
    for start, end, quote in _values(data, name, importance):
        if name.how == "comma" and not name.text.startswith(b"-") and data[end + 1 : end + 2] != b")":  # no pair
            continue
        if name.how in ("comma", "space") and _FLAG.match(data, start, end):
            continue
        value = data[start:end]
        if is_secret(importance, _LINE_END.sub(b"", value) if b"\n" in value else value):
            yield Span(start, end, "named", "", quote)


_FLAG = re.compile(rb"--[a-z][a-z0-9-]*\Z")


def _is_in_nodeid(data: bytes, start: int) -> bool:
    """Tell whether a name stands between the brackets of a test's id: tests/test_a.py::test_a[password=x]."""
    place = data.rfind(b"::", max(0, start - _MOST_ID_BYTES), start)
    return place >= 0 and bool(_BRACKET.match(data, place, start))


_MOST_ID_BYTES = 300
_BRACKET = re.compile(rb"::\w+\[[^\]\"\s]*\Z")
_QUERY = re.compile(rb"(?:[?&;]|%26|&amp;|\\u0026)\Z")
_QUERY_ENDS = (b"?", b"&", b";", b"6")
_SIGNATURE = re.compile(rb"[A-Za-z0-9+/%]{27,200}")


def _is_likely_here(data: bytes, name: Name, lowered: bytes) -> bool:
    """Tell whether a name that may mean anything means a secret here: in a URL's query, or before a signature."""
    before = data[max(0, name.start - 6) : name.start]
    if before[-1:] in _QUERY_ENDS and _QUERY.search(before):
        return lowered in (b"key", b"sig", b"sign", b"auth") or lowered.endswith(b"signature")
    return lowered.endswith(b"signature") and bool(
        data[name.value - 1 : name.value] == b"=" and _SIGNATURE.match(data, name.value)
    )


def _values(data: bytes, name: Name, importance: Weight) -> List[Tuple[int, int, bytes]]:
    """Find where a value stands, (start, end, the quote that a stand-in needs, since it had none)."""
    opened = _OPEN.match(data, name.value)
    if opened:
        start, quote = opened.end(), opened[1]
        return [(start, closing(data, start, quote), b"")]
    if name.how in ("element",):
        start = data.find(b">", name.value) + 1
        end = data.find(b"<", start, start + MOST_VALUE_BYTES)
        return [(start, end, b"")] if end > start and data.startswith(b"/", end + 1) else []
    if name.close.strip(b"]") and name.how == "assign":
        number = _NUMBER.match(data, name.value)
        if number:
            return [(number.start(), number.end(), name.close)] if importance == Weight.SURE else []
        if _IDENTIFIER.match(data, name.value):
            return []
    block = _BLOCK.match(data, name.value)
    if block:
        return _block(data, name, block.end())
    return _unquoted(data, name, importance)


def closing(data: bytes, start: int, quote: bytes) -> int:
    """Find the quote that ends a text, else the line's end."""
    limit = start + MOST_VALUE_BYTES
    place = start
    while True:
        place = data.find(quote, place, limit)
        if place < 0:
            break
        head = data[max(start, place - 16) : place]
        slashes = len(head) - len(head.rstrip(b"\\"))
        if slashes % 2 == 0 or not quote.endswith((b'"', b"'", b"`")):
            doubled = quote == b"'" and place > start and data[place + 1 : place + 2] == b"'"
            if not doubled:
                break
            place += 1
        place += len(quote)
    line = _LINE.match(data, start)
    line_end = line.end() if line else start
    if place >= 0 and (place <= line_end or not re.search(rb"[ \t]", re.sub(rb"\r?\n[ \t]*", b"", data[start:place]))):
        return place
    bare = _BARE.match(data, start)
    return bare.end() if bare else start


def _block(data: bytes, name: Name, start: int) -> List[Tuple[int, int, bytes]]:
    """Find the lines of a YAML block: those indented more than their name."""
    line = data.rfind(b"\n", max(0, name.start - 200), name.start) + 1
    depth = len(data[line : name.start]) - len(data[line : name.start].lstrip(b" -"))
    lines = re.compile(rb"(?:[ \t]*\r?\n|[ ]{%d,200}[^\r\n]{0,2000}(?:\r?\n|\Z))+" % (depth + 1))
    found = lines.match(data, start, start + MOST_VALUE_BYTES)
    if not found:
        return []
    body = found[0]
    return [(start + len(body) - len(body.lstrip()), start + len(body.rstrip()), b"")]


def _unquoted(data: bytes, name: Name, importance: Weight) -> List[Tuple[int, int, bytes]]:
    bare = _HEAD.match(data, name.value)
    if bare and len(bare[0]) == _HEAD_BYTES and not _CUT.search(bare[0]) and is_secret(importance, bare[0]):
        bare = _BARE.match(data, name.value)
    if not bare or (importance == Weight.RANDOM and not may_look_random(bare[0])):
        return []
    start, end = bare.span()
    before = data[max(0, name.start - 80) : name.start]
    is_yaml = (
        name.how == "assign" and data[name.value - 1 : name.value] == b" " and b":" in data[name.value - 3 : name.value]
    )
    if is_yaml and importance == Weight.SURE and b"pass" in name.text.lower() and _ANCHOR.search(before):
        line = _LINE.match(data, start)
        rest = re.split(rb"[ \t]#", line[0])[0].rstrip() if line else b""
        if b" " in rest and not is_secret(importance, rest.split(b" ")[0]):
            return []
        return [(start, start + len(rest), b"")]
    if b"\n" in data[name.start : start]:  # in the next line: only what stands there alone
        line = _LINE.match(data, start)
        if not is_secret(Weight.LIKELY, bare[0]) or (line and line.end() > end):
            return []
    cut = _CUT.search(data, start, end)
    end = cut.start() if cut else end
    end = _trimmed(data, start, end)
    return [] if end - start < _LEAST_BARE or _is_code(name, data[start:end]) else [(start, end, b"")]


_LEAST_BARE = 3  # bytes: a shorter value without quotes is a variable of minified code
_VARIABLE = re.compile(rb"[A-Za-z_][A-Za-z_.]*\Z")
_USUAL = (b"value", b"data", b"key", b"creds", b"credentials", b"credential", b"secret", b"token", b"password")


def _is_code(name: Name, value: bytes) -> bool:
    """Tell whether a value without quotes is an expression of code: `self.token = token`, `key = settings.api_key`."""
    if not _VARIABLE.match(value):
        return False
    lowered = value.lower()
    is_other_name = b"_" in value.strip(b"_") or b"." in value
    return lowered in _USUAL or name.text.lower().endswith(lowered) or (is_other_name and not is_nothing(value))


_PAIRS = {b")": b"(", b"]": b"[", b"}": b"{"}


def _trimmed(data: bytes, start: int, end: int) -> int:
    """Leave out what ends the sentence or the list that a value stands in."""
    while end > start:
        last = data[end - 1 : end]
        value = data[start:end]
        if last in b",;.:" or (last in _PAIRS and value.count(last) > value.count(_PAIRS[last])):
            end -= 1
        else:
            break
    return end


def _credentials(data: bytes, name: Name) -> Iterator[Span]:
    """Find what comes after Bearer, Basic and the like, or stands alone in an Authorization header."""
    opened = _OPEN.match(data, name.value)
    start = opened.end() if opened else name.value
    scheme = _SCHEME.match(data, start)
    if opened:
        end = closing(data, start, opened[1])
    elif scheme and scheme[0].lower().startswith((b"digest", b"aws4", b"oauth", b"hawk")):
        line = re.compile(rb"(?:(?!\\+[nr])[^\r\n'`]){1,4000}").match(data, scheme.end())
        end = line.end() if line else start
    else:
        bare = _BARE.match(data, scheme.end() if scheme else start)
        end = _trimmed(data, start, bare.end()) if bare else start
    start = scheme.end() if scheme else start
    if end > start and is_secret(Weight.SURE if scheme else Weight.LIKELY, data[start:end]):
        yield Span(start, end, "header")
