"""What may be shown: no value of `service.environment`, nothing of a URL that may be a secret, and nothing that its
name calls one, wherever it turns up.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Any, Dict, FrozenSet, Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from ..console import bare_urls
from ..settings import Settings
from .redaction.options import HIDDEN, command

SHORTEST = 6  # what is shorter stands in too many places that have nothing to do with it

_NAMED_SECRET = re.compile(r"(?i)(key|token|secret|password|passwd|credentials?|authorization)$")
_NAMED_ADDRESS = re.compile(r"SERVICE_(\w+_)?URL")  # as service/names.py makes them


def resolved(settings: Settings) -> Dict[str, Any]:
    """Give the settings with their defaults filled in, as data for JSON."""
    shown: Dict[str, Any] = dataclasses.asdict(dataclasses.replace(settings, lines={}))
    del shown["lines"]
    services = [service for service in (shown["service"], *shown["services"].values()) if service]
    for service in services:
        service["environment"] = dict.fromkeys(service["environment"], HIDDEN)
        warm_up = service["warm_up"] if isinstance(service["warm_up"], (list, tuple)) else [service["warm_up"]]
        for request in (service["ready"], *warm_up):
            request["path"] = re.sub(r"\?.*", "?...", request["path"] or "", flags=re.DOTALL)
        for request in warm_up:
            request["headers"] = dict.fromkeys(request["headers"], HIDDEN)
            request["command"] = command(request["command"])
    for part in (*services, *(service["prepare"] for service in services if service["prepare"]), shown["suite"]):
        part["command"] = command(part["command"])
    return dict(_each_text(shown))


def secrets(settings: Settings, environ: Mapping[str, str]) -> FrozenSet[str]:
    """Find the values that must not stand in any file: of variables that name a secret, of URLs and of commands."""
    services = settings.all_services.values()
    given = [*environ.items(), *(pair for service in services for pair in service.environment.items())]
    given += [pair for service in services for step in service.warm_ups for pair in step.headers.items()]
    values = {value for name, value in given if _NAMED_SECRET.search(name)}
    addresses = [value for name, value in environ.items() if _NAMED_ADDRESS.fullmatch(name)]
    addresses += [service.url or "" for service in services]
    addresses += [source for file in (settings.models.files if settings.models else ()) for source in file.sources]
    for address in addresses:
        values.update(_of_url(address))
    commands = [service.command for service in services]
    commands += [step.command for service in services for step in service.warm_ups]
    commands += [service.prepare.command for service in services if service.prepare]
    for words in (*commands, settings.suite.command):
        hidden = (word for word, shown in zip(words, command(words)) if word != shown)
        values.update(word.partition("=")[2] if word.startswith("-") else word for word in hidden)
    return frozenset(value for value in values if len(value) >= SHORTEST)


def _of_url(url: str) -> Iterator[str]:
    """Find its password, and the values in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL after all
        return
    yield from filter(None, (parts.password, unquote(parts.password or "")))
    yield from (pair.partition("=")[2] for pair in parts.query.split("&"))


def blotted(content: bytes, hidden: Iterable[str]) -> bytes:
    """Take these values out of a file's content.

    >>> blotted(b"Bearer abcdef, again", ["abcdef"])
    b'Bearer (not shown), again'
    """
    for value in sorted(hidden, key=len, reverse=True):
        content = content.replace(value.encode("utf-8", "surrogateescape"), HIDDEN.encode("ascii"))
    return content


def problem(text: str) -> str:
    """Say what is wrong with the settings as it may be shown: the message quotes values.

    >>> problem("pipeline.yml:4: service.environment.TOKEN=abc: expected text, got nothing")
    'pipeline.yml:4: service.environment: expected text (not shown)'
    """
    about_environment = r"(services?(?:\.[\w-]+)?\.environment)\b.*?(: expected .*?)?(, got .*)?$"
    return bare_urls(re.sub(about_environment, rf"\1\2 {HIDDEN}", text, flags=re.MULTILINE))


def _is_secret(name: object, value: object) -> bool:
    return isinstance(value, str) and bool(_NAMED_SECRET.search(str(name)))


def _each_text(value: Any) -> Any:
    if isinstance(value, (str, os.PathLike)):
        return bare_urls(os.fspath(value))
    if isinstance(value, dict):
        return {name: _each_text(HIDDEN if _is_secret(name, part) else part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(part) for part in value]
    return value
