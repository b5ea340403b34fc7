"""Puts the reference service's modules on the path; those tested here need only the standard library."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "reference_service"))
