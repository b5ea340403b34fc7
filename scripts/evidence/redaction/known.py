"""Which secrets are known here: of the settings, of this process's variables, of the tools whose log-ins are used.

All values of `service.environment` are, whatever their names; but a log without each `1`, `cpu`, `/usr` and `info`
could not be read. So a value is passed over that is shorter than 6 characters, or is ordinary: a number, a switch, a
path, an address without a password, a version, or one of the words in `_WORDS`. A plain word whose name does not call
it a secret is taken out where it stands for itself (`swordfish`), not within other words (`swordfishes`).
"""

from __future__ import annotations

import configparser
import netrc
import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import unquote, urlsplit

from ...console import hidden_in
from ...environments import pip_config
from ...models.hub_token import find_token
from ...settings import Models, Settings
from ...system.files import expand_user
from .names import Weight, is_placeholder, looks_random, weight, word_set
from .options import hidden, names_a_secret

MIXED = 8  # characters of letters and digits that are a value, though code looks like that: pass(word9
SHORTEST = 6  # what is shorter stands in too many places that have nothing to do with it

# Of one job, as CI makes them: other than those of the same run's other nodes.
_OF_JOB = re.compile(
    r"(?:CIRCLE|CI_JOB|CI_REGISTRY|CI_BUILD|CI_DEPENDENCY|GITHUB|ACTIONS|RUNNER|BUILDKITE|BITBUCKET|DRONE|SYSTEM|SHARDLINE)_"
)

_WORDS = word_set(
    "true false none null default always never enabled disabled online offline debug info warning error critical "
    "verbose production development staging testing localhost headless release latest stable chinese english "
    "mandarin float16 float32 float64 bfloat16 int8 uint8 auto cuda native python system memory threads process "
    "service server client models normal neutral expandable_segments:true max_split_size_mb:128 utf-8 zh_cn.utf-8 "
    "en_us.utf-8 c.utf-8 unbuffered ignore strict replace spawn forkserver thread simple random balanced "
    "interleave"
)
_ORDINARY = re.compile(
    r"""(?xi)
    [-+]?[\d.,:_]+(?:e[-+]?\d+)?\s?[a-z]{0,3}          # a number, a version, a time, an IP address, 512MB
    | v?\d+(?:\.\d+)+[\w.+-]{0,12} | cuda:\d+ | [0-9a-f]{2}(?::[0-9a-f]{2})+
    | (?:~|\.{0,2})(?:/[\w. @+-]*)+ | [a-z]:\\[^:]*     # a path
    | (?:[\w.@+-]+/)+[\w.@+-]*                          # a relative one, a model's name, a media type
    | (?:/[\w./@+-]*|[a-z]:\\[^:;]*)(?:[:;](?:/[\w./@+-]*|[a-z]:\\[^:;]*))*  # paths
    | [a-z][a-z0-9+.-]*://[^\s@?]*                      # an address that lets nobody in
    | (?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)? | localhost(?::\d+)? | \[?[0-9a-f:]+\]?(?::\d+)?
    | [a-z]{2}[_-][a-z]{2}(?:\.[\w-]+)?                 # a language
    """
)


class Secret(NamedTuple):
    """A value that must stand nowhere.

    Args:
        name: what it is called here; for people.
        is_word: only where it stands for itself, and as it is.
        of_job: other nodes or runs do not have it; so nothing that must be the same there is made from it.
    """

    value: str
    name: str = ""
    is_word: bool = False
    of_job: bool = False


def is_ordinary(value: str) -> bool:
    """Tell whether a value is such as stands in every log.

    >>> [is_ordinary(value) for value in ("cpu", "512 MB", "/usr/lib", "warning", "swordfish", "a1b2-c3")]
    [True, True, True, True, False, False]
    """
    value = value.strip()
    if len(value) < SHORTEST or value.lower() in _WORDS or is_placeholder(_bytes(value)):
        return True
    return bool(_ORDINARY.fullmatch(value)) and not looks_random(_bytes(value))


def known_here(settings: Optional[Settings], environ: Mapping[str, str], words: Sequence[str]) -> List[Secret]:
    """List what is known to a process.

    Args:
        settings: None before there are any.
        words: that were typed: the values of options that name a secret are known, too.
    """
    known = known_secrets(settings or Settings(), environ)
    return [*known, *_typed(words), *_typed(_split(environ.get("PYTEST_ADDOPTS", "")))]


def _typed(words: Sequence[str]) -> Iterator[Secret]:
    for found in hidden_in(words):
        if found and not is_ordinary(found.value):
            yield Secret(found.value, found.variable, is_word=found.value.isalpha(), of_job=True)


def _split(text: str) -> List[str]:
    try:
        return shlex.split(text)
    except ValueError:  # pytest refuses it
        return text.split()


def known_secrets(settings: Settings, environ: Mapping[str, str]) -> List[Secret]:
    """List the secrets that are known here, each once; which values are not taken for one says this module's head.

    Args:
        environ: variables of this process.
    """
    found: Dict[str, Secret] = {}
    whole = [*_of_settings(settings), *_of_variables(environ), *_of_tools(environ)]
    for secret in (*whole, *(line for several in whole for line in _lines(several))):
        value = secret.value.strip()
        if len(value) >= SHORTEST and (value not in found or found[value].is_word or found[value].of_job):
            found[value] = secret._replace(value=value)
    return sorted(found.values())


