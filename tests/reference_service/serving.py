"""Listen, load the engine in the meantime, serve."""

from __future__ import annotations

import os
import threading
from importlib import metadata
from typing import Any

from api import MOST_WAITING, Service, create_app
from output import say
from protocol import Engine, StartError
from waitress.server import create_server

VERSION = "1.1.0"
THREADS = MOST_WAITING + 1 + 4  # all who may wait, the one that is served, and some for /health and what is refused
MOST_CONNECTIONS = 1000  # idle ones, too, which would keep /health out
# A body up to here is read before it is refused, so that the client gets our 413 to see.
MAX_DRAINED_BYTES = 16 * 1024 * 1024


def serve(engine: Engine, host: str, port: int, headless: bool) -> None:
    """Serve for ever; raises StartError where the port or the weights cannot be used."""
    service = Service(engine, VERSION, os.environ.get("SHARDLINE_RUN_ID"))
    server = _listen(create_app(service, headless), host, port)
    say(f"listening on http://{host}:{server.effective_port}, loading {engine.model}")
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    service.load()
    say(f"ready after {service.health()['uptime_s']} s on {engine.device()}: {engine.model}")
    serving.join()


def _listen(app: Any, host: str, port: int) -> Any:
    try:
        return create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            max_request_body_size=MAX_DRAINED_BYTES,
            connection_limit=MOST_CONNECTIONS,
            asyncore_use_poll=True,
            channel_request_lookahead=_lookahead(),
        )
    except (OSError, ValueError) as error:
        raise StartError(f"cannot listen on {host}:{port}: {error}; choose another --host or --port") from error


def _lookahead() -> int:
    """Let waitress read on while a request is served: else nobody sees that a client has hung up.

    It closes on clients that end their half of the connection with the request (nc -N). Before 3.0.1 what was read so
    far could be taken for another request (CVE-2024-49768): there it stays off.
    """
    release = tuple(int(number) for number in metadata.version("waitress").split(".")[:3] if number.isdigit())
    return int(release >= (3, 0, 1))
