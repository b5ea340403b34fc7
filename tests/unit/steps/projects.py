"""Small whole projects on disk: a real service, a real suite, a pipeline.yml."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path
from typing import List, Mapping, Optional

from tests.unit.compiled import PLUGIN, compiled_plugin

ROOT = Path(__file__).parents[3]
START_PYTEST = ("integration", "isolation", "merge", "plan", "shard")

SERVICE = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"run_id": os.environ.get("SHARDLINE_RUN_ID")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("service starts", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

GREEN = """
import os, urllib.request

def test_the_service_answers():
    assert urllib.request.urlopen(os.environ["SERVICE_URL"] + "/health").status == 200

def test_the_service_is_ours():
    os.kill(int(os.environ["SERVICE_PID"]), 0)
"""

SETTINGS = """
name: tiny
service:
  command: [{python}, service.py, "{{port}}"]
  ready: {{timeout: 20s}}
suite: {{path: checks}}
"""


def make(folder: Path, suite: str = GREEN, service: Optional[str] = SERVICE, settings: str = "") -> Path:
    """A project in `folder`: service.py, checks/test_it.py, pipeline.yml."""
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_it.py").write_text(textwrap.dedent(suite), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n")
    if service:
        (folder / "service.py").write_text(service)
    text = settings or (SETTINGS.format(python=sys.executable) if service else "suite: {path: checks}")
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    return folder


def words(project: Path, *arguments: str) -> List[str]:
    """The command line of one step for a project elsewhere."""
    step, *rest = arguments
    return [sys.executable, "-m", "scripts", step, "--settings", str(project / "pipeline.yml"), *rest]


def run(project: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one step to its end; stdout and stderr together, as a person sees them."""
    with compiled_plugin(project / PLUGIN) if arguments[0] in START_PYTEST else nullcontext():
        done = subprocess.run(
            words(project, *arguments),
            cwd=str(ROOT),
            env=variables(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=False,
        )
    print(done.stdout)  # pytest shows it where a test fails
    return done


def variables(more: Mapping[str, str]) -> Mapping[str, str]:
    """Drop from our environment what pytest's own run would hand down."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **more}  # see conftest.py
