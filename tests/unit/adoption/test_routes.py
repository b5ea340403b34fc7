from __future__ import annotations

import pytest

from scripts.adoption import code, routes


def look(text: str) -> code.Source:
    found = code.read("app.py", text)
    assert found
    return found


def route(text: str) -> routes.Route:
    return look(text).routes[0]


@pytest.mark.parametrize(
    "body", ["request.json['text']", "request.get_json()['text']", "request.get_json(force=True).get('text')"]
)
def test_a_handler_of_flask_tells_the_fields_that_it_takes_out_of_the_request(body: str) -> None:
    found = route(f"@app.route('/tts', methods=['POST'])\ndef tts():\n    return say({body})\n")

    assert ("POST", "/tts", {"text": "hello"}, True) == (found.method, found.path, found.json, found.sure)


def test_what_comes_by_name_from_elsewhere_is_no_field() -> None:
    found = route("@app.post('/a')\ndef a():\n    return os.environ['KEY'], request.headers.get('X'), options['b']\n")

    assert (None, False) == (found.json, found.sure)


def test_a_handler_of_the_standard_library_tells_the_paths_it_compares_with() -> None:
    text = """
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in ("/ping", "/info"): pass
    def do_POST(self):
        if self.path == "/embed":
            self.answer(json.loads(self.rfile.read())["texts"])
"""
    found = [(route.method, route.path, route.json) for route in look(text).routes]

    assert [("GET", "/ping", None), ("GET", "/info", None), ("POST", "/embed", {"texts": ["hello"]})] == found


@pytest.mark.parametrize(
    "text",
    [
        "from django.urls import path\nurlpatterns = [path('health/', health)]",
        "from starlette.routing import Route\nroutes = [Route('/health/', health)]",
        "from aiohttp import web\napp.router.add_get('/health/', health)",
        "from aiohttp import web\nroutes = [web.get('/health/', health)]",
        "@app.get('/health/')\nasync def health(request): pass",
    ],
)
def test_frameworks_say_a_path_in_their_own_ways(text: str) -> None:
    assert ("GET", "/health/") == (route(text).method, route(text).path)


@pytest.mark.parametrize(
    "text, names",
    [
        ("import gradio as gr\ngr.Interface(fn=speak, inputs='text', outputs='audio')", [("speak", True)]),
        ("import gradio as gr\ngr.Interface(f, gr.Image(), 'text', api_name='/ocr')", [("ocr", False)]),
        ("import gradio as gr\nbutton.click(generate, [a, b], c)", [("generate", False)]),
        ("button.click(generate)", []),
    ],
)
def test_the_functions_of_gradio_have_the_names_by_which_they_are_called(text: str, names: list) -> None:
    assert names == list(look(text).api_names)
