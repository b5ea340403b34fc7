"""What a service is called: in messages, in the variables that tell where it is, in the name of its log."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Callable, Iterator

from ..errors import SERVICE_ERRORS, SettingsError
from ..settings import Settings

ONLY = "service"  # what the one is called that has no name
# What stands below `service:` in messages and hints, which is below `services.NAME:` where there are several.
_KEY = re.compile(
    r"\bservice\.(?=(?:command|directory|url|requirements|host|port|environment|gpu|ready|warm_up|stop_)\b)"
)


def first(project: Settings) -> str:
    """Name the service that SERVICE_URL is about: the first, as they are written."""
    return next(iter(project.services), ONLY)


def title(name: str) -> str:
    """Name a service for people.

    >>> title("tts"), title("service")
    ('service tts', 'service')
    """
    return name if name == ONLY else f"service {name}"


def log_name(name: str, use: str = "service") -> str:
    """Name the log of a service.

    >>> log_name("tts"), log_name("service"), log_name("tts", "background")
    ('service-tts.log', 'service.log', 'background-tts.log')
    """
    return f"{use}.log" if name == ONLY else f"{use}-{name}.log"


def variable(name: str, what: str = "URL") -> str:
    """Name the variable that tells of one of several services.

    >>> variable("text-to-speech"), variable("tts", "PID")
    ('SERVICE_TEXT_TO_SPEECH_URL', 'SERVICE_TTS_PID')
    """
    return f"SERVICE_{name.upper().replace('-', '_')}_{what}"


def key(name: str, below: str) -> str:
    """Name a value of its settings.

    >>> key("tts", "url"), key("service", "url")
    ('services.tts.url', 'service.url')
    """
    return f"service.{below}" if name == ONLY else f"services.{name}.{below}"


def saying(name: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """Make what is said of a service say which."""
    if name == ONLY:
        return say
    return lambda line: say(f"{title(name)}{line[len(ONLY) :]}" if line.startswith(f"{ONLY}: ") else line)


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """Let what is wrong with a service within the block say which it is, and name its own settings."""
    try:
        yield
    except (SettingsError, *SERVICE_ERRORS) as error:
        if name == ONLY:
            raise
        told = error.reworded(lambda text: _KEY.sub(f"services.{name}.", text))
        told.message = which(told.message, f"the service {name}", f"{title(name)}: ")
        raise told from error


def which(text: str, words: str, beginning: str = "") -> str:
    """Say which service a text is about: by `words` for "the service" in its first line, else by a beginning.

    >>> which("the service ended", "the service tts"), which("no program", "the service tts", "service tts: ")
    ('the service tts ended', 'service tts: no program')
    """
    first, line_end, rest = text.partition("\n")
    named = re.sub(r"\b(the|The) service\b", words, first, count=1)
    return (named if named != first else beginning + first) + line_end + rest
