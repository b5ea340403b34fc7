from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

from scripts.__main__ import main
from scripts.adoption import templates
from tests.unit.steps import projects

SERVICE = """
import argparse, http.server, json

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"{}" if self.path == "/health" else b"")
    def do_POST(self):
        if self.path == "/embed":
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(json.dumps(len(data["texts"])).encode())
    def answer(self, body):
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=80)
http.server.ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
"""


def contents(folder: Path) -> Dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_service_that_is_adopted_is_green_without_an_edit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.py").write_text(SERVICE)
    main(["adopt", str(tmp_path)])
    told = capsys.readouterr().out
    settings = tmp_path / "pipeline.yml"  # but for the packages, which would be installed from an index
    settings.write_text(re.sub(r"(?m)^  requirements: .*\n", "", settings.read_text(encoding="utf-8")))

    done = projects.run(tmp_path, "integration")

    assert (0, True) == (done.returncode, "2 tests: 2 passed" in done.stdout)
    assert re.search(rf"next: cd {tmp_path} && nox -s integration", told)
    assert re.search(r"found: start +server.py:\d+: python server.py --port {port}", told)


def test_a_second_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.py").write_text(SERVICE)
    (tmp_path / "noxfile.py").write_text("mine")
    main(["adopt", str(tmp_path)])
    once = contents(tmp_path)
    capsys.readouterr()

    main(["adopt", str(tmp_path)])

    assert once == contents(tmp_path)
    assert b"mine" == once["noxfile.py"]
    assert "made " not in capsys.readouterr().out


def test_where_nothing_says_how_the_service_starts_the_next_step_is_to_say_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["adopt", str(tmp_path)])
    told = capsys.readouterr().out

    assert "wrong  edit: pipeline.yml:5: which command starts the service?" in told
    assert f"next: mend what is wrong above, then cd {tmp_path} && nox" in told


def test_a_dry_run_prints_what_it_would_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["adopt", str(tmp_path), "--dry-run"])

    assert {} == contents(tmp_path)
    assert "  | service:\n" in capsys.readouterr().out


def test_an_empty_folder_gets_settings_that_say_what_to_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["adopt", str(tmp_path)])
    told = capsys.readouterr().out

    assert re.search(r"wrong +edit: pipeline.yml:\d+: ", told)
    assert "which command starts the service?" in told


def test_a_project_on_gitlab_that_has_pipelines_gets_ours_to_include_and_another_ci_only_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")
    main(["adopt", str(tmp_path)])
    told = capsys.readouterr().out
    main(["adopt", str(tmp_path), "--ci", "github"])

    assert "made      .gitlab/shardline.yml: the same in GitLab (.gitlab-ci.yml is there" in told
    assert "note   ci: .gitlab-ci.yml does not name .gitlab/shardline.yml" in told
    assert {".gitlab/shardline.yml", ".github/workflows/shardline.yml"} < set(contents(tmp_path))
    assert b"test: {script: [make]}\n" == contents(tmp_path)[".gitlab-ci.yml"]


def test_a_ci_that_we_do_not_know_is_refused_with_those_that_we_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["adopt", str(tmp_path), "--ci", "githup"])
    assert "did you mean 'github'?" in capsys.readouterr().err
    assert {} == contents(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["adopt", str(tmp_path / "none")])
    assert "no such folder" in capsys.readouterr().err


def test_the_menu_that_a_project_gets_lists_its_sessions(tmp_path: Path) -> None:
    main(["adopt", str(tmp_path)])

    menu = subprocess.check_output(
        [sys.executable, "-m", "nox", "-l", "-f", str(tmp_path / "noxfile.py")], encoding="utf-8"
    )

    assert set(templates.STEPS) == set(re.findall(r"(?m)^[*-] (\w+) -> \w", menu))
    assert "* integration" in menu
