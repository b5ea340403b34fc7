"""A stand-in for SonarQube on loopback: its HTTP interface, a Java and an analyser that it hands out, and pysonar."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union
from urllib.parse import parse_qs, urlsplit

TOKEN = "squ_0123456789abcdef0123456789abcdef01234567"  # not a secret: made up
OK_GATE = {"status": "OK", "conditions": [{"status": "OK", "metricKey": "new_coverage"}]}
RED_GATE = {
    "status": "ERROR",
    "conditions": [
        {
            "status": "ERROR",
            "metricKey": "new_coverage",
            "comparator": "LT",
            "errorThreshold": "85",
            "actualValue": "82.50562",
        },
        {
            "status": "OK",
            "metricKey": "new_violations",
            "comparator": "GT",
            "errorThreshold": "0",
            "actualValue": "0",
        },
    ],
}

# What the analyser does that concerns us: reads properties from its input, uploads, leaves report-task.txt.
ENGINE = f"""#!{sys.executable}
import json, os, sys, urllib.request
told = {{each["key"]: each["value"] for each in json.load(sys.stdin)["scannerProperties"]}}
asked = urllib.request.Request(told["sonar.host.url"] + "/api/ce/submit", data=json.dumps(told).encode(), method="POST")
asked.add_header("Authorization", "Bearer " + told["sonar.token"])
try:
    task = json.load(urllib.request.urlopen(asked))["taskId"]
except Exception as error:
    print(json.dumps({{"level": "ERROR", "message": "Failed to upload report: " + str(error)}}))
    sys.exit(1)
print(json.dumps({{"level": "WARN", "message": "Missing blame information"}}))
os.makedirs(os.path.dirname(told["sonar.scanner.metadataFilePath"]), exist_ok=True)
with open(told["sonar.scanner.metadataFilePath"], "w") as file:
    file.write("ceTaskId=" + task + "\\n")
    file.write("dashboardUrl=" + told["sonar.host.url"] + "/dashboard?id=" + told["sonar.projectKey"] + "\\n")
"""

# In place of pysonar, where a test is about us: it hands its properties to the same analyser.
PYSONAR = f"""#!{sys.executable}
import json, os, subprocess, sys
told = json.loads(os.environ["SONAR_SCANNER_JSON_PARAMS"])
told.update(word[2:].split("=", 1) for word in sys.argv[1:])
told.update({{"sonar.host.url": os.environ["SONAR_HOST_URL"], "sonar.token": os.environ["SONAR_TOKEN"]}})
told["argv"] = " ".join(sys.argv)
content = json.dumps({{"scannerProperties": [{{"key": key, "value": value}} for key, value in told.items()]}})
sys.exit(subprocess.run([os.environ["STAND_IN_ENGINE"]], input=content.encode()).returncode)
"""


class Page(NamedTuple):
    """An answer that is not SonarQube's usual one."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    location: str = ""


Said = Union[Page, Dict[str, Any], List[Any]]


class SonarQube:
    """What it says, by path, and what it was asked and sent; a list of answers is said one after the other."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.asked: List[Tuple[str, str]] = []  # path with query, token
        self.uploaded: List[Dict[str, str]] = []  # the properties of each analysis
        self.tasks: List[Said] = [{"task": {"status": "SUCCESS", "analysisId": "AX"}}]
        self.gate: Said = {"projectStatus": OK_GATE}
        self.features: Said = ["branch-support"]
        self.pages: Dict[str, Page] = {}  # instead of what it would say
        self._java = _java(folder)

    def answer(self, path: str, query: Dict[str, List[str]], body: bytes) -> Said:
        """Answer a request as SonarQube does."""
        if path in self.pages:
            return self.pages[path]
        if path == "/api/ce/submit":
            self.uploaded.append(json.loads(body.decode()))
            return {"taskId": "AY"}
        answers: Dict[str, Said] = {
            "/api/features/list": self.features,
            "/api/qualitygates/project_status": self.gate,
            "/api/v2/analysis/version": Page(200, b"2026.1.0", "text/plain"),
            "/api/v2/analysis/jres": [
                {**_file("jre.tar.gz", self._java), "id": "j", "javaPath": "bin/java", "os": "linux", "arch": "x64"}
            ],
            "/api/v2/analysis/jres/j": Page(200, self._java, "application/octet-stream"),
            "/api/v2/analysis/engine": _file("engine.jar", b"jar"),
            "": Page(200, b"jar", "application/octet-stream"),
        }
        if path == "/api/ce/task" and query.get("id") == ["AY"]:
            return self.tasks.pop(0) if len(self.tasks) > 1 else self.tasks[0]
        return answers.get(path, Page(404, b'{"errors": [{"msg": "Unknown url"}]}'))


def _file(name: str, content: bytes) -> Dict[str, str]:
    return {"filename": name, "sha256": hashlib.sha256(content).hexdigest()}


def _java(folder: Path) -> bytes:
    """Pack a Java that does what the analyser would have it do."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("bin/java")
        member.mode, member.size = 0o755, len(ENGINE)
        archive.addfile(member, io.BytesIO(ENGINE.encode()))
    return packed.getvalue()


@contextmanager
def serving(folder: Path) -> Iterator[SonarQube]:
    """Run it while the block does."""
    sonarqube = SonarQube(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            token = (self.headers.get("Authorization") or "").replace("Bearer ", "")
            sonarqube.asked.append((self.path, token))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wants_file = "octet-stream" in (self.headers.get("Accept") or "")
            path = "" if wants_file and parts.path.endswith("/engine") else parts.path
            said = sonarqube.answer(path, parse_qs(parts.query), body)
            page = said if isinstance(said, Page) else Page(200, json.dumps(said).encode())
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.body)))
            if page.location:
                self.send_header("Location", page.location)
            self.end_headers()
            self.wfile.write(page.body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sonarqube.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield sonarqube
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def pysonar(folder: Path, text: Optional[str] = None) -> Tuple[Path, Path]:
    """Make an environment whose pysonar is a stand-in, and the analyser that it starts; both in `folder`."""
    engine, scanner = folder / "engine", folder / "bin" / "pysonar"
    scanner.parent.mkdir(parents=True, exist_ok=True)
    for file, content in ((engine, ENGINE), (scanner, text or PYSONAR)):
        file.write_text(content, encoding="utf-8")
        file.chmod(0o755)
    return folder, engine
