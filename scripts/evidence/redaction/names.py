"""Which names call their value a secret, and which values are none whatever their name is.

Pure. A name is split into words (`accessKeySecret`, `access-key-secret` and `ACCESS_KEY_SECRET` are the same three),
and its last one decides: `api_key` names a secret, `key_value_heads` and `tokenizer` do not.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import FrozenSet, List


class Weight(IntEnum):
    """How surely a name calls its value a secret."""

    NONE = 0
    RANDOM = 1  # only where the value looks random: `cookie_key`, `sig`
    LIKELY = 2  # unless the value is a word or a number: `token`, `api_key`
    SURE = 3  # whatever the value is: `password`


def word_set(text: str) -> FrozenSet[str]:
    """Make a set of the words of a text, which is shorter to read."""
    return frozenset(text.split())


# Words after which a name still means the value itself: SECRET_KEY_BASE, password_2, DB_PASSWORD_PROD.
_NEUTRAL = word_set(
    "value text string str base data raw plain plaintext b base prod production dev staging stage test old "
    "new current main default primary secondary live env var"
)
_PASSWORDS = ("password", "passwd", "passphrase", "passwort", "secret", "secrets", "credential", "credentials", "pwd")
_SURE_ENDINGS = ("password", "passwd", "passphrase", "clientsecret", "appsecret", "sshpass", "secretkey", "keysecret")
_LIKELY_ENDINGS = (
    *("apikey", "authtoken", "accesstoken", "secrettoken", "refreshtoken", "sessiontoken", "idtoken", "bearertoken"),
    *("accesskey", "privatekey", "accountkey", "authkey", "appkey", "encryptkey", "encryptionkey", "signingkey"),
    *("masterkey", "deploykey", "licensekey", "subscriptionkey", "clientkey", "csrftoken", "bottoken", "apitoken"),
)
# Tokens of a model's vocabulary, of counts and of pages.
_NO_TOKEN = word_set(
    "eos bos pad unk cls sep mask special start stop end next prev previous last first per image audio speech "
    "text emotion speaker unknown blank begin prompt max min num new time ms input output total cached completion "
    "each every this any no invalid missing expired unexpected bad by to tts continuation page"
)
_NO_KEY = word_set(
    "cache primary foreign sort partition public dict map index row object idempotency checksum config model "
    "emotion speaker registry group unique composite natural routing hash lookup shift arrow any press down up "
    "ctrl json yaml missing unknown unexpected duplicate invalid no every each this which that the a s3 "
    "storage_object dedup restore save env host known"
)
_KEYS = word_set(
    "api access secret private encryption encrypt auth account master signing sign license subscription shared "
    "client admin app application deploy hmac jwt session security ssh webhook consumer integration write server "
    "bot aes wandb openai anthropic gemini google dashscope deepseek moonshot kimi zhipu mistral cohere groq "
    "replicate sentry datadog algolia sendgrid stripe twilio mailgun azure aws aliyun tencent volc ark qianfan "
    "baidu minimax siliconflow"
)
_WORDS = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=4096)
def weight(name: bytes) -> Weight:
    """Judge a name.

    >>> [weight(name).name for name in (b"DB_PASSWORD", b"authToken", b"eos_token", b"tokenizer", b"user_key", b"key")]
    ['SURE', 'LIKELY', 'NONE', 'NONE', 'RANDOM', 'NONE']
    """
    words = [word.decode("ascii").lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and words[-1] in _NEUTRAL:
        words.pop()
    if not words:
        return Weight.NONE
    joined = "".join(words)
    if words[-1] in _PASSWORDS or joined.endswith(_SURE_ENDINGS):
        return Weight.SURE
    if joined.endswith(_LIKELY_ENDINGS):
        return Weight.LIKELY
    return _of_last(words, name.isupper())


def _of_last(words: List[str], is_loud: bool) -> Weight:
    before = words[-2] if len(words) > 1 else ""
    last = words[-1]
    if last in ("token", "jwt"):
        return Weight.NONE if before in _NO_TOKEN else Weight.LIKELY
    if last == "key" and before and before not in _NO_KEY:
        return Weight.LIKELY if before in _KEYS or is_loud else Weight.RANDOM
    if last == "pass" and before:
        return Weight.LIKELY
    if last in ("sig", "signature", "auth", "sign", "sessionid"):
        return Weight.RANDOM
    return Weight.NONE


_ENOUGH = 200  # bytes of a value show what it is
_PLACEHOLDER = re.compile(
    rb"""(?ix)
    (?: null | none | nil | undefined | true | false | yes | no | on | off | unset | not[ ]set | n/a | nan
      | [^\w\x80-\xff]{0,5} | \*+ | x{3,} | \.{2,} | \xe2\x80\xa6 | -+ | _+ | \?+ | \#+
      | <[^<>]*> | \[[^\[\]]*\]? | \{[^{}]*\}? | \(secret[a-z0-9-]*\) | \(not[ ]shown\) | \(hidden\)
      | \$\{.* | \$\(.* | \$[a-z_][a-z0-9_]* | %\w+% | %[sdr] | %\([a-z_]+\)s? | \{\{.* | \$\$.*
      | (?:os|self|cls|settings|config|conf|args|options|opts|env|environ|secrets|vars|process|ctx|context|params|kwargs
        |request|req|data|app|client|credentials|inputs|matrix|github)(?:\.[a-z_][a-z0-9_]*|\[['"].*|\()+.*
      | (?:[a-z_]+|[a-z_][a-z_.]{3,}[0-9]{0,3}[a-z0-9_.]*)[\[(].*
      | \(\?.* | \((?:lambda|bool|str|bytes|int|dict|list|optional)\b.*
      | [a-z]+(?:_[a-z]+)*_(?:key|token|secret|password|credentials|key_id)  # the name of a variable, in quotes
      | await | lambda | yield | raise | return | continue | break | else
      | str | bytes | int | bool | string | text | optional.* | secretstr | any | object | type
      | (?:redacted|hidden|masked|filtered|removed|secret|required|missing|empty|invalid|incorrect|wrong|changed|expired
        |optional|accepted|rejected|ok|password|passwd|token|passphrase|must|should|is|was|are|will|can|cannot|not|and|or|for
        |the|a|an|in|to|of|from|with|options?|flags?|arguments?|instead|prompt|field|reset|length|too)
    )[.,;:!]?\Z"""
)


def is_placeholder(value: bytes) -> bool:
    """Tell whether a value says that there is none, stands for one, or is a word about it.

    >>> is_placeholder(b"None"), is_placeholder(b"${TOKEN}"), is_placeholder(b"hunter2")
    (True, True, False)
    """
    return not value or (len(value) <= _ENOUGH and bool(_PLACEHOLDER.match(value)))


_DIGEST = re.compile(rb"(?:(?:sha\d+|md5)[:-])?[0-9a-f]{32,128}\Z|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_HAS_DIGIT = re.compile(rb"[0-9]")
_HAS_LETTER = re.compile(rb"[A-Za-z]")
_NAME = re.compile(rb"(?=.*[a-z]{7})[A-Za-z]*[0-9]{0,2}[A-Za-z]*\Z")  # S3AccessPointAttachments
_MIXED = re.compile(rb"[a-z][A-Z]|[A-Z]{2,}[a-z]")
_NUMBER = re.compile(rb"[-+]?[0-9][0-9.,_]{0,9}(?:e[-+]?[0-9]+)?\Z")


def looks_random(value: bytes) -> bool:
    """Tell whether a value has letters and digits and is long, and is neither a digest nor an identifier.

    >>> looks_random(b"V1StGXR8Z5jdHi6BmyT"), looks_random(b"0" * 40), looks_random(b"acoustic-model-v1")
    (True, False, False)
    """
    has_both = _HAS_DIGIT.search(value) and _MIXED.search(value) and not _NAME.match(value)
    return len(value) >= 16 and bool(has_both) and b" " not in value and not _DIGEST.match(value)


def may_look_random(value: bytes) -> bool:
    """Tell quickly whether there may be something random in a text: most digests are told from it."""
    return bool(_MIXED.search(value))


def is_likely(value: bytes) -> bool:
    """Tell whether a value may be a token: no number, no plain word, nothing short.

    >>> is_likely(b"a1b2c3d4"), is_likely(b"bert"), is_likely(b"153")
    (True, False, False)
    """
    if len(value) < 6 or _NUMBER.match(value) or b" " in value:
        return False
    return (
        bool(_HAS_DIGIT.search(value) and _HAS_LETTER.search(value)) or bool(_MIXED.search(value)) or len(value) >= 24
    )


_PATH = re.compile(
    rb"(?:~|\.{0,2})/(?:run|etc|var|home|root|tmp|usr|opt|srv|mnt|app|data|users|workspace|builds?)/[\w./@ +-]*\Z", re.I
)
_FILE = re.compile(rb"(?:[\w.~-]*/)*[\w-]+\.(?:pem|key|crt|json|ya?ml|txt|toml|ini|env|py|pub|p12|pfx|jks|bin)\Z")


def is_path(value: bytes) -> bool:
    """Tell whether a value is where a secret lies, not the secret.

    >>> is_path(b"/run/secrets/db_password"), is_path(b"key.pem"), is_path(b"/K7MDENG/bPx")
    (True, True, False)
    """
    return bool(_PATH.match(value) or _FILE.match(value))


def is_secret(weight: Weight, value: bytes) -> bool:
    """Tell whether a value under a name of that weight is a secret."""
    value = value[: _ENOUGH + 1]
    if weight == Weight.RANDOM and not looks_random(value):
        return False
    if weight == Weight.NONE or is_placeholder(value) or is_path(value):
        return False
    if weight == Weight.SURE:
        return not (len(value) < 4 and _NUMBER.match(value))  # password: 3 tries left
    return weight == Weight.RANDOM or is_likely(value)
