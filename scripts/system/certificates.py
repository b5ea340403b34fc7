"""Whom to trust over TLS: what a person named, else this machine's own store beside the one that Python packages bring.

A company's root is as a rule in the system's store only (update-ca-certificates). OpenSSL, curl and new pips trust it
there; `requests`, old pips and uv bring a store of their own, and are told here.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Mapping

if TYPE_CHECKING:  # slow to import, and most runs ask no server
    import ssl

    import requests

OF_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # pip's, too: it has a copy of `requests`
OF_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # uv's, too
# Where a Python that was built elsewhere would not look: Debian, Fedora, SUSE, Alpine and macOS's OpenSSL.
KNOWN_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def store() -> str:
    """Find the file of the certificates that this machine trusts, or that SSL_CERT_FILE names; empty if none."""
    import ssl

    files = (ssl.get_default_verify_paths().cafile, *KNOWN_STORES)
    return next((file for file in files if file and Path(file).is_file()), "")


def for_uv(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Make the variables by which uv trusts whom pip trusts; what the person said for uv or OpenSSL stays.

    A machine without a store (a slim image) leaves uv with its own.
    """
    if any(environ.get(name) for name in OF_OPENSSL):
        return {}
    named = next((environ[name] for name in OF_REQUESTS if environ.get(name)), "")
    if named:
        return {"SSL_CERT_DIR" if Path(named).is_dir() else "SSL_CERT_FILE": named}
    if sys.platform != "darwin" and not store():  # a Mac keeps it elsewhere than in a file
        return {}
    names = ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS")  # its names of today, and before 2026
    return {} if any(name in environ for name in names) else dict.fromkeys(names, "true")


def for_pip(environ: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """Make the variables by which an old pip (before 24.2, or on Python 3.9) trusts whom a new one trusts.

    Args:
        folder: a file of what both stores hold is written there.
    """
    named = any(environ.get(name) for name in ("PIP_CERT", *OF_REQUESTS))
    if named or sys.platform == "darwin" or not store():
        return {}
    import certifi

    bundle = folder / "trusted.pem"
    bundle.write_bytes(b"\n".join(Path(file).read_bytes() for file in (certifi.where(), store())))
    return {"PIP_CERT": str(bundle)}


def session() -> requests.Session:
    """Make a session that trusts the system's store beside the one of `requests`; where a file is named, that alone."""
    import requests

    made = requests.Session()
    made.mount("https://", adapter())
    return made


def adapter() -> requests.adapters.HTTPAdapter:
    """Make what a session asks https by; see `session`."""
    from requests.adapters import HTTPAdapter

    class _Adapter(HTTPAdapter):
        """Asks by our own context; whoever names a file is asked for by the usual one."""

        def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
            self.usual = HTTPAdapter()
            return super().init_poolmanager(*arguments, ssl_context=_context(*_named()), **options)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=_context(*_named()), **options)

        def send(self, request: Any, *arguments: Any, **options: Any) -> requests.Response:
            send = super().send if options.get("verify", True) is True else self.usual.send
            return send(request, *arguments, **options)

        def close(self) -> None:
            super().close()
            self.usual.close()

    return _Adapter()


def _named() -> List[str]:
    return [os.environ.get(name, "") for name in OF_OPENSSL]


@functools.lru_cache(maxsize=None)
def _context(*named: str) -> ssl.SSLContext:
    """Make the context once for what the variables of OpenSSL name: to read both stores takes 30 ms."""
    import ssl

    import certifi
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as curl: roots of companies lack extensions that it wants
    context.load_default_certs()
    for file in filter(None, (certifi.where(), store())):
        context.load_verify_locations(file)
    return context
