from __future__ import annotations

import os
import socket

import pytest

from scripts.errors import SettingsError
from scripts.service import ports
from tests.unit.service.children import listener


def test_a_free_port_is_free() -> None:
    assert ports.is_free(ports.free_port())


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    with listener() as port:
        assert not ports.is_free(port)


def test_a_port_that_was_closed_a_moment_ago_is_free() -> None:
    with listener_and_client() as port:
        pass

    assert ports.is_free(port)


def test_a_port_that_somebody_has_on_one_address_is_not_free_on_all() -> None:
    with listener() as port:
        assert not ports.is_free(port, "0.0.0.0")


@pytest.mark.parametrize("host", ["240.0.0.1", "a..b"])  # reserved; no name
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=f"'?{host}'? is no address of this machine"):
        ports.is_free(80, host)


def test_who_listens_on_a_port_is_named() -> None:
    with listener() as port:
        holder = ports.listener(port)

    assert holder is not None
    assert os.getpid() == holder.pid
    assert "pytest" in holder.command


def test_nobody_listens_on_a_free_port() -> None:
    assert ports.listener(ports.free_port()) is None


class listener_and_client:
    """A connection whose server's side closes first, which leaves the port in TIME_WAIT."""

    def __enter__(self) -> int:
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((ports.HOST, 0))
        self.server.listen(1)
        self.client = socket.create_connection(self.server.getsockname())
        self.accepted, _ = self.server.accept()
        return int(self.server.getsockname()[1])

    def __exit__(self, *exception: object) -> None:
        for end in (self.accepted, self.client, self.server):
            end.close()
