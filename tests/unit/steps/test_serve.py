from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import List

from scripts import settings
from scripts.steps import serve
from scripts.system import records
from scripts.system.identity import is_running
from tests.unit.steps import projects


def test_a_detached_service_answers_until_it_is_stopped(tmp_path: Path) -> None:
    project = settings.load(None, {}, projects.make(tmp_path))
    said: List[str] = []

    serve.run_detached(project)
    serve.run_detached(project)  # says that it runs already
    stopped = records.sweep(project.state, said.append, detached_too=True)

    assert 1 == len(stopped)
    assert not is_running(stopped[0].process)
    assert [] == records.sweep(project.state, said.append, detached_too=True)


SAYS_ITS_WORDS = projects.SERVICE.replace('os.environ.get("SHARDLINE_RUN_ID")', "sys.argv[2:]")
FOR_OTHERS = """
service: {{command: [{python}, service.py, "{{port}}", "{{host}}"]}}
suite: {{path: checks}}
"""


def test_serving_for_others_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    service = SAYS_ITS_WORDS.replace('"127.0.0.1"', "sys.argv[2]")
    project = projects.make(tmp_path, service=service, settings=FOR_OTHERS.format(python=sys.executable))
    process = subprocess.Popen(
        projects.words(project, "serve", "--host", "0.0.0.0", "--gpu", "--", "--host", "{x}"),
        cwd=str(projects.ROOT),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=projects.variables({}),
    )
    assert process.stdout
    url = next(match.group(1) for match in map(re.compile(r"open (\S+)").match, process.stdout) if match)
    told = process.stdout.readline()
    answer = urllib.request.urlopen(url + "/health").read().decode()  # noqa: S310 - http, of our own service
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)

    assert url.startswith("http://127.0.0.1:")
    assert "it listens on all addresses of this machine (0.0.0.0)" in told
    assert ({"run_id": ["0.0.0.0", "--gpu", "--host", "{x}"]}, 130) == (json.loads(answer), process.returncode)
    assert "service: stopped" in rest


def test_a_project_without_a_service_says_so(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, service=None), "serve")

    assert (2, True) == (done.returncode, "has no service.command" in done.stdout)


def test_a_service_that_ends_by_itself_ends_serving(tmp_path: Path) -> None:
    script = projects.SERVICE.replace(".serve_forever()", ".handle_request()")
    done = projects.run(projects.make(tmp_path, service=script), "serve")

    assert 10 == done.returncode, done.stdout
    assert "service starts" in done.stdout  # its last words
