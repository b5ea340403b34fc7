from __future__ import annotations

import pytest

from tests.unit.adoption.projects import FASTAPI, FLAGS, RUNS, find, words


def test_what_comes_before_the_service_is_told_apart() -> None:
    found = find({"Procfile": "web: python manage.py migrate && gunicorn x.wsgi\n"})[0]

    assert ("gunicorn", (("python", "manage.py", "migrate"),)) == (found.words[0], found.before)


@pytest.mark.parametrize(
    "dockerfile",
    [
        'FROM python:3.11\nWORKDIR /srv\nCMD ["python3", "/srv/app.py", "--host", "0.0.0.0", "--port", "80"]',
        'FROM python:3.11\nENV AT=0.0.0.0\nENTRYPOINT ["python", "app.py"]\nCMD ["--host", "$AT", "--port", "80"]',
        "FROM python:3.11\nCMD python app.py \\\n  --host 0.0.0.0 \\\n  --port ${PORT}",
        'FROM python:3.11\nCMD ["sh", "-c", "python app.py --host 0.0.0.0 --port $PORT"]',
    ],
)
def test_an_image_says_its_command_in_several_ways(dockerfile: str) -> None:
    assert "python app.py --host {host} --port {port}" == words({"Dockerfile": dockerfile, "app.py": "x = 1"})


def test_a_service_that_compose_builds_is_taken_and_a_database_is_not() -> None:
    text = "services:\n  db: {image: pg, command: pg --port 1}\n  api: {build: ., command: [serve, --port, '80']}\n"

    assert ["serve --port {port}"] == [" ".join(start.words) for start in find({"compose.yml": text})]


def test_a_script_with_a_port_serves_where_what_it_imports_does() -> None:
    main = "def main():\n    from serving import serve\n    p.add_argument('--port')\n"
    main += "if __name__ == '__main__':\n    main()\n"
    texts = {"webui.py": main, "serving.py": "from waitress.server import create_server\n", "train.py": main[:-9]}

    assert [("python", "webui.py", "--port", "{port}")] == [start.words for start in find(texts)]


def test_an_installed_program_is_taken_before_the_file_behind_it() -> None:
    texts = {
        "pyproject.toml": '[project.scripts]\ntrain = "pkg.a:main"\nspeak = "pkg.cli:main"\n[x]\nno = "pkg.cli:main"\n',
        "pkg/cli.py": FLAGS + RUNS,
        "pkg/a.py": "",
    }

    assert "speak --host {host} --port {port}" == words(texts)


def test_tests_and_examples_come_after_the_service() -> None:
    texts = {"examples/app.py": FASTAPI, "tests/server.py": FASTAPI, "core/web/interface.py": FASTAPI}

    assert "core.web.interface:app" == find(texts)[0].words[3]


@pytest.mark.parametrize(
    "text", ["services: [", "a: &a [*a]", "services: {api: 3}", "services: {a: {build: ., command: {b: 1}}}"]
)
def test_a_broken_file_says_nothing_or_little(text: str) -> None:
    assert find({"compose.yml": text})[1:] == []
