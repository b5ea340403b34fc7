"""What is under test: pipeline.yml as frozen dataclasses.

One settings file describes one project; its paths are relative to the folder it lies in. Every
mistake is reported at once, with file:line and the key that was probably meant.
"""

from .distribution import Distribution
from .models import SCHEMES, ModelFile, Models, Wheel
from .project import FILE_NAME, Settings, address, find, load, located
from .service import Budgets, Expected, Limits, Prepare, Probe, Service, WarmUp
from .sonar import Sonar
from .suite import SHARD, Suite

__all__ = [
    "FILE_NAME",
    "SCHEMES",
    "SHARD",
    "Budgets",
    "Distribution",
    "Expected",
    "Limits",
    "ModelFile",
    "Models",
    "Prepare",
    "Probe",
    "Service",
    "Settings",
    "Sonar",
    "Suite",
    "WarmUp",
    "Wheel",
    "address",
    "find",
    "load",
    "located",
]
