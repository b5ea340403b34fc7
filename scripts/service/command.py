"""What exactly is started: the words of a command, its folder and its environment, from settings and a start's values.

Pure functions; who starts it is lifecycle.py, and preparing.py for what is done once before.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ..errors import SettingsError
from ..settings import Limits, Service, Settings
from ..system.machine import VISIBLE_GPUS
from ..system.proxies import past_proxies
from . import ports

SLOT = "SHARDLINE_SLOT"  # which of the places for shards at once here a shard has, from 0; only where there are several


class Values(NamedTuple):
    """What the placeholders of one start stand for; `reports` is the folder of its log, a shard's own in a shard."""

    port: int
    models: Path
    run_id: str
    reports: Path
    shard: int = 0
    host: str = ports.HOST


class Gpu(NamedTuple):
    """What a service is told of GPUs: words of its command, and variables."""

    words: Tuple[str, ...] = ()
    variables: Mapping[str, str] = {}


def filled(words: Sequence[str], values: Values) -> Tuple[str, ...]:
    """Fill in {host}, {port}, {models}, {run_id}, {reports} and {shard}; {{ and }} are braces.

    >>> filled(("serve", "--port={port}", "{{}}"), Values(80, Path("/m"), "5f3a", Path("/r")))
    ('serve', '--port=80', '{}')
    """
    return tuple(word.format(**values._asdict()) for word in words)


def folder(project: Settings, service: Service) -> Path:
    """Name the folder that the service is started in.

    Raises:
        SettingsError: there is none.
    """
    path = project.project / service.directory
    if not path.is_dir():
        raise SettingsError(f"{project.place('service.directory')}: no such folder: {path}", "Correct it.")
    return path


def environment(environ: Mapping[str, str], service: Service, values: Values, gpu: Gpu) -> Dict[str, str]:
    """Make what the service inherits: ours, its GPU, then the settings' own words.

    Unbuffered, so that its last words reach the log; and no proxy stands between it and this machine, as some
    services ask themselves at their start.
    """
    given = dict(zip(service.environment, filled(tuple(service.environment.values()), values)))
    own = {**environ, "PYTHONUNBUFFERED": "1", **gpu.variables, **given}
    return {**own, **past_proxies(own, [ports.url(values.host, values.port)])}


def slot_of(environ: Mapping[str, str]) -> Optional[int]:
    """Tell which of the places for shards at once this one has; None where it runs alone."""
    said = environ.get(SLOT, "")
    return int(said) if said.isdecimal() else None


def asks_for_gpus(setting: Union[str, Tuple[str, ...]], slot: Optional[int]) -> bool:
    """Tell whether it matters which GPUs there are: the driver may take seconds to say it.

    >>> asks_for_gpus("auto", None), asks_for_gpus("auto", 1), asks_for_gpus(("--gpu",), None)
    (False, True, True)
    """
    return setting != "never" and (setting != "auto" or slot is not None)


def gpu(setting: Union[str, Tuple[str, ...]], slot: Optional[int], gpus: Sequence[str]) -> Gpu:
    """Decide what the service is told of GPUs: shards at once get one each, in turn, where there are several.

    Args:
        setting: service.gpu.
        gpus: those that may be used, as CUDA_VISIBLE_DEVICES names them.

    >>> gpu("auto", 3, ["0", "1"])
    Gpu(words=(), variables={'CUDA_VISIBLE_DEVICES': '1'})
    >>> gpu(("--gpu",), None, ["0"])
    Gpu(words=('--gpu',), variables={})
    """
    if setting == "never":
        return Gpu((), {VISIBLE_GPUS: ""})
    words = setting if not isinstance(setting, str) and gpus else ()
    return Gpu(words, {VISIBLE_GPUS: gpus[slot % len(gpus)]} if slot is not None and len(gpus) > 1 else {})


def limited(argv: Sequence[str], limits: Limits) -> Tuple[str, ...]:
    """Put limits before a program, which then runs in their bounds, and all that it starts, each process by itself.

    A shell sets them and becomes the program: no code of ours runs between fork and exec, and the pid stays.

    >>> limited(("/bin/a", "$x"), Limits(open_files=64))
    ('/bin/sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh', '/bin/a', '$x')
    """
    memory, files = limits.memory_bytes, limits.open_files
    steps = [*([f"ulimit -n {files}"] if files else []), *([f"ulimit -v {memory // 1024}"] if memory else [])]
    return ("/bin/sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh", *argv) if steps else tuple(argv)


def knows_port(service: Service) -> bool:
    """Tell whether the service can know on which port it is expected: it is told, or the port is written down.

    >>> knows_port(Service(("a", "{port}"))), knows_port(Service(("a",))), knows_port(Service(("a",), port=80))
    (True, False, True)
    """
    return service.port is not None or _is_told(service, "{port}")


def placed(service: Service, host: Optional[str], port: Optional[int], words: Sequence[str]) -> Service:
    """Let a service listen elsewhere than its settings say, and take further words; None: as they say.

    >>> placed(Service(("serve", "{host}")), "::", 80, ["--x", "{}"]).command
    ('serve', '{host}', '--x', '{{}}')

    Raises:
        SettingsError: it would not hear of that.
    """
    if words and not service.command:
        raise SettingsError(f"service.command is missing, so nothing takes {' '.join(words)}", "Add it.")
    if host and host != service.host and not _is_told(service, "{host}"):
        raise SettingsError(
            f"--host {host}: the service would not hear of it",
            "Write {host} in service.command or service.environment, as --host {host}.",
        )
    escaped = (word.replace("{", "{{").replace("}", "}}") for word in words)
    command = (*service.command, *escaped)
    return replace(service, host=host or service.host, port=port or service.port, command=command)


def _is_told(service: Service, placeholder: str) -> bool:
    return any(placeholder in text for text in (*service.command, *service.environment.values()))
