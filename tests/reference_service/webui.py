"""A small Mandarin text-to-speech service with emotions; stands in for IndexTTS2's webui.py.

    python tests/reference_service/webui.py --model-dir DIR

It listens at once and loads in the meantime: GET /health answers 503 until it can speak. Ends
with exit code 1 and one line on stderr where it cannot start, 0 on SIGTERM, 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import List, Optional


def main(argv: Optional[List[str]] = None) -> int:
    """Serve until a signal ends the process; return the exit code where it cannot."""
    options = _parser().parse_args(argv)
    # At once: requests may be deep inside the engine, and Python's own end would wait for them.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    sys.path.insert(0, str(Path(__file__).resolve().parent))  # PYTHONSAFEPATH leaves a script's own folder out
    try:
        from serving import StartError, serve  # after the signals, since importing takes a while
    except ImportError as error:
        return _fail(f"{error}; install {Path(__file__).with_name('requirements.txt')}")
    try:
        serve(options.host, options.port, options.model_dir, options.gpu, options.headless)
    except StartError as error:
        return _fail(str(error))
    return _fail("the server ended by itself")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Mandarin text-to-speech over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=7860, help="0 for any free one")
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--gpu", action="store_true", help="use a GPU where the runtime can")
    parser.add_argument("--headless", action="store_true", help="the API only, no page")
    return parser


def _port(text: str) -> int:
    """Refuse what the system would silently turn into another port."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
