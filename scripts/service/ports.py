"""Which port does the service get, and who holds it if it is taken."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import Collection, Dict, NamedTuple, Optional

from ..errors import PortInUse, SettingsError, shortened
from ..system import process_tree, records
from ..system.identity import are_told
from ..system.records import Record

HOST = "127.0.0.1"
# What stands for all addresses of this machine, and the one that we use of them.
ALL = {"0.0.0.0": HOST, "::": "::1"}  # noqa: S104 - known, not bound


class Listener(NamedTuple):
    """A process that listens on a port."""

    pid: int
    command: str


def url(host: str, port: int) -> str:
    """Make the url by which this machine reaches what listens there.

    >>> url("127.0.0.1", 80), url("0.0.0.0", 80), url("::", 80)
    ('http://127.0.0.1:80', 'http://127.0.0.1:80', 'http://[::1]:80')
    """
    near = ALL.get(host, host)
    return f"http://{f'[{near}]' if ':' in near else near}:{port}"


def free_port(host: str = HOST) -> int:
    """Find a port of an address that nothing uses now.

    Raises:
        SettingsError: it is no address of this machine.
    """
    with _probe(host) as probe:
        _bind(probe, host, 0)
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether a service could listen on the port; one that closed a moment ago does not count.

    Raises:
        SettingsError: it is no address of this machine, or this user may not listen on the port at all.
    """
    with _probe(host) as probe:
        # Servers set this too; without it the TIME_WAIT of the last run would look like a holder.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(probe, host, port)
        except PermissionError as error:
            hint = "Give service.port a number from 1024 up, or leave it out."
            raise SettingsError(f"service.port: may not listen on port {port}: {error.strerror}", hint) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def _probe(host: str) -> socket.socket:
    try:
        return socket.socket(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0])
    except (OSError, UnicodeError) as error:
        raise _no_address(host, error) from error


def _bind(probe: socket.socket, host: str, port: int) -> None:
    try:
        probe.bind((host, port))
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise _no_address(host, error) from error
        raise


def _no_address(host: str, error: Exception) -> SettingsError:
    hint = "Leave it out for loopback; 0.0.0.0 is all addresses. What runs on another machine is a service.url."
    return SettingsError(f"service.host: {shortened(host)} is no address of this machine: {error}", hint)


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


def check_port(state: Path, port: int, host: str = HOST) -> None:
    """Refuse a fixed port that somebody holds.

    Raises:
        PortInUse: it names the holder, and what to do.
        SettingsError: it is no address of this machine, or this user may not listen there.
    """
    if is_free(port, host):
        return
    holder = listener(port)
    record = next((r for r in records.read_all(state) if holder and _belongs(holder.pid, r)), None)
    raise port_taken(port, holder, record)


def port_taken(port: int, holder: Optional[Listener], record: Optional[Record]) -> PortInUse:
    """Say that a fixed port is taken: by whom, and what to do about it."""
    leave_out = "leave service.port out of pipeline.yml, so that every start takes a free one"
    if holder is None:
        return PortInUse(f"service.port {port} is in use by a process that cannot be seen", f"Stop it, or {leave_out}.")
    held = f"service.port {port} is in use by pid {holder.pid} ({holder.command})"
    if record is None:
        return PortInUse(f"{held}, which was not started by us", f"Stop it, or {leave_out}.")
    if record.detached:
        return PortInUse(f"{held}, left over from an earlier run of ours", "Run `{command}`.", ("invoke", "stop"))
    return PortInUse(f"{held}, the service of another run of ours that still goes on", f"Wait for it, or {leave_out}.")


def _belongs(pid: int, record: Record) -> bool:
    return any(member.pid == pid for member in process_tree.tree(record.process, record.run_id))
