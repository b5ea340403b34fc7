"""A service measures itself for the result of its shard: all its processes, also where nothing else measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import InstallError
from scripts.proof import results
from scripts.runner import coverage, service_coverage
from scripts.settings import Service
from tests.unit.steps import projects

SERVICE = """
import http.server, os, subprocess, sys

def answer(path):
    if path == "/sub":
        return subprocess.run([sys.executable, "-c", "import helper"]).returncode
    if path == "/other":
        return "never"

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer(self.path)
        self.send_response(200)
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SUITE = """
import os, urllib.request

def test_it():
    assert urllib.request.urlopen(os.environ["SERVICE_URL"] + "/sub").status == 200
"""
needs_it = pytest.mark.skipif(sys.version_info < (3, 10), reason="there is no coverage 7.13 for it")


@needs_it
def test_what_tests_cover_in_the_service_and_its_processes_is_in_the_report(tmp_path: Path) -> None:
    command = f'command: [{sys.executable}, service.py, "{{port}}"]\n  ready: {{timeout: 20s}}'
    text = f"service:\n  {command}\n  coverage: true\nsuite: {{path: checks}}\n"
    project = projects.make(tmp_path, SUITE, SERVICE, text)
    (project / "helper.py").write_text("DONE = True\n\n\ndef never() -> None:\n    print()\n")
    (project / ".coveragerc").write_text("[run]\nbranch = true\nsource = .\n")
    assert 0 == projects.run(project, "integration").returncode

    loaded = settings.load(str(project / "pipeline.yml"), {}, project)
    receipts = results.gather(loaded.reports).receipts
    report = tmp_path / "coverage.xml"
    measured = coverage.as_xml(loaded, sys.executable, project, receipts, report)
    xml = report.read_text()

    assert measured and ("", ()) == (measured.error, measured.doubts)
    assert ["helper.py", "service.py"] == sorted(part.partition('"')[0] for part in xml.split('filename="')[1:])
    assert '<line number="7" hits="1" branch="true" condition-coverage="50% (1/2)" missing-branches="8"/>' in xml
    assert '<line number="1" hits="1"/>' in xml.partition('filename="helper.py"')[2].partition("</class>")[0]


@needs_it
def test_a_service_whose_python_has_no_coverage_is_told_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("service:\n  command: [python, app.py]\n  coverage: true\n")
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    loaded = settings.load(None, {}, tmp_path)

    with pytest.raises(InstallError) as caught:
        service_coverage.measuring(loaded, "service", {"PATH": f"{python.parent}:/bin"}, tmp_path)
    assert "pipeline.yml:3: service.coverage: expected coverage 7.13 or newer: " in str(caught.value)
    assert "has no coverage\nhint: Add coverage to what the service's environment is made from." in str(caught.value)


@pytest.mark.parametrize("words", [{"shared": True, "command": ("serve",)}, {"url": "http://127.0.0.1:1"}])
def test_a_service_that_is_no_shard_s_own_is_not_measured(words: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match="is not measured: its data belong to no shard"):
        Service(coverage=True, **words)
