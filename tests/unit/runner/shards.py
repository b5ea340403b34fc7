"""A suite in a folder whose tests are one shard, run by real pytest processes."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence

from scripts.ci import Node
from scripts.environments.environments import Environment
from scripts.runner import rounds
from scripts.runner.claims import Claims
from scripts.runner.decisions import Outcome
from scripts.runner.preparation import Environments
from scripts.runner.pytest_process import Supervision
from scripts.runner.rounds import ShardRun
from scripts.runner.selection import Selection
from scripts.runner.service_session import ServiceSession
from scripts.runner.shard import fresh
from scripts.runner.watchdog import watchdog
from scripts.settings import Settings, Suite
from scripts.typed_yaml import Seconds
from tests.unit.compiled import PLUGIN, compiled_plugin

START = "5f3a"  # marks the lines of its journal


class Shard:
    """A suite in a folder whose tests are one shard."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "suite"
        self.folder = folder / "shard"
        self.said: List[str] = []
        (self.project / "tests").mkdir(parents=True)
        (self.project / "pytest.ini").write_text("[pytest]\n")

    def write(self, **modules: str) -> Shard:
        for name, text in modules.items():
            (self.project / "tests" / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        # What is compiled already counts as fresh while size and second are those of the text.
        shutil.rmtree(str(self.project / "tests" / "__pycache__"), ignore_errors=True)
        return self

    def run(
        self,
        *arguments: str,
        ids: Optional[Sequence[str]] = None,
        timeout_s: float = 60.0,
        signalled: Callable[[], bool] = lambda: False,
        claims: Optional[Claims] = None,
        **suite_settings: Any,
    ) -> Outcome:
        suite = Suite("tests", test_timeout_s=Seconds(timeout_s), **suite_settings)
        settings = Settings(suite, file=self.project / "pipeline.yml")
        more = ["-q", "-p", "no:cacheprovider", *arguments]
        nowhere = str(self.folder / "nowhere.json")
        node = Node(0, 2 if claims else 1)
        selection = Selection(START, 0, node.total, nowhere, nowhere, "m", ids=None if ids is None else tuple(ids))
        run = ShardRun(settings, node, fresh(self.folder), selection, more, claims=claims)
        environments = Environments(Environment(Path(sys.prefix)))
        plugin = compiled_plugin(self.project / PLUGIN)
        with plugin, watchdog() as dog, ServiceSession(settings, environments, self.folder, dog) as session:
            return rounds.run(run, session, Supervision(settings.state, dog), signalled, self.said.append)
