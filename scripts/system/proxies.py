"""Let what runs on this machine be reached past the proxies of an environment."""

from __future__ import annotations

from typing import Dict, Mapping

PROXIES, NO_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("NO_PROXY", "no_proxy")
LOOPBACK = ("127.0.0.1", "localhost")


def past_proxies(environ: Mapping[str, str]) -> Dict[str, str]:
    """Let what is on this machine be reached past the proxies of an environment; nothing to add where it has none.

    Programs read NO_PROXY, no_proxy or both. Each keeps what it says; one that is not there says what the other does.

    >>> past_proxies({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".corp"})
    {'NO_PROXY': '.corp,127.0.0.1,localhost', 'no_proxy': '.corp,127.0.0.1,localhost'}
    """
    if not any(environ.get(name) or environ.get(name.lower()) for name in PROXIES):
        return {}
    said = {name: environ[name] for name in NO_PROXY if name in environ}
    return {name: _with_loopback(said.get(name, next(iter(said.values()), ""))) for name in NO_PROXY}


def _with_loopback(hosts: str) -> str:
    """Add this machine's own names to a list of hosts, unless it has them, or is all hosts."""
    there = [host.strip() for host in hosts.split(",")]
    missing = [] if "*" in there else [name for name in LOOPBACK if name not in there]
    return ",".join([*([hosts] if hosts else []), *missing])
