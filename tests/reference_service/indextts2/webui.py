"""IndexTTS2 as a service: POST /tts {text, emotion, intensity}, GET /health, a page.

    python tests/reference_service/indextts2/webui.py --host 0.0.0.0 --port 7860 --gpu --headless

The engine is whatever `indextts` its environment has. The weights lie as index-tts itself keeps them (config.yaml,
gpt.pth ..., and hf_cache/); the voice that it speaks with is speaker.wav beside them, or --voice.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

if TYPE_CHECKING:
    import argparse

    from protocol import Engine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:] = [str(HERE.parent), *(place for place in sys.path if place != str(HERE))]  # the face's modules

from program import Program, run  # noqa: E402 - found by the line above


def engine(options: argparse.Namespace) -> Engine:
    """Make IndexTTS2 of the options."""
    from indextts2.engine import Choices, IndexTTS2

    voice = options.voice or options.model_dir / "speaker.wav"
    return IndexTTS2(Choices(options.model_dir, voice, options.gpu, options.version, options.beams, options.threads))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only this engine has."""
    parser.add_argument("--voice", type=Path, metavar="WAV", help="who speaks; default: speaker.wav beside the weights")
    parser.add_argument("--version", choices=["2", "2.5"], default="2", help="of the engine; default: %(default)s")
    parser.add_argument("--beams", type=int, default=3, metavar="N", help="of its search; default: %(default)s")
    text = "of torch on a CPU; the same number gives the same bytes; default: %(default)s"
    parser.add_argument("--threads", type=int, default=1, metavar="N", help=text)


def main(argv: Optional[List[str]] = None) -> int:
    """Serve until a signal ends the process; return the exit code where it cannot."""
    bring = "nox -s deps models -- --settings tests/reference_service/indextts2/pipeline.yml"
    about = "IndexTTS2 over HTTP."
    models = ROOT / "cache_hub" / "indextts2"
    return run(Program(Path(__file__).resolve(), about, models, bring, HERE, engine, add_options), argv)


if __name__ == "__main__":
    sys.exit(main())
