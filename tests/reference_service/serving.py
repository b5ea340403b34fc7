"""Listen, load the voice in the meantime, serve."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any, Dict

from api import Service, create_app
from waitress.server import create_server
from weights import WeightsError

VERSION = "1.0.0"
MODEL = "FastSpeech2 + MB-MelGAN, Mandarin, one female voice"
THREADS = 8  # requests wait in these for the one engine; /health needs a free one
# A body up to here is read before it is refused, so that the client gets our 413 to see.
MAX_DRAINED_BYTES = 16 * 1024 * 1024


class StartError(Exception):
    """Why the service cannot start, in one line for people."""


def serve(host: str, port: int, model_dir: Path, gpu: bool, headless: bool) -> None:
    """Serve for ever; raises StartError where the port or the weights cannot be used."""
    service = Service(_facts(gpu))
    server = _listen(create_app(service, headless), host, port)
    _log(f"listening on http://{host}:{server.effective_port}, loading {model_dir}")
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    service.speaker = _load(model_dir)
    _log(f"ready after {service.health()['uptime_s']} s: {MODEL}")
    serving.join()


def _facts(gpu: bool) -> Dict[str, Any]:
    """Return what /health says besides status and uptime."""
    facts = {
        "model": MODEL,
        "device": "cpu",
        "version": VERSION,
        "run_id": os.environ.get("SHARDLINE_RUN_ID"),
    }
    if gpu:
        facts["gpu"] = "requested, no GPU backend in this runtime"
        _log(f"--gpu {facts['gpu']}; running on the CPU")
    return facts


def _listen(app: Any, host: str, port: int) -> Any:
    try:
        return create_server(app, host=host, port=port, threads=THREADS, max_request_body_size=MAX_DRAINED_BYTES)
    except (OSError, ValueError) as error:
        raise StartError(f"cannot listen on {host}:{port}: {error}; choose another --host or --port") from error


def _load(model_dir: Path) -> Any:
    """Return the speaker, warmed up."""
    try:
        from speech import Speaker  # here, since it takes longer to import than to listen

        speaker = Speaker(model_dir)
    except WeightsError as error:
        raise StartError(str(error)) from error
    except ImportError as error:
        raise StartError(f"{error}; install {Path(__file__).with_name('requirements.txt')}") from error
    speaker.speak("你好", "neutral", 1.0)  # so that no request pays for what is lazy in the runtime
    return speaker


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
