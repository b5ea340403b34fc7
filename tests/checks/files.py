"""Which files of this repository each check is about."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict, List

from .running import ROOT

# How check-jsonschema calls what it brings along. Its CircleCI schema finds misspelt words, not wrong references.
CIRCLECI, GITHUB, GITLAB = "vendor.circle-ci", "vendor.github-workflows", "vendor.gitlab-ci"


def known() -> List[Path]:
    """List the files that git knows, and those that it will: new ones that it does not ignore."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(words, cwd=ROOT).decode("utf-8", "surrogateescape").split("\0")
    return sorted(path for path in {ROOT / name for name in names if name} if path.is_file())


def of_ci(paths: List[Path]) -> Dict[str, List[Path]]:
    """Sort the files of CI by the schema that they have to keep to."""
    found: Dict[str, List[Path]] = {}
    for path in paths:
        schema = schema_of(path.relative_to(ROOT).as_posix())
        if schema:
            found.setdefault(schema, []).append(path)
    return found


def schema_of(name: str) -> str:
    """Name the schema of a file; "" where it is not one of CI. An example is named for its provider.

    >>> [schema_of(f".circleci/examples/{name}.yml") for name in ("github", "gitlab", "setup")]
    ['vendor.github-workflows', 'vendor.gitlab-ci', 'vendor.circle-ci']
    """
    folder, _, file = name.rpartition("/")
    if not file.endswith((".yml", ".yaml")):
        return ""
    if folder == ".github/workflows" or (folder == ".circleci/examples" and file.startswith("github")):
        return GITHUB
    if name == ".gitlab-ci.yml" or (folder == ".circleci/examples" and file.startswith("gitlab")):
        return GITLAB
    return CIRCLECI if folder in (".circleci", ".circleci/examples") else ""


def of_yaml(paths: List[Path]) -> List[Path]:
    """Choose what is YAML."""
    return [path for path in paths if path.suffix in (".yml", ".yaml")]


def of_shell(paths: List[Path]) -> List[Path]:
    """Choose the shell scripts, by their names or by their first lines."""
    return [path for path in paths if path.suffix == ".sh" or (not path.suffix and _is_run_by_a_shell(path))]


def _is_run_by_a_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash"))


def locks(paths: List[Path]) -> List[Path]:
    """Choose the locks."""
    return [path for path in paths if path.suffix == ".lock"]
