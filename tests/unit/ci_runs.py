"""Do what the examples for GitHub Actions and GitLab say, job by job, in a folder that stands for every runner.

Only what these examples need: each job has a fresh checkout at the same place, caches and artifacts lie beside it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence
from urllib.parse import quote

Tree = Any  # what YAML holds


class Done(NamedTuple):
    """How a job ended, and what its commands said."""

    is_green: bool
    said: str


class Runner:
    """A folder with `project`, which each job finds as `checkout` is, and with what jobs keep.

    Args:
        environ: for all commands.
        tools: an environment that the cache of `.venv` holds already.
    """

    def __init__(self, folder: Path, checkout: Path, environ: Mapping[str, str], tools: Optional[Path] = None) -> None:
        self.project, self.caches, self.artifacts = (folder / name for name in ("project", "caches", "artifacts"))
        self._checkout, self._environ, self._tools = checkout, environ, tools
        self.caches.mkdir()
        self.artifacts.mkdir()

    def begin(self, has_checkout: bool = True) -> None:
        shutil.rmtree(str(self.project), ignore_errors=True)
        shutil.copytree(str(self._checkout), str(self.project), symlinks=True) if has_checkout else self.project.mkdir()

    def run(self, command: str, environ: Mapping[str, str]) -> Done:
        """Run a line of shell as both do, with bash, which stops at the first command that fails."""
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=str(self.project),
            env={**self._environ, "CI": "true", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=600,
        )
        said = f"$ {command}\n{done.stdout}"
        print(said)  # pytest shows it where a test fails
        return Done(done.returncode == 0, said)

    def files(self, pattern: str) -> List[Path]:
        return sorted(self.project.glob(pattern.rstrip("/")))

    def keep(self, patterns: List[str], place: Path, root: str = "") -> None:
        """Copy what the patterns find in the project, with its path from `root`."""
        for path in (path for pattern in patterns for path in self.files(pattern)):
            copy(path, place / path.relative_to(self.project / root))

    def has_tools(self, paths: Sequence[str]) -> bool:
        """Put the environment of the tools in its place, where that is what a cache is for; tell whether it was."""
        is_for_tools = self._tools is not None and list(paths) == [".venv"]
        if self._tools and is_for_tools:
            (self.project / ".venv").symlink_to(self._tools)
        return is_for_tools

    def digest(self, patterns: List[str]) -> str:
        """One digest of the contents of files; "" where there are none, as GitHub has it."""
        found = [path for pattern in patterns for path in self.files(pattern) if path.is_file()]
        return hashlib.sha256(b"".join(path.read_bytes() for path in found)).hexdigest() if found else ""


def copy(path: Path, to: Path) -> None:
    """Copy a file, a folder with all in it, or a link as one."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        to.symlink_to(os.readlink(str(path)))
    elif path.is_dir():
        shutil.copytree(str(path), str(to), symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(str(path), str(to))


def in_order(jobs: Mapping[str, Tree]) -> Iterator[str]:
    """The jobs, each after those that it needs."""
    left = list(jobs)
    while left:
        name = next(name for name in left if not set(needs(jobs[name])) & set(left))
        left.remove(name)
        yield name


def needs(job: Tree) -> List[str]:
    return [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])


# GitHub Actions -----------------------------------------------------------------------------------

TOKENS = re.compile(r"'[^']*'|&&|\|\||[!=]=|!|[()]|\w+(?=\()|[\w.-]+|,")
OPERATORS = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
STATUS = re.compile(r"\b(success|failure|cancelled|always)\(\)")


