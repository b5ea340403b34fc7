"""A TCP proxy on loopback that does wrong as the test orders, between a client and a store that does right.

It knows no protocol: an answer is what the server sends until it falls silent for a moment. So `lose_answer` passes a
request on, lets the server carry it out, and cuts the connection instead of answering.
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import contextmanager, suppress
from typing import Iterator, List, NamedTuple, Tuple

QUIET_S = 0.02  # after which an answer is taken to be whole


class Fault(NamedTuple):
    """What goes wrong with one answer.

    lose: the request is carried out, and the connection cut. refuse: it is cut before the request is passed on.
    truncate: half of the answer, then cut. double: the answer twice. late: the answer after `delay_s`.
    stall: neither answer nor end, until the proxy is closed.
    """

    kind: str
    delay_s: float = 0.0


class Proxy:
    """Listens at `port`; does wrong once for each of `faults`, in their order, beginning with the next request.

    `always` goes wrong with every answer that `faults` does not. `down` cuts every connection and takes no new one.
    """

    def __init__(self, server: Tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.faults: List[Fault] = []
        self.always = Fault("none")
        self.down = False
        self.passed = 0  # answers, and what was lost of them
        self._closed = threading.Event()
        self._open: List[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Cut all connections, listen no more, and leave no thread behind."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._listener.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Cut all connections that are open."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.down:
                    client.close()
                    continue
                self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._server) as server:
            self._open += [client, server]
            while self._exchange(client, server):
                pass

    def _exchange(self, client: socket.socket, server: socket.socket) -> bool:
        """Pass on one request and its answer; False where the connection ends with it."""
        request = client.recv(65536)
        if not request or self.down:
            return False
        fault = self.faults.pop(0) if self.faults else self.always
        if fault.kind == "refuse":
            return False
        server.sendall(request + _more(client))
        answer = server.recv(65536)
        if not answer:
            return False
        answer += _more(server)
        self.passed += 1
        return self._answer(client, answer, fault)

    def _answer(self, client: socket.socket, answer: bytes, fault: Fault) -> bool:
        if fault.kind == "stall":
            self._closed.wait()
        if fault.kind in ("lose", "stall"):
            return False
        if fault.kind == "late":
            self._closed.wait(fault.delay_s)
        client.sendall(answer[: len(answer) // 2] if fault.kind == "truncate" else answer)
        if fault.kind == "double":
            client.sendall(answer)
        return fault.kind != "truncate"


def _more(sender: socket.socket) -> bytes:
    """Read what else comes before the sender falls silent."""
    found = b""
    while select.select([sender], [], [], QUIET_S)[0]:
        part = sender.recv(65536)
        if not part:
            break
        found += part
    return found


@contextmanager
def between(server: Tuple[str, int]) -> Iterator[Proxy]:
    """Run a proxy to a server until the block ends."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
