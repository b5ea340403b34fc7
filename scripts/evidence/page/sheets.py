"""What all pages are made of: templates with the filters that they use, and styles and scripts that alone may run."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict

from markupsafe import Markup

from . import charts, chinese, curves, sound_words, words
from .text import short_id

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).with_name("templates")


@functools.lru_cache(maxsize=None)
def template(name: str) -> jinja2.Template:
    """Load a template, which escapes whatever is put into it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(both=words.markup, duration=lambda seconds: words.markup(words.duration(seconds)))
    environment.filters.update(outcome=lambda name: words.markup(words.outcome(name)), size=words.size, id=short_id)
    environment.filters.update(kind=lambda name: words.markup(chinese.kind(name)))
    environment.filters.update(phrase=lambda text: words.markup(chinese.phrase(text)))
    environment.filters.update(step=lambda name: words.markup(words.step(name)))
    environment.globals.update(
        t=lambda key, **values: words.markup(words.say(key, **values)),
        s=lambda key, **values: words.markup(sound_words.say(key, **values)),
        say=words.say,
        say_sound=sound_words.say,
        curves=curves,
        charts=charts,
        took=words.duration,
    )
    return environment.get_template(name)


@functools.lru_cache(maxsize=None)
def files(style: str, *scripts: str) -> Dict[str, Any]:
    """Read a style and scripts, and what the page's policy knows them by: nothing else may run."""
    css = TEMPLATES.joinpath(style).read_text("utf-8")
    script = "\n".join(TEMPLATES.joinpath(name).read_text("utf-8") for name in scripts)
    return {
        "style": Markup(css),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own files
        "style_digest": _digest(css),
        "script_digest": _digest(script),
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