class GitHub:
    """Runs a workflow; a run that is tried again goes on with the same caches and artifacts."""

    def __init__(self, runner: Runner, tree: Tree, attempt: int = 1) -> None:
        self._runner, self._tree = runner, tree
        self._github = {
            "github.run_id": "7",
            "github.run_attempt": str(attempt),
            "runner.os": "Linux",
            "runner.arch": "X64",
        }

    def all(self) -> Dict[str, Done]:
        """Run all jobs, those of a matrix one after another, and tell how each ended."""
        done: Dict[str, Done] = {}
        for name in in_order(self._tree["jobs"]):
            job = self._tree["jobs"][name]
            before = all(each.is_green for each in done.values())
            if not before and not STATUS.search(str(job.get("if", ""))):
                continue
            (legs,) = job.get("strategy", {}).get("matrix", {"": [""]}).values()
            for index in range(len(legs)):
                done[f"{name}-{index}" if len(legs) > 1 else name] = self._job(name, job, index, len(legs))
        return done

    def _job(self, name: str, job: Tree, index: int, total: int) -> Done:
        known = {**self._github, "strategy.job-index": str(index), "strategy.job-total": str(total)}
        known.update({f"env.{key}": value for key, value in self._tree.get("env", {}).items()})
        environ = {
            **self._tree.get("env", {}),
            **{key: self._filled(value, known, True) for key, value in job.get("env", {}).items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_RUN_ID": known["github.run_id"],
            "GITHUB_RUN_ATTEMPT": known["github.run_attempt"],
            "GITHUB_JOB": name,
        }
        green, said = True, ""
        for step in job["steps"]:
            condition = str(step.get("if", "success()"))
            wanted = condition if STATUS.search(condition) else f"success() && ({condition})"
            if not self._value(wanted, known, green):
                continue
            if "run" in step:
                done = self._runner.run(self._filled(step["run"], known, green), environ)
            else:
                done = Done(True, self._action(step, known, green))
            known[f"steps.{step.get('id')}.outcome"] = "success" if done.is_green else "failure"
            green, said = green and done.is_green, said + done.said
        return Done(green, said)

    def _filled(self, text: str, known: Mapping[str, str], green: bool) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(self._value(found[1], known, green)), text)

    def _value(self, text: str, known: Mapping[str, str], green: bool) -> Any:
        """Work out an expression; a name that is not known is ""."""
        functions: Dict[str, Callable[..., Any]] = {
            "success": lambda: green,
            "failure": lambda: not green,
            "cancelled": lambda: False,
            "always": lambda: True,
            "hashFiles": lambda *patterns: self._runner.digest(list(patterns)),
        }

        def word(token: str) -> str:
            if token in OPERATORS or re.match(r"[=!(),']", token) or token in functions or token.isdigit():
                return OPERATORS.get(token, f"'{token}'" if token.isdigit() else token)
            return repr(known.get(token, ""))

        bare = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", text)
        return eval("".join(map(word, TOKENS.findall(bare))), functions)  # noqa: S307 - words of our own examples

    def _action(self, step: Tree, known: Dict[str, str], green: bool) -> str:
        """Do what a step uses; return what it would say."""
        with_ = {key: self._filled(str(value), known, green) for key, value in step.get("with", {}).items()}
        name, outputs = step["uses"].partition("@")[0], f"steps.{step.get('id')}.outputs"
        if name == "actions/checkout":
            self._runner.begin()
        elif name == "actions/setup-python":
            known[f"{outputs}.python-path"] = f"/opt/python/{with_['python-version']}/x64"
        elif name == "actions/cache/restore":
            known[f"{outputs}.cache-primary-key"] = with_["key"]
            known[f"{outputs}.cache-hit"] = str(self._restore(with_)).lower()
        elif name == "actions/cache/save":
            self._save(with_)
        elif name == "actions/upload-artifact":
            self._upload(with_)
        elif name == "actions/download-artifact":
            for kept in self._runner.artifacts.iterdir():
                if fnmatch.fnmatch(kept.name, with_["pattern"]):
                    copy(kept, self._runner.project / with_["path"])
        else:
            raise NotImplementedError(name)
        return f"{name} {with_}\n"

    def _restore(self, with_: Mapping[str, str]) -> bool:
        """Restore the cache of a key, else the newest whose key begins so; tell whether it is that of the key."""
        if self._runner.has_tools([with_["path"]]):
            return True
        there = sorted(self._of(with_["path"]).glob("*"), key=lambda kept: kept.stat().st_mtime_ns, reverse=True)
        begins = [with_["key"], *with_.get("restore-keys", "").split()]
        exact = [kept for kept in there if kept.name == quote(with_["key"], safe="")]
        found = exact + [kept for begin in begins for kept in there if kept.name.startswith(quote(begin, safe=""))]
        if found:
            copy(found[0], self._runner.project)
        return bool(exact)

    def _save(self, with_: Mapping[str, str]) -> None:
        place = self._of(with_["path"]) / quote(with_["key"], safe="")
        if not place.exists():  # a key is never replaced
            self._runner.keep(with_["path"].split(), place)

    def _of(self, path: str) -> Path:
        """Caches are found by those only who name the same paths."""
        return self._runner.caches / quote(path, safe="")

    def _upload(self, with_: Mapping[str, str]) -> None:
        """Keep files with their paths below the folder that comes before the first wildcard."""
        place = self._runner.artifacts / with_["name"]
        assert with_.get("overwrite") == "True" or not place.exists(), f"there is an artifact {with_['name']}"
        shutil.rmtree(str(place), ignore_errors=True)
        parts = PurePosixPath(with_["path"]).parts
        fixed = next((number for number, part in enumerate(parts) if "*" in part), len(parts) - 1)
        self._runner.keep([with_["path"]], place, "/".join(parts[:fixed]))


