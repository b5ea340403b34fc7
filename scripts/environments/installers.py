"""The programs that install packages: where uv is, and what pip or uv say of their failure."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

from ..console import visible, without_secrets

LONGEST_COMPLAINT = 400  # characters of an installer's output that an error message quotes
SHOWN_LINES, LAST_LINES = 12, 8  # of those from the first error on; of these the last, which a build ends with

_NOISE = re.compile("Looking in indexes|Could not fetch URL|WARNING: Retrying")  # of pip, beside `refusals`
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
    text = visible(without_secrets(text))
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


def link_mode(environ: Mapping[str, str]) -> str:
    """Choose how uv brings files from its cache: as it does by itself, or as a person says, but not by symbolic links.

    An environment of links is empty on another machine, or when the cache is cleaned. A uv.toml may ask for them, too.
    """
    said = environ.get("UV_LINK_MODE", "")
    return said if said in ("clone", "copy", "hardlink") else "clone" if sys.platform == "darwin" else "hardlink"


def explain(output: str) -> str:
    """Pick the lines of an installer's output that say why it failed: from its first error on, a dozen at most.

    Why an index refused stands last, in a hint of uv's: it goes first.
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if re.match(r"\s*(error:|ERROR:|×)", line)]
    telling = lines[errors[0] :] if errors else lines[-LAST_LINES:]
    telling = [line for line in _without_tail(telling) if not _NOISE.match(line)]
    refused = [line for line in lines if re.search(r"\b40[137] \w", line)][:1]
    telling = [*refused, *(line for line in telling if line not in refused)]
    if len(telling) > SHOWN_LINES:
        telling = [*telling[: SHOWN_LINES - LAST_LINES - 1], "  ...", *telling[-LAST_LINES:]]
    return visible(without_secrets("\n  ".join(["", *telling])))


def _without_tail(lines: Sequence[str]) -> List[str]:
    """Cut off what pip adds behind a build's own words, and uv's advice to look at them."""
    end = next((number for number, line in enumerate(lines) if "[end of output]" in line), len(lines))
    return [line for line in lines[:end] if not line.startswith("hint: Build failures usually")]


def refusals(log: Path) -> str:
    """Find in pip's log why it passed over an index, which it does not print; lines, or empty."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.findall(r"Could not fetch URL (\S+): (.*?)(?: - skipping)?$", text, re.MULTILINE)
    return "".join(f"ERROR: {url}: {_cause(why)}\n" for url, why in dict.fromkeys(found))


def _cause(why: str) -> str:
    """Shorten what pip says to the error at its bottom.

    >>> _cause("connection error: Max retries (Caused by ProxyError('No.', NewError('<a.B object at 0x7>: Refused')))")
    'ProxyError: Refused'
    """
    kind, quoted = re.search(r"Caused by (\w+)", why), re.findall(r"'([^']*)'\)", why)
    return f"{kind[1]}: {re.sub('^<[^>]*>: ', '', quoted[-1])}" if kind and quoted else why
