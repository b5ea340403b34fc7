"""How a service starts: the commands that a project's own files name, the likeliest first."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import yaml

from ..settings.project import EDIT
from .code import Source
from .commands import Start, assignments, dockerfile, joined, outside, read_command, shell
from .fitting import ASIDE, PORT_OPTIONS, fit
from .modules import family, module_of

SHELL_SCRIPTS = re.compile(
    r"(scripts/|bin/|docker/)?(start|run|serve|server|entrypoint)([-_](app|server|api|webui))?\.sh"
)
PACKAGED = {  # services that are a package alone: its name, and what starts it
    "piper-tts": ("python", "-m", "piper.http_server", "--model", EDIT),
    "rapidocr-api": ("rapidocr_api",),
    "vllm": ("vllm", "serve", EDIT),
}
MOST = 30  # ways that are looked at closely
ORDINARY = ("app", "main", "server", "webui", "api", "serve", "service", "web", "wsgi", "asgi")


def find(texts: Mapping[str, str], sources: Mapping[str, Source]) -> List[Start]:
    """List the ways to start the service, the likeliest first, each once."""
    found = [
        *_procfile(texts),
        *_compose(texts),
        *_dockerfiles(texts),
        *_scripts(texts, sources),
        *_shell_scripts(texts),
        *_sources(sources),
        *_packaged(texts),
    ]
    likely = sorted(found, key=lambda start: -start.rank)[:MOST]
    fitted = sorted((fit(start, texts, sources) for start in likely), key=lambda start: -start.rank)
    return list({(start.words, start.directory): start for start in reversed(fitted)}.values())[::-1]


# Where commands are written -----------------------------------------------------------------------


def _procfile(texts: Mapping[str, str]) -> Iterator[Start]:
    for number, line in enumerate(texts.get("Procfile", "").splitlines(), 1):
        name, colon, command = line.partition(":")
        if colon and command.strip() and re.fullmatch(r"[\w-]+", name.strip()):
            yield from shell(command, f"Procfile:{number}", 100 if name.strip() == "web" else 20, {})


def _compose(texts: Mapping[str, str]) -> Iterator[Start]:
    for file in ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"):
        for name, service in _services(texts.get(file, "")).items():
            command = service.get("command")
            if command and "build" in service:
                given = command if isinstance(command, list) else str(command)
                yield from read_command(given, f"{file}: {name}", 90, _variables(service.get("environment")))


def _services(text: str) -> Dict[str, Dict[str, Any]]:
    try:
        found = yaml.safe_load(text)
        services = found.get("services") if isinstance(found, dict) else None
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return {str(k): v for k, v in services.items() if isinstance(v, dict)} if isinstance(services, dict) else {}


def _variables(given: object) -> Dict[str, str]:
    pairs = [str(item).partition("=")[::2] for item in given] if isinstance(given, list) else given
    return {str(k): str(v) for k, v in dict(pairs).items()} if isinstance(pairs, (dict, list)) else {}


def _dockerfiles(texts: Mapping[str, str]) -> Iterator[Start]:
    for file in (name for name in texts if re.fullmatch(r"(docker/)?Dockerfile(\.\w+)?", name)):
        steps = dockerfile(texts[file])
        variables = {k: v for step in steps if step.name in ("ENV", "ARG") for k, v in assignments(step.text)}
        entry = next((step for step in reversed(steps) if step.name == "ENTRYPOINT"), None)
        command = next((step for step in reversed(steps) if step.name == "CMD"), None)
        last = command or entry
        if last:
            words = joined(entry, command)
            folder = next((step.text.strip() for step in reversed(steps) if step.name == "WORKDIR"), "")
            for start in read_command(words, f"{file}:{last.line}", 80 if file == "Dockerfile" else 60, variables):
                yield replace(start, words=tuple(outside(word, folder) for word in start.words))


def _scripts(texts: Mapping[str, str], sources: Mapping[str, Source]) -> Iterator[Start]:
    """Read the programs that pyproject.toml or setup.cfg install and whose module serves."""
    for name, module, line in entry_points(texts.get("pyproject.toml", "")):
        source = module_of(module, sources)
        if source and _serving(source, sources):
            yield Start((name,), f"pyproject.toml:{line}", 70, script=source.file)


def entry_points(text: str) -> List[Tuple[str, str, int]]:
    """List the console programs of a pyproject.toml: name, module, line."""
    section, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        section = header[1].strip() if header else section
        entry = re.match(r"""\s*["']?([\w.-]+)["']?\s*=\s*["']([\w.]+):[\w.]+["']""", line)
        if entry and section in ("project.scripts", "tool.poetry.scripts"):
            found.append((entry[1], entry[2], number))
    return found


def _shell_scripts(texts: Mapping[str, str]) -> Iterator[Start]:
    for file in texts:
        if SHELL_SCRIPTS.fullmatch(file):
            yield Start(("sh", file), file, 46)


def _packaged(texts: Mapping[str, str]) -> Iterator[Start]:
    """Take services that are a package alone, named in a requirements file."""
    for file in (name for name in texts if re.fullmatch(r"(\w+/)?requirements[\w.-]*\.txt|pyproject\.toml", name)):
        for number, line in enumerate(texts[file].splitlines(), 1):
            package = re.match(r"""\s*["']?([A-Za-z0-9._-]+)""", line)
            name = package[1].lower().replace("_", "-") if package else ""
            if name in PACKAGED:
                yield Start(PACKAGED[name], f"{file}:{number}", 40)


# What serves by itself ----------------------------------------------------------------------------


def _sources(sources: Mapping[str, Source]) -> Iterator[Start]:
    """Take the files that serve: by a script of their own, as `python -m PACKAGE`, or by the app that they define."""
    for file, source in sources.items():
        path = PurePosixPath(file)
        if not _is_service(source, sources):
            continue
        rank = 50 + 10 * (path.stem in ORDINARY) + 5 * source.is_script - 3 * len(path.parts)
        rank -= 30 * bool(ASIDE.search(str(path.parent)) or path.stem.startswith(("test", "conftest", "client")))
        rank += 4 if source.serves or "launch" in source.calls else 0
        where = f"{file}:{source.serves}" if source.serves else file
        if path.name == "__main__.py":
            package = ".".join(path.parts[1:-1] if path.parts[0] == "src" else path.parts[:-1])
            yield Start(("python", "-m", package), where, rank, script=file)
        elif path.name == "__init__.py" and source.apps:
            yield Start(("python", str(path.parent)), where, rank - 5, script=file)
        elif source.is_script and any(module.startswith(".") for module in source.local):  # `python FILE` refuses these
            module = ".".join(path.with_suffix("").parts[path.parts[0] == "src" :])
            yield Start(("python", "-m", module), where, rank, script=file)
        else:
            yield Start(("python", file), where, rank, script=file)


def _is_service(source: Source, sources: Mapping[str, Source]) -> bool:
    """Tell whether a file serves: by an app, a call, or as a script with a --port whose imports do."""
    if source.apps or "streamlit" in source.frameworks:
        return bool(source.frameworks)
    if source.is_script and source.frameworks and (source.serves or "launch" in source.calls):
        return True
    asks_port = source.is_script and any(option in PORT_OPTIONS for option in source.options)
    return asks_port and any(each.frameworks for each in family(source, sources))


def _serving(source: Source, sources: Mapping[str, Source]) -> bool:
    """Tell whether a module serves, or one that it imports from the same project."""
    return any(each.serves or each.apps or "launch" in each.calls for each in family(source, sources))
