"""Do what the jobs of a CircleCI config say, as far as caches go, on a folder that stands for a machine.

Only what our own config needs: checkout, run, caches, and the workspace. Archives are those of `tar`, compressed by
zstd where there is one: so times are kept to the second.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Match, NamedTuple, Optional, Tuple
from urllib.parse import quote

from scripts.errors import PipelineError

from .measuring import meter

LAST_CHARACTERS = 2000
# Of this repository, what a checkout needs in which another project takes the place of ours.
CHECKOUT = (
    ".circleci",
    "noxfile.py",
    "pyproject.toml",
    "requirements.txt",
    "requirements.lock",
    "scripts",
    "tasks.py",
)
APART = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
_AT_PLACE = 'mkdir -p "$2" && mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'


class Took(NamedTuple):
    """A step that was done: when it began, in seconds since 1970, and what it took."""

    name: str
    began: float
    wall_s: float
    archive_bytes: int = 0  # of the cache that was saved or restored
    cpu_s: float = 0.0  # of its commands


def job_steps(config: Any, job: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """List the steps of a job, (kind, what it says); the steps of a command in its place, defaults for its parameters.

    >>> list(job_steps({"commands": {"c": {"steps": [{"run": {"command": "a << parameters.p >>"}}]}},
    ...     "jobs": {"j": {"parameters": {"p": {"default": "b"}}, "steps": ["checkout", "c"]}}}, "j"))
    [('checkout', {}), ('run', {'command': 'a b'})]
    """
    defaults = config["jobs"][job].get("parameters", {})
    queue: List[Any] = list(config["jobs"][job]["steps"])
    while queue:
        queue = json.loads(re.sub(r"<< parameters\.(\w+) >>", lambda p: defaults[p[1]]["default"], json.dumps(queue)))
        step = queue.pop(0)
        if isinstance(step, dict):
            yield from step.items()
        elif step in config.get("commands", {}):
            queue[:0] = config["commands"][step]["steps"]
        else:
            yield step, {}


def can_be_many() -> bool:
    """Tell whether this machine can give each of several its own folder at the same place: Linux can, mostly."""
    return bool(shutil.which("unshare")) and not subprocess.call([*APART, "true"], stderr=subprocess.DEVNULL)


class Machine:
    """A machine of a CI: a project in a folder, always the same one, a fresh home, and the store that all share.

    Args:
        values: what stands in `<< pipeline.NAME >>` and `{{ .Name }}`, by these names.
        saves: the folder that gets what it saves, where others are not to see that yet.
        own: the folder of one beside others, whose commands all see it at the same place (see `can_be_many`).

    Attributes:
        said: what the commands printed.
    """

    def __init__(
        self,
        folder: Path,
        checkout: Path,
        environ: Mapping[str, str],
        values: Mapping[str, str],
        saves: str = "store",
        own: str = "",
    ) -> None:
        self._place = folder / "project"
        self.project = folder / own / "project"
        self.said = ""
        self._cpu_s = 0.0  # of all commands that have ended, and of what they waited for
        self._home, self._store, self._workspace = folder / own / "home", folder / "store", folder / "workspace"
        self._source, self._values, self._saves = checkout, values, folder / saves
        self._environ = {**environ, "HOME": str(self._home)}
        for made in (self._home, self._store, self._workspace, self._saves):
            made.mkdir(parents=True, exist_ok=True)
        self._known: Dict[str, Callable[[Dict[str, Any]], Tuple[str, int]]] = {
            "checkout": self._checkout,
            "run": self._run,
            "restore_cache": self._restore,
            "save_cache": self._save,
            "persist_to_workspace": self._persist,
            "attach_workspace": self._attach,
        }

    def throw_away(self) -> None:
        """Remove all of it but what it saved."""
        for made in (self.project, self._home):
            shutil.rmtree(str(made))

    def do(self, step: Tuple[str, Dict[str, Any]]) -> Optional[Took]:
        """Do a step; None where there was nothing to do, or it is none that takes part here.

        Raises:
            PipelineError: a command failed; with the end of what it said.
        """
        kind, said = step
        if kind not in self._known:
            return None
        began, clock, cpu_s = time.time(), time.perf_counter(), self._cpu_s
        name, archive_bytes = self._known[kind](said)
        took = Took(name, began, time.perf_counter() - clock, archive_bytes, self._cpu_s - cpu_s)
        return took if name else None

    def _checkout(self, said: Dict[str, Any]) -> Tuple[str, int]:
        shutil.copytree(str(self._source), str(self.project))
        return "checkout (a copy)", 0

    def _run(self, said: Dict[str, Any]) -> Tuple[str, int]:
        if said.get("when") == "on_fail":
            return "", 0
        self._bash(self._filled(said["command"]))
        return said["name"], 0

    def _restore(self, said: Dict[str, Any]) -> Tuple[str, int]:
        archive = next((found for found in map(self._found, said["keys"]) if found), None)
        if archive is None:
            return "", 0
        self._bash(f"{'zstd -qdc' if shutil.which('zstd') else 'cat'} '{archive}' | tar -xf -")
        return f"unpack {_subject(archive.name)}", archive.stat().st_size

    def _save(self, said: Dict[str, Any]) -> Tuple[str, int]:
        name = self._name(said["key"])
        there = [path for path in said["paths"] if (self.project / path).exists()]
        if any((folder / name).exists() for folder in (self._store, self._saves)) or not there:
            return "", 0
        archive = self._saves / name
        self._bash(f"tar -cf - {' '.join(there)} | {'zstd -qT0' if shutil.which('zstd') else 'cat'} > '{archive}'")
        return f"pack {_subject(name)}", archive.stat().st_size

    def _persist(self, said: Dict[str, Any]) -> Tuple[str, int]:
        self._bash(f"cp -R --parents {' '.join(said['paths'])} '{self._workspace}'")
        return "", 0

    def _attach(self, said: Dict[str, Any]) -> Tuple[str, int]:
        self._bash(f"cp -R '{self._workspace}'/. .")
        return "", 0

    def _found(self, key: str) -> Optional[Path]:
        """Find the newest archive whose key begins so."""
        begins = self._name(key)
        found = [
            file for folder in (self._store, self._saves) for file in folder.iterdir() if file.name.startswith(begins)
        ]
        return max(found, key=lambda file: file.stat().st_mtime_ns, default=None)

    def _name(self, key: str) -> str:
        """Name the file of a cache by its key, in which the checksums of files are filled in."""

        def checksum(name: Match[str]) -> str:
            return hashlib.sha256((self.project / name[1]).read_bytes()).hexdigest()

        return quote(self._filled(re.sub(r'{{ checksum "(\S+?)" }}', checksum, key)), safe="")

    def _filled(self, text: str) -> str:
        values = {"epoch": str(time.time_ns()), "arch": "here", **self._values}
        text = re.sub(r'<< pipeline\.[\w.]+ and "[^"]*" or "([^"]*)" >>', r"\1", text)  # of what is off by default
        text = re.sub(r"{{ \.Environment\.(\w+) }}", lambda name: self._environ.get(name[1], "none"), text)
        return re.sub(r"<< pipeline\.([\w.]+) >>|{{ \.?(\w+) }}", lambda name: values[name[1] or name[2]], text)

    def _bash(self, line: str) -> None:
        words = ["bash", "-eo", "pipefail", "-c", line]
        if self.project != self._place:
            words = [*APART, "bash", "-c", _AT_PLACE, "bash", str(self.project), str(self._place), *words]
        cost = self._home / "cost.json"
        done = subprocess.run(
            [*meter(cost), *words],
            cwd=str(self.project),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        self.said += done.stdout
        self._cpu_s += json.loads(cost.read_text(encoding="ascii"))["cpu_s"]
        if done.returncode:
            raise PipelineError(f"{line}: ended with {done.returncode}:\n{done.stdout[-LAST_CHARACTERS:]}")


def _subject(key: str) -> str:
    """Say what a cache holds, by its key: v1-SUBJECT-...

    >>> _subject("v1-weights-here")
    'weights'
    """
    return key.split("-")[1]
