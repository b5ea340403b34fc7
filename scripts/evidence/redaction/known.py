"""Which secrets are known here: of the settings, of this process's variables, of the tools whose log-ins we use."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple

from ...settings import Settings
from .. import redact


class Secret(NamedTuple):
    """A value that must stand nowhere; `name` is what it is called here, for counting (HF_TOKEN)."""

    value: str
    name: str = "known value"


def known_secrets(settings: Settings, environ: Mapping[str, str]) -> List[Secret]:
    """List the secrets that are known here."""
    return [Secret(value) for value in sorted(redact.secrets(settings, environ))]
