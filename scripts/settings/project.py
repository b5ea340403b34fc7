"""A whole pipeline.yml: find it, read it, and say where everything of the project lies."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from .. import console
from ..ci import MOST_NODES
from ..errors import SettingsError, shortened
from ..typed_yaml import checked, read_with_lines, suggest
from .checks import check_given
from .distribution import Distribution
from .models import Models, Wanted
from .quality import Bounds
from .service import Service, WarmUp
from .sonar import Sonar
from .suite import Suite

FILE_NAME = "pipeline.yml"
MOST_FILE_BYTES = 1_000_000  # a manifest of 2,500 files has half as many; more takes long to read
MOST_PROBLEMS = 50  # told at once
MOST_SERVICES = 200  # a machine bears far fewer, and each may need the next
MOST_ENTRIES = 10_000  # of a folder, looked through for the name that was meant
EDIT = "EDIT_ME"  # what a person must fill in, where `adopt` could not find it out; doctor looks for it
_NO_KEY = {"key": None}  # of a field that the file cannot set


def _check_service_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):  # it names a variable, NAME_URL, and a log
        raise ValueError(f"expected a name of letters, digits, - and _, got {shortened(name)}")


def _check_count(services: Mapping[str, Service]) -> None:
    if len(services) > MOST_SERVICES:
        raise ValueError(f"expected at most {MOST_SERVICES} services, got {len(services)}")


def _check_nodes(nodes: int) -> None:
    if not 1 <= nodes <= MOST_NODES:
        raise ValueError(f"expected 1 to {MOST_NODES}, got {nodes}")


@dataclass(frozen=True)
class Settings:
    """A whole pipeline.yml. `file` is where it lies, `project` its folder; `nodes` are those of a run at home.

    `reports_directory` and `addressed` are what the command line said: a place of its own for what a run writes,
    and the options, as they were typed, that name the project and that place. `lines` has the line of each value by
    its dotted name, for messages. Of several `services` the first is the one that is tested, and is `service` too.
    """

    suite: Suite = Suite()
    name: str = checked(check_given, default="service")
    service: Optional[Service] = None
    services: Mapping[str, Service] = checked(_check_count, _check_service_name, default_factory=dict)
    models: Optional[Models] = None
    nodes: int = checked(_check_nodes, default=1)
    distribution: Distribution = Distribution()
    quality: Mapping[str, Bounds] = dataclasses.field(default_factory=dict)
    sonar: Sonar = Sonar()
    file: Path = dataclasses.field(default=Path(FILE_NAME), metadata=_NO_KEY)
    reports_directory: Optional[Path] = dataclasses.field(default=None, metadata=_NO_KEY)
    addressed: Tuple[str, ...] = dataclasses.field(default=(), metadata=_NO_KEY)
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict, metadata=_NO_KEY, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.services and self.service not in (None, *self.services.values()):
            raise ValueError("give service, or services by name, not both")
        in_order_of_need(self.services)
        _check_together(self.services)

    @property
    def all_services(self) -> Mapping[str, Service]:
        """Name the services in the order in which they start; one without a name is "service"."""
        return in_order_of_need(self.services) or ({"service": self.service} if self.service else {})

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

    @property
    def own_folders(self) -> Tuple[Path, ...]:
        """List the folders that only we write to, in the project: not those that a person chose."""
        cache = self.models_directory.parent if self.models and self.models.directory == Models.directory else None
        reports = None if self.reports_directory else self.reports
        return tuple(folder for folder in (self.state, reports, cache) if folder)

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

    def check_edited(self, name: str) -> None:
        """Refuse a command in which a word of `adopt` still stands for another, before packages are fetched for it.

        Raises:
            SettingsError: with its line.
        """
        if any(EDIT in word for word in self.all_services[name].command):
            place = self.place(f"services.{name}.command" if self.services else "service.command")
            message = f"{place}: {EDIT} stands for what `adopt` could not find out"
            raise SettingsError(message, f"Edit {self.file.name}: the comment above that line says what is asked.")

    def check_weights(self) -> None:
        """Refuse weights whose sizes and digests nobody has looked up, before packages or weights are fetched.

        Raises:
            SettingsError: with its line, and the commands that print the entries.
        """
        wanted = self.models.wanted if self.models else ()
        if wanted:
            lines = "\n".join(f"  {each}" for each in wanted)
            message = f"{self.place('models.wanted')}: without size and sha256 nothing is fetched, and nobody has "
            raise SettingsError(f"{message}looked up those of:\n{lines}", self._how_to_add(wanted))

    def _how_to_add(self, wanted: Sequence[Wanted]) -> str:
        folder = self.shown(self.models_directory)
        return "\n".join(
            [
                "Where they can be reached, run:",
                *(f"  {self.command(*each.add)}" for each in wanted),
                f"In {self.file.name}, put what that prints below `models:`, `files:`, and remove `wanted:`.",
                f"What you have already is not fetched again once it lies below {folder}, under the path of its entry;",
                f"`{self.command('invoke', 'models.add', 'file:PATH')}` prints the entry of a file of this machine.",
            ]
        )

    def check_warm_up_files(self) -> None:
        """Refuse a warm-up that sends a file which is not there, before the service is started for it.

        Raises:
            SettingsError: with its line, and the name that was probably meant.
        """
        for key, path in self._warm_up_files():
            if not _is_file(self.project / path):
                near = _near(self.project, path)
                message = f"{self.place(key)}: no such file: {shortened(path)}{near}"
                raise SettingsError(message, f"Edit {self.file.name}: paths are relative to its folder.")

    def _warm_up_files(self) -> Iterator[Tuple[str, str]]:
        """List the files that warm-ups send: the dotted name of the value, and the path."""
        for name, service in self.all_services.items():
            key = f"services.{name}.warm_up" if self.services else "service.warm_up"
            for number, step in enumerate(service.warm_ups):
                place = key if isinstance(service.warm_up, WarmUp) else f"{key}[{number}]"
                yield from ((f"{place}.files.{field}", path) for field, path in step.files.items())

    def command(self, *words: str) -> str:
        """Write a command line to copy that is about this project and these reports."""
        return console.command(*words, about=self.addressed)


def _check_together(services: Mapping[str, Service]) -> None:
    """Refuse services of one variable, and a shared one that needs what each shard starts for itself."""
    by_variable: Dict[str, str] = {}
    for name, service in services.items():
        other = by_variable.setdefault(name.upper().replace("-", "_"), name)
        if other != name:
            raise ValueError(f"services.{other} and services.{name} have the same variable: name one otherwise")
        own = [needed for needed in service.needs if not (services[needed].shared or services[needed].url)]
        if service.shared and own:
            raise ValueError(f"services.{name} is shared, and needs {own[0]}, which is not: set its shared: true, too")


def in_order_of_need(services: Mapping[str, Service]) -> Dict[str, Service]:
    """Put services in an order in which each comes after those that it needs, else as they are written.

    Raises:
        ValueError: one needs what is not there, or, over others, itself.
    """
    ordered: Dict[str, Service] = {}

    def take(name: str, needing: Tuple[str, ...]) -> None:
        if name in needing:
            raise ValueError(f"services need each other: {' -> '.join((*needing, name))}")
        if name in ordered:  # each once: what many need is needed over more ways than one can walk
            return
        for needed in services[name].needs:
            if needed not in services:
                raise ValueError(
                    f"services.{name} needs {shortened(needed)}: {suggest(needed, services)[2:] or 'none'}"
                )
            take(needed, (*needing, name))
        ordered[name] = services[name]

    for name in services:
        take(name, ())
    return ordered


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


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long
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
    first = settings.service or next(iter(settings.services.values()), None)
    return dataclasses.replace(
        settings, service=first, file=file, reports_directory=folder, addressed=address(path, reports)
    )


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
