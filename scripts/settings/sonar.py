"""What of a project goes to SonarQube, as pipeline.yml says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

from ..console import SECRET_NAME
from ..errors import shortened
from ..typed_yaml import Seconds, checked
from .checks import check_all_given


def _check_key(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,400}", text) or text.isdigit():  # as SonarQube's own check has it
        expected = "expected letters, digits, - _ . and :, and not digits alone"
        raise ValueError(f"{expected}, got {shortened(text)}")


def _check_property(name: str) -> None:
    if not re.fullmatch(r"sonar(\.[\w-]+)+", name):
        raise ValueError(f"expected a property of SonarQube (sonar.organization), got {shortened(name)}")
    if SECRET_NAME.search(name.rpartition(".")[2]) or name in ("sonar.login", "sonar.host.url"):
        raise ValueError(f"{name} stands in no file: set SONAR_TOKEN and SONAR_HOST_URL in the environment")


@dataclass(frozen=True)
class Sonar:
    """The project as SonarQube knows it.

    Without `key` it is made from `name`. `sources` are files and folders, from the folder of pipeline.yml; without
    them all is sent that is no test. `properties` are further ones of SonarQube. What stands in
    sonar-project.properties, or in [tool.sonar] of pyproject.toml, is left as it is.
    """

    key: Optional[str] = checked(_check_key, default=None)
    sources: Tuple[str, ...] = checked(check_all_given, default=())
    properties: Mapping[str, str] = checked(None, _check_property, default_factory=dict)
    gate_timeout_s: Seconds = Seconds(300)
