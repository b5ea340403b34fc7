"""A small Mandarin text-to-speech service with emotions; stands in for IndexTTS2's webui.py.

    python tests/reference_service/webui.py --host 0.0.0.0 --port 7860

Weights and packages are those that `nox -s deps models` brought, unless said otherwise. It listens at once and loads in
the meantime: GET /health answers 503 until it can speak. Ends with exit code 1 and one line on stderr where it cannot
start, 0 on SIGTERM, 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "cache_hub" / "models"
BRING = "scripts/bootstrap.sh nox -s deps models"
HANDED_OVER = "REFERENCE_SERVICE_HANDED_OVER"  # by a Python without the packages to one that has them


def main(argv: Optional[List[str]] = None) -> int:
    """Serve until a signal ends the process; return the exit code where it cannot."""
    options = _parser().parse_args(argv)
    # At once: requests may be deep inside the engine, and Python's own end would wait for them.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    sys.path.insert(0, str(Path(__file__).resolve().parent))  # PYTHONSAFEPATH leaves a script's own folder out
    if importlib.util.find_spec("waitress") is None:
        _hand_over()
    try:
        from serving import StartError, serve  # after the signals, since importing takes a while
    except ImportError as error:
        return _fail(f"{error}; bring the packages: {BRING}")
    if not options.model_dir.is_dir():
        return _fail(f"no weights in {options.model_dir}; bring them: {BRING}")
    try:
        serve(options.host, options.port, options.model_dir, options.gpu, options.headless)
    except StartError as error:
        return _fail(str(error))
    return _fail("the server ended by itself")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Mandarin text-to-speech over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=7860, help="0 for any free one")
    parser.add_argument("--model-dir", type=Path, default=MODELS, help="folder of the weights")
    parser.add_argument("--gpu", action="store_true", help="use a GPU where the runtime can")
    parser.add_argument("--headless", action="store_true", help="the API only, no page")
    return parser


def _port(text: str) -> int:
    """Refuse what the system would silently turn into another port."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _hand_over() -> None:
    """Become the Python of the environment that the pipeline made for the service, where there is one."""
    made = sorted(
        ROOT.glob(".pipeline/environments/service-*/bin/python"), key=lambda path: path.parent.stat().st_mtime
    )
    if made and HANDED_OVER not in os.environ:
        python = str(made[-1])
        os.execve(python, [python, str(Path(__file__)), *sys.argv[1:]], {**os.environ, HANDED_OVER: "yes"})  # noqa: S606 - our own Python


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
