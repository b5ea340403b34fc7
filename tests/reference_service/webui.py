"""A small Mandarin text-to-speech service with emotions; stands in for IndexTTS2's webui.py.

    python tests/reference_service/webui.py --host 0.0.0.0 --port 7860

Weights and packages are those that `nox -s deps models` brought, unless said otherwise. It listens at once and loads in
the meantime: GET /health answers 503 until it can speak. Ends with exit code 1 and one line on stderr where it cannot
start, 0 on SIGTERM, 130 on Ctrl-C. The engine is in fastspeech2/; indextts2/webui.py has the same face and another one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

if TYPE_CHECKING:
    import argparse

    from protocol import Engine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))  # PYTHONSAFEPATH leaves a script's own folder out

from program import Program, run  # noqa: E402 - found by the line above


def engine(options: argparse.Namespace) -> Engine:
    """Make the embedded voice."""
    from fastspeech2.engine import FastSpeech2

    return FastSpeech2(options.model_dir, options.gpu)


def main(argv: Optional[List[str]] = None) -> int:
    """Serve until a signal ends the process; return the exit code where it cannot."""
    models, bring = ROOT / "cache_hub" / "models", "scripts/bootstrap.sh nox -s deps models"
    about = "Mandarin text-to-speech over HTTP."
    return run(Program(Path(__file__).resolve(), about, models, bring, ROOT, engine), argv)


if __name__ == "__main__":
    sys.exit(main())
