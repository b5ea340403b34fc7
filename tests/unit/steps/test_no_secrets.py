"""No secret stands in what a run leaves: twenty of them are put where they turn up, and all of reports/ is searched."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict, List
from urllib.parse import quote

from tests.unit.steps import projects

SERVICE = """
import http.server, json, os, sys

print("greets with", os.environ["GREETING"], "as", os.environ["CHECKS_API_TOKEN"], flush=True)
print("config:", json.dumps({"db_password": "SECRET(logged)", "n": 1}), sys.argv[2:], flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.command, self.path, "Authorization:", self.headers.get("Authorization"), flush=True)
        if self.path == "/die":
            print("last words:", os.environ["GREETING"], flush=True)
            os._exit(3)
        body = json.dumps({"access_token": "SECRET(answered)", "said": os.environ["GREETING"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--password")
    parser.addoption("--second-password")
    parser.addini("token", "of the service")
"""

SUITE = """
import json, os, time, urllib.request
import pytest, requests

def ask(path):
    headers = {"Authorization": "Bearer SECRET(header)"}
    request = urllib.request.Request(os.environ["SERVICE_URL"] + path, headers=headers)
    return json.loads(urllib.request.urlopen(request).read())

def test_good(pytestconfig, record_property):
    record_property("api_key", "SECRET(property)")
    assert pytestconfig.getoption("--password") and pytestconfig.getini("token")
    ask("/good")

@pytest.mark.parametrize("text", ["SECRET(nodeid)"])
def test_id(text):
    print("printed password=SECRET(printed)")

def test_kept():
    os.makedirs(os.environ["SHARDLINE_ARTIFACTS"], exist_ok=True)
    with open(os.path.join(os.environ["SHARDLINE_ARTIFACTS"], "kept.txt"), "w") as file:
        file.write("api_key: SECRET(artifact)\\n" + os.environ["CHECKS_API_TOKEN"])
    with open(os.path.join(os.environ["SHARDLINE_ARTIFACTS"], "sound.wav"), "wb") as file:
        file.write(b"RIFF\\0\\0" + bytes(range(256)))

@pytest.mark.xfail(reason="waits for token=SECRET(xfailed)")
def test_xfailed():
    assert False

def test_skipped():
    pytest.skip("no password: SECRET(skipped)")
"""

RED = """
def test_red(pytestconfig):
    assert ask("/red") == {"token": os.environ["CHECKS_API_TOKEN"], "more": "token=SECRET(asserted)\\"x\\""}

def test_raises(pytestconfig):
    print("on stdout", pytestconfig.getoption("--password"), pytestconfig.getoption("--second-password"))
    raise RuntimeError("refused: GITHUB_SECRET(shape)16characters " + pytestconfig.getini("token"))

def test_requests(service_requests):
    ask("/asked?token=SECRET(query)")
    requests.post(os.environ["SERVICE_URL"] + "/sent", json={"password": "SECRET(sent)", "text": "hello"})
    assert False
"""

DEATH = "def test_death():\n    ask('/die')\n"
HANGS = """
def test_hangs():
    ask('/red')
    print(os.environ['CHECKS_API_TOKEN'])
    open(os.environ['HANGING'], 'w').close()
    time.sleep(60)
"""
BROKEN = "raise RuntimeError('password=SECRET(collected) ' + os.environ['CHECKS_API_TOKEN'])\n"

SETTINGS = """
name: tiny
service:
  command: [python, service.py, "{port}", --db-url, "postgres://me:SECRET(url)@db/x", --api-key, SECRET(command)]
  environment: {GREETING: SECRET(greeting)}
  ready: {timeout: 20s}
  warm_up: {path: "/warm?key=SECRET(warm)", headers: {X-Api-Token: SECRET(warm-header)}}
  prepare: {command: [python, -c, "print('prepared with password=SECRET(prepared)')"]}
suite: {path: checks}
"""

WORDS = ("--password", "SECRET(typed)", "-o", "token=SECRET(ini)")
VARIABLES = {"CHECKS_API_TOKEN": "SECRET(variable)", "PYTEST_ADDOPTS": "--second-password=SECRET(added)"}


def secret(name: str) -> str:
    """A value that stands nowhere by chance; assembled here, so that no scanner of this repository stops at it."""
    return f"Zq9{base64.b32encode(name.encode()).decode().strip('=')}x7Kd41Pw0tRfG"[:40]


def filled_in(text: str) -> str:
    parts = text.replace("GITHUB_", "gh" + "p_").split("SECRET(")
    return parts[0] + "".join(secret(name) + rest for name, _, rest in (part.partition(")") for part in parts[1:]))


ALL = [SERVICE, SUITE, RED, BROKEN, SETTINGS, *WORDS, *VARIABLES.values()]
NAMES = sorted({part.partition(")")[0] for text in ALL for part in text.split("SECRET(")[1:]} - {"nodeid"})


def make(folder: Path, suite: str) -> Path:
    project = projects.make(folder, filled_in(suite), filled_in(SERVICE), filled_in(SETTINGS))
    (project / "checks" / "conftest.py").write_text(CONFTEST)
    return project


def variables() -> Dict[str, str]:
    with_report = {"SHARDLINE_REPORT": ""}
    return {**{name: filled_in(value) for name, value in VARIABLES.items()}, **with_report}


def words(*step: str) -> List[str]:
    return [*step, *map(filled_in, WORDS)]


def found(project: Path, *printed: str) -> List[str]:
    """Where secrets stand, raw or as base64 or in a URL: the file, and which."""
    files = {str(path.relative_to(project)): path for path in (project / "reports").rglob("*") if path.is_file()}
    contents = {**{name: path.read_bytes() for name, path in files.items()}, "printed": "\n".join(printed).encode()}
    return [
        f"{file}: {name}"
        for file, content in contents.items()
        for name in NAMES
        if any(form in content for form in forms(secret(name)))
    ]


def forms(value: str) -> List[bytes]:
    return [value.encode(), base64.b64encode(value.encode())[:-4], quote(value).encode()]


def test_the_shards_of_a_run_leave_none(tmp_path: Path) -> None:
    project = make(tmp_path / "project", SUITE + RED)

    done = projects.run(project, *words("integration", "--nodes", "2", "--junitxml=own.xml"), **variables())

    assert 1 == done.returncode, done.stdout
    assert (project / "reports" / "index.html").exists()
    assert [] == found(project, done.stdout)
    result = json.loads((project / "reports" / "merge.json").read_text())
    assert {"failed": 3, "skipped": 1, "xfailed": 1, "passed": 3} == result["counts"]
    asked = next((project / "reports").rglob("artifacts/**/*POST-sent.sent.json")).read_text()
    assert ("hello", True) == (json.loads(asked)["text"], json.loads(asked)["password"].startswith("(secret"))
    assert {"red test"} == {finding["kind"] for finding in result["findings"]}
    assert f"test_id[{secret('nodeid')}]" in str(sorted(result["outcomes"]))
    assert (
        "nox -s integration -- checks" in done.stdout
        and 'run with: --junitxml=own.xml --password "$PASSWORD"' in done.stdout
    )


def test_what_a_killed_runner_left_is_cleaned_by_the_next_step(tmp_path: Path) -> None:
    project = make(tmp_path / "project", "import os, time\n" + SUITE + HANGS)
    hanging = tmp_path / "hanging"
    runner = subprocess.Popen(
        projects.words(project, "integration", "--password=x", "-o", "token=x", "-k", "kept or xfailed or hangs"),
        cwd=str(projects.ROOT),
        env=projects.variables({**variables(), "HANGING": str(hanging)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        until = time.monotonic() + 60
        while not hanging.exists():
            assert time.monotonic() < until and runner.poll() is None
            time.sleep(0.05)
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    raw = found(project)

    done = projects.run(project, "verdict", "0", "1", **variables())

    assert {"service.log", "journal.jsonl", "kept.txt"} <= {line.partition(":")[0].rpartition("/")[2] for line in raw}
    assert (6, []) == (done.returncode, found(project, done.stdout))
