"""What this machine's pip is set to, and what a requirements file sets, as uv understands it, and pip itself.

uv reads neither pip.conf nor PIP_* variables: behind a mirror, a proxy or a private certificate it would
hang or fail where pip works. Whoever calls uv adds these variables to its environment. No package is
imported, and it is runnable alone (`python -m scripts.environments.pip_settings` prints JSON), because
noxfile.py needs it before any environment of ours exists.

Of pip's options that decide which packages come, or whether, those not here are left out for a reason:
platform, python-version, target and the like (the environment is ours), cache-dir (uv has its own), config-settings and
global-option (of single packages; a file that says them goes to pip, since uv refuses it), pip's own log-in by keyring
in its process (uv asks the `keyring` command). What pip alone knows is in `only_pip`.

Sources: pip's "Configuration" and uv's "Environment variables" pages.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence
from urllib.parse import urlsplit

from ..system import certificates, proxies
from . import file_options, pip_config
from .pip_config import FILES, PATHS
from .requirements import Line

OPTIONS = "SHARDLINE_UV_OPTIONS"  # ours: what uv has no variable for, see uv_options
STRATEGY = "UV_INDEX_STRATEGY"
PYPI = "https://pypi.org/simple"

# pip's option -> uv's variable
_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",  # our name: uv has the option, but no variable; see uv_options
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "constraint": "UV_CONSTRAINT",
    "build-constraint": "UV_BUILD_CONSTRAINT",
    "uploaded-prior-to": "UV_EXCLUDE_NEWER",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "require-hashes": "UV_REQUIRE_HASHES",
    "pre": "UV_PRERELEASE",
    "no-build-isolation": "UV_NO_BUILD_ISOLATION",
}
_PLACES = ("index-url", "extra-index-url", "trusted-host", "no-index")
_SWITCHES = ("no-index", "require-hashes", "no-build-isolation")
_ONLY_PIP = ("prefer-binary", "ignore-requires-python", "all-releases", "only-final")


def as_uv(options: Mapping[str, str], environ: Mapping[str, str]) -> Dict[str, str]:
    """Translate pip's options into uv's variables; what the person set for uv stays.

    Args:
        options: pip's long option names without dashes, values as pip shows them.
        environ: the environment uv will run in.

    >>> as_uv({"index-url": "https://mirror.test/simple"}, {})
    {'UV_DEFAULT_INDEX': 'https://mirror.test/simple'}
    """
    variables: Dict[str, str] = {}
    for option, variable in _VARIABLES.items():
        value = _value(option, options[option]) if options.get(option) else ""
        if value and variable not in environ:
            variables[variable] = value
    if "UV_INDEX" in variables:  # pip takes what several have from the main index, uv from the first of these
        variables["UV_INDEX"] = f"{main_index(options, environ)} {variables['UV_INDEX']}"
    if ("UV_INDEX" in variables or "UV_FIND_LINKS" in variables) and STRATEGY not in environ:
        # pip takes the best version over all indexes, uv the first index that knows the name.
        # Hashes in our locks keep the looser rule safe.
        variables[STRATEGY] = "unsafe-best-match"
    if options.get("proxy"):  # which pip uses in place of those of the environment
        proxy = options["proxy"] if "://" in options["proxy"] else "http://" + options["proxy"]
        variables.update({name: proxy for upper in proxies.PROXIES for name in (upper, upper.lower())})
    words = _words(options)
    return {**variables, OPTIONS: " ".join(map(shlex.quote, words))} if words else variables


def main_index(options: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Name the index that is asked before all others."""
    said = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    return said or options.get("index-url") or PYPI


def _value(option: str, value: str) -> str:
    if option.endswith("timeout"):
        return str(int(float(value)))
    if option in _SWITCHES:
        return "true" if _is_on(value) else "false"
    if option == "pre":
        return "allow" if _is_on(value) else ""
    if option == "keyring-provider":
        return "subprocess" if value in ("import", "subprocess") else ""
    words = value.split()
    if option == "find-links":  # uv separates these by commas
        return ",".join(words)
    if option == "trusted-host":
        return " ".join(urlsplit("//" + word).netloc for word in words)
    return value if option in FILES else " ".join(words)


