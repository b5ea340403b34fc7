"""Weights through proxies, and past them; a proxy that fails is named."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import Dict, Iterator, List

import pytest

from scripts.models.addresses import SourceError
from scripts.models.http import Interrupted, Patience, Remote, Web
from scripts.system.proxies import NO_PROXY, PROXIES
from tests.unit.models.loopback import content, serve, status

CLOSED = "127.0.0.1:9"  # nothing listens there


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *NO_PROXY):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def fetched(url: str) -> bytes:
    web = Web(Patience(connect_s=5, stall_s=5))
    with web.get(Remote(url, {}, lambda status, body: ""), {}, True) as answer:
        return web.read(answer, 100)


@contextmanager
def socks5(names: List[str]) -> Iterator[str]:
    """A SOCKS5 proxy for one connection, which answers itself as the host it is asked for would."""

    def answer() -> None:
        with listener.accept()[0] as client, client.makefile("rb") as asked:
            asked.read(2 + 1)  # one way to log in is offered: none
            client.sendall(b"\5\0")
            asked.read(4)
            names.append(asked.read(asked.read(1)[0]).decode())
            asked.read(2)
            client.sendall(b"\5\0\0\1" + bytes(6))
            asked.readline()
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"socks5h://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


def test_weights_come_through_a_socks_proxy_which_looks_up_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names: List[str] = []
    with socks5(names) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy)

        assert (b"abc", ["weights.test"]) == (fetched("http://weights.test/a.bin"), names)


@pytest.mark.parametrize("said", [{}, {"NO_PROXY": "*,foo"}, {"no_proxy": ".corp"}])
def test_a_server_on_this_machine_is_asked_past_the_proxy(
    said: Dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HTTP_PROXY": f"http://{CLOSED}", **said}.items():
        monkeypatch.setenv(name, value)
    with serve({"/a": content(b"abc")}) as server:
        assert b"abc" == fetched(f"{server.url}/a")


@pytest.mark.parametrize(
    "variable, proxy, words",
    [
        ("http_proxy", f"http://me:secret@{CLOSED}", f"Connection refused, asked by the proxy http://{CLOSED} (from h"),
        ("ALL_PROXY", f"socks5h://me:secret@{CLOSED}", f"asked by the proxy socks5h://{CLOSED} (from ALL_PROXY)"),
        ("ALL_PROXY", f"socks://me:secret@{CLOSED}", f"it cannot be asked by the proxy socks://{CLOSED} (from ALL_"),
    ],
)
def test_a_proxy_that_fails_is_named_with_its_variable_and_without_its_password(
    variable: str, proxy: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy)

    with pytest.raises((SourceError, Interrupted)) as failed:
        fetched("http://weights.test/a.bin")

    assert words in str(failed.value)
    assert "secret" not in str(failed.value)


def test_a_proxy_that_wants_another_password_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve({"http://weights.test/a.bin": status(407)}) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)

        with pytest.raises(SourceError, match=r"HTTP 407.*its user or password is not the right one"):
            fetched("http://weights.test/a.bin")
