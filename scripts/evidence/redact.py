"""What may be shown of the settings: no value of `service.environment`, nothing of a URL that may be a secret."""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Any, Dict

from ..settings import Settings

HIDDEN = "(not shown)"

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*")


def urls(text: str) -> str:
    """The text, with each URL in it as it may be shown: without user, password, query and fragment.

    >>> urls("from https://me:secret@host:8443/a.bin?token=1"), urls("hf://org/name@main/a.bin")
    ('from https://host:8443/a.bin?...', 'hf://org/name@main/a.bin')
    """
    return _URL.sub(lambda match: _url(match.group()), text)


def _url(url: str) -> str:
    bare = re.sub(r"(?<=://)[^/?#]*@", "", url)
    return re.sub(r"[?#].*", "?...", bare)


def resolved(settings: Settings) -> Dict[str, Any]:
    """The settings with their defaults filled in, as data for JSON."""
    shown: Dict[str, Any] = dataclasses.asdict(settings)
    service = shown["service"]
    if service:
        service["environment"] = dict.fromkeys(service["environment"], HIDDEN)
        for request in filter(None, (service["ready"], service["warm_up"])):
            request["path"] = re.sub(r"\?.*", "?...", request["path"], flags=re.DOTALL)
    return dict(_each_text(shown))


def problem(text: str) -> str:
    """What is wrong with the settings, as it may be shown: it quotes values.

    >>> problem("pipeline.yml:4: service.environment.TOKEN=abc: expected text, got nothing")
    'pipeline.yml:4: service.environment: expected text (not shown)'
    """
    about_environment = r"(service\.environment)\b.*?(: expected .*?)?(, got .*)?$"
    return urls(re.sub(about_environment, rf"\1\2 {HIDDEN}", text, flags=re.MULTILINE))


def _each_text(value: Any) -> Any:
    if isinstance(value, (str, os.PathLike)):
        return urls(os.fspath(value))
    if isinstance(value, dict):
        return {name: _each_text(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(each) for each in value]
    return value
