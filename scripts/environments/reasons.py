"""Why an installer failed, by what it printed: the kind of failure, what may help, and what pip may do better than uv.

Pure functions over the output of pip and uv.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .running import HERE

# The first that is found counts: what a build prints may hold any words, and pip says "No matching distribution" last
# whatever kept it from the index.
_SIGNS = {
    "ensurepip": r"ensurepip",
    "interpreter": r"No interpreter found|No virtual environment found",
    "disk": r"No space left on device|Disk quota exceeded|os error (28|122)\b",
    "build": r"Call to `[^`]*` failed|build backend returned an error|Failed building wheel|metadata-generation-failed"
    r"|(Preparing metadata|Getting requirements|Building \w+|python setup\.py \w+).* did not run successfully",
    "hash": r"Hash mismatch|DO NOT MATCH THE HASHES",
    "no hash": r"--require-hashes",
    "proxy log-in": r"407 Proxy|proxy authorization required",
    "no socks": r"Missing dependencies for SOCKS",
    "own certificate": r"CertificateRequired|alert certificate required",
    "certificate": r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED|certificate verify failed",
    "proxy": r"[Pp]roxy URL|ProxyError|tunnel error|Tunnel connection failed|socks proxy|SOCKS error",
    "log-in": r"40[13] (Unauthorized|Forbidden|Client Error|Error)",
    "server": r"HTTP status server error|5\d\d Server Error|too many 5\d\d error",
    "name": r"dns error|Name or service not known|name resolution|NameResolutionError|getaddrinfo failed|nodename nor",
    "network": r"Connection refused|connection broken|imed out|Connection reset|unreachable|could not be reached"
    r"|error sending request|No route to host|network timeout",
    "plain http": r"is not a trusted or secure host",
    "metadata": r"(parse|read|invalid|nconsistent) metadata|[Mm]etadata (name|version|file)|wheel .*is invalid",
    "python": r"current Python version \([^)]*\) does not\s+satisfy|requires a different Python",
    "version": r"No solution found|No matching distribution|ResolutionImpossible",
    "line": r"Expected `--hash`|Unexpected '|Couldn't parse|Invalid requirement|no such option",
}
_HINTS = {
    "disk": "Make room on the disk, or let caches lie elsewhere: UV_CACHE_DIR, PIP_CACHE_DIR, TMPDIR.",
    "build": "It has no wheel for this Python and machine, and building it failed: install what its lines miss, "
    "pin a version that has a wheel, or use another Python.",
    "hash": "The index has another file by this name than was locked. If you trust it, lock anew: nox -s lock",
    "no hash": "Where one requirement has a hash, or require-hashes is set, each needs one, and a version (==).",
    "certificate": "Add the root that signed it to this machine's store (update-ca-certificates), "
    "or name its file: PIP_CERT=/path/to/root.pem",
    "own certificate": "The server asks for yours: name it, with its key, as client-cert in pip.conf.",
    "log-in": "The index wants a log-in: put it into ~/.netrc or the index's URL, or set pip's keyring-provider. "
    "`pip config list` shows which index is asked.",
    "server": "The index itself failed: try again later. `pip config list` shows which one is asked.",
    "no socks": "pip needs PySocks for a SOCKS proxy, uv needs nothing: install either past the proxy.",
    "plain http": "pip asks no index over plain http: say https, or trusted-host in pip.conf.",
    "python": "It is for other Pythons than this one: take a version of it that is for this one, or another Python.",
    "version": "Edit the requirements: no index that is asked has such a version, or its lines exclude each other. "
    "`pip config list` shows which are asked.",
    "line": "Correct this line.",
    "metadata": "The package is broken: pin another version.",
}
OF_WAY = ("proxy log-in", "proxy", "name", "network")  # between here and the index
_REACHABLE = "Is the package index reachable? `pip config list` shows which one is asked."
# Of several indexes pip passes over one that it cannot read, and takes from any of them the file that a hash names. Of
# versions both find the same, with the index strategy that uv is told.
_PASSED_OVER = ("log-in", "server", "name", "network", "proxy", "hash")
_OTHERWISE = {
    "certificate": "checks certificates by other rules",
    "line": "knows further options",
    "metadata": "takes packages that are not quite right",
    "no hash": "wants no hashes of constraints",
}
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def kind(output: str) -> str:
    """Tell what kind of failure an installer's output speaks of; empty if it is none that we know.

    >>> kind("error: No solution found\\nhint: An index URL returned 401 Unauthorized"), kind("ERROR: hm")
    ('log-in', '')
    """
    return next((name for name, sign in _SIGNS.items() if re.search(sign, output)), "")


def may_differ(output: str, several: bool) -> str:
    """Say what pip does otherwise, so that it may install what uv would not; empty if it would fail, too.

    Args:
        several: packages are asked from more than one place.

    >>> may_differ("error: No solution found", False), may_differ("invalid peer certificate: CaUsedAsEndEntity", False)
    ('', 'checks certificates by other rules')
    """
    found = kind(output)
    if several and found in _PASSED_OVER:
        return "takes the file that fits from any index" if found == "hash" else "passes over an index that fails"
    return _OTHERWISE.get(found, "")


def hint(output: str, proxy: str = "", python: str = HERE) -> str:
    """Say what may help.

    Args:
        proxy: that was used, and where its name comes from, see `proxies.which`; empty if none was.
        python: that it installed for.

    >>> hint("error: No solution found")[:21], hint("Failed to fetch: dns error")[:31]
    ('Edit the requirements', 'Is the package index reachable?')
    """
    found = kind(output)
    if found == "ensurepip":
        return f"Python {python} lacks ensurepip. On Debian or Ubuntu: sudo apt install python{python}-venv"
    if found in OF_WAY and proxy:
        return _of_proxy(found, proxy)
    if found in OF_WAY:
        return f"{_REACHABLE} Then run the command again."
    return _HINTS.get(found, "`pip config list` shows what pip and uv are set to. Then run the command again.")


def _of_proxy(found: str, proxy: str) -> str:
    scheme = urlsplit(proxy).scheme
    if "://" in proxy and scheme not in PROXY_SCHEMES:
        return f"{proxy} is of no kind that is known here: http://, https://, socks5:// or socks5h://"
    if found == "proxy log-in":
        return f"The proxy {proxy} wants a user and a password: http://USER:PASSWORD@HOST:PORT"
    return f"It was asked by the proxy {proxy}: is it right, and does it know the index? NO_PROXY has exceptions."


def url(output: str) -> str:
    """Find the address that was asked, or PyPI's."""
    match = re.search(r"https?://[^\s'\"`)]+", output)
    return match[0] if match else "https://pypi.org/"
