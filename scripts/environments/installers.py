"""The programs that install packages: where uv is, and what pip or uv say of their failure."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from ..console import visible

LONGEST_COMPLAINT = 400  # characters of an installer's output that an error message quotes

_UV_SIGNS = re.compile("^(error:|cause:|Caused by:|[\u00d7\u2570\u2500\u25b6\u2502 ]+)\\s*")  # it draws trees


def complaint(output: str) -> str:
    r"""Find what an installer's output says of its failure, in one line.

    >>> complaint("Collecting a==1\n  ERROR: No matching distribution found for a==1\n")
    'No matching distribution found for a==1'
    >>> complaint("error: No solution found\n  cause: Because a was not found\n\nhint: no index")
    'No solution found: Because a was not found'
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    text = _of_pip(lines) or _of_uv(lines) or (lines[-1] if lines else "it ended without a word")
    text = re.sub(r"://[^/\s@]+@", "://", text)  # user names and passwords of an index
    text = visible(text)
    return text if len(text) <= LONGEST_COMPLAINT else text[:LONGEST_COMPLAINT] + " ..."


def _of_pip(lines: Sequence[str]) -> str:
    errors = [line[len("ERROR: ") :] for line in lines if line.startswith("ERROR: ")]
    if not errors or errors[0] == "Exception:":
        return lines[-1] if errors else ""
    if "DO NOT MATCH THE HASHES" in errors[0]:
        digests = [" ".join(line.split()) for line in lines if line.startswith(("Expected sha256", "Got "))]
        return "the wheel's content is another one: " + ", ".join(digests)
    errors = errors[:1] if errors[-1].startswith("No matching distribution") else errors
    broken = [line for line in lines if "connection broken by" in line]
    if broken:  # "... by 'NewConnectionError('<...>: Failed to ...: [Errno 111] Connection refused')': /a/"
        reason = broken[-1].rpartition("': /")[0].rpartition(": ")[2].rstrip("')\"")
        errors.insert(0, f"a package index could not be reached ({reason})")
    return "; ".join(errors)


def _of_uv(lines: Sequence[str]) -> str:
    start = next((i for i, line in enumerate(lines) if line.startswith(("error:", "\u00d7"))), len(lines))
    stop = next((i for i, line in enumerate(lines) if line.startswith("hint:")), len(lines))
    words = (_UV_SIGNS.sub("", line).rstrip(":") for line in lines[start:stop])
    return ": ".join(word for word in words if word)


def find_uv() -> Optional[str]:
    """Find the uv to use: beside our interpreter, else on PATH, else none."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def explain(output: str) -> str:
    """Pick the lines of an installer's output that say why it failed: from its first error on, eight at most."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if re.match(r"\s*(error:|ERROR:|×)", line)]
    telling = lines[errors[0] :][:8] if errors else lines[-8:]
    return visible("\n  ".join(["", *telling]))
