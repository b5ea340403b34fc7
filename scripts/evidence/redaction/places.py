"""Find secrets by where they stand: in URLs, headers and cookies, key blocks, command lines and password files."""

from __future__ import annotations

import re
from typing import Iterator

from .names import is_placeholder, looks_random
from .piece import Piece
from .shapes import Span
from .stand_ins import STAND_IN

MOST_KEY_BYTES = 24_576


def find(piece: Piece) -> Iterator[Span]:
    """Find them all; each pattern begins with a literal word, which is what makes it quick."""
    data, low = piece.data, piece.low
    if b"@" in data:
        yield from _user_info(data)
    if piece.has(b"hook"):
        yield from _hooks(data, low)
    if piece.has(b"key") and (piece.has(b"private key") or piece.has(b"putty-user-key")):
        yield from _keys(data)
    if piece.has(b"cookie"):
        yield from _cookies(data, low)
    if piece.has(b"bearer"):
        yield from _schemes(data, low)
    if piece.has(b"-u"):
        yield from _users(data, low)
    if any(map(piece.has, (b" -p", b"redis-cli", b"-stdin", b"with-token"))):
        yield from _programs(piece)
    if b"$" in data:
        yield from _hashes(data)
    yield from _pairs(piece)


_AUTHORITY = re.compile(rb"([^\s/\"'`<>@:\\]{0,200})(?::([^\s\"'`<>]{1,300}))?\Z")
_PORT = re.compile(rb"[0-9]{1,5}(?:[/?#]|\Z)")
_WITH_HOST = re.compile(rb"@(?:[\w-]+(?:\.[\w-]+)+|localhost)(?::[0-9]+)?/")  # https://me:PASSWORD@host/x@main
_AT = re.compile(rb"@(?=[\w.\[$*{(-])")
_DRIVER = re.compile(rb"([A-Za-z_][\w.-]{0,60}):([^\s\"'`<>@/:]{1,100})\Z")


def _user_info(data: bytes) -> Iterator[Span]:
    """Find passwords, and tokens in place of a user, before the @ of a URL or of a driver's address (u:p@tcp(host))."""
    if not any(word in data for word in (b"://", b"@tcp(", b"@unix(")):
        return
    for match in _AT.finditer(data):
        yield from _before_at(data, max(0, match.start() - 600), match.start())


def _before_at(data: bytes, start: int, place: int) -> Iterator[Span]:
    scheme = data.rfind(b"://", max(start, data.rfind(b"\n", start, place)), place)
    match = _AUTHORITY.match(data, scheme + 3, place) if scheme >= 0 else None
    if match and match[2] is None:
        if looks_random(match[1]) or re.match(rb"[0-9a-f]{32,64}\Z", match[1]):
            yield Span(*match.span(1), "url user")
    elif match:
        if not _PORT.match(match[2]) and not is_hidden(match[2]) and not _WITH_HOST.search(match[2]):
            yield Span(*match.span(2), "url password")
    elif data.startswith((b"tcp(", b"unix("), place + 1):
        driver = _DRIVER.search(data, max(start, place - 200), place)
        if driver:
            yield Span(*driver.span(2), "url password")


def is_hidden(value: bytes) -> bool:
    """Tell whether a secret was already taken out, or was never there."""
    return bool(STAND_IN.match(value)) or is_placeholder(value)


_HOOK = re.compile(
    rb"hook(?:s\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([\w/-]{16,200})"
    rb"|s/[0-9]{5,30}/([\w-]{20,100})|/([0-9a-f-]{16,64})|/\w{1,20}\?key=([\w-]{16,64})|\.office\.com/([\w@/-]{30,300}))"
)
_HOOKED = re.compile(
    rb"(?:discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?web|/open-apis/bot/(?:v2/)?|/cgi-bin/web|web|//)\Z"
)


def _hooks(data: bytes, low: bytes) -> Iterator[Span]:
    """Find what lets anyone post in a chat: the end of a webhook's URL."""
    for match in _HOOK.finditer(low):
        if _HOOKED.search(low, max(0, match.start() - 60), match.start()):
            yield Span(*match.span(match.lastindex or 0), "webhook")


