from __future__ import annotations

from typing import Mapping

import pytest

from scripts.adoption import looks

FLASK = "from flask import Flask\napp = Flask('a')\n"


def look(texts: Mapping[str, str]) -> looks.Facts:
    return looks.facts("folder", texts)


def routes(*paths: str) -> str:
    return FLASK + "".join(f"@app.get('{path}')\ndef f(): pass\n" for path in paths)


@pytest.mark.parametrize(
    "source, path",
    [
        (routes("/", "/version", "/healthz", "/ready"), "/ready"),
        (routes("/about", "/"), "/"),
        (routes("/v1/models", "/items/{id}"), "/v1/models"),
        ("from fastapi import FastAPI\napp = FastAPI()\n", "/openapi.json"),
        ("from fastapi import FastAPI\napp = FastAPI(openapi_url=None)\n", "/openapi.json"),
        ("import gradio\ngradio.Interface(f).launch()", "/"),
        ("import streamlit", "/_stcore/health"),
        (FLASK, ""),
    ],
)
def test_the_probe_asks_what_tells_most(source: str, path: str) -> None:
    assert path == look({"app.py": source}).probe.path


def test_a_router_s_prefixes_stand_before_its_paths() -> None:
    texts = {
        "main.py": "from fastapi import FastAPI\nfrom api import health\nfrom api.work import router as work\n"
        "app = FastAPI()\napp.include_router(health.router, prefix='/v1')\napp.include_router(work, prefix='/v2')\n",
        "api/health.py": "router = APIRouter(prefix='/own')\n@router.get('/health')\ndef f(): pass\n",
        "api/work.py": "router = APIRouter()\n@router.post('/tts')\ndef f(): pass\n",
    }
    facts = look(texts)

    assert facts.call
    assert ("/v1/own/health", "/v2/tts") == (facts.probe.path, facts.call.route.path)


def test_the_call_is_one_that_infers_and_its_body_is_looked_up_where_it_is_defined() -> None:
    texts = {
        "main.py": "from fastapi import FastAPI\nfrom models import Speech\napp = FastAPI()\n"
        "@app.post('/admin/reload')\ndef a(): pass\n@app.post('/items')\ndef b(): pass\n"
        "@app.post('/tts')\ndef c(body: Speech): pass\n",
        "models.py": "class Speech(BaseModel):\n    text: str\n    speed: float = 1\n",
    }
    call = look(texts).call

    assert call
    assert ("/tts", {"text": "hello"}, True, "main.py:8") == (
        call.route.path,
        call.route.json,
        call.route.sure,
        call.source,
    )


@pytest.mark.parametrize(
    "texts, requirements",
    [
        ({"requirements.txt": "", "requirements-gpu.txt": ""}, "requirements.txt"),
        (
            {
                "Dockerfile": "RUN pip install -r ./requirements-gpu.txt",
                "requirements-gpu.txt": "",
                "requirements.txt": "",
            },
            "requirements-gpu.txt",
        ),
        ({"serve/app.py": FLASK, "serve/requirements.txt": "", "requirements.txt": ""}, "serve/requirements.txt"),
        ({"requirements/base.txt": ""}, "requirements/base.txt"),
        ({"requirements-dev.txt": ""}, ""),
    ],
)
def test_the_packages_are_those_of_the_image_or_beside_the_script(texts: Mapping[str, str], requirements: str) -> None:
    assert requirements == look(texts).requirements


@pytest.mark.parametrize(
    "pyproject, dependencies",
    [
        (
            '[project]\nname = "a"\ndependencies = [\n  "fastapi[all]>=1", # "no"\n  \'numpy\',\n]\n',
            ["fastapi[all]>=1", "numpy"],
        ),
        ('[project]\ndependencies = []\n[tool.x]\ndependencies = ["no"]\n', []),
        ('[tool.poetry.dependencies]\npython = "^3.9"\nflask = {version = "2"}\n[tool.x]\nno = 1', ["flask"]),
        ("", []),
    ],
)
def test_the_dependencies_of_a_project(pyproject: str, dependencies: list) -> None:
    assert dependencies == looks.dependencies(pyproject)


def test_an_extra_that_brings_what_serves_is_installed_too() -> None:
    extras = '[project.optional-dependencies]\nweb = [\n "gradio>=5",\n]\n'
    pyproject = f'[build-system]\n[project]\ndependencies = ["torch"]\n{extras}'

    assert ("-e .[web]",) == look(
        {"pyproject.toml": pyproject, "app.py": "import gradio\ngradio.Interface(f).launch()"}
    ).packages