def _lines(secret: Secret) -> Iterator[Secret]:
    """Give the lines of a value of several: a log that is shown has something before each."""
    for line in secret.value.splitlines() if "\n" in secret.value else ():
        if looks_random(_bytes(line.strip())):
            yield secret._replace(value=line)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def _says_nothing(value: str) -> bool:
    """Tell whether a value that has a secret's name is none; what would be code in a text may be a password here."""
    is_mixed = len(value) >= MIXED and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    is_code = is_mixed and not value.startswith(("${", "$(", "{{", "(secret"))
    return is_placeholder(_bytes(value)) and not is_code


def _of_settings(settings: Settings) -> Iterator[Secret]:
    services = settings.all_services.values()
    for service in services:
        for name, value in service.environment.items():
            yield from _of_pair(name, value, whatever_its_name=True)
        for step in service.warm_ups:
            for name, value in step.headers.items():
                yield from _of_pair(name, value)
                yield from (Secret(word, name) for word in value.split()[1:] if names_a_secret(name))
            yield from _of_data("warm_up.json", step.json)
            yield from (pair for name, value in step.form.items() for pair in _of_pair(name, str(value)))
    addresses = [service.url or "" for service in services]
    addresses += [service.ready.path for service in services]
    addresses += [step.path or "" for service in services for step in service.warm_ups]
    models = settings.models or Models()
    addresses += [source for file in models.files for source in file.sources]
    addresses += [source for wanted in models.wanted for source in wanted.sources]
    yield from (secret for address in addresses for secret in _of_url(address, with_query=True))
    commands = [service.command for service in services]
    commands += [step.command for service in services for step in service.warm_ups]
    commands += [service.prepare.command for service in services if service.prepare]
    for words in (*commands, settings.suite.command):
        yield from (Secret(word, "a command") for word in hidden(words))
        yield from (secret for word in words for secret in _of_url(word.rpartition("=")[2]))


def _of_pair(name: str, value: str, whatever_its_name: bool = False) -> Iterator[Secret]:
    """Decide about a value with a name; of one with an address, its password alone may be a secret."""
    is_named = names_a_secret(name) and not _says_nothing(value.strip())
    is_path = value.startswith(("/", "~", "./")) and "/" in value[1:] and _ORDINARY.fullmatch(value)
    if (is_named and not is_path and not value.isdigit()) or (is_named and value.isdigit() and len(value) >= SHORTEST):
        yield Secret(value, name)
    elif "://" in value and not is_named:
        yield from _of_url(value, with_query=whatever_its_name)
    elif whatever_its_name and not is_ordinary(value):
        yield Secret(value, name, is_word=value.isalpha())


def _of_data(name: str, value: object) -> Iterator[Secret]:
    """Find what names call secrets in data of JSON, to a depth that no request has."""
    waiting: List[Tuple[str, object]] = [(name, value)]
    while waiting and len(waiting) < 10_000:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(str(key), part) for key, part in value.items()]
        elif isinstance(value, (list, tuple)):
            waiting += [(name, part) for part in value]
        elif isinstance(value, str) and weight(name.encode("utf-8", "replace")) >= Weight.LIKELY:
            yield Secret(value, name)


def _of_variables(environ: Mapping[str, str]) -> Iterator[Secret]:
    """Find the values of variables that name a secret, and passwords in addresses: of proxies, indexes, databases."""
    for name, value in environ.items():
        importance = weight(name.encode("utf-8", "replace"))
        is_one = importance >= Weight.LIKELY or (importance == Weight.RANDOM and looks_random(_bytes(value)))
        if is_one and (not is_ordinary(value) or (is_placeholder(_bytes(value)) and not _says_nothing(value))):
            yield Secret(value, name, of_job=bool(_OF_JOB.match(name)))
        elif "://" in value:
            yield from (secret for word in value.split() for secret in _of_url(word, name.startswith("SERVICE_")))


def _of_url(url: str, with_query: bool = False) -> Iterator[Secret]:
    """Find an address's password, the token in place of its user, and what its query says."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:  # no URL after all
        return
    yield from (Secret(text, "a URL's password") for text in {password, unquote(password)} if text)
    if looks_random(user.encode("utf-8", "replace")):
        yield Secret(user, "a URL's user")
    for pair in parts.query.split("&") if with_query else ():
        name, _, value = pair.partition("=")
        for text in {value, unquote(value)}:
            if not is_ordinary(text):
                yield Secret(text, f"?{name}=", is_word=text.isalpha())


def _of_tools(environ: Mapping[str, str]) -> Iterator[Secret]:
    """Read the log-ins that this machine's tools keep: pip's, Hugging Face's, AWS's, .netrc."""
    yield Secret(find_token(environ), "hf auth login")
    for value in pip_config.from_files(environ).values():
        yield from (secret for word in value.split() for secret in _of_url(word))
    with suppress(OSError, configparser.Error, UnicodeDecodeError, RuntimeError):
        parser = configparser.RawConfigParser()
        parser.read(expand_user(Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")))
        keys = ("aws_secret_access_key", "aws_session_token")
        yield from (Secret(parser[part][key], key) for part in parser.sections() for key in keys if key in parser[part])
    with suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError, RuntimeError):
        hosts = netrc.netrc(os.fspath(expand_user(Path(environ.get("NETRC") or "~/.netrc")))).hosts
        yield from (Secret(password or "", ".netrc") for _, _, password in hosts.values())
