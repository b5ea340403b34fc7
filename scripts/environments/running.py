"""The Python that runs us."""

from __future__ import annotations

import sys

HERE = "{}.{}".format(*sys.version_info)  # as 3.11
