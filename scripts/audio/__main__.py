"""The commands of the room by themselves: `python -m scripts.audio measure FILE`."""

from __future__ import annotations

import os
import sys

# before numpy comes: its threads wait for each other in a loop, which costs ten times the work on a busy machine
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .commands import main

sys.exit(main())
