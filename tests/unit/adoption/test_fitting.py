from __future__ import annotations

from typing import Dict, Mapping

import pytest

from tests.unit.adoption.projects import FASTAPI, FLAGS, RUNS, find, words


@pytest.mark.parametrize(
    "given, made",
    [
        ("uvicorn main:app --host 0.0.0.0 --port 80", "uvicorn main:app --host {host} --port {port}"),
        ("uvicorn main:app --port=$PORT --reload", "uvicorn main:app --port={port} --host {host}"),
        ("exec poetry run uvicorn main:app", "uvicorn main:app --host {host} --port {port}"),
        ("gunicorn -D -b :8000 -w 2 x.wsgi", "gunicorn -b {host}:{port} -w 2 x.wsgi"),
        ("gunicorn x.wsgi --bind=0.0.0.0:${PORT:-8000}", "gunicorn x.wsgi --bind={host}:{port}"),
        ("python manage.py runserver 0.0.0.0:8000", "python manage.py runserver {host}:{port} --noreload"),
        ("/usr/bin/python3.11 -m http.server 8000", "python -m http.server {port} --bind {host}"),
        ("flask --app x run", "flask --app x run --host {host} --port {port}"),
        ("streamlit run a.py --server.port 80", "streamlit run a.py --server.port {port} --server.address {host}"),
        (
            "python -m vllm.entrypoints.openai.api_server --model m",
            "python -m vllm.entrypoints.openai.api_server --model m --host {host} --port {port}",
        ),
        ("serve --json '{\"a\": 1}' --port 80", 'serve --json {{"a": 1}} --port {port}'),
        ("cd src && python a.py | tee log", "sh -c cd src && exec python a.py | tee log"),
    ],
)
def test_a_command_takes_its_host_and_port_from_us(given: str, made: str) -> None:
    assert made == words({"Procfile": f"web: {given}\n"})


@pytest.mark.parametrize(
    "texts, made, environment",
    [
        ({"app.py": FASTAPI}, "python -m uvicorn app:app --host {host} --port {port}", {}),
        ({"src/pkg/api.py": FASTAPI}, "python -m uvicorn --app-dir src pkg.api:app --host {host} --port {port}", {}),
        ({"app.py": FLAGS + RUNS}, "python app.py --host {host} --port {port}", {}),
        (
            {"app.py": "from cli import p\nimport flask\n" + RUNS, "cli.py": "p.add_argument('--port')"},
            "python app.py --port {port}",
            {},
        ),
        (
            {"app.py": "import flask, os\nif __name__ == '__main__':\n    app.run(port=os.environ['PORT'])"},
            "python app.py",
            {"PORT": "{port}"},
        ),
        (
            {"app.py": "import gradio\ngradio.Interface(f).launch()"},
            "python app.py",
            {"GRADIO_SERVER_NAME": "{host}", "GRADIO_SERVER_PORT": "{port}", "GRADIO_ANALYTICS_ENABLED": "False"},
        ),
        (
            {"app.py": "import streamlit"},
            "python -m streamlit run app.py --server.address {host} --server.port {port} --server.headless true",
            {},
        ),
        (
            {"app.py": "from flask import Flask\ndef create_app(): pass"},
            "python -m flask --app app:create_app run --host {host} --port {port}",
            {},
        ),
        (
            {"app.py": "from fastapi import FastAPI\ndef create_app(): pass"},
            "python -m uvicorn app:create_app --factory --host {host} --port {port}",
            {},
        ),
        (
            {"run.sh": "#!/bin/bash\n# it\nexport A=1\npython -m http.server 80"},
            "python -m http.server {port} --bind {host}",
            {},
        ),
        ({"run.sh": "serve --port ${APP_PORT:-80} &\nwait"}, "sh run.sh", {"APP_PORT": "{port}"}),
        ({"requirements.txt": "# of the team\nrapidocr_api>=0.1\n"}, "rapidocr_api -ip {host} -p {port}", {}),
    ],
)
def test_a_source_is_started_as_it_takes_its_port(
    texts: Mapping[str, str], made: str, environment: Dict[str, str]
) -> None:
    found = find(texts)[0]

    assert (made, environment) == (" ".join(found.words), dict(found.environment))


def test_a_port_that_is_written_in_the_source_is_fixed_where_its_main_block_does_more_than_serve() -> None:
    found = find({"app.py": "from flask import Flask\napp = Flask('a')\n" + RUNS})[0]

    assert (("python", "app.py"), 7000) == (found.words, found.port)


def test_a_port_beside_a_variable_is_its_default() -> None:
    text = "import http.server, os\nHTTPServer(('', int(os.environ.get('PORT', 9000)))).serve_forever()"
    found = find({"app.py": text})[0]

    assert ({"PORT": "{port}"}, 0) == (found.environment, found.port)


def test_ports_of_other_services_are_not_ours() -> None:
    text = "import os\nfrom flask import Flask\na = os.environ['REDIS_PORT'], os.environ['TTS_PORT']\napp.run(port=a)"

    assert {"TTS_PORT": "{port}"} == find({"app.py": text})[0].environment


def test_a_script_that_imports_its_neighbours_by_name_starts_in_their_folder() -> None:
    found = find({"service/app.py": FASTAPI + "import model\n", "service/model.py": ""})[0]

    assert ("service", "app:app") == (found.directory, found.words[3])


def test_what_cannot_be_found_out_is_told() -> None:
    found = find({"Procfile": "web: ./serve.bin --fast\n"})[0]

    assert ({"HOST": "{host}", "PORT": "{port}"}, True) == (found.environment, "PORT" in found.todo)
