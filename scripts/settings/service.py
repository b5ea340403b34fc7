"""The service under test, as pipeline.yml says it: how it starts, when it is ready, what it may take."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional, Sequence, Tuple, Union

from ..errors import shortened
from ..typed_yaml import Bytes, Seconds, checked, suggest
from .checks import (
    check_all_given,
    check_command,
    check_environment,
    check_folder,
    check_given,
    check_gpu,
    check_host,
    check_one_of,
    check_pattern,
    check_port,
    check_positive,
    check_positive_number,
    check_prepare,
    check_pythons,
    check_statuses,
    check_variable,
)


@dataclass(frozen=True)
class Expected:
    """What an answer must be. What is left out is not looked at, but for the status.

    `status` is one, or a list; `json` has a value for each dotted field (`data.0.ok: true`), `headers` one for each
    header, compared without case, as a beginning (`content-type: audio/`); `text` is a regular expression found in
    the body, `size` the least size of the body.
    """

    status: Union[int, Tuple[int, ...]] = checked(check_statuses, default=())
    headers: Mapping[str, str] = checked(name=check_given, default_factory=dict)
    json: Mapping[str, Any] = checked(name=check_given, default_factory=dict)
    text: Optional[str] = checked(check_pattern, default=None)
    size_bytes: Bytes = Bytes(0)

    @property
    def statuses(self) -> Tuple[int, ...]:
        """List the accepted statuses; empty: the usual ones."""
        return (self.status,) if isinstance(self.status, int) else self.status


@dataclass(frozen=True)
class Probe:
    """The readiness probe, within `timeout`: GET `path` until its answer is the expected one (else: status 200).

    With `tcp` it is enough that the port accepts a connection, with `log` that the service's output has a line in
    which the regular expression is found.
    """

    path: str = checked(check_given, default="/health")
    timeout_s: Seconds = checked(check_positive, default=Seconds(60))
    expect: Expected = Expected()
    tcp: bool = False
    log: Optional[str] = checked(check_pattern, default=None)

    def __post_init__(self) -> None:
        if sum((self.tcp, self.log is not None, self.expect != Expected())) > 1:
            raise ValueError("give one of tcp, log and expect: each says by itself when the service is ready")


@dataclass(frozen=True)
class WarmUp:
    """One step that must succeed before the first test: a request, or a command.

    The request is a GET, or a POST where it has a body: `json`, or `form` fields, or `files` (multipart, with `form`;
    paths as those of pipeline.yml). `expect` says what the answer must be, else: 2xx, not empty, no JSON that says
    `error`, and no page where something was sent. `keep` gives names to dotted fields of its JSON; later steps write
    `{name}` for the value, in path, headers, json and form. Where `.../call/NAME` answers nothing but an `event_id`, as
    a Gradio queue does, and the step keeps nothing, the call is followed to its end. A command gets SERVICE_URL, and
    says by its exit code whether the service can work.
    """

    path: Optional[str] = checked(check_given, default=None)
    command: Tuple[str, ...] = checked(check_command, default=())
    method: Optional[str] = checked(check_one_of("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"), default=None)
    headers: Mapping[str, str] = checked(name=check_given, default_factory=dict)
    json: Any = None
    form: Mapping[str, str] = checked(name=check_given, default_factory=dict)
    files: Mapping[str, str] = checked(name=check_given, default_factory=dict)
    expect: Expected = Expected()
    keep: Mapping[str, str] = checked(name=check_variable, default_factory=dict)
    timeout_s: Seconds = checked(check_positive, default=Seconds(60))

    def __post_init__(self) -> None:
        if bool(self.path) == bool(self.command):
            raise ValueError("give a path to ask, or a command to run")
        if self.json is not None and (self.form or self.files):
            raise ValueError("give json, or form and files: a request has one body")
        if self.command and replace(self, command=(), timeout_s=Seconds(60), path="/") != WarmUp("/"):
            raise ValueError("a command has a timeout and nothing else: the rest is about a request")
        if self.method == "HEAD" and (self.keep or self.expect.json or self.expect.text or self.expect.size_bytes):
            raise ValueError("the answer to HEAD has no body")


def _check_names(steps: Sequence[WarmUp]) -> None:
    """Refuse a path that names what no earlier step keeps: no url has braces."""
    kept: Tuple[str, ...] = ()
    for step in steps:
        for name in re.findall(r"\{(.*?)\}", step.path or ""):
            if name not in kept:
                known = f"kept is {', '.join(kept)}" if kept else "nothing is"
                raise ValueError(
                    f"warm_up: {shortened(step.path or '')}: {{{name[:60]}}} is not kept by an earlier step; "
                    f"{known}{suggest(name, kept)}"
                )
        kept += tuple(step.keep)


@dataclass(frozen=True)
class Prepare:
    """What is done once before the service starts: a command, in its folder and environment.

    Once for all shards of a machine, and again when it, one of its `inputs` (files or patterns, from pipeline.yml's
    folder), the packages or the weights change. It may hold the placeholders of `Service`.
    """

    command: Tuple[str, ...] = checked(check_prepare)
    inputs: Tuple[str, ...] = checked(check_all_given, default=())
    timeout_s: Seconds = checked(check_positive, default=Seconds(1800))


@dataclass(frozen=True)
class Budgets:
    """What the service may take in a shard; more turns the shard red, with figure, sample and test.

    `growth` is of its memory per 100 requests, by a robust slope.
    """

    memory_bytes: Optional[Bytes] = checked(check_positive, default=None)
    gpu_memory_bytes: Optional[Bytes] = checked(check_positive, default=None)
    ready_s: Optional[Seconds] = checked(check_positive, default=None)
    probe_latency_s: Optional[Seconds] = checked(check_positive, default=None)
    open_files: Optional[int] = checked(check_positive_number, default=None)
    growth_bytes: Optional[Bytes] = checked(check_positive, default=None)


@dataclass(frozen=True)
class Limits:
    """What the system refuses each process of the service beyond: memory (its address space), and open files."""

    memory_bytes: Optional[Bytes] = checked(check_positive, default=None)
    open_files: Optional[int] = checked(check_positive_number, default=None)


@dataclass(frozen=True)
class Service:
    """The service under test: how it starts, when it is ready.

    `command`, started in `directory`, and the values of `environment` may hold {host} and {port} (where it listens),
    {models} (the folder of the weights), {run_id}, {reports} and {shard}. Where `requirements` is given, its `python`
    is that environment's, made on the first of the Pythons of the key `python` that this machine has. With `url`,
    nothing is started. `gpu` is `auto` (shards at once are given one each, where there are any), `never`, or the words
    that are added to the command where there is a GPU. `start: one_first` lets one service become ready before those of
    the other shards start; with `shared` one serves all shards of this machine. `needs` names the services that must be
    ready before. `logs` are patterns of further log files, for the debug bundle. With `coverage` it measures what the
    tests cover in it.
    """

    command: Tuple[str, ...] = checked(check_command, default=())
    directory: str = checked(check_folder, default=".")
    url: Optional[str] = checked(check_given, default=None)
    requirements: Optional[str] = checked(check_given, default=None)
    python: Union[str, Tuple[str, ...]] = checked(check_pythons, default=())
    host: str = checked(check_host, default="127.0.0.1")
    port: Optional[int] = checked(check_port, default=None)
    environment: Mapping[str, str] = checked(check_environment, name=check_variable, default_factory=dict)
    gpu: Union[str, Tuple[str, ...]] = checked(check_gpu, default="auto")
    ready: Probe = Probe()
    warm_up: Union[WarmUp, Tuple[WarmUp, ...]] = ()
    prepare: Optional[Prepare] = None
    start: str = checked(check_one_of("together", "one_first"), default="together")
    shared: bool = False
    needs: Tuple[str, ...] = checked(check_all_given, default=())
    budgets: Budgets = Budgets()
    limits: Limits = Limits()
    log_limit_bytes: Bytes = checked(check_positive, default=Bytes(100_000_000))
    stop_timeout_s: Seconds = Seconds(10)
    logs: Tuple[str, ...] = checked(check_all_given, default=())
    coverage: bool = False

    def __post_init__(self) -> None:
        if not self.command and not self.url:
            raise ValueError("give a command that starts the service, or the url of one that runs")
        if self.coverage and (self.shared or not self.command):
            what = "that all shards share" if self.shared else "that runs already"
            raise ValueError(f"coverage: a service {what} is not measured: its data belong to no shard")
        if self.python and not self.requirements:
            raise ValueError("python: it is what the environment of `requirements` is made on, and there are none")
        if "3.1" in self.pythons:
            raise ValueError('python: expected a Python as "3.11", got 3.1: quote "3.10", or YAML tools drop its 0')
        _check_names(self.warm_ups)

    @property
    def pythons(self) -> Tuple[str, ...]:
        """List the interpreters that its environment may be made on, the best first; none: the one that runs us."""
        return (self.python,) if isinstance(self.python, str) else self.python

    @property
    def warm_ups(self) -> Tuple[WarmUp, ...]:
        """List the steps of the warm-up."""
        return (self.warm_up,) if isinstance(self.warm_up, WarmUp) else self.warm_up
