"""The commands of the room by themselves: `python -m scripts.audio measure FILE`."""

from __future__ import annotations

import sys

from .commands import main

sys.exit(main())
