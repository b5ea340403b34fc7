"""Services that somebody else runs: which those are, and who names them."""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from .. import console
from ..errors import SettingsError
from ..settings import Service, Settings
from .names import ONLY, first, key, variable


class Outside(NamedTuple):
    """A service that somebody else runs: its url, and the setting or variable that names it."""

    url: str
    setting: str


def all_outside(project: Settings, environ: Mapping[str, str]) -> Dict[str, Outside]:
    """Find the services that run already, by name.

    Raises:
        SettingsError: an address is no http(s) url.
    """
    named = {
        name: named_outside(service, environ, name, name == first(project))
        for name, service in project.all_services.items()
    }
    return {name: outside for name, outside in named.items() if outside}


def named_outside(
    service: Service, environ: Mapping[str, str], name: str = ONLY, is_first: bool = True
) -> Optional[Outside]:
    """Find the service that runs already, if a variable or else service.url names one.

    Args:
        name: which of several; SERVICE_NAME_URL is about it.
        is_first: whether SERVICE_URL is about it, too.

    Raises:
        SettingsError: the name is no http(s) url.
    """
    variables = [*([] if name == ONLY else [variable(name)]), *(["SERVICE_URL"] if is_first else [])]
    said = [*((each, environ.get(each)) for each in variables), (key(name, "url"), service.url)]
    for setting, url in said:
        if not url:
            continue
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError(
                f"{setting}: expected http://HOST:PORT, got {console.bare_urls(url)!r}", f"Correct {setting}."
            )
        return Outside(url.rstrip("/"), setting)
    return None