_BEGIN = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
)
_END = re.compile(rb"-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_LINES = re.compile(rb"(?:[^\r\n]{0,60}?[A-Za-z0-9+/=]{40,80}[^\r\n]{0,8}\r?\n?){1,400}")
_PUTTY = re.compile(rb"Private-Lines: [0-9]+\r?\n((?:[A-Za-z0-9+/=]{1,80}\r?\n?){1,400})")


def _keys(data: bytes) -> Iterator[Span]:
    """Find private keys: all between BEGIN and END, whatever stands before each line or in place of its end."""
    for match in _BEGIN.finditer(data):
        end = _END.search(data, match.end(), match.end() + MOST_KEY_BYTES)
        other = _BEGIN.search(data, match.end(), end.start() if end else match.end())
        if end and not other:
            body = (match.end(), end.start())
        else:
            rest = re.compile(rb"(?:[ \t]*\r?\n)?").match(data, match.end())
            start = rest.end() if rest else match.end()
            lines = _LINES.match(data, start)
            literal = re.compile(rb"(?:\\+[nr]|[A-Za-z0-9+/=]){20,24576}").match(data, match.end())
            body = (match.end(), max(lines.end() if lines else 0, literal.end() if literal else 0))
        if body[1] > body[0] and data[body[0] : body[1]].strip() and not STAND_IN.match(data, body[0]):
            yield Span(*body, "private key", "private key")
    for match in _PUTTY.finditer(data):
        yield Span(*match.span(1), "private key", "private key")


_COOKIE = re.compile(
    rb"cookie2?(?:\\{0,8}[\"'`]|\]|&quot;)?[ \t]{0,4}[:=,][ \t]{0,4}(?:\[?[ \t]{0,4}b?(?:\\{0,8}[\"'`]|&quot;))?"
    rb"([\w.!#$%&*+^|~-]{1,100}=[^\r\n\"'`\\<>]{1,8192})"
)
_PAIR = re.compile(rb"([^=;\s]{1,100})=([^;\s]{1,8192})")
_ATTRIBUTES = (b"path", b"domain", b"expires", b"max-age", b"samesite", b"version", b"priority")


def _cookies(data: bytes, low: bytes) -> Iterator[Span]:
    for match in _COOKIE.finditer(low):
        for pair in _PAIR.finditer(data, *match.span(1)):
            if pair[1].lower() not in _ATTRIBUTES and not is_hidden(pair[2]):
                yield Span(*pair.span(2), "cookie")


_BEARER = re.compile(rb"bearer(?<![a-z0-9]bearer)(?:[ \t]|%20|\+){1,4}(?=[\w.~+/-]{0,200}?[0-9])([\w.~+/-]{8,4096}=*)")


def _schemes(data: bytes, low: bytes) -> Iterator[Span]:
    """Find what comes after the word Bearer, in a header or elsewhere."""
    for match in _BEARER.finditer(low):
        if not is_hidden(data[match.start(1) : match.end(1)]):
            yield Span(*match.span(1), "header")


_USER = re.compile(
    rb"-u(?:ser)?(?:[ \t]*|=|[\"'],[ \t]*[\"'])(?![a-z]{1,8}://)"
    rb"(?:[a-z0-9_.@%+-]{0,80}:([^\s\"'`]{1,200})|\"[a-z0-9_.@%+-]{0,80}:([^\"\r\n]{1,200})|'[a-z0-9_.@%+-]{0,80}:([^'\r\n]{1,200}))"
)
_BEFORE_USER = re.compile(rb"(?:\A|[\s\"'])-?(?:-proxy)?\Z")


def _users(data: bytes, low: bytes) -> Iterator[Span]:
    """Find the passwords of `-u USER:PASSWORD`."""
    for match in _USER.finditer(low):
        start, end = match.span(match.lastindex or 0)
        value = data[start:end]
        is_option = _BEFORE_USER.search(low, max(0, match.start() - 8), match.start())
        if is_option and not is_hidden(value) and not re.match(rb"[0-9]{1,5}\Z", value):  # -u 1000:1000 is no log-in
            yield Span(start, end, "command line")


_LOG_INS = {
    word: re.compile(
        word + rb"s?(?:[\"']?[ \t]{0,4}[=:][ \t]{0,4})?\([ \t]{0,4}b?([\"'])[^\"'\r\n]{0,100}\1,"
        rb"[ \t]{0,4}b?([\"'])([^\"'\r\n]{1,200})\2\)"
    )
    for word in (b"auth", b"credential", b"login")
}


def _pairs(piece: Piece) -> Iterator[Span]:
    """Find the passwords of `auth=('USER', 'PASSWORD')` and HTTPBasicAuth('USER', 'PASSWORD')."""
    for word, pattern in _LOG_INS.items():
        for match in pattern.finditer(piece.low) if piece.has(word) else ():
            if not is_hidden(piece.data[match.start(3) : match.end(3)]):
                yield Span(*match.span(3), "log-in")


_SAME = rb"[^\r\n|;]{0,200}?"
_PROGRAMS = {
    b"mysql": re.compile(rb"mysql\w*\b" + _SAME + rb"[ \"']-p(?=[^\s\"'])([^\s\"'`]{1,100})"),
    b"mariadb": re.compile(rb"mariadb(?:-\w+)?\b" + _SAME + rb"[ \"']-p(?=[^\s\"'])([^\s\"'`]{1,100})"),
    b"echo": re.compile(
        rb"echo[ \t]+(?:-n[ \t]+)?[\"']?([^\s\"'`|]{1,2000})[\"']?[ \t]*\|[^\r\n|]{0,100}"
        rb"--(?:password-stdin|with-token)"
    ),
    b"openssl": re.compile(rb"openssl\b" + _SAME + rb"[ \t]-pass(?:in|out)?[ \t]+pass:([^\s\"'`]{1,200})"),
    b"sshpass": re.compile(rb"sshpass[ \t]+(?:-\w[ \t]+)?-p[ \t]*[\"']?([^\s\"'`]{1,100})"),
    b"redis-cli": re.compile(rb"redis-cli\b" + _SAME + rb"[ \t]-a[ \t]+[\"']?([^\s\"'`]{1,100})"),
    b"login": re.compile(rb"login\b" + _SAME + rb"[ \t]-p[ \t]+[\"']?([^\s\"'`]{1,2000})"),
}


def _programs(piece: Piece) -> Iterator[Span]:
    """Find passwords in the short options of programs that have such."""
    for program, pattern in _PROGRAMS.items():
        if piece.has(program):
            for match in pattern.finditer(piece.data):
                if not is_hidden(match[1]):
                    yield Span(*match.span(1), "command line")


_HASH = re.compile(
    rb"\$(?:2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}"
    rb"|(?:apr1|1|5|6|y|gy|7|argon2(?:id?|d)|pbkdf2[\w-]{0,20}|scrypt|krb5\w{2,12})\$[\w./$,=+*@-]{20,400})"
)


def _hashes(data: bytes) -> Iterator[Span]:
    """Find stored forms of passwords, as htpasswd, shadow and Kerberos have them."""
    for match in _HASH.finditer(data):
        yield Span(*match.span(), "password hash")
