"""What tokens look like by themselves: of clouds, model hubs, CI, chat and package services.

Each shape begins with letters of its own, so that a text is first looked through for runs of 16 letters and digits, and
only around them for these beginnings.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Pattern, Tuple


class Span(NamedTuple):
    """A secret in a text: where, of which kind, and the label that its stand-in gets."""

    start: int
    end: int
    kind: str
    label: str = ""
    quote: bytes = b""  # to stand around the stand-in: a number of JSON had none
    raw: bytes = b""  # the secret itself, where it stands there in another form


class Shape(NamedTuple):
    """A kind of token: the literal words it may begin with, and how it goes on."""

    label: str
    beginnings: Tuple[str, ...]
    rest: str


_W = "[A-Za-z0-9]"
_D = "[A-Za-z0-9_-]"
_HEX = "[0-9a-f]"
_DIGIT_AHEAD = f"(?={_D}{{0,200}}?[0-9])"
_UPPER_AHEAD = f"(?={_D}{{0,200}}?[A-Z])"
_GITLAB = "pat oas dt rt rtr cbt ptt ft imt agent wt soat ffct"
_UUID = f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"

SHAPES = (
    Shape("github token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), f"{_W}{{16,255}}"),
    Shape("github token", ("github_pat_",), r"\w{20,255}"),
    Shape("gitlab token", tuple(f"gl{kind}-" for kind in _GITLAB.split()), r"[\w=-]{16,300}(?:\.[\w-]{2,20}){0,3}"),
    Shape("gitlab token", ("GR1348941",), f"{_D}{{16,50}}"),
    Shape("circleci token", ("CCIPAT_", "CCIPRJ_"), r"\w{16,200}"),
    Shape("buildkite token", ("bkua_", "bkat_", "bkct_", "bkpt_", "bkpi_"), f"{_W}{{16,100}}"),
    Shape("sonar token", ("sqp_", "squ_", "sqa_", "sqt_"), f"{_HEX}{{30,60}}"),
    Shape("hugging face", ("hf_", "api_org_"), f"{_W}{{16,100}}"),
    Shape("modelscope token", ("ms-",), _UUID),
    Shape("anthropic key", ("sk-ant-",), f"{_D}{{10,250}}"),
    Shape("openai key", ("sk-",), f"{_DIGIT_AHEAD}(?={_D}{{0,200}}?{_W}{{12}}){_D}{{16,250}}"),
    Shape("stripe key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_"), f"{_W}{{10,250}}"),
    Shape("webhook secret", ("whsec_",), "[A-Za-z0-9+/=]{16,100}"),
    Shape("elevenlabs key", ("sk_",), f"{_HEX}{{48}}"),
    Shape("replicate token", ("r8_",), f"{_W}{{20,80}}"),
    Shape("groq key", ("gsk_",), f"{_W}{{20,100}}"),
    Shape("xai key", ("xai-",), f"{_W}{{20,150}}"),
    Shape("perplexity key", ("pplx-",), f"{_W}{{20,100}}"),
    Shape("fireworks key", ("fw_",), f"{_W}{{20,60}}"),
    Shape("nvidia key", ("nvapi-",), f"{_D}{{20,120}}"),
    Shape("langsmith key", ("lsv2_pt_", "lsv2_sk_"), r"\w{20,80}"),
    Shape("pinecone key", ("pcsk_",), r"\w{20,100}"),
    Shape("tavily key", ("tvly-",), f"{_D}{{20,80}}"),
    Shape("jina key", ("jina_",), f"{_D}{{30,100}}"),
    Shape("wandb key", ("wandb_v1_",), r"\w{20,120}"),
    Shape("aws key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Shape("aws key", ("ABSK",), r"[A-Za-z0-9+/]{40,200}={0,2}"),
    Shape("google key", ("AIza",), f"{_D}{{30,40}}"),
    Shape("google secret", ("GOCSPX-",), f"{_D}{{20,40}}"),
    Shape("google token", ("ya29.", "1//0"), "[\\w.-]{20,1000}"),
    Shape("aliyun key", ("LTAI",), f"{_W}{{12,30}}"),
    Shape("tencent key", ("AKID",), f"{_W}{{28,40}}"),
    Shape("volcengine key", ("AKLT",), f"{_W}{{20,80}}={{0,2}}"),
    Shape("baidu key", ("bce-v3/ALTAK-",), f"{_W}{{10,40}}/{_HEX}{{40}}"),
    Shape("baidu key", ("ALTAK",), f"-?{_DIGIT_AHEAD}{_W}{{16,40}}"),
    Shape("slack token", ("xoxa-", "xoxb-", "xoxp-", "xoxo-", "xoxs-", "xoxr-", "xoxe-", "xoxc-", "xoxd-", "xoxe."),
          r"[A-Za-z0-9.%-]{10,300}"),
    Shape("slack token", ("xapp-",), f"{_D}{{20,200}}"),
    Shape("pypi token", ("pypi-",), f"{_DIGIT_AHEAD}{_UPPER_AHEAD}{_D}{{16,500}}"),
    Shape("npm token", ("npm_",), f"{_W}{{20,60}}"),
    Shape("nuget key", ("oy2",), r"[a-z0-9]{43}(?![A-Za-z0-9])"),
    Shape("docker token", ("dckr_pat_", "dckr_oat_"), f"{_D}{{16,100}}"),
    Shape("artifactory key", ("AKCp",), f"{_DIGIT_AHEAD}{_W}{{16,100}}"),
    Shape("artifactory token", ("cmVmd",), f"{_W}{{40,100}}"),
    Shape("cargo token", ("cio",), f"{_DIGIT_AHEAD}{_W}{{32}}(?![A-Za-z0-9])"),
    Shape("rubygems key", ("rubygems_",), f"{_HEX}{{40,60}}"),
    Shape("sendgrid key", ("SG.",), f"{_D}{{16,32}}\\.{_D}{{16,64}}"),
    Shape("mailgun key", ("key-",), f"{_HEX}{{32}}(?!{_HEX})"),
    Shape("twilio key", ("SK",), f"{_HEX}{{32}}(?!{_W})"),
    Shape("heroku key", ("HRKU-",), f"{_D}{{30,80}}"),
    Shape("digitalocean token", ("dop_v1_", "doo_v1_", "dor_v1_"), f"{_HEX}{{32,80}}"),
    Shape("databricks token", ("dapi", "dkea"), f"{_HEX}{{32}}(?:-[0-9])?(?!{_W})"),
    Shape("vault token", ("hvs.", "hvb.", "hvr."), f"{_D}{{20,250}}"),
    Shape("vault token", ("s.",), f"{_DIGIT_AHEAD}{_UPPER_AHEAD}{_W}{{24}}(?![\\w.(-])"),
    Shape("linear key", ("lin_api_",), f"{_W}{{30,60}}"),
    Shape("notion key", ("secret_", "ntn_"), f"{_DIGIT_AHEAD}{_W}{{40,60}}"),
    Shape("figma token", ("figd_",), f"{_D}{{30,60}}"),
    Shape("postman key", ("PMAK-",), f"{_D}{{30,80}}"),
    Shape("grafana token", ("glsa_", "glc_"), r"[\w+/=]{20,400}"),
    Shape("new relic", ("NRAK-",), f"{_W}{{20,40}}"),
    Shape("tailscale key", ("tskey-",), f"{_D}{{16,100}}"),
    Shape("doppler token", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."), r"[\w.-]{30,100}"),
    Shape("shopify token", ("shpat_", "shpss_", "shpca_", "shppa_"), f"{_HEX}{{32}}"),
    Shape("square token", ("sq0atp-", "sq0csp-"), f"{_D}{{20,60}}"),
    Shape("pulumi token", ("pul-",), f"{_HEX}{{40}}"),
    Shape("planetscale token", ("pscale_tkn_", "pscale_pw_"), r"[\w.-]{30,80}"),
    Shape("supabase token", ("sbp_", "sb_secret_"), r"\w{20,80}"),
    Shape("atlassian token", ("ATATT3", "ATCTT3", "ATBB"), r"[\w=-]{20,300}"),
    Shape("sentry token", ("sntrys_", "sntryu_"), r"[\w+/=]{20,400}"),
    Shape("dingtalk secret", ("SEC",), f"{_HEX}{{64}}(?!{_W})"),
    Shape("age key", ("AGE-SECRET-KEY-1",), r"[A-Z0-9]{20,100}"),
    Shape("json web", ("eyJ",), r"[\w-]{6,4096}\.[\w-]{0,4096}\.[\w-]{0,4096}(?:\.[\w-]{0,4096}\.[\w-]{8,4096})?"),
    Shape("terraform token", (), f"{_W}{{14}}\\.atlasv1\\.[\\w=-]{{40,100}}"),
    Shape("discord token", (), r"[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}"),
    Shape("telegram token", (), r"[0-9]{8,10}:AA[\w-]{30,36}"),
    Shape("zhipu key", (), f"{_HEX}{{32}}\\.(?={_W}{{0,15}}[A-Z]){_W}{{16}}(?![\\w.])"),
    Shape("azure secret", (), r"[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}"),
    Shape("mailgun key", (), f"{_HEX}{{32}}-{_HEX}{{8}}-{_HEX}{{8}}(?![\\w-])"),
    Shape("mailchimp key", (), f"{_HEX}{{32}}-us[0-9]{{1,2}}(?![\\w-])"),
)  # fmt: skip

# What stands before a token's first letter: nothing of a word, unless it is the end of an escape.
_LEFT = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\u00[0-9A-Fa-f][0-9A-Fa-f])"
    r"|(?<=\\x[0-9A-Fa-f][0-9A-Fa-f]))"
)


def _by_beginning() -> Dict[bytes, List[Shape]]:
    found: Dict[bytes, List[Shape]] = {}
    for shape in SHAPES:
        for word in shape.beginnings:
            found.setdefault(word.encode("ascii"), []).append(shape)
    return found


_BY_BEGINNING = _by_beginning()
_WITHOUT = [shape for shape in SHAPES if not shape.beginnings]


# Each is compiled when it is first needed: all together take more time than most processes have any use for.


@lru_cache(maxsize=None)
def _beginning() -> Pattern[bytes]:
    """Match what a token may begin with, the longer first: sk-ant- is no sk-."""
    return re.compile(b"|".join(map(re.escape, sorted(_BY_BEGINNING, key=len, reverse=True))))


@lru_cache(maxsize=None)
def _patterns(beginning: bytes) -> List[Tuple[str, Pattern[bytes]]]:
    left = _LEFT.encode("ascii") + re.escape(beginning)
    return [(shape.label, re.compile(left + shape.rest.encode("ascii"))) for shape in _BY_BEGINNING[beginning]]


@lru_cache(maxsize=None)
def _bare() -> Pattern[bytes]:
    whole = "|".join(f"({shape.rest})" for shape in _WITHOUT)
    return re.compile(f"(?:(?<![A-Za-z0-9])|(?<=bot))(?:{whole})".encode("ascii"))


_BEGINNINGS = [word for shape in SHAPES for word in shape.beginnings]
_HEADS = frozenset(word[:2].encode("ascii") for word in _BEGINNINGS)
# What a run of letters and digits begins with that is the beginning of a token, or its end.
_TAILS = sorted({tail for tail in (re.split(r"[^A-Za-z0-9]", word)[-1] for word in _BEGINNINGS) if tail})
FIRSTS = frozenset(ord(tail[0]) for tail in _TAILS)
TAIL = re.compile("|".join(_TAILS).encode("ascii"))


def may_be_tail(word: bytes) -> bool:
    """Tell whether a word may be the beginning of a token with no - or _ in it, or of which a part is cut off."""
    return bool(TAIL.match(word)) or (word != b"" and any(tail.encode().startswith(word) for tail in _TAILS))


# In small letters, the beginnings of tokens in which more stands between letters than - and _ and dots.
BROKEN = [word.lower().encode("ascii") for shape in SHAPES if "/" in shape.rest for word in shape.beginnings]

_SECONDS = {head[:1]: b"".join(sorted(other[1:] for other in _HEADS if other[:1] == head[:1])) for head in _HEADS}
_BOUNDARY = re.compile(
    rb"[^A-Za-z0-9](?=" + b"|".join(first + b"[" + re.escape(rest) + b"]" for first, rest in _SECONDS.items()) + b")"
)
_ESCAPES = {b"\\": (1, 3, 5), b"%": (2,)}  # letters after these: \n, \x3d, \u003d, %3D


def tokens(data: bytes, places: Iterable[int]) -> Iterator[Span]:
    """Find the tokens that begin at some of these places, which are in order."""
    read, beginning = 0, _beginning()
    for place in places:
        found = beginning.match(data, place) if place >= read else None
        span = at(data, place, found[0]) if found else None
        if span:
            read = span.end
            yield span


def beginnings(data: bytes, start: int, end: int) -> List[int]:
    """List where a token may begin, by two letters."""
    places = [start, *(start + letters for letters in _ESCAPES.get(data[max(0, start - 1) : start], ()))]
    found = [place for place in places if data[place : place + 2] in _HEADS]
    return found + [match.end() for match in _BOUNDARY.finditer(data, start, end)]


def may_begin(data: bytes, start: int, end: int) -> bool:
    """Tell whether a token's beginning stands there, or the part of one that reaches to an end."""
    rest = data[start:end] if end - start < _LONGEST else b""
    return bool(_beginning().match(data, start)) or (
        rest != b"" and any(word.startswith(rest) for word in _BY_BEGINNING)
    )


_LONGEST = max(map(len, _BY_BEGINNING))


def at(data: bytes, start: int, beginning: bytes) -> Optional[Span]:
    """Return the token that begins there with those letters, if it is one."""
    for label, pattern in _patterns(beginning):
        match = pattern.match(data, start)
        if match:
            return Span(start, match.end(), "token", label)
    return None


def bare(data: bytes, start: int) -> Iterator[Span]:
    """Find the token without a beginning of its own that stands just there."""
    match = _bare().match(data, start)
    if match and match.lastindex:
        yield Span(start, match.end(), "token", _WITHOUT[match.lastindex - 1].label)
