from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

from scripts import settings
from scripts.__main__ import main
from scripts.environments.environments import Environment
from scripts.sonar import scanner, server
from tests.unit.sonar.sonarqube import RED_GATE, TOKEN, SonarQube, pysonar, serving

ROOT = Path(__file__).parents[3]
JUNIT = """\
<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_ok" file="tests/test_a.py" time="0.25"/>
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" time="1"><failure message="no"/></testcase>
</testsuite></testsuites>"""
EXECUTIONS = (
    '<testExecutions version="1"><file path="tests/test_a.py"><testCase name="test_ok" duration="250" />'
    '<testCase name="test_bad" duration="1000"><failure message="no" /></testCase></file></testExecutions>'
)
LINTERS = {"sonar.python.ruff.reportPaths", "sonar.python.mypy.reportPaths"}


@pytest.fixture
def sonarqube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SonarQube]:
    """A server, a project with results, and a scanner that is none."""
    project = tmp_path / "project"
    for folder in ("tests", "reports"):
        (project / folder).mkdir(parents=True)
    (project / "tests" / "test_a.py").write_text("")
    (project / "reports" / "junit.xml").write_text(JUNIT)
    (project / "pipeline.yml").write_text("name: a service\nsuite: {path: tests}\n")
    folder, engine = pysonar(tmp_path / "scanner")
    with serving(tmp_path) as found:
        monkeypatch.setenv("SONAR_HOST_URL", found.url)
        monkeypatch.setenv("SONAR_TOKEN", TOKEN)
        monkeypatch.setenv("STAND_IN_ENGINE", str(engine))
        monkeypatch.setattr(server, "FIRST_PAUSE_S", 0.01)
        monkeypatch.setattr(scanner, "OLDEST_PYTHON", (3, 8))
        monkeypatch.setattr(scanner, "install", lambda project: Environment(folder))
        monkeypatch.chdir(project)
        yield found


def test_a_passed_gate_is_green_after_code_tests_and_state_were_sent(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONAR_SCANNER_JSON_PARAMS", '{"sonar.verbose": "true"}')
    sonarqube.tasks.insert(0, {"task": {"status": "PENDING"}})
    code = main(["sonar"])
    said, complaints = capfd.readouterr()
    assert (0, "") == (code, complaints)

    sent = sonarqube.uploaded[0]
    assert f"quality gate: passed (1 condition); {sonarqube.url}/dashboard?id=a-service\n" in said
    assert "tests: 2 results\n" in said and "coverage: not sent" in said
    assert ("a-service", ".", "tests", "true") == tuple(
        sent[f"sonar.{name}"] for name in ("projectKey", "sources", "tests", "verbose")
    )
    assert EXECUTIONS == Path(sent["sonar.testExecutionReportPaths"]).read_text()
    assert TOKEN not in said + sent["argv"]
    assert {TOKEN} == {token for _, token in sonarqube.asked}


def test_the_conditions_that_fail_are_printed_and_end_with_1(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str]
) -> None:
    sonarqube.gate = {"projectStatus": RED_GATE}
    code = main(["sonar", "--without-tests"])
    told = capfd.readouterr()

    assert 1 == code
    assert "coverage on new code  82.5 %  at least 85 %" in told.out
    assert "violations" not in told.out
    assert "the quality gate is not passed: 1 condition fails" in told.err
    assert "ended: quality gate failed (exit code 1)" in told.err
    assert "sonar.testExecutionReportPaths" not in sonarqube.uploaded[0]


def test_no_gate_is_not_green(sonarqube: SonarQube, capfd: pytest.CaptureFixture[str]) -> None:
    sonarqube.gate = {"projectStatus": {"status": "NONE", "conditions": []}}

    assert 8 == main(["sonar"])
    assert "the quality gate is NONE: expected OK or ERROR" in capfd.readouterr().err


