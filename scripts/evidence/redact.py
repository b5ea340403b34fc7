"""What may be shown of settings: no value of `service.environment`, nothing of a URL that may be a secret, and nothing
that its name calls one.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Any, Dict

from ..console import bare_urls
from ..settings import Settings
from .redaction.options import HIDDEN, command

_NAMED_SECRET = re.compile(r"(?i)(key|token|secret|password|passwd|credentials?|authorization)$")


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
