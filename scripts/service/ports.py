"""Which port does the service get, and who holds it if it is taken."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import Collection, Dict, NamedTuple, Optional

from ..errors import SettingsError
from ..system.identity import are_told

HOST = "127.0.0.1"


class Listener(NamedTuple):
    """A process that listens on a port."""

    pid: int
    command: str


def free_port() -> int:
    """Find a port of the loopback address that nothing uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a service could listen on the port; one that closed a moment ago does not count.

    Raises:
        SettingsError: this user may not listen on the port at all.
    """
    with socket.socket() as probe:
        # Servers set this too; without it the TIME_WAIT of the last run would look like a holder.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            hint = "Give service.port a number from 1024 up, or leave it out."
            raise SettingsError(f"service.port: may not listen on port {port}: {error.strerror}", hint) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def listener(port: int) -> Optional[Listener]:
    """Find who listens on the port; None where nobody does or the system does not tell (other users, no /proc)."""
    return listeners([port]).get(port)


def listeners(ports: Collection[int]) -> Dict[int, Listener]:
    """Find who listens on each of these ports, as far as the system tells."""
    import psutil

    found: Dict[int, Listener] = {}
    for process in psutil.process_iter() if are_told() else ():
        with suppress(psutil.Error):
            sockets = process.net_connections(kind="tcp")
            held = {each.laddr.port for each in sockets if each.laddr and each.status == psutil.CONN_LISTEN}
            for port in held.intersection(ports):
                found.setdefault(port, Listener(process.pid, " ".join(process.cmdline())))
    return found
