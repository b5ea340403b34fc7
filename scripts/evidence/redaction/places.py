"""Find secrets by where they stand: in URLs, headers and cookies, key blocks, command lines and password files."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Iterator

from .names import is_placeholder, looks_random
from .shapes import Span

MOST_KEY_BYTES = 32_768
_STAND_IN = b"(secret"


def find(data: bytes, low: bytes) -> Iterator[Span]:
    """Find them all.

    Args:
        low: the same in small letters.
    """
    if b"@" in data:
        yield from _user_info(data)
    if b"hook" in low:
        yield from _hooks(data)
    if b"sig" in low or b"x-amz-" in low:
        yield from _signed(data)
    if b"-----begin" in low or b"private-lines" in low:
        yield from _keys(data)
    if b"cookie" in low:
        yield from _cookies(data)
    if b"bearer" in low or b"basic " in low:
        yield from _schemes(data)
    if b"-u" in low or b"-p" in low or b"-a" in low:
        yield from _options(data)
    if b"$" in data or b"{s" in low:
        yield from _hashes(data)


_AUTHORITY = re.compile(rb"(?<=://)([^\s/\"'`<>@:\\]{0,200})(?::([^\s\"'`<>]{1,300}))?\Z")
_PORT = re.compile(rb"[0-9]{1,5}(?:[/?#]|\Z)")
_HOST = re.compile(rb"[\w.\[$*{(-]")
_DRIVER = re.compile(rb"([A-Za-z_][\w.-]{0,60}):([^\s\"'`<>@/:]{1,100})\Z")


def _user_info(data: bytes) -> Iterator[Span]:
    """Find passwords, and tokens in place of a user, before the @ of a URL or of a driver's address (u:p@tcp(host))."""
    place = data.find(b"@")
    while place >= 0:
        start = max(0, place - 600)
        head = data[start:place]
        scheme = head.rfind(b"://")
        if scheme >= 0 and _HOST.match(data, place + 1):
            match = _AUTHORITY.search(head, scheme)
            if match and match[2] is not None:
                if not _PORT.match(match[2]) and not is_hidden(match[2]):
                    yield Span(start + match.start(2), place, "url password")
            elif match and (looks_random(match[1]) or re.match(rb"[0-9a-f]{32,64}\Z", match[1])):
                yield Span(start + match.start(1), place, "url user")
        elif data.startswith((b"tcp(", b"unix(", b"(localhost"), place + 1):
            driver = _DRIVER.search(head[-200:])
            if driver:
                yield Span(place - len(driver[2]), place, "url password")
        place = data.find(b"@", place + 1)


def is_hidden(value: bytes) -> bool:
    """Tell whether a secret was already taken out, or was never there."""
    return value.startswith(_STAND_IN) or is_placeholder(value)


_HOOK = re.compile(
    rb"(?i)(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([\w/-]{16,200})"
    rb"|discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{5,30}/([\w-]{20,100})"
    rb"|/open-apis/bot/(?:v2/)?hook/([\w-]{16,64})"
    rb"|/cgi-bin/webhook/\w{1,20}\?key=([\w-]{16,64})"
    rb"|webhook\.office\.com/([\w@/-]{30,300}))"
)


def _hooks(data: bytes) -> Iterator[Span]:
    for match in _HOOK.finditer(data):
        yield Span(*match.span(match.lastindex or 0), "webhook")


_SIGNED = re.compile(
    rb"(?i)(?:[?&;]|%26|\\u0026|&amp;)(?:sig|signature|sign|x-(?:amz|goog|oss)-(?:signature|credential|security-token))"
    rb"(?:=|%3D)([\w%+/.~=-]{8,4096}?)(?=[&\s\"'<>\\#)\]]|%26|\Z|[^\w%+/.~=-])"
)
_SIGNATURE = re.compile(rb"(?i)\b(?:signature)=([0-9a-f]{40,128}|[A-Za-z0-9+/]{27,88}={0,2})(?![\w+/])")


def _signed(data: bytes) -> Iterator[Span]:
    """Find the signature of a signed URL, and what else of it lets in; when it expires stays."""
    for pattern in (_SIGNED, _SIGNATURE):
        for match in pattern.finditer(data):
            yield Span(*match.span(1), "url signature")


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
            literal = re.compile(rb"(?:\\+[nr]|[A-Za-z0-9+/=]){20,32768}").match(data, match.end())
            body = (match.end(), max(lines.end() if lines else 0, literal.end() if literal else 0))
        if body[1] > body[0] and data[body[0] : body[1]].strip() and not data.startswith(_STAND_IN, body[0]):
            yield Span(*body, "private key", "private key")
    for match in _PUTTY.finditer(data):
        yield Span(*match.span(1), "private key", "private key")


