"""Show what pipeline.yml may say: every key, what it means, its default."""

from __future__ import annotations

import textwrap

from ..console import say
from ..errors import SettingsError
from ..settings import reference
from ..typed_yaml import suggest

WIDTH = 110


def run(word: str = "") -> None:
    """Show the keys whose name has the word, else all.

    Raises:
        SettingsError: none has.
    """
    shown = [key for key in reference.listed() if word in key.name]
    if not shown:
        parts = {part for key in reference.listed() for part in (key.name, key.name.rpartition(".")[2])}
        raise SettingsError(f"no key of pipeline.yml has {word!r} in its name{suggest(word, parts)}")
    for key in shown:
        default = f"    (default: {key.default})" if key.default else ""
        say(f"{key.name}{default}")
        say(textwrap.fill(key.about, WIDTH, initial_indent="    ", subsequent_indent="    "))
    if not word:
        say("\nDurations are written 500 ms, 60s, 5 min; sizes as bytes or 1.5 GiB.")
