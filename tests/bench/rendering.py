"""Have the reference service's engine speak, in its environment: `python rendering.py ENGINE MODELS FOLDER < texts`.

Each line of the input is a text; 000.wav and so on are written. Texts that lie there are not spoken again.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(engine: str, models: str, folder: str) -> None:
    """Speak what stdin has."""
    sys.path[0] = engine  # instead of this folder, whose modules have names of the standard library
    from fastspeech2.speech import Speaker  # type: ignore[import-not-found]

    speaker = None
    for index, line in enumerate(sys.stdin.buffer.read().decode("utf-8").splitlines()):
        path = Path(folder, f"{index:03}.wav")
        if not path.exists():
            speaker = speaker or Speaker(Path(models))
            path.write_bytes(speaker.speak(line, "neutral", 1.0))


if __name__ == "__main__":
    main(*sys.argv[1:])