_COOKIE = re.compile(
    rb"(?i)(?<![\w])(set-)?cookie2?((?:\\{0,8}[\"'`]|\]|&quot;)?)[ \t]{0,4}[:=,][ \t]{0,4}(?:\[?[ \t]{0,4}b?(\\{0,8}[\"'`]|&quot;))?"
    rb"([\w.!#$%&*+^|~-]{1,100}=[^\r\n\"'`\\<>]{1,8192})"
)
_PAIR = re.compile(rb"([^=;\s]{1,100})=([^;\s]{1,8192})")
_ATTRIBUTES = (b"path", b"domain", b"expires", b"max-age", b"samesite", b"version", b"priority")


def _cookies(data: bytes) -> Iterator[Span]:
    for match in _COOKIE.finditer(data):
        for pair in _PAIR.finditer(data, match.start(4), match.end(4)):
            if pair[1].lower() not in _ATTRIBUTES and not is_hidden(pair[2]):
                yield Span(*pair.span(2), "cookie")


_BEARER = re.compile(rb"(?i)(?<![A-Za-z0-9])bearer(?:[ \t]|%20|\+){1,4}(?=[\w.~+/-]{0,200}?[0-9])([\w.~+/-]{8,4096}=*)")
_BASIC = re.compile(rb"(?i)(?<![A-Za-z0-9])basic[ \t]{1,4}([A-Za-z0-9+/_-]{6,2048}={0,2})(?![\w+/=])")


def _schemes(data: bytes) -> Iterator[Span]:
    for match in _BEARER.finditer(data):
        if not is_hidden(match[1]):
            yield Span(*match.span(1), "header")
    for match in _BASIC.finditer(data):
        if _is_log_in(match[1]):
            yield Span(*match.span(1), "header")


def _is_log_in(text: bytes) -> bool:
    """Tell whether base64 says USER:PASSWORD.

    >>> _is_log_in(b"bWU6aHVudGVyMg=="), _is_log_in(b"features")
    (True, False)
    """
    try:
        plain = base64.b64decode(
            text + b"=" * (-len(text) % 4), altchars=b"-_" if b"-" in text or b"_" in text else None
        )
    except (binascii.Error, ValueError):
        return False
    return b":" in plain and all(letter >= 32 for letter in plain)


_GAP = rb"(?:[ \t]+|=|[\"'],[ \t]*[\"'])"
_USER = re.compile(
    rb"(?:(?<=\s)|(?<=[\"']))(?:-u|--user|--proxy-user|-U)" + rb"(?:[ \t]*|=|[\"'],[ \t]*[\"'])[\"']?"
    rb"(?![a-z]{1,8}://)([A-Za-z0-9_.@%+-]{0,80}):([^\s\"'`]{1,200})"
)
_PROGRAM = re.compile(
    rb"(?<![\w-])(?:"
    rb"(?:mysql\w*|mariadb(?:-\w+)?|mycli)\b[^\r\n|;]{0,200}?[ \"']-p(?=[^\s\"'])([^\s\"'`]{1,100})"
    rb"|sshpass[ \t]+(?:-\w[ \t]+)?-p[ \t]*[\"']?([^\s\"'`]{1,100})"
    rb"|redis-cli\b[^\r\n|;]{0,200}?[ \t]-a[ \t]+[\"']?([^\s\"'`]{1,100})"
    rb"|(?:docker|podman|helm|oras|skopeo|crane|az|oc)\b[^\r\n|;]{0,60}\blogin\b[^\r\n|;]{0,200}?[ \t]-p[ \t]+[\"']?([^\s\"'`]{1,2000})"
    rb"|(?:ldap\w+)\b[^\r\n|;]{0,200}?[ \t]-w[ \t]+[\"']?([^\s\"'`]{1,100})"
    rb"|7z[ar]?\b[^\r\n|;]{0,60}?[ \t]-p(?=\S)([^\s\"'`]{1,100})"
    rb"|(?:zip|unzip)\b[^\r\n|;]{0,60}?[ \t]-P[ \t]+[\"']?([^\s\"'`]{1,100})"
    rb")"
)
_PROGRAMS = (b"mysql", b"mariadb", b"mycli", b"sshpass", b"redis-cli", b"login", b"ldap", b"7z", b"zip")


def _options(data: bytes) -> Iterator[Span]:
    """Find passwords in the short options of programs that have such."""
    for match in _USER.finditer(data):
        if not is_hidden(match[2]) and not re.match(rb"[0-9]{1,5}\Z", match[2]):
            yield Span(*match.span(2), "command line")
    if any(program in data for program in _PROGRAMS):
        for match in _PROGRAM.finditer(data):
            start, end = match.span(match.lastindex or 0)
            if not is_hidden(data[start:end]):
                yield Span(start, end, "command line")


_HASH = re.compile(
    rb"\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}"
    rb"|\$(?:apr1|1|5|6|y|gy|7|argon2(?:id?|d)|pbkdf2[\w-]{0,20}|scrypt|krb5\w{2,12})\$[\w./$,=+*@-]{20,400}"
    rb"|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{27,120}={0,2}"
)


def _hashes(data: bytes) -> Iterator[Span]:
    """Find stored forms of passwords, as htpasswd, shadow and Kerberos have them."""
    for match in _HASH.finditer(data):
        yield Span(*match.span(), "password hash")