@pytest.mark.parametrize(
    "texts, paths, variable",
    [
        ({"tests/test_a.py": "import os, requests\nURL = os.environ['SERVICE_URL']"}, ("tests",), "SERVICE_URL"),
        ({"tests/conftest.py": "import os\nos.getenv('BASE_URL')", "tests/test_a.py": ""}, ("tests",), "BASE_URL"),
        (
            {"tests/test_a.py": "import requests\nrequests.get('http://localhost:8000/a')", "tests/test_b.py": ""},
            ("tests/test_a.py",),
            "",
        ),
        (
            {"tests/e2e/test_a.py": "import os\nos.getenv('TTS_URL')", "tests/unit/test_b.py": ""},
            ("tests/e2e",),
            "TTS_URL",
        ),
    ],
)
def test_tests_that_ask_a_running_service_are_the_suite(texts: Mapping[str, str], paths: tuple, variable: str) -> None:
    tests = look(texts).tests

    assert tests
    assert (paths, variable) == (tests.paths, tests.variable)


def test_a_test_asks_what_the_helper_beside_it_asks_and_what_is_left_out_is_told() -> None:
    helper = {"tests/client.py": "import os, httpx\nURL = os.environ['SERVICE_URL']"}
    asking = {"tests/test_a.py": "from client import URL", "tests/test_b.py": "from tests.client import URL"}

    assert ("tests",) == look({**helper, **asking}).tests.paths
    assert "httpx" in look({**helper, **asking}).tests.imports
    assert ("tests/test_c.py",) == look({**helper, **asking, "tests/test_c.py": ""}).tests.left_out


@pytest.mark.parametrize(
    "texts",
    [
        {"tests/test_a.py": "def test_a(): assert 1"},
        {"examples/test_a.py": "import os\nos.environ['SERVICE_URL']"},
        {"tests/test_a.py": "URL = 'http://localhost:8000'  # of a mock"},
        {"tests/test_a.py": "import app", "app.py": "import os\nos.getenv('DB_URL')"},
        {"app/client.py": "import os\nos.environ['BASE_URL']"},
    ],
)
def test_unit_tests_and_examples_are_no_suite(texts: Mapping[str, str]) -> None:
    assert look(texts).tests is None


@pytest.mark.parametrize(
    "texts, python",
    [
        ({"Dockerfile": "FROM python:3.12-slim", ".python-version": "3.11.4"}, "3.12"),
        ({".python-version": "3.11.4"}, "3.11"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.10,<4"'}, "3.10"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"'}, "3.9"),
        ({}, ""),
    ],
)
def test_the_python_is_that_of_the_image_the_pin_or_the_least(texts: Mapping[str, str], python: str) -> None:
    assert python == look(texts).python


@pytest.mark.parametrize(
    "more, packages",
    [
        ({"setup.py": "", "requirements.txt": ""}, ("-e .", "-r requirements.txt")),
        ({"requirements.txt": ""}, ()),
        ({"pyproject.toml": "[build-system]\n"}, ("-e .",)),
        ({"pyproject.toml": '[project]\ndependencies = ["flask"]\n'}, ("flask",)),
    ],
)
def test_a_program_of_the_project_itself_is_there_when_the_project_is_installed(
    more: Mapping[str, str], packages: tuple
) -> None:
    texts = {"Procfile": "web: speak --port 80", "speak/__init__.py": "", **more}

    assert packages == look(texts).packages


@pytest.mark.parametrize(
    "texts, found",
    [
        ({"requirements-dev.txt": "pytest"}, "requirements-dev.txt"),
        ({"tests/requirements.txt": "pytest"}, "tests/requirements.txt"),
        ({"tests/requirements.txt": "requests"}, ""),  # pytest itself would be missing
        ({"requirements.txt": "pytest"}, ""),
    ],
)
def test_the_tests_packages_are_those_of_a_file_for_tests_that_has_pytest(texts: Mapping[str, str], found: str) -> None:
    assert found == look(texts).test_requirements


def test_of_a_service_that_is_a_package_alone_the_request_is_known() -> None:
    call = look({"requirements.txt": "piper-tts\n"}).call

    assert call
    assert ("POST", "/synthesize", {"text": "hello"}) == (call.route.method, call.route.path, call.route.json)