def _is_on(value: str) -> bool:
    return value.lower() in ("1", "true", "yes", "on")


def _words(options: Mapping[str, str]) -> List[str]:
    """Give what uv knows as words of its command line only."""
    formats = [f"--{name}={value}" for name in ("no-binary", "only-binary") for value in _listed(options.get(name, ""))]
    return [*formats, *(["--no-deps"] if _is_on(options.get("no-deps", "")) else [])]


def _listed(value: str) -> List[str]:
    return value.replace(",", " ").split()


def only_pip(options: Mapping[str, str]) -> str:
    """Name the options in force that uv has nothing for, so that pip is to install; empty if there are none.

    >>> only_pip({"prefer-binary": "1", "pre": "1"}), only_pip({"prefer-binary": "0"})
    ('prefer-binary', '')
    """
    found = [name for name in _ONLY_PIP if options.get(name, "").lower() not in ("", "0", "false", "no", "off")]
    return ", ".join(found)


def uv_options(variables: Mapping[str, str]) -> List[str]:
    """List what uv must be told on its command line, because it has no variable for it."""
    no_index = ["--no-index"] if variables.get("UV_NO_INDEX") == "true" else []
    return [*no_index, *shlex.split(variables.get(OPTIONS, ""))]


def read(environ: Optional[Mapping[str, str]] = None, is_locked: bool = False) -> Dict[str, str]:
    """Ask for uv's variables for this machine.

    Args:
        is_locked: for a lock, which leaves no choice: constraints, which have no hashes, are not for it.
    """
    environ = os.environ if environ is None else environ
    return variables(options(environ), environ, is_locked)


def options(environ: Mapping[str, str], lines: Sequence[Line] = ()) -> Dict[str, str]:
    """Ask for pip's options in force: of this machine, then of a requirements file."""
    return file_options.in_force(pip_config.read(environ), lines)


def variables(options: Mapping[str, str], environ: Mapping[str, str], is_locked: bool) -> Dict[str, str]:
    """Make uv's variables of pip's options, proxies and certificates included."""
    # uv refuses constraints without hashes, pip passes over them where each version stands there.
    is_fixed = is_locked or _is_on(options.get("require-hashes", ""))
    dropped = ("constraint", "pre") if is_fixed else ()
    found = as_uv({name: value for name, value in options.items() if name not in dropped}, environ)
    found.update(certificates.for_uv({**environ, **found}))
    if "UV_PYTHON_DOWNLOADS" not in environ:  # a missing Python is said at once, not fetched from a release server
        found["UV_PYTHON_DOWNLOADS"] = "never"
    found.update(proxies.past_proxies({**environ, **found}, urls(options)))
    return found


def for_pip(options: Mapping[str, str], environ: Mapping[str, str], folder: Path) -> Dict[str, str]:
    """Make the variables by which pip has the options in force, those of a lock's requirements file too.

    Args:
        folder: see `certificates.for_pip`.
    """
    trusted = {} if options.get("cert") else certificates.for_pip(environ, folder)
    names = [name for name in (*PATHS, *FILES, *_PLACES) if options.get(name)]
    said = {f"PIP_{name.upper().replace('-', '_')}": options[name] for name in names}
    return {**proxies.past_proxies(environ, urls(options)), **trusted, **said}


def is_without_index(options: Mapping[str, str]) -> bool:
    """Tell whether no index may be asked."""
    return _is_on(options.get("no-index", ""))


def urls(options: Mapping[str, str]) -> List[str]:
    """List the places that packages are asked from."""
    names = ("index-url", "extra-index-url", "find-links")
    return [word for name in names for word in options.get(name, "").split()]


if __name__ == "__main__":
    json.dump(read(is_locked=True), sys.stdout)
