from __future__ import annotations

from tests.checks import files
from tests.checks.running import ROOT


def test_scripts_are_known_by_name_or_first_line() -> None:
    scripts = {str(path.relative_to(ROOT)) for path in files.of_shell(files.known())}

    assert {"scripts/bootstrap.sh", "scripts/start_app.sh", ".ci/run"} == scripts


def test_every_file_of_ci_has_a_schema() -> None:
    there = files.of_yaml(files.known())
    by_schema = files.of_ci(there)

    assert {files.CIRCLECI, files.GITHUB, files.GITLAB} == set(by_schema)
    assert {path for path in there if ".circleci" in path.parts} == {
        path for each in by_schema.values() for path in each
    }