# GitLab -------------------------------------------------------------------------------------------


class GitLab:
    """Runs a pipeline of a branch.

    Args:
        changed: whether what `rules: changes` lists has changed.
    """

    def __init__(self, runner: Runner, tree: Tree, changed: bool = True) -> None:
        self._runner, self._changed = runner, changed
        self._jobs = {name: extended(tree, name) for name in tree if not name.startswith(".")}

    def all(self) -> Dict[str, Done]:
        """Run all jobs that nobody has to start by hand, and tell how each ended."""
        done: Dict[str, Done] = {}
        for name in in_order(self._jobs):
            job = self._jobs[name]
            when = next((rule.get("when", "on_success") for rule in job["rules"] if self._holds(rule)), "never")
            before = [ended for each, ended in done.items() if each.partition(" ")[0] in needs(job)]
            if when == "always" or (when == "on_success" and all(each.is_green for each in before)):
                total = job.get("parallel", 1)
                for index in range(1, total + 1):
                    done[f"{name} {index}/{total}" if "parallel" in job else name] = self._job(name, job, index, total)
        return done

    def _holds(self, rule: Tree) -> bool:
        return rule["if"] == "$CI_COMMIT_BRANCH" and (self._changed or "changes" not in rule)

    def _job(self, name: str, job: Tree, index: int, total: int) -> Done:
        environ = {
            **job.get("variables", {}),
            "GITLAB_CI": "true",
            "CI_PIPELINE_ID": "7",
            "CI_JOB_NAME": name,
            "CI_COMMIT_REF_SLUG": "a-branch",
            "CI_DEFAULT_BRANCH": "main",
            **({"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(total)} if "parallel" in job else {}),
        }
        self._runner.begin(environ.get("GIT_STRATEGY") != "none")
        for cache in job.get("cache", []):
            kept = self._cache(cache, environ)
            if not self._runner.has_tools(cache["paths"]) and kept.exists():
                copy(kept, self._runner.project)
        for kept in (kept for need in needs(job) for kept in sorted(self._runner.artifacts.glob(f"{need}*"))):
            copy(kept, self._runner.project)
        done = self._runner.run("\n".join([*job.get("before_script", []), *job["script"]]), environ)
        status = {"CI_JOB_STATUS": "success" if done.is_green else "failed"}
        after = [self._runner.run(line, {**environ, **status}).said for line in job.get("after_script", [])]
        self._keep(job, done.is_green, f"{name}-{index}", environ)
        return Done(done.is_green, "".join([done.said, *after]))

    def _keep(self, job: Tree, is_green: bool, name: str, environ: Mapping[str, str]) -> None:
        for cache in job.get("cache", []):
            if cache["policy"] == "pull-push" and (is_green or cache.get("when") == "always"):
                place = self._cache(cache, environ)
                shutil.rmtree(str(place), ignore_errors=True)
                self._runner.keep(cache["paths"], place)
        if "artifacts" in job and (is_green or job["artifacts"].get("when") == "always"):
            self._runner.keep(job["artifacts"]["paths"], self._runner.artifacts / name)

    def _cache(self, cache: Tree, environ: Mapping[str, str]) -> Path:
        key = cache["key"]
        if isinstance(key, str):
            name = re.sub(r"\$(\w+)", lambda found: environ[found[1]], key)
        else:
            name = f"{key['prefix']}-{self._runner.digest(key['files']) or 'default'}"
        return self._runner.caches / name


def extended(tree: Tree, name: str) -> Tree:
    """A job with what it extends; its own words go first, and mappings are put together."""
    job = dict(tree[name])
    base = extended(tree, job.pop("extends")) if "extends" in job else {}
    both = {key: {**base[key], **job[key]} for key in job if isinstance(job[key], dict) and key in base}
    return {**base, **job, **both}