@pytest.mark.parametrize(
    "scanner_text, words",
    [
        (f"#!{sys.executable}\nprint('ERROR: no space')\nraise SystemExit(2)", "pysonar ended with 2"),
        (f"#!{sys.executable}\n", "the scanner ended well, and left no task of the server"),
    ],
)
def test_a_scanner_that_uploads_nothing_is_not_green_and_an_old_task_does_not_count(
    sonarqube: SonarQube, tmp_path: Path, capfd: pytest.CaptureFixture[str], scanner_text: str, words: str
) -> None:
    pysonar(tmp_path / "scanner", scanner_text)
    left = tmp_path / "project" / "reports" / "sonar" / "report-task.txt"
    left.parent.mkdir()
    left.write_text("ceTaskId=AY\n")

    assert 8 == main(["sonar"])
    told = capfd.readouterr()
    assert words in told.err
    assert ("ERROR: no space" in told.out) == ("no space" in scanner_text)
    assert not [path for path, _ in sonarqube.asked if "ce/task" in path]


def test_a_dry_run_shows_the_properties_and_asks_nobody(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SONAR_HOST_URL", "SONAR_TOKEN"):
        monkeypatch.delenv(name)
    Path("sonar-project.properties").write_text(f"sonar.token={TOKEN}\nsonar.projectName=mine\n")
    code = main(["sonar", "--dry-run"])
    said = capfd.readouterr().out

    assert (0, []) == (code, sonarqube.asked)
    assert "\nsonar.projectKey=a-service\nsonar.projectName: as sonar-project.properties has it\n" in said
    assert TOKEN not in said


def test_a_project_without_a_name_is_called_as_its_folder(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("pipeline.yml").write_text("suite: {path: tests}\n")

    assert 0 == main(["sonar", "--dry-run", "--without-tests"])
    assert "\nsonar.projectKey=project\n" in capfd.readouterr().out


def test_a_report_of_coverage_that_a_project_names_itself_counts(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("sonar-project.properties").write_text("sonar.python.coverage.reportPaths=own.xml\n")

    assert 0 == main(["sonar", "--dry-run"])
    said = capfd.readouterr().out
    assert "\ncoverage: own.xml is not there\n" in said
    assert "\nsonar.python.coverage.reportPaths: as sonar-project.properties has it\n" in said


def test_without_results_the_next_command_is_said(sonarqube: SonarQube, capfd: pytest.CaptureFixture[str]) -> None:
    Path("reports", "junit.xml").unlink()

    assert 2 == main(["sonar"])
    assert "expected the results of a run in reports/junit.xml, found none\nhint: Run the" in capfd.readouterr().err


def test_a_request_does_not_count_as_the_project_where_the_server_knows_no_branches(
    sonarqube: SonarQube, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sonarqube.features = []
    monkeypatch.setenv("CIRCLECI", "true")
    monkeypatch.setenv("CIRCLE_BRANCH", "fix")
    assert 0 == main(["sonar"])
    assert f"{sonarqube.url} knows no branches: fix counts as the project\n" in capfd.readouterr().out
    assert "sonar.branch.name" not in sonarqube.uploaded[0]


@pytest.mark.skipif(sys.version_info < (3, 9), reason="there is no pysonar for it")
def test_pysonar_itself_fetches_java_and_analyser_and_sends_what_it_is_told(
    sonarqube: SonarQube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real one, in the environment that is kept with that of our own tests; only server and analyser are ours."""
    monkeypatch.undo()
    own = settings.load(str(ROOT / "tests" / "unit" / "pipeline.yml"), {}, ROOT)
    environment = scanner.install(own)
    told = {"sonar.projectKey": "a", "sonar.sources": ".", "sonar.tests": "tests"}
    environ = {"PATH": "/usr/bin:/bin", "SONAR_TOKEN": TOKEN, "SONAR_USER_HOME": str(tmp_path / "home")}
    project = settings.load(None, {}, tmp_path / "project")
    around = scanner.surroundings(environ, told, sonarqube.url)
    found = scanner.scan(project, environment, tmp_path / "project", tmp_path, around)
    sent = sonarqube.uploaded[0]

    assert ("AY", f"{sonarqube.url}/dashboard?id=a") == (found["ceTaskId"], found["dashboardUrl"])
    assert told == {name: sent[name] for name in told}
    assert (False, str(tmp_path / "project")) == (sent["sonar.qualitygate.wait"], sent["sonar.projectBaseDir"])
    assert ["/api/v2/analysis/version", "/api/v2/analysis/jres"] == [
        path.partition("?")[0] for path, _ in sonarqube.asked[:2]
    ]
    assert TOKEN not in (tmp_path / scanner.LOG).read_text()
