"""Make texts such as services, tools and this project write: each kind by its line, so that any amount can be had."""

from __future__ import annotations

import base64
import json
import random
from typing import Callable, Dict, List

Line = Callable[[int, random.Random], str]  # makes the line of that number, with its end

_UNIQUE_BYTES = 2_000_000  # after so many, a text repeats itself
_NAMES = (
    "emotion",
    "speaker",
    "duration",
    "pitch",
    "reference_audio",
    "max_mel_tokens",
    "do_sample",
    "vocoder",
    "beam",
)
_HANZI = "今天天气很好我们去公园听一段声音情感合成语音模型加载完成请求处理耗时毫秒错误警告内存显存推理服务启动"
_CODE = (
    "def",
    "self",
    "text",
    "voice",
    "return",
    "None",
    "if",
    "len",
    "result",
    "=",
    "model",
    "for",
    "token",
    "in",
    "raise",
)


def text(line: Line, size: int) -> bytes:
    """Make a text of about so many bytes."""
    rng = random.Random(1)
    lines: List[bytes] = []
    length = 0
    while length < min(size, _UNIQUE_BYTES):
        lines.append(line(len(lines), rng).encode("utf-8"))
        length += len(lines[-1])
    few = b"".join(lines)
    return few * max(1, size // len(few))


def _hex(rng: random.Random, letters: int) -> str:
    return f"{rng.getrandbits(4 * letters):0{letters}x}"


def _uuid(rng: random.Random) -> str:
    return "-".join(_hex(rng, letters) for letters in (8, 4, 4, 4, 12))


def _clock(number: int) -> str:
    return f"2026-11-26 {number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"


def _log(number: int, rng: random.Random) -> str:
    head = f"{_clock(number)},{number % 1000:03d} INFO tts.server[1234]"
    return f"{head} request {number}: POST /tts 200 in {rng.random():.3f} s, text={number % 400} chars, emotion=happy\n"


def _id_last(number: int, rng: random.Random) -> str:
    return f"{_clock(number)} INFO request {number} POST /tts 200 in {rng.randrange(900)} ms id={_hex(rng, 16)}\n"


def _id_first(number: int, rng: random.Random) -> str:
    return f"{_hex(rng, 32)} {_clock(number)} INFO worker-{number % 4} batch of {rng.randrange(9)} texts done\n"


def _uuids(number: int, rng: random.Random) -> str:
    said = f"request_id={_uuid(rng)} trace_id={_hex(rng, 32)} span_id={_hex(rng, 16)}"
    return f"{_clock(number)} DEBUG [{_uuid(rng)}] queued {said} position={number % 7}\n"


def _mixed_ids(number: int, rng: random.Random) -> str:
    made = base64.b64encode(rng.getrandbits(120).to_bytes(15, "big"), b"-_").decode("ascii")
    return f"{_clock(number)} INFO session {made} opened by worker-{number % 4}, {rng.randrange(90)} clients {made}\n"


def _uvicorn(number: int, rng: random.Random) -> str:
    path = rng.choice(("/tts", "/health", "/v1/audio/speech", f"/files/{_uuid(rng)}.wav", "/static/app.js?v=3"))
    return f'INFO:     127.0.0.1:{rng.randrange(65536)} - "POST {path} HTTP/1.1" {rng.choice((200, 404, 500))} OK\n'


def _gradio(number: int, rng: random.Random) -> str:
    path = rng.choice(
        (f"queue/data?session_hash={_hex(rng, 11)}", "queue/join?", f"file=/tmp/gradio/{_hex(rng, 64)}/a.wav")
    )
    return f'INFO:     10.0.0.{number % 250}:{rng.randrange(65536)} - "GET /gradio_api/{path} HTTP/1.1" 200 OK\n'


def _loading(number: int, rng: random.Random) -> str:
    done = number % 12 + 1
    bar = "█" * done + " " * (12 - done)
    timing = f"[00:{done:02d}<00:{12 - done:02d}, 1.09s/it]"
    return f"\rLoading checkpoint shards: {100 * done // 12:3d}%|{bar}| {done}/12 {timing}"


def _tqdm(number: int, rng: random.Random) -> str:
    done = number % 100
    end = "\n" if done == 99 else ""
    timing = f"[00:{done:02d}<01:{done % 60:02d}, {9 * rng.random():.2f}it/s]"
    return f"\r{done:3d}%|{'#' * (done // 10):10s}| {done}/100 {timing}{end}"


def _json_log(number: int, rng: random.Random) -> str:
    said = {"level": "INFO", "message": "request done", "request_id": _hex(rng, 32), "path": "/tts"}
    ids = {"trace_id": _hex(rng, 32), "span": _uuid(rng)}
    more = {"tokens": number % 500, "key": "emotion", "ms": rng.random() * 1000}
    return json.dumps({"time": 1.5 * number, **said, **ids, **more}) + "\n"


def _journal(number: int, rng: random.Random) -> str:
    if number % 20 == 0:
        nodeid = f"tests/integration/test_emotion.py::test_emotion_changes_the_pitch[{number}-happy]"
        return json.dumps({"of": "7eb792094f0b447b.0", "n": number, "event": "report", "id": nodeid, "at": 1.5}) + "\n"
    what = f'"end",{1.5 * number:.6f},{number % 30000},"{rng.choice(("setup", "call", "teardown"))}","passed"'
    return f'["7eb792094f0b447b.0",{number},{what},{rng.random():.6f}]\n'


def _junit(number: int, rng: random.Random) -> str:
    name = f'classname="tests.integration.test_emotion" name="test_pitch[{number}-happy]"'
    return f'<testcase {name} file="tests/integration/test_emotion.py" time="{rng.random():.6f}" />'


def _monitor(number: int, rng: random.Random) -> str:
    test = f"tests/integration/test_emotion.py::test_pitch[{number}-happy]"
    sizes = {"rss": rng.randrange(10**9), "memory": rng.randrange(10**9), "uss": rng.randrange(10**9)}
    rest = {"cpu": round(rng.random(), 2), "threads": 9, "files": 31, "gpu": None, "latency_ms": 2.59}
    return (
        json.dumps({"t": 1795735617.482 + number, "name": "service", "start": 0, "test": test, **sizes, **rest}) + "\n"
    )


def _requests(number: int, rng: random.Random) -> str:
    head = {"of": "7eb792094f0b447b.0", "n": number, "event": "request", "at": 0.2 * number, "t": 1795735430.2 + number}
    asked = {"test": f"tests/test_emotion.py::test_emotion[{number}-sad]", "method": "POST", "path": "/say"}
    return json.dumps({**head, **asked, "status": 200, "ms": 1000 * rng.random(), "sent": 42, "received": 25644}) + "\n"


def _pip(number: int, rng: random.Random) -> str:
    package = f"{rng.choice(_NAMES)}-{number % 9}.{number % 13}.0"
    url = f"https://files.pythonhosted.org/packages/{_hex(rng, 2)}/{_hex(rng, 2)}/{_hex(rng, 60)}/{package}"
    return rng.choice(
        (
            f"Collecting {package}\n  Downloading {url}-py3-none-any.whl.metadata (5.{number % 10} kB)\n",
            f"{package.replace('-', '==')} \\\n    --hash=sha256:{_hex(rng, 64)} \\\n",
            f"DEBUG Selecting: {package} [compatible] ({package}-cp311-cp311-manylinux_2_17_x86_64.whl)\n",
            f'    {{ url = "{url}.tar.gz", hash = "sha256:{_hex(rng, 64)}", size = {rng.randrange(10**7)} }},\n',
        )
    )


def _sound(number: int, rng: random.Random) -> str:
    audio = base64.b64encode(rng.getrandbits(8 * 30_000).to_bytes(30_000, "big")).decode("ascii")
    return json.dumps({"id": number, "audio": audio, "seconds": 1.5}) + "\n"


def _mime(number: int, rng: random.Random) -> str:
    return base64.encodebytes(rng.getrandbits(8 * 570).to_bytes(570, "big")).decode("ascii")


def _one_line(number: int, rng: random.Random) -> str:
    said = {
        "id": number,
        "name": rng.choice(_NAMES),
        "text": "a sentence to say",
        "score": rng.random(),
        "tags": ["a", "b"],
    }
    return json.dumps({**said, "etag": _hex(rng, 32)}, separators=(",", ":")) + ","


def _traceback(number: int, rng: random.Random) -> str:
    file = f"/srv/app/.venv/lib/python3.11/site-packages/indextts/{rng.choice(_NAMES)}.py"
    code = " ".join(rng.choice(_CODE) for _ in range(7))
    end = (
        f"RuntimeError: CUDA error at 0x{_hex(rng, 12)}: {rng.choice(_NAMES)} is {number}\n"
        if number % 12 == 11
        else ""
    )
    where = f'  File "{file}", line {rng.randrange(999)}, in {rng.choice(_NAMES)}'
    return f"{where}\n    {code}({rng.choice(_NAMES)}={number})\n{end}"


def _chinese(number: int, rng: random.Random) -> str:
    said = "".join(rng.choice(_HANZI) for _ in range(30))
    return f"{_clock(number)} 信息：{said}，第{number}次，用时{rng.randrange(999)}毫秒。{said[:12]}\n"


def _git_log(number: int, rng: random.Random) -> str:
    if number % 40 == 0:
        who = "Author: Jane Doe <jane@example.org>\nDate:   Thu Nov 26 22:00:00 2026 +0000"
        file = f"diff --git a/scripts/{number}.py b/scripts/{number}.py\nindex {_hex(rng, 7)}..{_hex(rng, 7)} 100644"
        return f"\ncommit {_hex(rng, 40)}\n{who}\n\n    A sentence about it\n\n{file}\n@@ -1,7 +1,9 @@\n"
    code = " ".join(rng.choice(_CODE) for _ in range(rng.randrange(3, 12)))
    more = f", key={rng.choice(_NAMES)}" if number % 10 == 0 else ""
    return f"{rng.choice('+- ')}    {code}({rng.choice(_NAMES)}{more})\n"


def _yaml(number: int, rng: random.Random) -> str:
    name = rng.choice(_NAMES)
    image = f"registry/{name}@sha256:{_hex(rng, 64)}"
    return f"  - name: {name}-{number}\n    image: {image}\n    size: {number}\n    on: [push, pull]\n"


def _headers(number: int, rng: random.Random) -> str:
    ids = f'X-Request-Id: {_uuid(rng)}\r\nETag: "{_hex(rng, 32)}"\r\ntraceparent: 00-{_hex(rng, 32)}-{_hex(rng, 16)}-01'
    rest = "Content-Type: audio/wav\r\nContent-Length: 25644\r\nDate: Thu, 26 Nov 2026 22:00:00 GMT\r\nServer: uvicorn"
    return f"HTTP/1.1 200 OK\r\n{rest}\r\n{ids}\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n\r\n"


def _coloured(number: int, rng: random.Random) -> str:
    asked = f'"\x1b[1mPOST /tts/{number} HTTP/1.1\x1b[0m" 200 OK id={_hex(rng, 16)}'
    return f"\x1b[32mINFO\x1b[0m:     {_clock(number)} - {asked} took {rng.randrange(900)} ms\n"


TEXTS: Dict[str, Line] = {
    "log": _log,
    "log, ids at line ends": _id_last,
    "log, ids at line starts": _id_first,
    "log, UUIDs within": _uuids,
    "log, base64 ids": _mixed_ids,
    "log in JSON": _json_log,
    "uvicorn": _uvicorn,
    "gradio": _gradio,
    "loading bars": _loading,
    "tqdm": _tqdm,
    "journal.jsonl": _journal,
    "junit.xml": _junit,
    "monitor.jsonl": _monitor,
    "requests.jsonl": _requests,
    "pip and uv": _pip,
    "audio in base64": _sound,
    "base64 in lines": _mime,
    "JSON in one line": _one_line,
    "tracebacks": _traceback,
    "Chinese": _chinese,
    "git log -p": _git_log,
    "YAML": _yaml,
    "HTTP headers": _headers,
    "log in colours": _coloured,
}


def _again(piece: str) -> Line:
    return lambda number, rng: piece


def _named(word: str) -> Line:
    return lambda number, rng: f"{word}={_hex(rng, 16)}\n"


HOSTILE: Dict[str, Line] = {
    **{f"{word}= in lines": _named(word) for word in ("sig", "id", "key", "token")},
    **{f"all {piece!r}": _again(piece) for piece in ("sig=", "key=", "password", '"', "\\", "a@", "://", "\\n", "-u ")},
    "near tokens": lambda n, r: f"sk-{r.choice(_NAMES)}-ghp_{_hex(r, 15)} eyJ{_hex(r, 20)} hf_{_hex(r, 14)}\n",
    "near tokens, wrapped": lambda n, r: f"{'x' * 60} sk-{_hex(r, 11)}\n{_hex(r, 20)}\n",
    "near values": lambda n, r: f'password: "" token={n} api_key=None secret={{}} {_hex(r, 16)}\n',
    "secrets": lambda n, r: f"password=hunter{n} ghp_{_hex(r, 16)}Zz{_hex(r, 18)}\n",
    "spaced key words": _again("password token secret auth sig credential "),
}  # fmt: skip
