from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from scripts import settings
from scripts.adoption import ci_files, looks, proposal, templates
from scripts.adoption.ci_files import Origin
from scripts.parser import parser
from scripts.settings import Settings
from scripts.typed_yaml import read_with_lines

HERE = Origin("shardline==1", True)
CI = ci_files.choose("", [], [], "")
TTS = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/health")
def health(): pass
@app.post("/tts")
def tts(body: Speech): pass
class Speech(BaseModel):
    text: str
"""
PROJECTS: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "fastapi": {"main.py": TTS, "requirements.txt": "fastapi", "Procfile": "web: uvicorn main:app --port $PORT"},
    "gradio": {"app.py": "import gradio\ngradio.Interface(speak, 'text', 'audio').launch()"},
    "flask": {
        "app.py": "from flask import Flask\napp = Flask('a')\n@app.post('/ocr')\ndef f(): request.files['image']\n"
        "@app.get('/')\ndef g(): pass\nif __name__ == '__main__':\n    load()\n    app.run()\n"
    },
    "packaged": {"requirements.txt": "piper-tts\n"},
    "pyproject": {
        "pyproject.toml": '[project]\nname = "yes"\ndependencies = ["flask"]\n',
        "tests/test_a.py": "import os, httpx\nos.environ['BASE_URL']",
        "a.py": "m = snapshot_download('org/name')\nn = hf_hub_download('org/other', 'x')\n" + TTS,
    },
    "before": {"Procfile": "web: FOO=1 python manage.py migrate && gunicorn a.wsgi\n", "manage.py": ""},
}


def files(texts: Mapping[str, str], has_settings: bool = False) -> Mapping[str, str]:
    facts = looks.facts("my-service", texts)
    return {each.path: each.text for each in proposal.wanted(facts, HERE, "3.11", has_settings, CI)}


def loaded(text: str) -> Settings:
    found, problems, _ = read_with_lines(text, Settings)
    assert found, problems
    return found


@pytest.mark.parametrize("name", PROJECTS)
def test_the_settings_are_valid_short_and_each_line_is_commented(name: str) -> None:
    text = files(PROJECTS[name])["pipeline.yml"]

    assert loaded(text).service
    assert len(text.splitlines()) <= 30
    lines = text.splitlines()
    bare = [line for line, above in zip(lines, ["", *lines]) if "#" not in line and "#" not in above]
    assert bare in ([], ["suite:"])


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_suggested_in_comments_is_valid_too(name: str) -> None:
    text = files(PROJECTS[name])["pipeline.yml"]
    suggested = re.sub(r"(?m)^(  )?# (?=warm_up:|prepare:|  - \{|models:)", r"\1", text)

    assert loaded(suggested).service.warm_ups  # type: ignore[union-attr]
    assert loaded(suggested).models


@pytest.mark.parametrize("name", PROJECTS)
def test_the_example_is_python_and_imports_what_it_uses(name: str) -> None:
    text = files(PROJECTS[name]).get("tests/integration/test_service.py", "import requests\nrequests.x")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}

    assert ("import pytest" in text) == ("pytest" in names)
    assert "requests" in names


def test_the_example_asks_the_probe_and_makes_the_call() -> None:
    text = files(PROJECTS["fastapi"])["tests/integration/test_service.py"]

    assert 'requests.get(url("/health"), timeout=60)' in text
    assert 'requests.post(url("/tts"), json={"text": "hello"}, timeout=300)' in text
    assert "skip" not in text


def test_a_call_whose_body_is_a_guess_is_skipped_until_a_person_says_it() -> None:
    text = files(PROJECTS["flask"])["tests/integration/test_service.py"]

    assert "@pytest.mark.skip(" in text
    assert '"image": open(' in text


def test_tests_that_are_there_are_the_suite_and_are_told_the_address_they_read() -> None:
    made = files(PROJECTS["pyproject"])

    assert ("tests", "tests/requirements.txt") == (
        loaded(made["pipeline.yml"]).suite.path,
        loaded(made["pipeline.yml"]).suite.requirements,
    )
    assert 'os.environ["BASE_URL"] = os.environ["SERVICE_URL"]' in made["tests/conftest.py"]
    assert {"pytest", "httpx"} <= set(made["tests/requirements.txt"].split())


def test_a_port_that_the_tests_ask_is_the_service_s() -> None:
    made = files({"main.py": TTS, "tests/test_a.py": "import requests\nrequests.get('http://localhost:8123/')"})

    assert 8123 == loaded(made["pipeline.yml"]).service.port  # type: ignore[union-attr]


def test_a_project_with_settings_of_its_own_gets_neither_packages_nor_tests() -> None:
    assert {"noxfile.py", ".circleci/config.yml", ".gitignore", "pipeline.yml"} == set(files({}, has_settings=True))


def test_the_sessions_are_steps_that_exist() -> None:
    steps = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]

    assert set() == set(templates.STEPS) - set(steps or ())


@pytest.mark.parametrize("required, named", [(">=3.10,<3.12", '"3.10", "3.11"'), (">=3.99", '"3.99"')])
def test_the_menu_has_a_session_for_each_python_that_the_project_is_for(required: str, named: str) -> None:
    texts = {"pyproject.toml": f'[project]\nname = "x"\nrequires-python = "{required}"\n'}
    menu = files(texts)["noxfile.py"]

    assert f"PYTHONS = [{named}]  # each is a session, `integration-" in menu
    compile(menu, "noxfile.py", "exec")


def test_our_own_project_is_found_as_it_is(tmp_path: Path) -> None:
    ours = Path(__file__).parents[3] / "tests" / "reference_service"
    texts = {name: (ours / name).read_text(encoding="utf-8") for name in ("webui.py", "program.py")}

    assert "{port}" in loaded(files(texts)["pipeline.yml"]).service.command  # type: ignore[union-attr]
    assert settings.FILE_NAME == proposal.PIPELINE


TEXT = st.text(alphabet=string.printable + "你\x85\u2028\ufeff\x7f\U00010000")
SCALARS = st.one_of(
    TEXT, st.sampled_from(["on", "1e3", "08", "-", "~", "a: b", "5 min", "{port}", "0x1f", "1:30", "=", "<<"])
)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)))
@effort(max_examples=60, deadline=None)
def test_what_is_written_in_one_line_is_read_as_it_was(value: Any) -> None:
    assert value == yaml.safe_load(f"key: {proposal.flow(value)}")["key"]


@given(
    st.dictionaries(
        st.sampled_from(["Procfile", "Dockerfile", "pyproject.toml", "compose.yml", "app.py", "requirements.txt"]),
        TEXT,
    )
)
@effort(max_examples=40, deadline=None)
def test_whatever_a_project_holds_the_settings_are_valid(texts: Mapping[str, str]) -> None:
    loaded(files(texts)["pipeline.yml"])


@given(st.text(alphabet="web: python-m$PORT{}[]'\"&|;#=\\.\n/", max_size=60))
@effort(max_examples=60, deadline=None)
def test_whatever_a_command_holds_the_settings_are_valid(command: str) -> None:
    loaded(files({"Procfile": f"web: {command}\n"})["pipeline.yml"])


def test_what_a_source_says_ends_neither_a_comment_nor_a_text_of_ours() -> None:
    app = "from fastapi import FastAPI\nimport gradio\napp = FastAPI()\n"
    app += """@app.get('/x"+evil()+"/health')\n@app.post('/tts\\nevil: 1')\ndef f(): pass\n"""
    app += """gradio.Button().click(f, api_name='x"+evil()+"')\ntorch.hub.load("a\\nevil: 1")\n"""
    app += """snapshot_download('a/b\\nevil: 1')\n"""
    facts = looks.facts("a", {"app.py": app, "tests/test_a.py": "import os\nos.environ['X\"evil()#_URL']\n"})

    texts = {each.path: each.text for each in proposal.wanted(facts, HERE, "3.11", False, CI)}
    assert {"name", "service", "suite", "nodes"} == set(yaml.safe_load(texts["pipeline.yml"]))
    assert not [path for path, text in texts.items() if path.endswith(".py") and "evil" in text]
