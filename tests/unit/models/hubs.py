"""Hubs on loopback: the addresses of Hugging Face and of ModelScope that list a repository and give its files."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Dict, List, Mapping
from urllib.parse import quote, quote_plus

from tests.unit.models.loopback import Answer, content

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "org/voice"


def said(value: object, **headers: str) -> Answer:
    """JSON, with further headers."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps(value).encode()
        handler.send_response(200)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hugging_face(files: Mapping[str, bytes], page: int = 2) -> Dict[str, Answer]:
    """A repository whose main is at COMMIT; what ends in .bin is in LFS, and a page lists so many files."""
    api = f"/api/models/{REPOSITORY}"
    tree = f"{api}/tree/{COMMIT}?recursive=true"
    answers: Dict[str, Answer] = {f"{api}/revision/main": said({"id": REPOSITORY, "sha": COMMIT})}
    entries = [{"type": "directory", "oid": "1" * 40, "size": 0, "path": "sub"}, *map(_entry, files.items())]
    for start in range(0, len(entries), page):
        following = f'<https://elsewhere.test{tree}&cursor={start + page}>; rel="next"'
        link = {"Link": following} if start + page < len(entries) else {}
        answers[f"{tree}&cursor={start}" if start else tree] = said(entries[start : start + page], **link)
    for path, data in files.items():
        answers[f"/{REPOSITORY}/resolve/{COMMIT}/{quote(path)}"] = content(data)
    return answers


def _entry(file: tuple[str, bytes]) -> Dict[str, object]:
    path, data = file
    entry = {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": path}  # noqa: S324 - as git
    lfs = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return {**entry, "lfs": lfs} if path.endswith(".bin") else entry


def model_scope(files: Mapping[str, bytes], revision: str = "master") -> Dict[str, Answer]:
    """A repository as ModelScope answers for it."""
    api = f"/api/v1/models/{REPOSITORY}/repo"
    entries: List[Dict[str, object]] = [{"Type": "tree", "Path": "sub", "Size": 0, "Sha256": ""}]
    for path, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        entries.append({"Type": "blob", "Path": path, "Size": len(data), "Sha256": digest, "IsLFS": True})
    answers = {f"{api}?Revision={revision}&FilePath={quote_plus(path)}": content(data) for path, data in files.items()}
    listed = said({"Code": 200, "Success": True, "Message": "success", "Data": {"Files": entries}})
    return {f"{api}/files?Revision={revision}&Recursive=True": listed, **answers}
