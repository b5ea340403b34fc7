from __future__ import annotations

import pytest

from scripts.adoption import code

SERVICE = """
import argparse, os
from fastapi import APIRouter, FastAPI, File, Form, UploadFile
from pydantic import BaseModel, Field
from transformers import AutoModel

app = FastAPI()
router = APIRouter(prefix="/v1")

class Speech(BaseModel):
    text: str
    speed: float = Field(...)
    voice: str = "anna"
    style: str = Field("plain", max_length=9)

@app.get("/healthz")
def health(): return {}

@router.post("/tts")
def tts(body: Speech): return body

@router.post("/files")
async def upload(audio: UploadFile = File(None), language: str = Form(...), task: str = Form("a")): return 1

@router.get("/search")
def search(q: str, top: int = 3): return q

parser = argparse.ArgumentParser()
parser.add_argument("--port", "-p", type=int)
HOST = os.environ.get("TTS_HOST")
PORT = os.environ["TTS_PORT"]
MODEL = AutoModel.from_pretrained("org/name")
WEIGHTS = "https://example.com/a/model.onnx?download=true"

if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, port=9000)
"""


def look(text: str) -> code.Source:
    found = code.read("app.py", text)
    assert found
    return found


def test_a_source_tells_how_its_service_starts_and_what_it_reads() -> None:
    found = look(SERVICE)

    assert {"app": "asgi"} == found.apps
    assert (9000, True, True) == (found.port, found.is_script, found.plain_main)
    assert ("--port", "-p") == found.options
    assert ["TTS_HOST", "TTS_PORT"] == [name for name, _ in found.variables]
    assert ["org/name", "https://example.com/a/model.onnx?download=true"] == [what for what, _ in found.weights]


def test_routes_have_their_method_path_and_what_a_request_must_hold() -> None:
    health, tts, upload, search = look(SERVICE).routes

    assert ("GET", "/healthz", "app") == (health.method, health.path, health.router)
    assert ("POST", "/tts", "router", "Speech") == (tts.method, tts.path, tts.router, tts.model)
    assert (("audio",), ("language",), False) == (upload.files, upload.form, upload.sure)
    assert (("q",), True) == (search.query, search.sure)
    assert {"text": "str", "speed": "float"} == look(SERVICE).classes["Speech"]


@pytest.mark.parametrize(
    "text, argument",
    [
        ("serve(int(sys.argv[1]))", (1, 0)),
        ("launch(server_name=sys.argv[1], server_port=int(sys.argv[2]))", (2, 1)),
        ("serve(sys.argv[1])", (0, 0)),
        ("f(int(sys.argv[1]), int(sys.argv[2]))", (0, 0)),
    ],
)
def test_a_port_among_the_words_is_found_by_its_place(text: str, argument: tuple) -> None:
    assert argument == look(text).argument


@pytest.mark.parametrize("text", ["print 'python 2'", "\0", "(" * 300, "x = " + "-" * 100_000 + "1"])
def test_what_is_no_python_says_nothing(text: str) -> None:
    assert code.read("app.py", text) is None
