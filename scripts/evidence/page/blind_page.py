"""Write a page with recordings two by two, in an order drawn by lot, which it tells only to whoever has chosen."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Callable, List, Mapping, NamedTuple, Sequence, Tuple

from markupsafe import Markup

from . import sheets
from .sounding import Room, Sound
from .text import clean

MOST_BYTES = 60_000_000  # nothing but sound is in it, and what is not in it is gone
MOST_NAME = 300


class Pair(NamedTuple):
    """Two recordings, in the order in which they are shown."""

    sides: Sequence[Sound]
    longest_s: float


class View(NamedTuple):
    """What the template asks for."""

    names: Sequence[str]
    pairs: Sequence[Pair]
    sounds: Markup


def render(
    found: Mapping[str, Any], names: Tuple[str, str], is_turned: Callable[[], bool] = lambda: secrets.randbelow(2) == 1
) -> str:
    """Write the page.

    Args:
        found: what `audio.telling.pair` answered.
        names: of both files or folders, as they were typed.
        is_turned: draws whether the second of a pair comes first.
    """
    room = Room(Path(), MOST_BYTES)
    pairs = [_pair(each["sides"], room, is_turned()) for each in found["pairs"]]
    view = View([clean(name, MOST_NAME) for name in names], pairs, room.contents())
    html = sheets.template("listen.html").render(view=view, **sheets.files("page.css", "players.js", "blind.js"))
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


def _pair(told: Sequence[Mapping[str, Any]], room: Room, is_turned: bool) -> Pair:
    sides: List[Sound] = [
        room.sound(
            each["file"], each["picture"], clean(each["name"], MOST_NAME), letter=letter, gain_db=each["gain_db"]
        )
        for letter, each in zip("ab", told)
    ]
    shown = sides[::-1] if is_turned else sides
    return Pair(shown, max(each["picture"]["seconds"] for each in told))
