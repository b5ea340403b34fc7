"""Why uv or pip failed, by what they really printed, and what may help."""

from __future__ import annotations

import pytest

from scripts.environments import reasons
from scripts.system.proxies import which

FETCH = "error: Failed to fetch: https://index.test/simple/lib/\n  cause: client error (Connect)\n  cause: "
BROKEN = "WARNING: Retrying (Retry(total=0)) after connection broken by '"
NONE = "\nERROR: No matching distribution found for lib\n"


@pytest.mark.parametrize(
    "output, kind",
    [
        (FETCH + "invalid peer certificate: UnknownIssuer", "certificate"),
        (f"{BROKEN}SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...{NONE}", "certificate"),
        ("error: No solution found\nhint: An index URL could not be queried (401 Unauthorized)", "log-in"),
        (f"ERROR: https://a/: 401 Client Error: Unauthorized for url: https://a/{NONE}", "log-in"),
        ("  cause: HTTP status client error (407 Proxy Authentication Required)", "proxy log-in"),
        (
            f"{BROKEN}ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy ...",
            "proxy log-in",
        ),
        (FETCH + "tunnel error: failed to create underlying connection\n  cause: Connection refused", "proxy"),
        ("ERROR: Proxy URL had unsupported scheme foo, should use http:// or https://", "proxy"),
        ("ERROR: Could not install packages due to an OSError: Missing dependencies for SOCKS support.", "no socks"),
        (FETCH + "dns error\n  cause: failed to lookup address information: Name or service not known", "name"),
        (FETCH + "tcp connect error\n  cause: Connection refused (os error 111)", "network"),
        ("error: Failed to fetch\n  cause: HTTP status server error (500 Internal Server Error) for url", "server"),
        (
            "error: No solution found\nthe current Python version (3.11.7) does not satisfy Python>=3.13",
            "python",
        ),
        ("error: No solution found when resolving dependencies", "version"),
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io", "version"),
        ("error: Failed to build `a==1`\n  cause: Call to `be.build_wheel` failed\n Connection refused", "build"),
        ("  × Preparing metadata (pyproject.toml) did not run successfully.\n  │ exit code: 1", "build"),
        ("  cause: Failed to write: No space left on device (os error 28)", "disk"),
        ("error: Failed to download `a==1`\n  cause: Hash mismatch for `a==1`", "hash"),
        ("error: In `--require-hashes` mode, all requirements must have a hash", "no hash"),
        ("error: Unexpected '-', expected '-c', '-e', '-r' or the start of a requirement: r.txt:1:1", "line"),
        ("error: No interpreter found for Python 3.9", "interpreter"),
        ("  cause: received fatal alert: CertificateRequired", "own certificate"),
        ("ERROR: hm", ""),
    ],
)
def test_the_kind_of_a_failure_is_known(output: str, kind: str) -> None:
    assert kind == reasons.kind(output)


def test_only_where_it_is_the_question_it_is_asked_whether_the_index_is_reachable() -> None:
    asked = [kind for kind, output in SAMPLES.items() if "reachable" in reasons.hint(output)]

    assert ["network", "name"] == asked


def test_a_python_without_ensurepip_is_the_one_that_was_installed_for() -> None:
    assert reasons.hint("No module named ensurepip", "", "3.10").endswith("sudo apt install python3.10-venv")


SAMPLES = {
    "network": FETCH + "Connection refused",
    "name": FETCH + "dns error",
    "certificate": FETCH + "invalid peer certificate: UnknownIssuer",
    "log-in": "401 Unauthorized",
    "build": "Call to `a` failed",
    "disk": "No space left on device",
    "version": "No solution found",
    "": "hm",
}


@pytest.mark.parametrize(
    "output, proxy, words",
    [
        (FETCH + "Connection refused", "http://me:secret@p:1", "by the proxy http://p:1 (from HTTPS_PROXY)"),
        (FETCH + "407 Proxy Authentication", "http://me:secret@p:1", "http://p:1 (from HTTPS_PROXY) wants a user"),
        (FETCH + "dns error", "foo://me:secret@p:1", "foo://p:1 (from HTTPS_PROXY) is of no kind"),
    ],
)
def test_a_proxy_that_stands_between_is_named_without_its_password(output: str, proxy: str, words: str) -> None:
    hint = reasons.hint(output, which("https://index.test", {"HTTPS_PROXY": proxy}))

    assert words in hint
    assert "secret" not in hint


@pytest.mark.parametrize(
    "kind, alone, of_several", [("network", False, True), ("version", False, False), ("certificate", True, True)]
)
def test_pip_is_tried_only_where_it_does_something_else(kind: str, alone: bool, of_several: bool) -> None:
    told = [bool(reasons.may_differ(SAMPLES[kind], several)) for several in (False, True)]

    assert [alone, of_several] == told
